//! How the losses of the outputs of an image become one.

use crate::scalar::Precision;

/// What the losses of an image's outputs, or of its positions where it is labelled pixel by pixel, come to. The losses of a batch are
/// averaged over its images either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean, as in PyTorch and Keras: a learning rate then holds for networks of any number of outputs.
    #[default]
    Mean,
    /// Their sum. The gradient is as many times longer as there are outputs or positions.
    Sum,
}

impl Reduction {
    /// What each of `parts` losses counts.
    pub(super) fn share(self, parts: usize) -> f64 {
        match self {
            Self::Mean => 1.0 / parts.max(1) as f64,
            Self::Sum => 1.0,
        }
    }
}

/// Reduces `one(value, target)`, which returns a loss and its derivative, over the outputs of each image, and adds up the images. `at`
/// gives the number of a target for an output. Where there is room for a gradient, it becomes the derivatives times the scale.
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
