//! The reduction of the losses of an image's outputs.

use crate::scalar::Precision;

/// How the losses of an image's outputs, or of its positions if it is labelled pixel by pixel, are reduced to one loss. The loss of a batch is
/// the mean over its images in both cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// The mean, as in PyTorch and Keras: a learning rate then suits networks with any number of outputs.
    #[default]
    Mean,
    /// The sum. The gradient is larger by the number of outputs or positions.
    Sum,
}

impl Reduction {
    /// Returns the weight of each of `parts` losses.
    pub(super) fn share(self, parts: usize) -> f64 {
        match self {
            Self::Mean => 1.0 / parts.max(1) as f64,
            Self::Sum => 1.0,
        }
    }
}

/// Reduces `one(value, target)`, which returns a loss and its derivative, over the outputs of each image, and sums over the images. `at`
/// returns the element of a target for an output. If `gradient` is given, the derivatives times the scale are written to it.
pub(super) fn reduce<T: Precision, Y>(
    reduction: Reduction,
    values: &[T],
    targets: &[Y],
    gradient: Option<(&mut [T], T)>,
    at: impl Fn(&Y, usize) -> f64,
    one: impl Fn(f64, f64) -> (f64, f64),
) -> f64 {
    let outputs = (values.len() / targets.len().max(1)).max(1);
    let share = reduction.share(outputs);
    let rows = values.chunks_exact(outputs).zip(targets);
    let mut loss = 0.0;
    match gradient {
        Some((gradient, scale)) => {
            let scale = scale * T::from_f64(share);
            for ((values, target), gradient) in rows.zip(gradient.chunks_exact_mut(outputs)) {
                for (index, (value, gradient)) in values.iter().zip(gradient).enumerate() {
                    let (value, derivative) = one(value.to_f64(), at(target, index));
                    *gradient = scale * T::from_f64(derivative);
                    loss += value;
                }
            }
        }
        None => rows.for_each(|(values, target)| {
            for (index, value) in values.iter().enumerate() {
                loss += one(value.to_f64(), at(target, index)).0;
            }
        }),
    }
    share * loss
}
