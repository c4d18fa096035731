//! A value times a constant: the scaled residuals of Inception-ResNet (Szegedy et al., 2016).

use netwright_abi::kernels::{self, InPlace, ScaleFold};
use netwright_abi::spec::scale::Spec;

use super::{EpiloguePart, Foldable, GradientContext, InLanes, LoweringContext, Operation, ShapeError};
use crate::kernel_call::{Data, KernelCall};
use crate::shape::Shape;

/// Multiplies each element by a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The constant.
    pub factor: f64,
}

impl Scale {
    fn spec(&self, len: usize) -> Spec {
        Spec { factor: self.factor, len }
    }

    fn apply(&self, at: &LoweringContext<'_>, values: Data) -> KernelCall {
        at.call(kernels::scale, &self.spec(at.y_shape().len()), InPlace { source: Data::Absent, values })
    }

    /// The call that computes its scale and shift, for a layer with this output shape.
    pub(super) fn fold(&self, at: &LoweringContext<'_>, behind: Shape) -> KernelCall {
        let operands = ScaleFold { bias: at.tensor("bias"), scale: at.y(), shift: at.saved(0) };
        at.call(kernels::scale_fold, &self.spec(behind.len()), operands)
    }
}

impl Operation for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(inputs[0])
    }

    fn passes_sign(&self) -> bool {
        self.factor > 0.0
    }

    fn in_lanes(&self, _inputs: &[Shape], _output: Shape) -> Option<InLanes> {
        Some(InLanes::ALIKE)
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        vec![at.copy(at.y_shape().len(), at.x(0), at.y()), self.apply(at, at.y())]
    }

    fn as_epilogue(&self) -> Option<EpiloguePart> {
        Some(EpiloguePart::Affine(Foldable::Scale(*self)))
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        vec![at.copy(at.y_shape().len(), at.dy(), at.dx(0)), self.apply(at, at.dx(0))]
    }
}
