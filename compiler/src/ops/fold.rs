//! A frozen normalisation or a constant factor as a scale and a shift for each channel of the layer before it. The layer's kernel
//! applies them to elements that are still in registers.

use super::{BatchNorm, GradientContext, LoweringContext, Operation, Scale, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// An operation that can become a scale and a shift in predictions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Foldable {
    /// γ/√(σ² + ε) and β + (b − μ) · scale, with the layer's bias b.
    BatchNorm(BatchNorm),
    /// The factor, and the factor times the layer's bias.
    Scale(Scale),
}

/// Computes the scale, which is its output, and the shift, which is its saved value. It has no inputs: both depend only on weights and
/// statistics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fold {
    /// The folded operation.
    pub of: Foldable,
    /// The shape of the preceding layer's output.
    pub behind: Shape,
}

impl Operation for Fold {
    fn name(&self) -> &'static str {
        "fold"
    }

    fn infer(&self, _inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(Shape::Flat(self.behind.channels()))
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let call = match self.of {
            Foldable::BatchNorm(batchnorm) => batchnorm.fold(at, self.behind),
            Foldable::Scale(scale) => scale.fold(at, self.behind),
        };
        vec![KernelCall { why: "once for all predictions, for the layer whose epilogue it is".into(), ..call }]
    }

    fn gradient(&self, _at: &GradientContext<'_>) -> Vec<KernelCall> {
        unreachable!("training folds nothing")
    }
}
