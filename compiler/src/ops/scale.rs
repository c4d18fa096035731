//! A value times a constant: the scaled residuals of Inception-ResNet (Szegedy et al., 2016).

use super::{GradientSite, Misfit, Operation, Site};
use crate::kernel_call::{Data, KernelCall, Operand, Spec};
use crate::shape::Shape;

/// Multiplies each number by a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The constant.
    pub factor: f64,
}

impl Scale {
    fn apply(&self, at: &Site<'_>, values: Data) -> KernelCall {
        let spec = Spec::new("scale").real("factor", self.factor).size("len", at.y_shape().len());
        at.call("scale", spec, vec![Operand::update(values)])
    }
}

impl Operation for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn passes_sign(&self) -> bool {
        self.factor > 0.0
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        vec![at.copy(at.y_shape().len(), at.x(0), at.y()), self.apply(at, at.y())]
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        vec![at.copy(at.y_shape().len(), at.dy(), at.dx(0)), self.apply(at, at.dx(0))]
    }
}
