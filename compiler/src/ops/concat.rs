//! Concatenation along the channels: the filter bank of an Inception module (Szegedy et al., 2014).

use netwright_abi::kernels::{self, PartRead, PartWrite};
use netwright_abi::spec::concat::Spec;

use super::{GradientContext, LoweringContext, Operation, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// Concatenates the channels of two or more inputs in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concat;

/// For each input, its range in the output.
fn parts(at: &LoweringContext<'_>) -> Vec<Spec> {
    let (rows, whole) = (at.y_shape().positions(), at.y_shape().channels());
    let mut offset = 0;
    (0..at.node.inputs.len())
        .map(|index| {
            let part = at.x_shape(index).channels();
            let spec = Spec { rows, part, whole, offset };
            offset += part;
            spec
        })
        .collect()
}

impl Operation for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let channels = inputs.iter().try_fold(0_usize, |sum, input| sum.checked_add(input.channels()));
        let channels = channels.ok_or_else(|| ShapeError::new("the channels together are too many to count"))?;
        let with = |channels| match inputs[0] {
            Shape::Image { height, width, .. } => Shape::Image { height, width, channels },
            Shape::Series { length, .. } => Shape::Series { length, channels },
            Shape::Flat(_) => Shape::Flat(channels),
        };
        let first = inputs[0];
        let fits = |other: &Shape| match (first, *other) {
            (Shape::Image { height, width, .. }, Shape::Image { height: tall, width: wide, .. }) => {
                [height, width] == [tall, wide]
            }
            (Shape::Flat(_), Shape::Flat(_)) => true,
            _ => false,
        };
        match inputs.iter().find(|other| !fits(other)) {
            None => Ok(with(channels)),
            Some(other) => Err(ShapeError::new(format!(
                "{first} and {other} cannot lie side by side: only their channels may differ"
            ))),
        }
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let part = |(index, spec): (usize, Spec)| {
            let call = at.call(kernels::concat_write, &spec, PartWrite { part: at.x(index), whole: at.y() });
            if index == 0 { call } else { call.accumulating() }
        };
        parts(at).into_iter().enumerate().map(part).collect()
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let part = |(index, spec): (usize, Spec)| {
            at.call(kernels::concat_read, &spec, PartRead { whole: at.dy(), part: at.dx(index) })
        };
        parts(at).into_iter().enumerate().map(part).collect()
    }
}
