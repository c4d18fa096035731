//! The algorithms of a convolution: the kernels of each algorithm in every direction, with their work and memory.

use netwright_abi::Epilogue;
use netwright_abi::kernels::{self, GradWeights, Kernel, Prepare};
use netwright_abi::spec::conv::{Kind, Spec};

use super::conv_work::{
    MAX_BLOCK, block, blocks, direct, filled, grouped, in_registers, padded, padded_by_channels, pixels, products,
    products_of_groups, registers, winograd,
};
use super::{ForwardKernel, InputGradientKernel, Pack, Packing};
use crate::cost::Work;
use crate::selection::{Candidate, Direction};
use crate::words::Choice;

/// A packed form of filters: the packing kernel, and the number of packed elements.
#[derive(Clone, Copy)]
struct PackFilters {
    kernel: Kernel<Prepare<()>, Kind>,
    len: fn(&Spec) -> usize,
}

/// The forms that matrix products read: in the forward pass, and for the gradient of the input.
const FILTERS: PackFilters = PackFilters { kernel: kernels::conv_gemm_pack, len: Spec::weights_len };
const ROTATED: PackFilters = PackFilters { kernel: kernels::conv_gemm_pack_rotated, len: Spec::weights_len };

/// Filters transposed in small blocks.
const BLOCKS: PackFilters = PackFilters { kernel: kernels::conv_direct_pack_rotated, len: Spec::weights_len };

/// The filters of several groups in tiles.
const GROUPED: PackFilters = PackFilters { kernel: kernels::conv_grouped_pack, len: |spec| spec.grouped_len(false) };

type WeightGradientKernel = Kernel<GradWeights<()>, Kind>;

/// An algorithm, with its kernels for the directions that it supports.
pub(super) struct Algorithm {
    /// Its word after the option `kernel`.
    pub(super) name: &'static str,
    /// The documentation of that word; `None` if another row with the same name has it.
    choice: Option<Choice>,
    /// The reason why it is fast or slow.
    why: &'static str,
    fits: fn(&Spec) -> bool,
    /// Whether it computes plain sums.
    pub(super) is_exact: bool,
    predicting: Option<ForwardKernel<Kind>>,
    /// Its prediction kernel that stores only the maximum of each 2x2 window of the output.
    pub(super) pooling: Option<ForwardKernel<Kind>>,
    /// The packing of its filters for predictions.
    packing: Option<PackFilters>,
    forward: Option<ForwardKernel<Kind>>,
    pub(super) grad_input: Option<InputGradientKernel<Kind>>,
    /// Whether `grad_input` can accumulate into the previous contents of its output.
    pub(super) adds_gradient: bool,
    /// The packing of its filters for training: in the forward pass, and for the gradient of the input.
    packing_of_a_step: [Option<PackFilters>; 2],
    /// Its kernel for the gradient of the weights, if it has one for these sizes.
    pub(super) grad_weights: fn(&Spec) -> Option<WeightGradientKernel>,
    work: fn(&Spec, Direction) -> Work,
    /// The approximate number of elements of scratch memory and prepared filters.
    memory: fn(&Spec) -> usize,
}

/// The defaults of a row: an algorithm without kernels, for all sizes, as exact as a plain sum.
const NONE: Algorithm = Algorithm {
    name: "",
    choice: None,
    why: "",
    fits: |_| true,
    is_exact: true,
    predicting: None,
    pooling: None,
    packing: None,
    forward: None,
    grad_input: None,
    adds_gradient: false,
    packing_of_a_step: [None; 2],
    grad_weights: |_| None,
    work: |_, _| Work::default(),
    memory: |_| 0,
};

/// The algorithm without scratch memory and without packed filters.
const IN_PLACE: Algorithm = Algorithm {
    name: "direct",
    choice: Some(DIRECT),
    why: "windows and filters read where they lie",
    fits: |spec| !in_registers(spec),
    predicting: Some(ForwardKernel::Plain(kernels::conv_direct_forward)),
    forward: Some(ForwardKernel::Plain(kernels::conv_direct_forward)),
    grad_input: Some(InputGradientKernel::Packing(kernels::conv_direct_grad_input)),
    packing_of_a_step: [None, Some(BLOCKS)],
    grad_weights: |_| Some(kernels::conv_direct_grad_weights),
    work: direct,
    ..NONE
};

/// All algorithms. Of two with the same name, exactly one fits given sizes.
static ALGORITHMS: [Algorithm; 9] = [
    Algorithm {
        name: "depthwise",
        choice: Some(DEPTHWISE),
        why: "each channel by itself, channels side by side in the vector",
        fits: |spec| spec.groups > 1 && spec.groups == spec.input[2],
        predicting: Some(ForwardKernel::Plain(kernels::depthwise_forward)),
        forward: Some(ForwardKernel::Plain(kernels::depthwise_forward)),
        grad_input: Some(InputGradientKernel::Plain(kernels::depthwise_grad_input)),
        grad_weights: |_| Some(kernels::depthwise_grad_weights),
        work: |spec, _| Work { lanes: filled(spec, 1, 1), ..Work::default() },
        memory: |spec| if spec.input[2] == spec.output[2] { 0 } else { spec.output[1] * spec.output[2] },
        ..NONE
    },
    Algorithm {
        name: "grouped",
        choice: Some(Choice { name: "grouped", summary: "all groups in one kernel", needs: "several groups" }),
        why: "all groups in one kernel",
        fits: |spec| spec.groups > 1,
        predicting: Some(ForwardKernel::Packing(kernels::conv_grouped_forward)),
        packing: Some(GROUPED),
        forward: Some(ForwardKernel::Packing(kernels::conv_grouped_forward)),
        grad_input: Some(InputGradientKernel::Packing(kernels::conv_grouped_grad_input)),
        packing_of_a_step: [
            Some(GROUPED),
            Some(PackFilters { kernel: kernels::conv_grouped_pack_rotated, len: |spec| spec.grouped_len(true) }),
        ],
        grad_weights: |_| Some(kernels::conv_grouped_grad_weights),
        work: grouped,
        memory: |spec| spec.grouped_len(false) + padded(spec) as usize,
        ..NONE
    },
    Algorithm {
        name: "gemm",
        why: "products of matrices for each group",
        fits: |spec| spec.groups > 1,
        predicting: Some(ForwardKernel::Packing(kernels::conv_gemm_forward)),
        forward: Some(ForwardKernel::Packing(kernels::conv_gemm_forward)),
        grad_input: Some(InputGradientKernel::Packing(kernels::conv_gemm_grad_input)),
        adds_gradient: true,
        packing_of_a_step: [Some(FILTERS), Some(ROTATED)],
        grad_weights: |_| Some(kernels::conv_gemm_grad_weights),
        work: products_of_groups,
        memory: |spec| spec.weights_len() + padded(spec) as usize,
        ..NONE
    },
    Algorithm {
        name: "gemm",
        choice: Some(GEMM),
        why: "windows as the rows of a matrix product",
        fits: |spec| spec.groups == 1,
        predicting: Some(ForwardKernel::Plain(kernels::conv_packed_forward)),
        packing: Some(PackFilters { kernel: kernels::conv_pack, len: Spec::packed_len }),
        forward: Some(ForwardKernel::Packing(kernels::conv_gemm_forward)),
        grad_input: Some(InputGradientKernel::Packing(kernels::conv_gemm_grad_input)),
        adds_gradient: true,
        packing_of_a_step: [Some(FILTERS), Some(ROTATED)],
        grad_weights: |_| Some(kernels::conv_gemm_grad_weights),
        work: products,
        memory: |spec| spec.packed_len() + padded(spec) as usize,
        ..NONE
    },
    Algorithm {
        name: "winograd",
        choice: Some(Choice {
            name: "winograd",
            summary: "Winograd's algorithm, also for gradients; it rounds a little more",
            needs: "3x3 or 5x5 windows with stride 1, and channels and filters in sixteens in each group",
        }),
        why: "tiles of outputs take a fraction of the multiply-adds",
        fits: |spec| spec.winograd().is_some(),
        is_exact: false,
        predicting: Some(ForwardKernel::Plain(kernels::conv_winograd_forward)),
        pooling: Some(ForwardKernel::Plain(kernels::conv_winograd_pooled_forward)),
        packing: Some(PackFilters { kernel: kernels::conv_winograd_pack, len: Spec::winograd_len }),
        forward: Some(ForwardKernel::Packing(kernels::conv_winograd_train_forward)),
        grad_input: Some(InputGradientKernel::Packing(kernels::conv_winograd_grad_input)),
        adds_gradient: true,
        packing_of_a_step: [
            Some(PackFilters { kernel: kernels::conv_winograd_pack_fine, len: Spec::fine_winograd_len }),
            Some(PackFilters { kernel: kernels::conv_winograd_pack_rotated, len: Spec::winograd_of_inputs_len }),
        ],
        grad_weights: |spec| spec.winograd_of_weights().map(|_| kernels::conv_winograd_grad_weights),
        work: winograd,
        memory: |spec| {
            spec.winograd_len() + spec.winograd().map_or(0, |form| form.points()) * (spec.input[2] + spec.output[2])
        },
    },
    Algorithm {
        name: "pixels",
        choice: Some(Choice {
            name: "pixels",
            summary: "pixels side by side in the vector, when predicting: for few filters",
            needs: "windows that move by one column, with at most 256 weights a filter, in one group",
        }),
        why: "pixels side by side in the vector",
        fits: Spec::has_short_windows,
        predicting: Some(ForwardKernel::Plain(kernels::conv_pixels_forward)),
        work: |spec, _| pixels(spec),
        memory: |spec| padded_by_channels(spec) as usize + spec.rows_len()[1],
        ..NONE
    },
    Algorithm {
        name: "blocks",
        choice: Some(Choice {
            name: "blocks",
            summary: "blocks of sixteen images side by side in the vector, when training",
            needs: "tiny images and filters, several taps, stride 1 and one group",
        }),
        why: "sixteen images side by side in the vector",
        fits: |spec| spec.in_blocks() && block(spec) <= MAX_BLOCK,
        forward: Some(ForwardKernel::Packing(kernels::conv_blocks_forward)),
        grad_input: Some(InputGradientKernel::Packing(kernels::conv_blocks_grad_input)),
        packing_of_a_step: [None, Some(ROTATED)],
        grad_weights: |_| Some(kernels::conv_blocks_grad_weights),
        work: blocks,
        memory: block,
        ..NONE
    },
    Algorithm {
        choice: None,
        why: "sums in registers, windows and filters read where they lie",
        fits: in_registers,
        predicting: Some(ForwardKernel::Plain(kernels::conv_registers_forward)),
        work: registers,
        ..IN_PLACE
    },
    IN_PLACE,
];

/// The words after the option `kernel` of a convolution.
pub(crate) const CHOICES: &[Choice] = &{
    const COUNT: usize = {
        let (mut count, mut row) = (0, 0);
        while row < ALGORITHMS.len() {
            count += ALGORITHMS[row].choice.is_some() as usize;
            row += 1;
        }
        count
    };
    let mut choices = [DIRECT; COUNT];
    let (mut at, mut row) = (COUNT, 0);
    while row < ALGORITHMS.len() {
        if let Some(choice) = ALGORITHMS[row].choice {
            at -= 1;
            choices[at] = choice;
        }
        row += 1;
    }
    choices
};

pub(super) const DEPTHWISE: Choice = Choice {
    name: "depthwise",
    summary: "each channel by itself, channels side by side in the vector",
    needs: "a group for each channel",
};

/// A word after the option `kernel`, also for dense layers.
pub(crate) const DIRECT: Choice =
    Choice { name: "direct", summary: "reads windows and filters where they lie, without scratch memory", needs: "" };
pub(crate) const GEMM: Choice =
    Choice { name: "gemm", summary: "products of matrices; predictions pack the filters once", needs: "" };

impl Algorithm {
    /// The algorithms for a convolution of these sizes.
    pub(super) fn fitting(spec: &Spec) -> impl Iterator<Item = &'static Self> {
        ALGORITHMS.iter().filter(|algorithm| (algorithm.fits)(spec))
    }

    /// Whether an algorithm with this name can store only the maximum of each 2x2 window.
    pub(super) fn can_pool(name: &str) -> bool {
        ALGORITHMS.iter().any(|algorithm| algorithm.name == name && algorithm.pooling.is_some())
    }

    /// The algorithm with this name; without a name, the first that fits.
    pub(super) fn selected(name: Option<&'static str>, spec: &Spec) -> &'static Self {
        let mut fitting = Self::fitting(spec).filter(|algorithm| name.is_none_or(|name| name == algorithm.name));
        fitting.next().unwrap_or(&ALGORITHMS[ALGORITHMS.len() - 1])
    }

    /// Its kernel in the forward direction.
    pub(super) fn forward(&self, direction: Direction, is_prepared: bool) -> ForwardKernel<Kind> {
        let predicts = direction == Direction::Predicting && (is_prepared || self.packing.is_none());
        let [first, other] = if predicts { [self.predicting, self.forward] } else { [self.forward, self.predicting] };
        let Some(kernel) = first.or(other) else { unreachable!("an algorithm predicts, or trains forward") };
        kernel
    }

    /// Its candidates in a direction, for filters called `weights`. A kernel that packs filters in each pass is also offered with filters packed
    /// in advance.
    pub(super) fn candidates(
        &self,
        spec: &Spec,
        direction: Direction,
        weights: &'static str,
    ) -> impl Iterator<Item = Candidate> + use<> {
        let has_kernel = match direction {
            Direction::Predicting => self.predicting.is_some(),
            Direction::Forward => self.forward.is_some(),
            Direction::InputGradient => self.grad_input.is_some(),
            Direction::WeightGradient => (self.grad_weights)(spec).is_some(),
        };
        let (work, memory) = ((self.work)(spec, direction), (self.memory)(spec));
        let plain = Spec { epilogue: Epilogue::NONE, ..*spec };
        let pack =
            |PackFilters { kernel, len }| Pack { packing: Packing::Conv(kernel, plain), len: len(&plain), weights };
        let packing = self.packing.filter(|_| direction == Direction::Predicting).map(pack);
        let once_a_step = match (direction, self.packing_of_a_step) {
            (Direction::Forward, [packing, _]) | (Direction::InputGradient, [_, packing]) => packing.map(pack),
            _ => None,
        };
        let offered = Candidate { name: self.name, why: self.why, work, packing, memory };
        let prepared = once_a_step.filter(|_| work.packed > 0.0).map(|pack| Candidate {
            packing: Some(pack),
            memory: memory + pack.len,
            ..offered
        });
        [Some(offered), prepared].into_iter().flatten().filter(move |_| has_kernel)
    }
}
