//! Softmax over the last axis: probabilities of classes.

use netwright_abi::kernels::{self, GradFromOutput, InPlace};
use netwright_abi::spec::softmax::Spec;

use super::{GradientContext, LoweringContext, Operation, ShapeError};
use crate::graph::Head;
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// Turns each row of the last axis into probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softmax;

fn spec(shape: Shape) -> Spec {
    Spec { rows: shape.positions(), classes: shape.channels() }
}

impl Operation for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        if inputs[0].channels() > 1 {
            return Ok(inputs[0]);
        }
        let instead = match inputs[0] {
            Shape::Flat(_) => "`dense 1 sigmoid`, for two classes `softmax 2`",
            _ => "`sigmoid` in its place, for two classes two channels",
        };
        Err(ShapeError::new("a softmax over a single value is always 1, whatever the value")
            .help(format!("for a yes or no write {instead}")))
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        vec![
            at.copy(at.y_shape().len(), at.x(0), at.y()),
            at.call(kernels::softmax_forward, &spec(at.y_shape()), InPlace { values: at.y() }),
        ]
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        vec![
            at.copy(at.y_shape().len(), at.dy(), at.dx(0)),
            at.call(kernels::softmax_grad, &spec(at.y_shape()), GradFromOutput { y: at.y(), dy: at.dx(0) }),
        ]
    }

    fn head(&self) -> Head {
        Head::Softmax
    }
}
