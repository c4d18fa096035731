//! The sum of values of equal shape, as in residual networks (He et al., 2015).

use netwright_abi::kernels::{self, Accumulate};
use netwright_abi::spec::add::Spec;

use super::{EpiloguePart, GradientContext, InLanes, LoweringContext, Operation, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// Adds two or more inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Add;

impl Operation for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let first = inputs[0];
        match inputs.iter().find(|other| **other != first) {
            None => Ok(first),
            Some(other) => Err(ShapeError::new(format!("{first} and {other} cannot be added: they differ in shape"))),
        }
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn in_lanes(&self, _inputs: &[Shape], _output: Shape) -> Option<InLanes> {
        Some(InLanes::ALIKE)
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let len = at.y_shape().len();
        let last = at.node.inputs.len() - 1;
        let others = (1..=last).map(|index| {
            let activation = if index == last { at.activation() } else { None };
            let operands = Accumulate { x: at.x(index), y: at.y() };
            let call = at.call(kernels::add_assign, &Spec { len, activation }, operands);
            if index == last { at.with_epilogue(call) } else { call }
        });
        std::iter::once(at.copy(len, at.x(0), at.y())).chain(others).collect()
    }

    fn takes_epilogue(&self, part: EpiloguePart) -> bool {
        matches!(part, EpiloguePart::Activation(_))
    }

    fn as_epilogue(&self) -> Option<EpiloguePart> {
        Some(EpiloguePart::Sum)
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        (0..at.node.inputs.len()).map(|index| at.copy(at.y_shape().len(), at.dy(), at.dx(index))).collect()
    }
}
