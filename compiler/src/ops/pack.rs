//! The weights of a layer in the packed form that its kernel reads: packed once for all predictions, or once per training step for all
//! micro-batches.

use netwright_abi::kernels::{Kernel, Prepare};
use netwright_abi::spec::{conv, dense};

use super::{GradientContext, LoweringContext, Operation, Phase, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// The kernel that packs weights, with the sizes of their layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Packing {
    /// For a convolution.
    Conv(Kernel<Prepare<()>, conv::Kind>, conv::Spec),
    /// For a dense layer.
    Dense(Kernel<Prepare<()>, dense::Kind>, dense::Spec),
}

/// Packs weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pack {
    /// The packing kernel.
    pub packing: Packing,
    /// Elements of the packed weights.
    pub len: usize,
    /// The name of the weights.
    pub weights: &'static str,
}

impl Operation for Pack {
    fn name(&self) -> &'static str {
        "pack"
    }

    fn infer(&self, _inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(Shape::Flat(self.len))
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let operands = Prepare { w: at.weights(self.weights), prepared: at.y() };
        let call = match &self.packing {
            Packing::Conv(kernel, spec) => at.call(*kernel, spec, operands),
            Packing::Dense(kernel, spec) => at.call(*kernel, spec, operands),
        };
        let why = match at.phase {
            Phase::Predicting => "once for all predictions",
            Phase::Training => "once a step for all micro-batches",
        };
        vec![KernelCall { why: why.into(), layer: at.row_of(self.weights), ..call }]
    }

    fn gradient(&self, _at: &GradientContext<'_>) -> Vec<KernelCall> {
        unreachable!("nothing is read of what weights were packed into but by the layer that has them")
    }
}
