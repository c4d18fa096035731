//! The same elements in another layout: one image after the other, or blocks of images in the lanes.

use netwright_abi::Layout;
use netwright_abi::kernels::{self, Unary};
use netwright_abi::spec::relayout::Spec;

use super::{GradientContext, LoweringContext, Operation, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// The cost of converting a value into or out of the lanes for one image, in multiply-adds of a full-speed kernel.
pub(crate) fn relayout_cost(shape: Shape) -> f64 {
    5.0 * shape.len() as f64
}

/// Converts its input to another layout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relayout {
    /// The layout of its output.
    pub to: Layout,
}

impl Operation for Relayout {
    fn name(&self) -> &'static str {
        "relayout"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(inputs[0])
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let kernel = match self.to {
            Layout::ImagesInLanes => kernels::into_lanes,
            Layout::ChannelsLast => kernels::out_of_lanes,
        };
        let spec = Spec { len: at.graph.shape(at.node.output).len() };
        let call = at.call(kernel, &spec, Unary { x: at.x(0), y: at.y() });
        vec![KernelCall { layout: Layout::ImagesInLanes, ..call }]
    }

    fn gradient(&self, _at: &GradientContext<'_>) -> Vec<KernelCall> {
        unreachable!("training keeps channels last")
    }
}
