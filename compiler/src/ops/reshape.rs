//! The same elements in another shape. Nothing is computed: the planner assigns the same address to both.

use super::{GradientContext, InLanes, LoweringContext, Operation, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// Interprets its input as another shape with as many elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reshape {
    /// The shape; `None` for a flat one.
    pub to: Option<Shape>,
}

impl Operation for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let to = self.to.unwrap_or(Shape::Flat(inputs[0].len()));
        if to.checked().is_some() && to.len() == inputs[0].len() {
            return Ok(to);
        }
        Err(ShapeError::new(format!("{to} holds another number of values than its input of {}", inputs[0]))
            .help(format!("the sizes must multiply to {}", inputs[0].len())))
    }

    fn keeps_axes(&self) -> bool {
        false
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn in_lanes(&self, _inputs: &[Shape], _output: Shape) -> Option<InLanes> {
        Some(InLanes::ALIKE)
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        vec![at.copy(at.y_shape().len(), at.x(0), at.y())]
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        vec![at.copy(at.y_shape().len(), at.dy(), at.dx(0))]
    }
}
