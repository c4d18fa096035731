//! Dropout (slide 18), inverted: what is kept is scaled while training, and nothing happens when predicting.

use super::{GradientSite, Misfit, Operation, Phase, Site};
use crate::kernel_call::{Data, Field, KernelCall, Operand, Spec};
use crate::shape::Shape;

/// Ignores a share of the units in each training step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The share.
    pub rate: f64,
}

impl Dropout {
    fn apply(&self, at: &Site<'_>, values: Data) -> KernelCall {
        let spec = Spec::new("dropout")
            .real("rate", self.rate)
            .size("len", at.y_shape().len())
            .field("layer", Field::Key(at.node.output.0 as u64));
        at.call("dropout_apply", spec, vec![Operand::read(Data::Pass), Operand::update(values)])
    }
}

impl Operation for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        let mut calls = vec![at.copy(at.y_shape().len(), at.x(0), at.y())];
        if at.phase == Phase::Training {
            calls.push(self.apply(at, at.y()));
        }
        calls
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        vec![at.copy(at.y_shape().len(), at.dy(), at.dx(0)), self.apply(at, at.dx(0))]
    }
}
