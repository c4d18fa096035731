//! The fully connected layer, equation (2) of slide 4: z = W a + b.

use netwright_abi::spec::conv::WIDEST_TILE;
use netwright_abi::spec::dense::Spec;
use netwright_abi::{Axes, Epilogue, kernels};

use super::{
    EpiloguePart, ForwardKernel, GradientContext, InLanes, LoweringContext, Operation, Pack, Packing, ParameterKind,
    ShapeError, TensorSpec,
};
use crate::cost::{CACHED, MICRO_BATCH, Work};
use crate::kernel_call::KernelCall;
use crate::selection::{Candidate, Direction};
use crate::shape::Shape;

/// Connects every input to each of `outputs` units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense {
    /// The number of units.
    pub outputs: usize,
    /// Whether each unit has a bias.
    pub bias: bool,
    /// Whether the weights are stored as `[outputs, inputs]`: those of another layer, transposed.
    pub transposed: bool,
    /// The kernel that the text selects.
    pub asked: Option<&'static str>,
}

/// The distance of contiguous rows of weights, in elements, from which a product packs them.
const PACKED_ROW_DISTANCE: usize = 3072;

/// The largest number of weights that stay in a cache between passes; a product packs more than that.
const CACHED_WEIGHTS: usize = 1 << 20;

/// Approximate number of weights that a product packs at once.
const MOST_PACKED: usize = 128 * 1024;

/// The candidate in which the optimiser's update computes the gradient of the weights, where nothing else reads it.
const FUSED: &str = "fused";

/// The elements of a gradient that stay in the L1 cache from the product to the update.
const L1_GRADIENT: usize = 8 * 1024;

impl Dense {
    /// The candidates for the gradient of the weights. A stored gradient is set to 0, accumulated into, checked and read by the
    /// update.
    fn weight_gradients(&self, weights: usize) -> Vec<Candidate> {
        let candidate =
            |name, why, work| Candidate { name, why, work, packing: None, memory: weights.min(MOST_PACKED) };
        let stored = if weights > L1_GRADIENT { weights as f64 / MICRO_BATCH } else { 0.0 };
        let product = Work { lanes: weights as f64, calls: 1.0 / MICRO_BATCH, ..Work::default() };
        let why = "a product whose blocks the optimiser's update takes, where nobody else wants the gradient";
        vec![
            candidate("gemm", "a product of matrices", Work { updated: stored, ..product }),
            candidate(FUSED, why, Work { calls: 2.0 / MICRO_BATCH, ..product }),
        ]
    }

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
        let (inputs, outputs) = (inputs[0].len(), self.outputs);
        let weights = inputs * outputs;
        let read = if weights > CACHED { weights as f64 } else { 0.0 };
        let work = Work { lanes: weights as f64, calls: 1.0, read, ..Work::default() };
        // The columns of the product, and whether they are contiguous instead of its rows.
        let (columns, is_transposed) = match direction {
            Direction::Predicting | Direction::Forward => (outputs, self.transposed),
            Direction::InputGradient => (inputs, !self.transposed),
            Direction::WeightGradient => return self.weight_gradients(weights),
        };
        let is_wide = columns > WIDEST_TILE;
        let candidate = |name, why, work, memory| Candidate { name, why, work, packing: None, memory };
        let product = |work| candidate("gemm", "a product of matrices", work, weights.min(MOST_PACKED));
        let direct = |slowdown| {
            let why = "a product that reads the weights where they lie";
            candidate("direct", why, Work { lanes: slowdown * work.lanes, ..work }, 0)
        };
        // A product that does not pack reads the weights of many units again for every few images of a batch.
        if direction == Direction::Predicting {
            return vec![product(work), direct(if is_wide { 1.1 } else { 1.0 })];
        }
        // Relative to packing filters, packing contiguous rows takes a fifth of the time and packing columns two fifths: 0.18 and 0.36
        // ns per element of 784x512. A product packs contiguous rows if they are so far apart that they share few cache sets, or if
        // the weights are not cached. Without an epilogue it reads contiguous columns in place, and swaps the two matrices instead.
        let packed = match (is_transposed, columns >= PACKED_ROW_DISTANCE || weights > CACHED_WEIGHTS) {
            (true, _) if direction == Direction::InputGradient => 0.0,
            (true, _) => 0.4,
            (false, true) => 0.2,
            (false, false) => 0.0,
        };
        let product = product(Work { packed: packed * weights as f64 / MICRO_BATCH, ..work });
        let stored = if self.transposed { [outputs, inputs] } else { [inputs, outputs] };
        let spec = Spec { inputs: stored[0], outputs: stored[1], epilogue: Epilogue::NONE };
        let kernel = if is_transposed { kernels::dense_pack_transposed } else { kernels::dense_pack };
        let pack = Pack { packing: Packing::Dense(kernel, spec), len: weights, weights: "kernel" };
        let mut candidates = vec![product];
        if packed > 0.0 {
            candidates.push(Candidate { packing: Some(pack), memory: product.memory + pack.len, ..product });
        }
        if direction == Direction::Forward {
            candidates.push(direct(if packed > 0.0 {
                3.0
            } else if is_wide {
                1.1
            } else {
                1.0
            }));
        }
        candidates
    }

    fn in_lanes(&self, inputs: &[Shape], output: Shape) -> Option<InLanes> {
        let macs = self.macs(inputs, output) as f64;
        (!self.transposed).then(|| InLanes::by_own_kernel(1.25 * macs, 1.05 * macs))
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let direction = at.phase.forward();
        let kernel = match (at.selected(direction), self.transposed) {
            (Some(InLanes::KERNEL), _) => ForwardKernel::Plain(kernels::dense_lanes_forward),
            (Some("direct"), false) => ForwardKernel::Plain(kernels::dense_direct_forward),
            (Some("direct"), true) => ForwardKernel::Plain(kernels::dense_direct_transposed_forward),
            (_, false) => ForwardKernel::Packing(kernels::dense_forward),
            (_, true) => ForwardKernel::Packing(kernels::dense_transposed_forward),
        };
        let call = at.weighted_call(kernel, &self.spec(at, at.epilogue()), "kernel");
        at.with_epilogue_and_sum(at.because(direction, call))
    }

    fn takes_epilogue(&self, _part: EpiloguePart) -> bool {
        true
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let (grad_input, grad_weights) = if self.transposed {
            (kernels::dense_transposed_grad_input, kernels::dense_transposed_grad_weights)
        } else {
            (kernels::dense_grad_input, kernels::dense_grad_weights)
        };
        let spec = self.spec(at, Epilogue::NONE);
        let weights = at.because(Direction::WeightGradient, at.call(grad_weights, &spec, at.weight_gradient("kernel")));
        let is_fused = at.forward.selected(Direction::WeightGradient) == Some(FUSED);
        vec![
            KernelCall { fused: at.fused_gradient("kernel", self.transposed).filter(|_| is_fused), ..weights },
            at.because(Direction::InputGradient, at.weighted_input_gradient(grad_input, &spec, "kernel")),
        ]
    }

    fn macs(&self, inputs: &[Shape], _output: Shape) -> u64 {
        inputs[0].len() as u64 * self.outputs as u64
    }
}
