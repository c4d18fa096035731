//! The channel shuffle (Zhang et al., 2018): interleaves the channels of several groups.

use netwright_abi::kernels::{self, Unary};
use netwright_abi::spec::shuffle::Spec;

use super::{GradientContext, LoweringContext, Operation, ShapeError};
use crate::kernel_call::{Data, KernelCall};
use crate::shape::Shape;

/// Orders the first channel of each group first, then the second of each, and so on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shuffle {
    /// The number of groups.
    pub groups: usize,
}

impl Shuffle {
    fn call(at: &LoweringContext<'_>, [groups, each]: [usize; 2], x: Data, y: Data) -> KernelCall {
        let spec = Spec { rows: at.y_shape().positions(), groups, each };
        at.call(kernels::shuffle, &spec, Unary { x, y })
    }

    fn sizes(&self, shape: Shape) -> [usize; 2] {
        [self.groups, shape.channels() / self.groups]
    }
}

impl Operation for Shuffle {
    fn name(&self) -> &'static str {
        "shuffle"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let (groups, channels) = (self.groups, inputs[0].channels());
        if channels.is_multiple_of(groups) {
            return Ok(inputs[0]);
        }
        let fitting: Vec<String> = (2..channels)
            .filter(|groups| channels.is_multiple_of(*groups))
            .take(8)
            .map(|groups| groups.to_string())
            .collect();
        Err(ShapeError::new(format!("{channels} channels do not divide into {groups} groups")).help(
            if fitting.is_empty() {
                format!("{channels} channels divide into no groups at all")
            } else {
                format!("with {channels} channels, these fit: {}", fitting.join(", "))
            },
        ))
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        vec![Self::call(at, self.sizes(at.y_shape()), at.x(0), at.y())]
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let [groups, each] = self.sizes(at.y_shape());
        vec![Self::call(at, [each, groups], at.dy(), at.dx(0))]
    }
}
