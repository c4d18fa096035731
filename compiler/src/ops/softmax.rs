//! Softmax over the last axis: probabilities of classes.

use super::{GradientSite, Misfit, Operation, Site};
use crate::graph::Head;
use crate::kernel_call::{KernelCall, Operand, Spec};
use crate::shape::Shape;

/// Turns each row of the last axis into probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softmax;

fn spec(shape: Shape) -> Spec {
    Spec::new("softmax").size("rows", shape.positions()).size("classes", shape.channels())
}

impl Operation for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        vec![
            at.copy(at.y_shape().len(), at.x(0), at.y()),
            at.call("softmax_forward", spec(at.y_shape()), vec![Operand::update(at.y())]),
        ]
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        vec![
            at.copy(at.y_shape().len(), at.dy(), at.dx(0)),
            at.call("softmax_grad", spec(at.y_shape()), vec![Operand::read(at.y()), Operand::update(at.dx(0))]),
        ]
    }

    fn head(&self) -> Head {
        Head::Softmax
    }
}
