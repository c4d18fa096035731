//! Losses that compare the answer itself, whatever the network ends in.

use super::{Dense, Loss, check_dense};
use crate::architecture::GradientSeed;
use crate::error::Error;
use crate::head::Head;
use crate::scalar::Scalar;

/// ℓ = Σ (a − y)² over the outputs of an image (slide 6); its gradient 2 (a − y) goes back through the last activation, whose
/// flat parts stop it. Divided by the images of a batch through `scale`; divide by the outputs as well for the mean over all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SquaredError;

/// ℓ = Σ |a − y| / K over the K outputs of an image. Its gradient is 0 where a = y.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanAbsoluteError;

/// Adds up `one(a − y)`, which returns a loss and its derivative, over all outputs of all images.
fn sum<T: Scalar, Y: Dense>(
    values: &[T],
    targets: &[Y],
    gradient: Option<(&mut [T], T)>,
    one: impl Fn(f64) -> (f64, f64),
) -> f64 {
    let errors = values
        .iter()
        .zip(targets.iter().flat_map(|target| (0..target.len()).map(|index| target.at(index))))
        .map(|(value, target)| one(value.to_f64() - target));
    let mut loss = 0.0;
    match gradient {
        Some((gradient, scale)) => {
            for (gradient, (value, derivative)) in gradient.iter_mut().zip(errors) {
                *gradient = scale * T::from_f64(derivative);
                loss += value;
            }
        }
        None => errors.for_each(|(value, _)| loss += value),
    }
    loss
}

fn squared(error: f64) -> (f64, f64) {
    (error * error, 2.0 * error)
}

/// |e| / K and its derivative.
fn absolute(outputs: usize) -> impl Fn(f64) -> (f64, f64) {
    let share = 1.0 / outputs as f64;
    move |error| {
        let sign = if error > 0.0 {
            1.0
        } else if error < 0.0 {
            -1.0
        } else {
            // 0 or NaN.
            error
        };
        (error.abs() * share, sign * share)
    }
}

impl<H: Head, Y: Dense> Loss<H, Y> for SquaredError {
    const SEED: GradientSeed = GradientSeed::Output;

    fn evaluate<T: Scalar>(&self, values: &[T], targets: &[Y], scale: T, gradient: &mut [T]) -> f64 {
        sum(values, targets, Some((gradient, scale)), squared)
    }

    fn value<T: Scalar>(&self, values: &[T], targets: &[Y]) -> f64 {
        sum(values, targets, None, squared)
    }

    fn check(&self, outputs: usize, targets: &[Y], origin: &str) -> Result<(), Error> {
        check_dense(outputs, targets, origin, "a finite number", f64::is_finite)
    }
}

impl<H: Head, Y: Dense> Loss<H, Y> for MeanAbsoluteError {
    const SEED: GradientSeed = GradientSeed::Output;

    fn evaluate<T: Scalar>(&self, values: &[T], targets: &[Y], scale: T, gradient: &mut [T]) -> f64 {
        let outputs = targets.first().map_or(1, Dense::len);
        sum(values, targets, Some((gradient, scale)), absolute(outputs))
    }

    fn value<T: Scalar>(&self, values: &[T], targets: &[Y]) -> f64 {
        sum(values, targets, None, absolute(targets.first().map_or(1, Dense::len)))
    }

    fn check(&self, outputs: usize, targets: &[Y], origin: &str) -> Result<(), Error> {
        check_dense(outputs, targets, origin, "a finite number", f64::is_finite)
    }
}
