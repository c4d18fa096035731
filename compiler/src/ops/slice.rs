//! A range of channels: the split of a ShuffleNet unit (Ma et al., 2018).

use netwright_abi::kernels::{self, PartRead, PartWrite};
use netwright_abi::spec::concat::Spec;

use super::{GradientContext, LoweringContext, Operation, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// Extracts a range of channels from an image, or of features from a flat value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slice {
    /// The first channel.
    pub first: usize,
    /// The number of channels.
    pub count: usize,
}

impl Slice {
    fn spec(&self, at: &LoweringContext<'_>) -> Spec {
        let whole = at.x_shape(0);
        Spec { rows: whole.positions(), part: self.count, whole: whole.channels(), offset: self.first }
    }
}

impl Operation for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let (first, count, found) = (self.first, self.count, inputs[0].channels());
        let what = if matches!(inputs[0], Shape::Flat(_)) { "features" } else { "channels" };
        if first.checked_add(count).is_none_or(|end| end > found) {
            let wanted = if first == 0 { format!("{count} {what}") } else { format!("{count} {what} behind {first}") };
            let left = found.saturating_sub(first);
            return Err(ShapeError::new(format!("{wanted} are to be taken of {found}")).help(match left {
                0 => format!("start within them: `at 0` is the first of the {what}, `at {}` the last", found - 1),
                left => format!("from there on {left} are left"),
            }));
        }
        Ok(match inputs[0] {
            Shape::Image { height, width, .. } => Shape::Image { height, width, channels: count },
            Shape::Series { length, .. } => Shape::Series { length, channels: count },
            Shape::Flat(_) => Shape::Flat(count),
        })
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        vec![at.call(kernels::concat_read, &self.spec(at), PartRead { whole: at.x(0), part: at.y() })]
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        vec![at.call(kernels::concat_spread, &self.spec(at), PartWrite { part: at.dy(), whole: at.dx(0) })]
    }
}
