//! Local response normalisation (Krizhevsky et al., 2012): y = x / (k + α Σ x²)^β, summed over neighbouring channels.

use super::{GradientSite, Misfit, Operation, Site};
use crate::kernel_call::{KernelCall, Operand, Spec};
use crate::shape::Shape;

/// Divides each number by what it and its neighbours among the channels amount to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lrn {
    /// How many neighbouring channels, itself included.
    pub size: usize,
    /// α, of the whole sum.
    pub alpha: f64,
    /// β
    pub beta: f64,
    /// k
    pub k: f64,
}

impl Lrn {
    fn spec(&self, shape: Shape) -> Spec {
        let spec = Spec::new("lrn").size("rows", shape.positions()).size("channels", shape.channels());
        spec.size("size", self.size).real("alpha", self.alpha).real("beta", self.beta).real("k", self.k)
    }
}

impl Operation for Lrn {
    fn name(&self) -> &'static str {
        "lrn"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        let operands = vec![Operand::read(at.x(0)), Operand::write(at.y())];
        vec![at.call("lrn_forward", self.spec(at.x_shape(0)), operands)]
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        let operands = vec![Operand::read(at.x(0)), Operand::read(at.dy()), Operand::write(at.dx(0))];
        vec![at.call("lrn_grad", self.spec(at.x_shape(0)), operands)]
    }
}
