//! Squared distances to fixed patterns (LeCun et al., 1998): an output layer in which the smallest value is the answer.

use netwright_abi::kernels::{self, Unary, UnaryGradFromInput};
use netwright_abi::spec::distance::Spec;

use super::{GradientContext, LoweringContext, Operation, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// y = Σ (x − p)² for each pattern p.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// The patterns, each with one element per input.
    pub patterns: Vec<Vec<f64>>,
}

impl Distance {
    fn spec<'a>(&self, inputs: usize, patterns: &'a [f64]) -> Spec<'a> {
        Spec { inputs, outputs: self.patterns.len(), patterns }
    }
}

impl Operation for Distance {
    fn name(&self) -> &'static str {
        "distance"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let units = inputs[0].len();
        match self.patterns.iter().position(|pattern| pattern.len() != units) {
            None => Ok(Shape::Flat(self.patterns.len())),
            Some(index) => Err(ShapeError::new(format!(
                "pattern {} has {} numbers, and the input {units}",
                index + 1,
                self.patterns[index].len()
            ))
            .help("each pattern needs a number for each input")),
        }
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let patterns = self.patterns.concat();
        let spec = self.spec(at.x_shape(0).len(), &patterns);
        vec![at.call(kernels::distance_forward, &spec, Unary { x: at.x(0), y: at.y() })]
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let patterns = self.patterns.concat();
        let operands = UnaryGradFromInput { x: at.x(0), dy: at.dy(), dx: at.dx(0) };
        vec![at.call(kernels::distance_grad, &self.spec(at.x_shape(0).len(), &patterns), operands)]
    }

    fn macs(&self, inputs: &[Shape], _output: Shape) -> u64 {
        inputs[0].len() as u64 * self.patterns.len() as u64
    }
}
