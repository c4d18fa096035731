//! The fully connected layer, equation (2) of slide 4: z = W a + b.

use super::{GradientSite, Misfit, Operation, Part, Role, Site, TensorSpec};
use crate::kernel_call::{Field, KernelCall, Spec};
use crate::shape::Shape;

/// Connects every input with every one of `outputs` units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense {
    /// Units.
    pub outputs: usize,
    /// Whether each unit has a bias.
    pub bias: bool,
    /// Whether the weights are stored as `[outputs, inputs]`: another layer's, transposed.
    pub transposed: bool,
}

impl Dense {
    fn spec(&self, inputs: usize, ending: Field) -> Spec {
        Spec::new("dense").size("inputs", inputs).size("outputs", self.outputs).field("ending", ending)
    }

    fn kernel(&self, direction: &str) -> String {
        if self.transposed { format!("dense_transposed_{direction}") } else { format!("dense_{direction}") }
    }
}

impl Operation for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let weights = Shape::Image([inputs[0].len(), self.outputs, 1]);
        if weights.checked().is_none() {
            return Err(Misfit::new(format!(
                "{} inputs times {} units would be more than 2^31 weights",
                inputs[0].len(),
                self.outputs
            ))
            .help("make the image smaller before, with a pool or a stride, or use fewer units"));
        }
        Ok(Shape::Flat(self.outputs))
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        let inputs = inputs[0].len();
        let shape = if self.transposed { vec![self.outputs, inputs] } else { vec![inputs, self.outputs] };
        let mut tensors = vec![TensorSpec::weight("kernel", shape, inputs, self.outputs)];
        if self.bias {
            tensors.push(TensorSpec::vector("bias", Role::Bias, self.outputs, 0.0));
        }
        tensors
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at.x_shape(0).len(), at.ending());
        at.onto_sum(at.call(self.kernel("forward"), spec, at.weighted("kernel")).with_scratch())
    }

    fn can_end_in(&self, _part: Part) -> bool {
        true
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at.x_shape(0).len(), Field::NO_ENDING);
        let weights = at.weight_gradient("kernel");
        let input = at.weighted_input_gradient("kernel");
        vec![
            at.call(self.kernel("grad_weights"), spec.clone(), weights).with_scratch(),
            at.call(self.kernel("grad_input"), spec, input).with_scratch(),
        ]
    }

    fn macs(&self, inputs: &[Shape], _output: Shape) -> u64 {
        inputs[0].len() as u64 * self.outputs as u64
    }
}
