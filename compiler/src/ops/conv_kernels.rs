//! The kernels of a convolution: each algorithm's in every direction, and what they take.

use netwright_abi::Epilogue;
use netwright_abi::kernels::{self, GradWeights, Kernel};
use netwright_abi::spec::conv::{Kind, Spec};

use super::{ForwardKernel, InputGradientKernel, Pack, Packing};
use crate::cost::{CACHED, MICRO_BATCH, Work, is_small};
use crate::selection::{Candidate, Direction};
use crate::words::Choice;

/// The form that filters of some sizes are packed in.
type PackFilters = fn(Spec) -> Packing;

/// An algorithm, with its kernel in each direction that it has.
pub(super) struct Algorithm {
    /// The word for it behind the option `kernel`.
    pub(super) name: &'static str,
    /// That word in the reference of the language; `None` where another row of the same name has it.
    choice: Option<Choice>,
    /// What makes it fast or slow.
    why: &'static str,
    fits: fn(&Spec) -> bool,
    /// Whether it rounds no more than a plain sum.
    pub(super) is_exact: bool,
    predicting: Option<ForwardKernel<Kind>>,
    /// How its filters are prepared for that.
    packing: Option<PackFilters>,
    forward: Option<ForwardKernel<Kind>>,
    pub(super) grad_input: Option<InputGradientKernel<Kind>>,
    /// How they can be prepared for training, forward and for the gradient of the input.
    packing_of_a_step: [Option<PackFilters>; 2],
    pub(super) grad_weights: Option<Kernel<GradWeights<()>, Kind>>,
    work: fn(&Spec, Direction) -> Work,
    /// Elements of scratch memory and of prepared filters, about.
    memory: fn(&Spec) -> usize,
}

/// All of them. Of two of one name, the sizes fit one.
static ALGORITHMS: [Algorithm; 8] = [
    Algorithm {
        name: "depthwise",
        choice: Some(Choice {
            name: "depthwise",
            summary: "each channel by itself, channels side by side in the vector",
            needs: "a group for each channel",
        }),
        why: "each channel by itself, channels side by side in the vector",
        fits: |spec| spec.groups > 1 && spec.groups == spec.input[2],
        is_exact: true,
        predicting: Some(ForwardKernel::Plain(kernels::depthwise_forward)),
        packing: None,
        forward: Some(ForwardKernel::Plain(kernels::depthwise_forward)),
        grad_input: Some(InputGradientKernel::Plain(kernels::depthwise_grad_input)),
        packing_of_a_step: [None; 2],
        grad_weights: Some(kernels::depthwise_grad_weights),
        work: |spec, _| Work { lanes: filled(spec, 1, 1), ..Work::default() },
        memory: |spec| if spec.input[2] == spec.output[2] { 0 } else { spec.output[1] * spec.output[2] },
    },
    Algorithm {
        name: "grouped",
        choice: Some(Choice { name: "grouped", summary: "all groups in one kernel", needs: "several groups" }),
        why: "all groups in one kernel",
        fits: |spec| spec.groups > 1,
        is_exact: true,
        predicting: Some(ForwardKernel::Packing(kernels::conv_grouped_forward)),
        packing: Some(Packing::Grouped),
        forward: Some(ForwardKernel::Packing(kernels::conv_grouped_forward)),
        grad_input: Some(InputGradientKernel::Packing(kernels::conv_grouped_grad_input)),
        packing_of_a_step: [Some(Packing::Grouped), Some(Packing::GroupedRotated)],
        grad_weights: Some(kernels::conv_grouped_grad_weights),
        work: grouped,
        memory: |spec| spec.grouped_len(false) + padded(spec) as usize,
    },
    Algorithm {
        name: "gemm",
        choice: None,
        why: "products of matrices for each group",
        fits: |spec| spec.groups > 1,
        is_exact: true,
        predicting: Some(ForwardKernel::Packing(kernels::conv_gemm_forward)),
        packing: None,
        forward: Some(ForwardKernel::Packing(kernels::conv_gemm_forward)),
        grad_input: Some(InputGradientKernel::Packing(kernels::conv_gemm_grad_input)),
        packing_of_a_step: [Some(Packing::Filters), Some(Packing::Rotated)],
        grad_weights: Some(kernels::conv_gemm_grad_weights),
        work: products_of_groups,
        memory: |spec| spec.weights_len() + padded(spec) as usize,
    },
    Algorithm {
        name: "gemm",
        choice: Some(GEMM),
        why: "windows as the rows of a matrix product",
        fits: |spec| spec.groups == 1,
        is_exact: true,
        predicting: Some(ForwardKernel::Plain(kernels::conv_packed_forward)),
        packing: Some(Packing::Panels),
        forward: Some(ForwardKernel::Packing(kernels::conv_gemm_forward)),
        grad_input: Some(InputGradientKernel::Packing(kernels::conv_gemm_grad_input)),
        packing_of_a_step: [Some(Packing::Filters), Some(Packing::Rotated)],
        grad_weights: Some(kernels::conv_gemm_grad_weights),
        work: products,
        memory: |spec| spec.packed_len() + padded(spec) as usize,
    },
    Algorithm {
        name: "winograd",
        choice: Some(Choice {
            name: "winograd",
            summary: "Winograd's algorithm, also for the gradient of the input; it rounds a little more",
            needs: "3x3 or 5x5 windows with stride 1, and channels and filters in sixteens in each group",
        }),
        why: "tiles of outputs take a fraction of the multiply-adds",
        fits: |spec| spec.winograd().is_some(),
        is_exact: false,
        predicting: Some(ForwardKernel::Plain(kernels::conv_winograd_forward)),
        packing: Some(Packing::Winograd),
        forward: Some(ForwardKernel::Packing(kernels::conv_winograd_train_forward)),
        grad_input: Some(InputGradientKernel::Packing(kernels::conv_winograd_grad_input)),
        packing_of_a_step: [Some(Packing::Winograd), Some(Packing::WinogradRotated)],
        grad_weights: None,
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
        is_exact: true,
        predicting: Some(ForwardKernel::Plain(kernels::conv_pixels_forward)),
        packing: None,
        forward: None,
        grad_input: None,
        packing_of_a_step: [None; 2],
        grad_weights: None,
        work: |spec, _| pixels(spec),
        memory: |spec| padded_by_channels(spec) as usize + spec.rows_len()[1],
    },
    Algorithm {
        name: "blocks",
        choice: Some(Choice {
            name: "blocks",
            summary: "blocks of sixteen images side by side in the vector, when training",
            needs: "tiny images and filters, several taps, stride 1 and one group",
        }),
        why: "sixteen images side by side in the vector",
        fits: |spec| spec.in_blocks() && block(spec) <= HOT,
        is_exact: true,
        predicting: None,
        packing: None,
        forward: Some(ForwardKernel::Packing(kernels::conv_blocks_forward)),
        grad_input: Some(InputGradientKernel::Packing(kernels::conv_blocks_grad_input)),
        packing_of_a_step: [None, Some(Packing::Rotated)],
        grad_weights: Some(kernels::conv_blocks_grad_weights),
        work: blocks,
        memory: block,
    },
    Algorithm {
        name: "direct",
        choice: Some(DIRECT),
        why: "windows and filters read where they lie",
        fits: |_| true,
        is_exact: true,
        predicting: Some(ForwardKernel::Plain(kernels::conv_direct_forward)),
        packing: None,
        forward: Some(ForwardKernel::Plain(kernels::conv_direct_forward)),
        grad_input: Some(InputGradientKernel::Packing(kernels::conv_direct_grad_input)),
        packing_of_a_step: [None, Some(Packing::Blocks)],
        grad_weights: Some(kernels::conv_direct_grad_weights),
        work: direct,
        memory: |_| 0,
    },
];

/// The words behind `kernel` of a convolution.
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

/// Behind `kernel`, also of layers that are one product.
pub(crate) const DIRECT: Choice =
    Choice { name: "direct", summary: "reads windows and filters where they lie, without scratch memory", needs: "" };
pub(crate) const GEMM: Choice =
    Choice { name: "gemm", summary: "products of matrices; predictions pack the filters once", needs: "" };

impl Algorithm {
    /// Those that compute a convolution of these sizes.
    pub(super) fn fitting(spec: &Spec) -> impl Iterator<Item = &'static Self> {
        ALGORITHMS.iter().filter(|algorithm| (algorithm.fits)(spec))
    }

    /// The one of a name; the first that fits where nothing was selected.
    pub(super) fn selected(name: Option<&'static str>, spec: &Spec) -> &'static Self {
        let mut fitting = Self::fitting(spec).filter(|algorithm| name.is_none_or(|name| name == algorithm.name));
        fitting.next().unwrap_or(&ALGORITHMS[ALGORITHMS.len() - 1])
    }

    /// Its kernel on the way forward.
    pub(super) fn forward(&self, direction: Direction, is_prepared: bool) -> ForwardKernel<Kind> {
        let predicts = direction == Direction::Predicting && (is_prepared || self.packing.is_none());
        let [first, other] = if predicts { [self.predicting, self.forward] } else { [self.forward, self.predicting] };
        let Some(kernel) = first.or(other) else { unreachable!("an algorithm predicts, or trains forward") };
        kernel
    }

    /// What it offers in a direction, of filters called `weights`: where its kernel packs them in each pass, also with filters packed before.
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
            Direction::WeightGradient => self.grad_weights.is_some(),
        };
        let (work, memory) = ((self.work)(spec, direction), (self.memory)(spec));
        let pack =
            |packing: PackFilters| Pack { packing: packing(Spec { epilogue: Epilogue::NONE, ..*spec }), weights };
        let packing = self.packing.filter(|_| direction == Direction::Predicting).map(pack);
        let once_a_step = match (direction, self.packing_of_a_step) {
            (Direction::Forward, [packing, _]) | (Direction::InputGradient, [_, packing]) => packing.map(pack),
            _ => None,
        };
        let offered = Candidate { name: self.name, why: self.why, work, packing, memory };
        let prepared = once_a_step.filter(|_| work.packed > 0.0).map(|pack| Candidate {
            packing: Some(pack),
            memory: memory + pack.len(),
            ..offered
        });
        [Some(offered), prepared].into_iter().flatten().filter(move |_| has_kernel)
    }
}

/// Lanes of a vector, and rows of a register tile.
const LANES: usize = 8;
const ROWS: usize = 6;
/// Columns of a register tile.
const COLUMNS: usize = 16;

/// Multiply-adds of all outputs, or of their gradients, where the innermost axis of `of` channels takes `lanes` lanes.
fn filled(spec: &Spec, of: usize, lanes: usize) -> f64 {
    let [channels, _] = spec.group();
    let macs = spec.output_len() * spec.window[0] * spec.window[1] * channels;
    macs as f64 * lanes as f64 / of as f64
}

/// Elements of the weights, where they do not stay in the second cache.
fn beyond_cache(spec: &Spec) -> f64 {
    if spec.weights_len() > CACHED { spec.weights_len() as f64 } else { 0.0 }
}

/// Register tiles of a row of so many windows with so many columns.
fn tiles(windows: usize, columns: usize) -> f64 {
    (windows.div_ceil(ROWS) * columns.div_ceil(COLUMNS)) as f64
}

/// Elements of a copy of the image with its padding; none where it has none.
fn padded(spec: &Spec) -> f64 {
    let ([height, width, channels], [top, bottom, left, right]) = (spec.input, spec.padding);
    if spec.padding == [0; 4] { 0.0 } else { ((height + top + bottom) * (width + left + right) * channels) as f64 }
}

/// Whether each output sees a single pixel, so that all outputs are the rows of one product.
fn is_pointwise(spec: &Spec) -> bool {
    (spec.window, spec.stride, spec.padding) == ([1; 2], [1; 2], [0; 4])
}

/// Products of matrices, of one group.
fn products(spec: &Spec, direction: Direction) -> Work {
    let ([height, width, channels], [rows, columns, filters]) = (spec.input, spec.output);
    let weights = spec.weights_len() as f64;
    let once_in_a_pass = weights / MICRO_BATCH;
    let of_rows = |rows: usize, windows: usize, outer: usize| {
        let (rows, windows) = if is_pointwise(spec) { (1, rows * windows) } else { (rows, windows) };
        (rows as f64, rows as f64 * tiles(windows, outer))
    };
    match direction {
        Direction::Predicting | Direction::Forward => {
            let is_predicting = direction == Direction::Predicting;
            let (calls, tiles) = of_rows(rows, columns, filters);
            Work {
                lanes: filled(spec, filters, filters.next_multiple_of(LANES)),
                calls,
                tiles,
                copied: padded(spec),
                packed: if is_predicting || filters <= 4 * COLUMNS { 0.0 } else { once_in_a_pass },
                read: beyond_cache(spec) / if is_predicting { 1.0 } else { MICRO_BATCH },
                ..Work::default()
            }
        }
        Direction::InputGradient => {
            // One product for each phase of the stride, in which every tap takes part once.
            let phases = spec.stride[0] * spec.stride[1];
            let [height, width] = [height.div_ceil(spec.stride[0]), width.div_ceil(spec.stride[1])];
            let (calls, tiles) = of_rows(height, width, channels);
            Work {
                lanes: filled(spec, channels, channels.next_multiple_of(LANES)),
                calls: calls * phases as f64,
                tiles: tiles * phases as f64,
                copied: if is_pointwise(spec) { 0.0 } else { spec.output_len() as f64 },
                packed: once_in_a_pass,
                ..Work::default()
            }
        }
        Direction::WeightGradient => {
            // The taps of a row are the rows of one product, over as many images as half of a second cache holds.
            let taps = spec.window[1] * channels;
            let images = (CACHED as f64 / 2.0 / (padded(spec) + 1.0)).clamp(1.0, MICRO_BATCH).floor();
            Work {
                lanes: filled(spec, filters, filters.next_multiple_of(LANES)) * idle_rows(taps),
                calls: spec.window[0] as f64,
                tiles: spec.window[0] as f64 * tiles(taps, filters),
                copied: padded(spec),
                updated: beyond_cache(spec) / images,
                ..Work::default()
            }
        }
    }
}

/// Elements of a copy of the image with its padding, channel by channel.
fn padded_by_channels(spec: &Spec) -> f64 {
    let ([height, width, channels], [top, bottom, left, right]) = (spec.input, spec.padding);
    ((height + top + bottom) * (width + left + right) * channels) as f64
}

/// Pixels in the lanes, of which a row may leave some idle. A row of outputs is turned back by four filters and a vector of pixels at a time.
fn pixels(spec: &Spec) -> Work {
    let ([_, _, channels], [rows, columns, filters]) = (spec.input, spec.output);
    let vector = if columns < 2 * LANES { LANES } else { 2 * LANES };
    // Sizes that are read when the kernel runs cost what constants save (`cargo bench -p netwright-compute --features std --bench small`).
    let macs = filled(spec, 1, 1);
    let longer = if is_small(macs as u64, spec.input_len() + spec.output_len()) { 1.0 } else { 1.3 };
    let copied = padded_by_channels(spec);
    Work {
        lanes: longer * macs * columns.next_multiple_of(vector) as f64 / columns as f64,
        tiles: (rows * filters.div_ceil(4) * columns.div_ceil(vector)) as f64,
        copied: if channels == 1 { copied } else { 0.0 },
        transformed: if channels == 1 { 0.0 } else { copied },
        ..Work::default()
    }
}

/// How much longer a product of few rows takes, whose sums wait for one another.
fn idle_rows(rows: usize) -> f64 {
    const AT_LEAST: usize = 4;
    rows.max(AT_LEAST) as f64 / rows as f64
}

/// Windows and filters where they lie: those that reach into the padding one by one, the others by rows.
fn direct(spec: &Spec, direction: Direction) -> Work {
    let ([channels, filters], taps) = (spec.group(), spec.window[0] * spec.window[1]);
    let groups = spec.groups as f64;
    let turning = if spec.groups > 1 { TURNING } else { 1.0 };
    let [rows, columns, _] = spec.output;
    // The positions of tap `tap` along an axis that lie in the image.
    let inside = |axis: usize, tap: usize| spec.positions_inside(axis, tap).len();
    match direction {
        Direction::Predicting | Direction::Forward => {
            let [first, last] = [0, spec.window[1] - 1].map(|tap| spec.positions_inside(1, tap));
            let whole = first.end.min(last.end).saturating_sub(first.start.max(last.start));
            let (calls, lone) = (usize::from(whole > 0), columns - whole);
            // A window by itself is a product of one row.
            let idle = 1.0 + lone as f64 / columns as f64;
            // The filters of many columns of tiles are not contiguous.
            let apart = if filters > 4 * COLUMNS { 1.1 } else { 1.0 };
            Work {
                lanes: turning * idle * apart * filled(spec, filters, filters.next_multiple_of(LANES)),
                calls: groups * (rows * (calls + lone)) as f64,
                tiles: groups * rows as f64 * (tiles(whole, filters) + lone as f64 * tiles(1, filters)),
                read: beyond_cache(spec) * (rows * (calls + lone)) as f64,
                ..Work::default()
            }
        }
        Direction::InputGradient => {
            // Each tap adds its products of blocks of weights to rows of dx.
            let blocks = groups * (channels.div_ceil(COLUMNS) * filters.div_ceil(COLUMNS)) as f64;
            Work {
                lanes: turning * filled(spec, channels, channels.next_multiple_of(LANES)),
                calls: (taps * rows) as f64 * blocks,
                tiles: 3.0 * (taps * rows) as f64 * blocks * tiles(columns, COLUMNS),
                packed: spec.weights_len() as f64 / MICRO_BATCH,
                ..Work::default()
            }
        }
        Direction::WeightGradient => {
            // Each tap is a product over the positions for which it lies in the image.
            let share = |axis: usize| {
                let all: usize = (0..spec.window[axis]).map(|tap| inside(axis, tap)).sum();
                all as f64 / (spec.window[axis] * spec.output[axis]) as f64
            };
            let lanes = filled(spec, filters, filters.next_multiple_of(LANES)) * idle_rows(channels);
            Work {
                lanes: turning * lanes * share(0) * share(1),
                calls: taps as f64 * groups,
                tiles: taps as f64 * groups * tiles(channels, filters),
                updated: beyond_cache(spec),
                ..Work::default()
            }
        }
    }
}

/// The most elements of a block of images, its outputs and the sums of its weights: half of a second cache of single precision.
const HOT: usize = 1 << 17;

/// Elements of a block.
fn block(spec: &Spec) -> usize {
    netwright_abi::LANES * (spec.input_len() + spec.output_len() + spec.weights_len())
}

/// Blocks of images in the lanes: no lane stays idle, and what is read and written is laid out anew
/// (`cargo bench -p netwright-compute --features std --bench lanes`).
fn blocks(spec: &Spec, direction: Direction) -> Work {
    // Images whose elements fall into the same places of the first cache are laid out by whole cache lines.
    let relaid = |len: usize| if len.is_multiple_of(512) { 4.0 } else { 0.75 } * len as f64;
    let (weights, positions) = (spec.weights_len(), spec.output[0] * spec.output[1]);
    // The share of taps that lie in the image.
    let inside = |axis: usize| {
        let all: usize = (0..spec.window[axis]).map(|tap| spec.positions_inside(axis, tap).len()).sum();
        all as f64 / (spec.window[axis] * spec.output[axis]) as f64
    };
    let macs = 1.05 * inside(0) * filled(spec, 1, 1);
    let outputs = |[height, width, channels]: [usize; 3]| {
        // Tiles have eight, six or four channels; the sums of one by itself wait for one another.
        let alone = channels % 8 % 6 % 4;
        let waiting = 1.0 + 1.2 * alone as f64 / channels as f64;
        waiting * inside(1) * macs + (height * width * (10 + 3 * channels)) as f64
    };
    let lanes = match direction {
        Direction::Predicting | Direction::Forward => outputs(spec.output),
        Direction::InputGradient => outputs(spec.input),
        // The padding of rows is computed; the sums of lanes are stored for each strip, and added up for each block.
        Direction::WeightGradient => macs + (weights * (16 + 5 * positions.div_ceil(64))) as f64,
    };
    let packed = if direction == Direction::InputGradient { weights as f64 / MICRO_BATCH } else { 0.0 };
    Work { lanes, copied: relaid(spec.input_len()) + relaid(spec.output_len()), packed, ..Work::default() }
}

/// The kernel of many groups: it fills vectors with channels of one group, by sixteen, or with groups, whose channels come by four.
fn grouped(spec: &Spec, direction: Direction) -> Work {
    let [_, filters] = spec.group();
    let channels = spec.groups * filters.next_multiple_of(2 * LANES);
    let groups = spec.groups.next_multiple_of(LANES) * filters.next_multiple_of(4);
    let packed = match direction {
        Direction::Forward | Direction::InputGradient => spec.weights_len() as f64 / MICRO_BATCH,
        Direction::Predicting | Direction::WeightGradient => 0.0,
    };
    Work { lanes: filled(spec, spec.output[2], channels.min(groups)), packed, ..Work::default() }
}

/// How much longer products take that turn to the next group (`cargo bench -p netwright-compute --features std --bench grouped`).
const TURNING: f64 = 1.5;

/// Products of matrices, group by group.
fn products_of_groups(spec: &Spec, direction: Direction) -> Work {
    let [_, filters] = spec.group();
    let lanes = spec.groups * filters.next_multiple_of(LANES);
    let packs = match direction {
        Direction::Forward => spec.output[2] > 4 * COLUMNS,
        Direction::InputGradient => true,
        Direction::Predicting | Direction::WeightGradient => false,
    };
    let packed = if packs { spec.weights_len() as f64 / MICRO_BATCH } else { 0.0 };
    Work { lanes: TURNING * filled(spec, spec.output[2], lanes), packed, ..Work::default() }
}

/// Winograd's algorithm: a product of matrices for each place of the transforms of tiles and filters.
fn winograd(spec: &Spec, direction: Direction) -> Work {
    let spec = if direction == Direction::InputGradient { spec.rotated() } else { *spec };
    let Some(form) = spec.winograd() else { return Work::default() };
    let tiles = spec.output[0].div_ceil(form.tile) * spec.output[1].div_ceil(form.tile);
    let transforms = spec.winograd_len();
    let is_predicting = direction == Direction::Predicting;
    let beyond = if transforms > CACHED { transforms as f64 } else { 0.0 };
    Work {
        lanes: 1.1 * (transforms * tiles) as f64,
        transformed: (form.points() * tiles * (spec.input[2] + spec.output[2])) as f64,
        packed: if is_predicting { 0.0 } else { transforms as f64 / MICRO_BATCH },
        read: beyond / if is_predicting { 1.0 } else { MICRO_BATCH },
        ..Work::default()
    }
}
