//! Squared distances to fixed patterns (LeCun et al., 1998): the output layer whose smallest number wins.

use super::{GradientSite, Misfit, Operation, Site};
use crate::kernel_call::{Field, KernelCall, Operand, Real, Spec};
use crate::shape::Shape;

/// y = Σ (x − p)² for each pattern p.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// The patterns, each with as many numbers as there are inputs.
    pub patterns: Vec<Vec<f64>>,
}

impl Distance {
    fn spec(&self, inputs: usize) -> Spec {
        Spec::new("distance")
            .size("inputs", inputs)
            .size("outputs", self.patterns.len())
            .field("patterns", Field::Reals(self.patterns.concat().into_iter().map(Real).collect()))
    }
}

impl Operation for Distance {
    fn name(&self) -> &'static str {
        "distance"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let units = inputs[0].len();
        match self.patterns.iter().position(|pattern| pattern.len() != units) {
            None => Ok(Shape::Flat(self.patterns.len())),
            Some(index) => Err(Misfit::new(format!(
                "pattern {} has {} numbers, and the input {units}",
                index + 1,
                self.patterns[index].len()
            ))
            .help("each pattern needs a number for each input")),
        }
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        let operands = vec![Operand::read(at.x(0)), Operand::write(at.y())];
        vec![at.call("distance_forward", self.spec(at.x_shape(0).len()), operands)]
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        let operands = vec![Operand::read(at.x(0)), Operand::read(at.dy()), Operand::write(at.dx(0))];
        vec![at.call("distance_grad", self.spec(at.x_shape(0).len()), operands)]
    }

    fn macs(&self, inputs: &[Shape], _output: Shape) -> u64 {
        inputs[0].len() as u64 * self.patterns.len() as u64
    }
}
