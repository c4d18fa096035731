//! The sum of values of one shape: what a residual network is made of (He et al., 2015).

use super::{GradientSite, Misfit, Operation, Site};
use crate::kernel_call::{KernelCall, Operand, Spec};
use crate::shape::Shape;

/// Adds its inputs, of which there are two or more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Add;

impl Operation for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let first = inputs[0];
        match inputs.iter().find(|other| **other != first) {
            None => Ok(first),
            Some(other) => Err(Misfit::new(format!("{first} and {other} cannot be added: they differ in shape"))),
        }
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        let len = at.y_shape().len();
        let others = (1..at.node.inputs.len()).map(|index| {
            let spec = Spec::new("copy").size("len", len);
            at.call("add_assign", spec, vec![Operand::read(at.x(index)), Operand::update(at.y())])
        });
        std::iter::once(at.copy(len, at.x(0), at.y())).chain(others).collect()
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        (0..at.node.inputs.len()).map(|index| at.copy(at.y_shape().len(), at.dy(), at.dx(index))).collect()
    }
}
