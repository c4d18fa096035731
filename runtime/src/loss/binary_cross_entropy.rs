//! Sigmoid and binary cross-entropy in one.

use super::{Dense, Loss, check_dense, check_mixed};
use crate::architecture::GradientSeed;
use crate::error::Error;
use crate::head::Sigmoid;
use crate::scalar::Scalar;
use crate::train::MixedLabel;

/// The cross-entropy of each output of a sigmoid, summed: ℓ = −(y ln a + (1 − y) ln(1 − a)) with a = σ(z), fused with the
/// sigmoid so that ∂ℓ/∂z = a − y (slide 7): no saturation. Safe for logits of any size.
///
/// Targets are `[f32; K]` between 0 and 1; for one output also `f32`, `bool`, or 0 and 1 as `usize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BinaryCrossEntropy;

/// The loss at logit z and a − y. ln(1 + e⁻ᶻ) is taken where it cannot overflow.
fn at(z: f64, y: f64) -> (f64, f64) {
    let e = (-z.abs()).exp();
    let answer = if z >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
    // `f64::max` would lose a NaN.
    let positive = if z < 0.0 { 0.0 } else { z };
    // 1 − a directly, where a rounds to 1.
    let error = if z >= 0.0 && y == 1.0 { -e / (1.0 + e) } else { answer - y };
    (positive - z * y + e.ln_1p(), error)
}

fn sum<T: Scalar>(values: &[T], targets: impl Iterator<Item = f64>, scale: T, gradient: Option<&mut [T]>) -> f64 {
    let mut loss = 0.0;
    match gradient {
        Some(gradient) => {
            for ((gradient, value), target) in gradient.iter_mut().zip(values).zip(targets) {
                let (one, error) = at(value.to_f64(), target);
                *gradient = scale * T::from_f64(error);
                loss += one;
            }
        }
        None => {
            for (value, target) in values.iter().zip(targets) {
                loss += at(value.to_f64(), target).0;
            }
        }
    }
    loss
}

macro_rules! binary_cross_entropy {
    ($(#[$doc:meta])* [$($generic:tt)*] $target:ty, $numbers:expr, $check:expr) => {
        $(#[$doc])*
        impl<$($generic)*> Loss<Sigmoid, $target> for BinaryCrossEntropy {
            const SEED: GradientSeed = GradientSeed::Logits;

            fn evaluate<T: Scalar>(&self, values: &[T], targets: &[$target], scale: T, gradient: &mut [T]) -> f64 {
                sum(values, targets.iter().flat_map($numbers), scale, Some(gradient))
            }

            fn value<T: Scalar>(&self, values: &[T], targets: &[$target]) -> f64 {
                sum(values, targets.iter().flat_map($numbers), T::ONE, None)
            }

            fn check(&self, outputs: usize, targets: &[$target], origin: &str) -> Result<(), Error> {
                $check(outputs, targets, origin)
            }
        }
    };
}

fn numbers<Y: Dense>(target: &Y) -> impl Iterator<Item = f64> + '_ {
    (0..target.len()).map(|index| target.at(index))
}

fn check_shares<Y: Dense>(outputs: usize, targets: &[Y], origin: &str) -> Result<(), Error> {
    check_dense(outputs, targets, origin, "between 0 and 1", |target| (0.0..=1.0).contains(&target))
}

fn check_single(outputs: usize) -> Result<(), Error> {
    let what = "a label, which is the target of a single output (`[f32; N]` is one of several)";
    if outputs == 1 { Ok(()) } else { Err(Error::Length { what, expected: outputs, found: 1 }) }
}

binary_cross_entropy!(
    /// For one output.
    [] f32, numbers, check_shares
);
binary_cross_entropy!(
    /// For one output.
    [] f64, numbers, check_shares
);
binary_cross_entropy!(
    /// A number for each output.
    [S: Scalar, const K: usize] [S; K], numbers, check_shares
);
binary_cross_entropy!(
    /// A number for each output at each position.
    [S: Scalar, const H: usize, const W: usize, const C: usize] crate::tensor::Tensor<H, W, C, S>, numbers, check_shares
);
binary_cross_entropy!(
    /// For one output.
    [] bool, |&target: &bool| [f64::from(u8::from(target))], |outputs, _: &[bool], _: &str| check_single(outputs)
);
binary_cross_entropy!(
    /// Two of 0 and 1 with their shares, for one output, as mixup makes them of labels.
    [] MixedLabel, |target: &MixedLabel| [target.share_of(1)], |outputs, targets: &[MixedLabel], origin: &str| {
        check_single(outputs)?;
        check_mixed(2, targets.iter().map(core::slice::from_ref), origin)
    }
);
binary_cross_entropy!(
    /// 0 or 1, for one output.
    [] usize, |&target: &usize| [target as f64], |outputs, targets: &[usize], origin: &str| {
        check_single(outputs)?;
        match targets.iter().position(|&label| label > 1) {
            None => Ok(()),
            Some(sample) => {
                Err(Error::Label { origin: origin.to_owned(), sample, label: targets[sample], classes: 2 })
            }
        }
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_for_several_outputs_is_told_what_would_do() {
        let refused = |outputs| Loss::<Sigmoid, usize>::check(&BinaryCrossEntropy, outputs, &[1], "the set");
        assert!(refused(1).is_ok());
        let error = refused(3).unwrap_err().to_string();
        assert!(
            error.contains("of a single output (`[f32; N]` is one of several)") && error.contains("3 were"),
            "{error}"
        );
    }
}
