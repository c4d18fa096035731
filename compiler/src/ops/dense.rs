//! The fully connected layer, equation (2) of slide 4: z = W a + b.

use netwright_abi::spec::dense::Spec;
use netwright_abi::{Axes, Epilogue, kernels};

use super::{
    EpiloguePart, GradientContext, InLanes, LoweringContext, Operation, ParameterKind, ShapeError, TensorSpec,
};
use crate::cost::{CACHED, Work};
use crate::kernel_call::KernelCall;
use crate::selection::{Candidate, Direction};
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
    /// The kernel that the text asks for.
    pub asked: Option<&'static str>,
}

/// Elements of weights that a product packs at once, about.
const MOST_PACKED: usize = 128 * 1024;

impl Dense {
    fn spec(&self, at: &LoweringContext<'_>, epilogue: Epilogue) -> Spec {
        Spec { inputs: at.x_shape(0).len(), outputs: self.outputs, epilogue }
    }
}

impl Operation for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let weights = Shape::Image { height: inputs[0].len(), width: self.outputs, channels: 1 };
        if weights.checked().is_none() {
            return Err(ShapeError::new(format!(
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
        let mut tensors = vec![TensorSpec::weight("kernel", Axes::Dense, shape, inputs, self.outputs)];
        if self.bias {
            tensors.push(TensorSpec::vector("bias", ParameterKind::Bias, self.outputs, 0.0));
        }
        tensors
    }

    fn kernels(&self, _inputs: &[Shape], _output: Shape) -> Vec<&'static str> {
        vec!["gemm", "direct"]
    }

    fn asked(&self) -> Option<&'static str> {
        self.asked
    }

    fn candidates(&self, direction: Direction, inputs: &[Shape], _output: Shape) -> Vec<Candidate> {
        if matches!(direction, Direction::InputGradient | Direction::WeightGradient) {
            return Vec::new();
        }
        let weights = inputs[0].len() * self.outputs;
        let read = if weights > CACHED { weights as f64 } else { 0.0 };
        let work = Work { lanes: weights as f64, calls: 1.0, read, ..Work::default() };
        // Where they lie, the weights of many units are read again for every few images of a batch.
        let again = Work { lanes: work.lanes * if self.outputs > 64 { 1.1 } else { 1.0 }, ..work };
        let candidate = |name, why, work, memory| Candidate { name, why, work, packing: None, memory };
        vec![
            candidate("gemm", "a product of matrices", work, weights.min(MOST_PACKED)),
            candidate("direct", "a product that reads the weights where they lie", again, 0),
        ]
    }

    fn in_lanes(&self, inputs: &[Shape], output: Shape) -> Option<InLanes> {
        let macs = self.macs(inputs, output) as f64;
        (!self.transposed).then(|| InLanes::by_own_kernel(1.25 * macs, 1.05 * macs))
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let direction = at.phase.forward();
        let kernel = match (at.selected(direction), self.transposed) {
            (Some(InLanes::KERNEL), _) => kernels::dense_lanes_forward,
            (Some("direct"), false) => kernels::dense_direct_forward,
            (Some("direct"), true) => kernels::dense_direct_transposed_forward,
            (_, false) => kernels::dense_forward,
            (_, true) => kernels::dense_transposed_forward,
        };
        let call = at.call(kernel, &self.spec(at, at.epilogue()), at.weighted("kernel"));
        at.with_epilogue_and_sum(at.because(direction, call))
    }

    fn can_end_in(&self, _part: EpiloguePart) -> bool {
        true
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
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
