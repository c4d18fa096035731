//! Expands the weights of a connection table to those of an ordinary convolution.

use netwright_abi::kernels::{self, Accumulate, Prepare};
use netwright_abi::spec::conv_table::Spec;

use super::{GradientContext, LoweringContext, Operation, Phase, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// Inserts zeros for missing connections. It has no inputs: the result depends only on the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Expand {
    /// Height and width of a filter.
    pub window: [usize; 2],
    /// Channels of the convolution's input.
    pub channels: usize,
    /// Filters of the convolution.
    pub filters: usize,
    /// The connections, as pairs of an input channel and a filter.
    pub connections: Vec<[usize; 2]>,
    /// The name of the weights.
    pub weights: &'static str,
}

impl Expand {
    fn spec(&self) -> Spec<'_> {
        let Self { window, channels, filters, .. } = *self;
        Spec { window, channels, filters, connections: &self.connections }
    }
}

impl Operation for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn infer(&self, _inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(Shape::Flat(self.spec().expanded_len()))
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let operands = Prepare { w: at.tensor(self.weights), prepared: at.y() };
        let call = at.call(kernels::conv_table_expand, &self.spec(), operands);
        let why = match at.phase {
            Phase::Predicting => "zeros for what is not connected, once for all predictions",
            Phase::Training => "zeros for what is not connected",
        };
        vec![KernelCall { why: why.into(), layer: at.row_of(self.weights), ..call }]
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let operands = Accumulate { x: at.dy(), y: at.gradient(self.weights) };
        let call = at.call(kernels::conv_table_gather, &self.spec(), operands);
        vec![KernelCall { why: "what is not connected has no gradient".into(), ..call }]
    }
}
