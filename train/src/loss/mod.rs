//! Losses ℓ(a, y): the function that training minimises, and the start of its gradient (forward equation (4), back-propagation (1)).
//!
//! The loss of an image is the mean over its outputs or pixels, as in PyTorch and Keras, or their sum with [`Reduction::Sum`].
//! Over the images of a batch every loss is a sum; callers divide by the batch through `scale`, so that a batch may be split into micro-batches.

/// Implements a loss that is fused with a head: the method that sums it up, the function that checks targets, and the type of targets.
macro_rules! fused_with_head {
    ($loss:ident, $head:ident, $(#[$doc:meta])* $sum:ident, $check:path, [$($generic:tt)*] $target:ty) => {
        $(#[$doc])*
        impl<$($generic)*> Loss<$head, $target> for $loss {
            const SEED: GradientSeed = GradientSeed::Logits;

            fn evaluate<T: Precision>(&self, values: &[T], targets: &[$target], scale: T, gradient: &mut [T]) -> f64 {
                self.$sum(values, targets, Some((gradient, scale)))
            }

            fn value<T: Precision>(&self, values: &[T], targets: &[$target]) -> f64 {
                self.$sum(values, targets, None)
            }

            fn check(&self, outputs: Shape, targets: &[$target], origin: &str) -> Result<(), Error> {
                $check(outputs, targets, origin)
            }
        }
    };
}

mod binary_cross_entropy;
mod cross_entropy;
mod distance;
mod reduction;

pub use binary_cross_entropy::BinaryCrossEntropy;
pub use cross_entropy::CrossEntropy;
pub use distance::{MeanAbsoluteError, SquaredError};
pub use reduction::Reduction;

use core::fmt::Debug;

use crate::Shape;
use crate::architecture::GradientSeed;
use crate::error::Error;
use crate::head::Head;
use crate::once::Number;
use crate::scalar::{Precision, Scalar};
use crate::train::label::{Label, Labels};

/// A loss for networks that end in `H`, with targets of type `Y`. Checkpoints store its `Debug` output, which must show all of its settings.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not fit a network that ends in `{H}` with targets of type `{Y}`",
    label = "this loss does not fit the end of the network, or its targets",
    note = "`CrossEntropy` needs a network that ends in `softmax N` or `logsoftmax N`, and labels (`usize`) or shares (`[f32; N]`); for each pixel `[u8; P]`, `Vec<u8>` or a `Tensor`",
    note = "`BinaryCrossEntropy` needs a network that ends in `sigmoid`, and `[f32; N]` or `[bool; N]`, or `bool`, `usize` or `f32` for one output",
    note = "`SquaredError` and `MeanAbsoluteError` fit any end, and need `[f32; N]` or a `Tensor`, or `f32` for one output",
    note = "`NoLoss` stands where none was chosen: `.loss(CrossEntropy)`"
)]
pub trait Loss<H: Head, Y>: Clone + Debug + Send + Sync {
    /// Selects the values that it reads and whose gradient it writes: the logits, if it is fused with the head.
    const SEED: GradientSeed;

    /// Writes `scale` times the gradient of the summed loss to `gradient` (batch x outputs, as `values`), and returns the
    /// sum of the losses of these images, not scaled. `values` are logits or answers, by [`Self::SEED`].
    fn evaluate<T: Precision>(&self, values: &[T], targets: &[Y], scale: T, gradient: &mut [T]) -> f64;

    /// Returns the sum of the losses of these images, without gradients.
    fn value<T: Precision>(&self, values: &[T], targets: &[Y]) -> f64;

    /// Checks that the loss is defined for every target and an output shape of `outputs`; call it once before training.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Label`] or [`Error::Target`] for the first invalid sample; `origin` names the set.
    fn check(&self, outputs: Shape, targets: &[Y], origin: &str) -> Result<(), Error>;
}

/// A target with a value for each output: a number for a single one, an array, or a tensor for networks whose outputs are images.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no number for each output of a network",
    note = "such targets are `f32` for a single output, `[f32; N]`, or a `Tensor`"
)]
pub trait Dense: Send + Sync {
    /// The number of elements in one softmax: all of an array, the channels of a pixel.
    const GROUP: usize;
    /// Returns an element by its index, row by row, channels innermost.
    fn at(&self, index: usize) -> f64;
    /// Returns the number of elements.
    fn len(&self) -> usize;
    /// Returns whether there are no elements.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

macro_rules! single {
    ($number:ty) => {
        impl Dense for $number {
            const GROUP: usize = 1;
            fn at(&self, _: usize) -> f64 {
                self.to_f64()
            }
            fn len(&self) -> usize {
                1
            }
        }
    };
}

single!(f32);
single!(f64);

impl<S: Number, const K: usize> Dense for [S; K] {
    const GROUP: usize = K;
    fn at(&self, index: usize) -> f64 {
        self[index].to_f64()
    }
    fn len(&self) -> usize {
        K
    }
}

impl<S: Number, const H: usize, const W: usize, const C: usize> Dense for crate::tensor::Tensor<H, W, C, S> {
    const GROUP: usize = C;
    fn at(&self, index: usize) -> f64 {
        self.as_slice()[index].to_f64()
    }
    fn len(&self) -> usize {
        Self::LEN
    }
}

/// Returns a label as shares, 1 for its class and 0 for the others: a target of [`struct@CrossEntropy`].
pub fn one_hot<const K: usize, T: Number>(label: usize) -> [T; K] {
    core::array::from_fn(|class| if class == label { T::ONE } else { T::ZERO })
}

/// Checks that every target has as many elements as the network has outputs, and that all of them satisfy `valid`.
fn check_dense<Y: Dense>(
    outputs: Shape,
    targets: &[Y],
    origin: &str,
    expected: &'static str,
    valid: impl Fn(f64) -> bool,
) -> Result<(), Error> {
    for (sample, target) in targets.iter().enumerate() {
        if target.len() != outputs.len() {
            return Err(Error::Length { what: "one target", expected: outputs.len(), found: target.len() });
        }
        if let Some(found) = (0..target.len()).map(|index| target.at(index)).find(|&value| !valid(value)) {
            return Err(Error::Target { origin: origin.to_owned(), sample, expected, found });
        }
    }
    Ok(())
}

/// Checks that every target has a label for each of `positions`, and that each is less than `classes`.
fn check_labels<Y: Labels>(positions: usize, classes: usize, targets: &[Y], origin: &str) -> Result<(), Error> {
    for (sample, target) in targets.iter().enumerate() {
        let labels = target.each();
        if labels.len() != positions {
            let what = "the labels of one target, one for each position of the answer";
            return Err(Error::Length { what, expected: positions, found: labels.len() });
        }
        if let Some(label) = labels.iter().map(|label| label.largest()).find(|&label| label >= classes) {
            return Err(Error::Label { origin: origin.to_owned(), sample, label, classes });
        }
    }
    Ok(())
}
