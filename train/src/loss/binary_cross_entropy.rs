//! Sigmoid and binary cross-entropy, fused.

use super::reduction::reduce;
use super::{Dense, Loss, Reduction, check_dense, check_labels};
use crate::Shape;
use crate::architecture::GradientSeed;
use crate::error::Error;
use crate::head::Sigmoid;
use crate::once::Number;
use crate::scalar::Precision;
use crate::train::MixedLabel;
use crate::train::label::{Label, Labels, each_label_map};

/// The cross-entropy of each output of a sigmoid: ℓ = −(y ln a + (1 − y) ln(1 − a)) with a = σ(z), fused with the sigmoid so that
/// ∂ℓ/∂z = a − y (slide 7), which does not saturate. Stable for logits of any size. The loss of an image is the mean over its outputs, or their
/// sum: see [`Reduction`].
///
/// Targets are `[f32; K]` between 0 and 1, or 0 and 1 for each output (`[bool; K]` or `Vec<bool>`, also of `u8`, `u16` and `usize`); for
/// one output also `f32`, `bool`, or 0 and 1 as `usize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BinaryCrossEntropy {
    reduction: Reduction,
}

/// A constant with the name of its type, equal to [`BinaryCrossEntropy::new`]: `.loss(BinaryCrossEntropy)`.
#[allow(non_upper_case_globals)]
pub const BinaryCrossEntropy: BinaryCrossEntropy = BinaryCrossEntropy::new();

/// Returns the loss at logit z, and a − y. The term ln(1 + e⁻ᶻ) is computed so that it cannot overflow.
fn at(z: f64, y: f64) -> (f64, f64) {
    let e = libm::exp(-z.abs());
    let answer = if z >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
    // `f64::max` would drop a NaN.
    let positive = if z < 0.0 { 0.0 } else { z };
    // 1 − a is computed directly where a rounds to 1.
    let error = if z >= 0.0 && y == 1.0 { -e / (1.0 + e) } else { answer - y };
    (positive - z * y + libm::log1p(e), error)
}

impl BinaryCrossEntropy {
    /// Creates the loss, averaged over the outputs of an image.
    pub const fn new() -> Self {
        Self { reduction: Reduction::Mean }
    }

    /// Sets how the losses of an image's outputs are reduced.
    ///
    /// ```
    /// use netwright_train::loss::{BinaryCrossEntropy, Reduction};
    /// let loss = BinaryCrossEntropy.reduction(Reduction::Sum);
    /// ```
    pub const fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction }
    }

    fn labels<T: Precision, Y: Labels>(&self, values: &[T], targets: &[Y], gradient: Option<(&mut [T], T)>) -> f64 {
        reduce(self.reduction, values, targets, gradient, |target, index| target.each()[index].share(1), at)
    }

    fn shares<T: Precision, Y: Dense>(&self, values: &[T], targets: &[Y], gradient: Option<(&mut [T], T)>) -> f64 {
        reduce(self.reduction, values, targets, gradient, Y::at, at)
    }
}

macro_rules! binary_cross_entropy {
    ($($row:tt)*) => {
        fused_with_head!(BinaryCrossEntropy, Sigmoid, $($row)*);
    };
}

binary_cross_entropy!(
    /// For one output.
    shares, check_shares, [] f32
);
binary_cross_entropy!(
    /// For one output.
    shares, check_shares, [] f64
);
binary_cross_entropy!(
    /// A value for each output.
    shares, check_shares, [S: Number, const K: usize] [S; K]
);
binary_cross_entropy!(
    /// A value for each output at each position.
    shares, check_shares, [S: Number, const H: usize, const W: usize, const C: usize] crate::tensor::Tensor<H, W, C, S>
);
binary_cross_entropy!(
    /// For one output.
    labels, check_single, [] bool
);
binary_cross_entropy!(
    /// 0 or 1, for one output.
    labels, check_single, [] usize
);
binary_cross_entropy!(
    /// The classes 0 and 1 with their shares, for one output, as mixup blends labels.
    labels, check_single, [] MixedLabel
);
binary_cross_entropy!(
    /// The classes 0 and 1 with their shares, for each of `P` outputs.
    labels, check_each, [const P: usize] [MixedLabel; P]
);
binary_cross_entropy!(
    /// The classes 0 and 1 with their shares, for each output.
    labels, check_each, [] Vec<MixedLabel>
);

macro_rules! label_map {
    ([$($generic:tt)*] $target:ty) => {
        binary_cross_entropy!(
            /// 0 or 1 for each output, as for the pixels of a segmentation, or several labels of one image.
            labels, check_each, [$($generic)*] $target
        );
    };
}
each_label_map!(label_map);

fn check_shares<Y: Dense>(outputs: Shape, targets: &[Y], origin: &str) -> Result<(), Error> {
    check_dense(outputs, targets, origin, "between 0 and 1", |target| (0.0..=1.0).contains(&target))
}

fn check_single<Y: Labels>(outputs: Shape, targets: &[Y], origin: &str) -> Result<(), Error> {
    let what = "a label, which is the target of a single output (`[f32; N]` is one of several)";
    let expected = outputs.len();
    if expected == 1 { check_each(outputs, targets, origin) } else { Err(Error::Length { what, expected, found: 1 }) }
}

fn check_each<Y: Labels>(outputs: Shape, targets: &[Y], origin: &str) -> Result<(), Error> {
    check_labels(outputs.len(), 2, targets, origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_for_several_outputs_is_an_error_with_a_suggestion() {
        let refused =
            |outputs| Loss::<Sigmoid, usize>::check(&BinaryCrossEntropy, Shape::Flat(outputs), &[1], "the set");
        assert!(refused(1).is_ok());
        let error = refused(3).unwrap_err().to_string();
        assert!(
            error.contains("of a single output (`[f32; N]` is one of several)") && error.contains("3 were"),
            "{error}"
        );
    }
}
