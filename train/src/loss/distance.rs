//! Losses on the answer itself, whatever the last layer of the network.

use super::reduction::reduce;
use super::{Dense, Loss, Reduction, check_dense};
use crate::Shape;
use crate::architecture::GradientSeed;
use crate::error::Error;
use crate::head::Head;
use crate::scalar::Precision;

/// ℓ = Σ (a − y)² / K over the K outputs of an image (slide 6 uses the sum: [`Reduction::Sum`]). Its gradient 2 (a − y) / K propagates
/// through the last activation, and vanishes where that saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SquaredError {
    reduction: Reduction,
}

/// ℓ = Σ |a − y| / K over the K outputs of an image. Its gradient is 0 where a = y.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanAbsoluteError {
    reduction: Reduction,
}

/// A constant with the name of its type, equal to [`SquaredError::new`]: `.loss(SquaredError)`.
#[allow(non_upper_case_globals)]
pub const SquaredError: SquaredError = SquaredError::new();

/// A constant with the name of its type, equal to [`MeanAbsoluteError::new`]: `.loss(MeanAbsoluteError)`.
#[allow(non_upper_case_globals)]
pub const MeanAbsoluteError: MeanAbsoluteError = MeanAbsoluteError::new();

fn squared(answer: f64, target: f64) -> (f64, f64) {
    let error = answer - target;
    (error * error, 2.0 * error)
}

fn absolute(answer: f64, target: f64) -> (f64, f64) {
    let error = answer - target;
    let sign = if error > 0.0 {
        1.0
    } else if error < 0.0 {
        -1.0
    } else {
        // 0 or NaN.
        error
    };
    (error.abs(), sign)
}

macro_rules! distance {
    ($loss:ident, $one:ident) => {
        impl $loss {
            /// Creates the loss, averaged over the outputs of an image.
            pub const fn new() -> Self {
                Self { reduction: Reduction::Mean }
            }

            /// Sets how the losses of an image's outputs are reduced.
            ///
            /// ```
            #[doc = concat!("use netwright_train::loss::{Reduction, ", stringify!($loss), "};")]
            #[doc = concat!("let loss = ", stringify!($loss), ".reduction(Reduction::Sum);")]
            /// ```
            pub const fn reduction(self, reduction: Reduction) -> Self {
                Self { reduction }
            }
        }

        impl<H: Head, Y: Dense> Loss<H, Y> for $loss {
            const SEED: GradientSeed = GradientSeed::Output;

            fn evaluate<T: Precision>(&self, values: &[T], targets: &[Y], scale: T, gradient: &mut [T]) -> f64 {
                reduce(self.reduction, values, targets, Some((gradient, scale)), Y::at, $one)
            }

            fn value<T: Precision>(&self, values: &[T], targets: &[Y]) -> f64 {
                reduce(self.reduction, values, targets, None, Y::at, $one)
            }

            fn check(&self, outputs: Shape, targets: &[Y], origin: &str) -> Result<(), Error> {
                check_dense(outputs, targets, origin, "a finite number", f64::is_finite)
            }
        }
    };
}

distance!(SquaredError, squared);
distance!(MeanAbsoluteError, absolute);
