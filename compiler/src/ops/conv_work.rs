//! What each algorithm of a convolution does, counted from the sizes: the cost model turns it into time.

use netwright_abi::spec::conv::Spec;

use crate::cost::{CACHED, MICRO_BATCH, Work, is_small};
use crate::selection::Direction;

/// Lanes of a vector, and rows of a register tile.
const LANES: usize = 8;
const ROWS: usize = 6;
/// Columns of a register tile.
const COLUMNS: usize = 16;

/// Multiply-adds of all outputs, or of their gradients, where the innermost axis of `of` channels takes `lanes` lanes.
pub(super) fn filled(spec: &Spec, of: usize, lanes: usize) -> f64 {
    let [channels, _] = spec.group();
    let macs = spec.output_len() * spec.window[0] * spec.window[1] * channels;
    macs as f64 * lanes as f64 / of as f64
}

/// Whether its kernels are compiled for its sizes.
fn is_small_layer(spec: &Spec) -> bool {
    is_small(filled(spec, 1, 1) as u64, spec.input_len() + spec.output_len())
}

/// Whether `conv_registers` predicts it: its kernel is one for constant sizes.
pub(super) fn in_registers(spec: &Spec) -> bool {
    spec.has_inner_windows() && is_small_layer(spec)
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
pub(super) fn padded(spec: &Spec) -> f64 {
    let ([height, width, channels], [top, bottom, left, right]) = (spec.input, spec.padding);
    if spec.padding == [0; 4] { 0.0 } else { ((height + top + bottom) * (width + left + right) * channels) as f64 }
}

/// Whether each output sees a single pixel, so that all outputs are the rows of one product.
fn is_pointwise(spec: &Spec) -> bool {
    (spec.window, spec.stride, spec.padding) == ([1; 2], [1; 2], [0; 4])
}

/// Products of matrices, of one group.
pub(super) fn products(spec: &Spec, direction: Direction) -> Work {
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
pub(super) fn padded_by_channels(spec: &Spec) -> f64 {
    let ([height, width, channels], [top, bottom, left, right]) = (spec.input, spec.padding);
    ((height + top + bottom) * (width + left + right) * channels) as f64
}

/// Pixels in the lanes, of which a row may leave some idle. A row of outputs is transposed back by four filters and a vector of pixels at a time.
pub(super) fn pixels(spec: &Spec) -> Work {
    let ([_, _, channels], [rows, columns, filters]) = (spec.input, spec.output);
    let vector = if columns < 2 * LANES { LANES } else { 2 * LANES };
    // Sizes that are read when the kernel runs cost what constants save (`cargo bench -p netwright-compute --features std --bench small`).
    let macs = filled(spec, 1, 1);
    let longer = if is_small_layer(spec) { 1.0 } else { 1.3 };
    let copied = padded_by_channels(spec);
    Work {
        lanes: longer * macs * columns.next_multiple_of(vector) as f64 / columns as f64,
        tiles: (rows * filters.div_ceil(4) * columns.div_ceil(vector)) as f64,
        copied: if channels == 1 { copied } else { 0.0 },
        transformed: if channels == 1 { 0.0 } else { copied },
        ..Work::default()
    }
}

/// Sums in registers, for constant sizes, when predicting: at no distance that must be counted first
/// (`cargo bench -p netwright-compute --features std --bench small`).
pub(super) fn registers(spec: &Spec, direction: Direction) -> Work {
    if direction != Direction::Predicting {
        return direct(spec, direction);
    }
    let [rows, columns, filters] = spec.output;
    Work {
        lanes: 0.75 * filled(spec, filters, filters.next_multiple_of(LANES)),
        tiles: rows as f64 * tiles(columns, filters),
        ..Work::default()
    }
}

/// How much longer a product of few rows takes, whose sums wait for one another.
fn idle_rows(rows: usize) -> f64 {
    const AT_LEAST: usize = 4;
    rows.max(AT_LEAST) as f64 / rows as f64
}

/// Windows and filters where they lie: those that reach into the padding one by one, the others by rows.
pub(super) fn direct(spec: &Spec, direction: Direction) -> Work {
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
pub(super) const HOT: usize = 1 << 17;

/// Elements of a block.
pub(super) fn block(spec: &Spec) -> usize {
    netwright_abi::LANES * (spec.input_len() + spec.output_len() + spec.weights_len())
}

/// Blocks of images in the lanes: no lane stays idle, and what is read and written is laid out anew
/// (`cargo bench -p netwright-compute --features std --bench lanes`).
pub(super) fn blocks(spec: &Spec, direction: Direction) -> Work {
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
pub(super) fn grouped(spec: &Spec, direction: Direction) -> Work {
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
pub(super) fn products_of_groups(spec: &Spec, direction: Direction) -> Work {
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
pub(super) fn winograd(spec: &Spec, direction: Direction) -> Work {
    if direction == Direction::WeightGradient {
        return winograd_of_weights(spec);
    }
    let spec = if direction == Direction::InputGradient { spec.rotated() } else { *spec };
    let form = if direction == Direction::Forward { spec.fine_winograd() } else { spec.winograd() };
    let Some(form) = form else { return Work::default() };
    let tiles = spec.output[0].div_ceil(form.tile) * spec.output[1].div_ceil(form.tile);
    let transforms = form.filters_len(&spec);
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

/// The same for the gradient of the weights: its sums are short, of the tiles of a part, behind which they return from the transforms and are
/// added up (`cargo bench -p netwright-compute --features std --bench winograd -- --batch 8 weights`).
fn winograd_of_weights(spec: &Spec) -> Work {
    let Some(form) = spec.winograd_of_weights() else { return Work::default() };
    let tiles = spec.output[0].div_ceil(form.tile) * spec.output[1].div_ceil(form.tile);
    let (transforms, parts) = (form.filters_len(spec), MICRO_BATCH * tiles as f64 / form.tiles_of_weights(spec) as f64);
    let parts_an_image = parts.ceil() / MICRO_BATCH;
    Work {
        lanes: SHORT_SUMS * (transforms * tiles) as f64,
        transformed: (form.points() * tiles * (spec.input[2] + spec.output[2])) as f64
            + transforms as f64 * parts_an_image,
        updated: beyond_cache(spec) * parts_an_image,
        ..Work::default()
    }
}

/// How much longer products of short sums take, whose factors and results pass through the second cache.
const SHORT_SUMS: f64 = 1.7;
