//! The parametric rectifier (slide 11): the slope below 0 is trained.

use super::{GradientSite, Misfit, Operation, Role, Site, TensorSpec};
use crate::kernel_call::{Data, KernelCall, Operand, Spec};
use crate::shape::Shape;

/// z, or slope · z below 0, with one slope for each channel or one for all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prelu {
    /// Whether all channels share one slope.
    pub shared: bool,
    /// What the slopes start at.
    pub start: f64,
}

impl Prelu {
    fn slopes(&self, input: Shape) -> usize {
        if self.shared { 1 } else { input.channels() }
    }
    fn spec(&self, input: Shape) -> Spec {
        Spec::new("prelu").size("len", input.len()).size("slopes", self.slopes(input))
    }
}

impl Operation for Prelu {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        vec![TensorSpec::vector("slope", Role::Scale, self.slopes(inputs[0]), self.start)]
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        let operands = vec![Operand::read(at.x(0)), Operand::read(at.tensor("slope")), Operand::write(at.y())];
        vec![at.call("prelu_forward", self.spec(at.x_shape(0)), operands)]
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        let operands = vec![
            Operand::read(Data::Pass),
            Operand::read(at.x(0)),
            Operand::read(at.tensor("slope")),
            Operand::update(at.dx(0)),
            Operand::update(at.gradient("slope")),
        ];
        vec![at.copy(at.y_shape().len(), at.dy(), at.dx(0)), at.call("prelu_grad", self.spec(at.x_shape(0)), operands)]
    }
}
