//! Dropout (slide 18), inverted: kept units are scaled in training, and predictions are unchanged.

use netwright_abi::kernels::{self, InPlace};
use netwright_abi::spec::dropout::Spec;

use super::{GradientContext, InLanes, LoweringContext, Operation, Phase, ShapeError};
use crate::kernel_call::{Data, KernelCall};
use crate::shape::Shape;

/// Drops a fraction of the units in each training step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The fraction.
    pub rate: f64,
}

impl Dropout {
    fn apply(&self, at: &LoweringContext<'_>, values: Data) -> KernelCall {
        let spec = Spec { rate: self.rate, len: at.y_shape().len(), layer: at.node.output.0 as u64 };
        at.call(kernels::dropout_apply, &spec, InPlace { source: Data::Absent, values })
    }
}

impl Operation for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(inputs[0])
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn in_lanes(&self, _inputs: &[Shape], _output: Shape) -> Option<InLanes> {
        Some(InLanes::ALIKE)
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let mut calls = vec![at.copy(at.y_shape().len(), at.x(0), at.y())];
        if at.phase == Phase::Training {
            calls.push(self.apply(at, at.y()));
        }
        calls
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        vec![at.copy(at.y_shape().len(), at.dy(), at.dx(0)), self.apply(at, at.dx(0))]
    }
}
