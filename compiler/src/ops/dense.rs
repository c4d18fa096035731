//! The fully connected layer, equation (2) of slide 4: z = W a + b.

use netwright_abi::spec::dense::Spec;
use netwright_abi::{Epilogue, kernels};

use super::{GradientSite, Misfit, Operation, Part, Role, Site, TensorSpec};
use crate::kernel_call::KernelCall;
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
    fn spec(&self, at: &Site<'_>, epilogue: Epilogue) -> Spec {
        Spec { inputs: at.x_shape(0).len(), outputs: self.outputs, epilogue }
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
        let kernel = if self.transposed { kernels::dense_transposed_forward } else { kernels::dense_forward };
        at.onto_sum(at.call(kernel, &self.spec(at, at.epilogue()), at.weighted("kernel")))
    }

    fn can_end_in(&self, _part: Part) -> bool {
        true
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        let (grad_input, grad_weights) = if self.transposed {
            (kernels::dense_transposed_grad_input, kernels::dense_transposed_grad_weights)
        } else {
            (kernels::dense_grad_input, kernels::dense_grad_weights)
        };
        let spec = self.spec(at, Epilogue::NONE);
        vec![
            at.call(grad_weights, &spec, at.weight_gradient("kernel")),
            at.call(grad_input, &spec, at.weighted_input_gradient("kernel")),
        ]
    }

    fn macs(&self, inputs: &[Shape], _output: Shape) -> u64 {
        inputs[0].len() as u64 * self.outputs as u64
    }
}
