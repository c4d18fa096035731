//! Softmax over the last axis: class probabilities, or their logarithms.

use netwright_abi::kernels::{self, GradFromOutput, InPlace};
use netwright_abi::spec::softmax::Spec;

use super::{GradientContext, LoweringContext, Operation, ShapeError};
use crate::graph::Head;
use crate::kernel_call::{Data, KernelCall};
use crate::shape::Shape;

/// Converts each row of the last axis into probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softmax;

/// Converts each row of the last axis into log-probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSoftmax;

fn spec(shape: Shape) -> Spec {
    Spec { rows: shape.positions(), classes: shape.channels() }
}

/// Rejects a row of one class; `why` describes its constant result.
fn of_classes(shape: Shape, why: &str) -> Result<Shape, ShapeError> {
    if shape.channels() > 1 {
        return Ok(shape);
    }
    let instead = match shape {
        Shape::Flat(_) => "`dense 1 sigmoid`, for two classes `softmax 2`",
        _ => "`sigmoid` in its place, for two classes two channels",
    };
    Err(ShapeError::new(why).help(format!("for a yes or no write {instead}")))
}

impl Operation for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        of_classes(inputs[0], "a softmax over a single value is always 1, whatever the value")
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        vec![
            at.copy(at.y_shape().len(), at.x(0), at.y()),
            at.call(kernels::softmax_forward, &spec(at.y_shape()), InPlace { source: Data::Absent, values: at.y() }),
        ]
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        vec![
            at.copy(at.y_shape().len(), at.dy(), at.dx(0)),
            at.call(
                kernels::softmax_grad,
                &spec(at.y_shape()),
                GradFromOutput { y: at.y(), source: Data::Absent, dy: at.dx(0) },
            ),
        ]
    }

    fn head(&self) -> Head {
        Head::Softmax
    }
}

impl Operation for LogSoftmax {
    fn name(&self) -> &'static str {
        "logsoftmax"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        of_classes(inputs[0], "the logarithm of a softmax over a single value is always 0, whatever the value")
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        vec![
            at.copy(at.y_shape().len(), at.x(0), at.y()),
            at.call(kernels::logsoftmax_forward, &spec(at.y_shape()), InPlace { source: Data::Absent, values: at.y() }),
        ]
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        vec![
            at.copy(at.y_shape().len(), at.dy(), at.dx(0)),
            at.call(
                kernels::logsoftmax_grad,
                &spec(at.y_shape()),
                GradFromOutput { y: at.y(), source: Data::Absent, dy: at.dx(0) },
            ),
        ]
    }

    fn head(&self) -> Head {
        Head::LogSoftmax
    }
}
