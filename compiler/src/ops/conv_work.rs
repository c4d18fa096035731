//! The work of each algorithm of a convolution, computed from the sizes; the cost model converts it into time.

use netwright_abi::spec::conv::Spec;

use crate::cost::{CACHED, MICRO_BATCH, Work, is_small};
use crate::selection::Direction;

/// The lanes of a vector, and the rows of a register tile.
const LANES: usize = 8;
const ROWS: usize = 6;
/// The columns of a register tile.
const COLUMNS: usize = 16;

/// The multiply-adds of all outputs, or of their gradients, where the innermost axis of `of` channels occupies `lanes` lanes.
pub(super) fn filled(spec: &Spec, of: usize, lanes: usize) -> f64 {
    let [channels, _] = spec.group();
    let macs = spec.output_len() * spec.window[0] * spec.window[1] * channels;
    macs as f64 * lanes as f64 / of as f64
}

/// Whether its kernels have compile-time sizes.
fn is_small_layer(spec: &Spec) -> bool {
    is_small(filled(spec, 1, 1) as u64, spec.input_len() + spec.output_len())
}

/// Whether predictions use `conv_registers`, a kernel for compile-time sizes.
pub(super) fn in_registers(spec: &Spec) -> bool {
    spec.has_inner_windows() && is_small_layer(spec)
}

/// The number of weights if they exceed the L2 cache, otherwise 0.
fn beyond_cache(spec: &Spec) -> f64 {
    if spec.weights_len() > CACHED { spec.weights_len() as f64 } else { 0.0 }
}

/// The register tiles of a row of `windows` windows with `columns` columns.
fn tiles(windows: usize, columns: usize) -> f64 {
    (windows.div_ceil(ROWS) * columns.div_ceil(COLUMNS)) as f64
}

/// The elements of a padded copy of the image; 0 without padding.
pub(super) fn padded(spec: &Spec) -> f64 {
    let ([height, width, channels], [top, bottom, left, right]) = (spec.input, spec.padding);
    if spec.padding == [0; 4] { 0.0 } else { ((height + top + bottom) * (width + left + right) * channels) as f64 }
}

/// Whether each output reads a single pixel, so that one matrix product computes all outputs.
fn is_pointwise(spec: &Spec) -> bool {
    (spec.window, spec.stride, spec.padding) == ([1; 2], [1; 2], [0; 4])
}

/// Matrix products of a single group.
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
            // One product for each phase of the stride; each tap belongs to one phase.
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
            // The taps of a row are the rows of one product, over as many images as fit in half of the L2 cache.
            let taps = spec.window[1] * channels;
            let images = (CACHED as f64 / 2.0 / (padded(spec) + 1.0)).clamp(1.0, MICRO_BATCH).floor();
            Work {
                lanes: filled(spec, filters, filters.next_multiple_of(LANES)) * few_rows(taps),
                calls: spec.window[0] as f64,
                tiles: spec.window[0] as f64 * tiles(taps, filters),
                copied: padded(spec),
                updated: beyond_cache(spec) / images,
                ..Work::default()
            }
        }
    }
}

/// The elements of a padded copy of the image, channel by channel.
pub(super) fn padded_by_channels(spec: &Spec) -> f64 {
    let ([height, width, channels], [top, bottom, left, right]) = (spec.input, spec.padding);
    ((height + top + bottom) * (width + left + right) * channels) as f64
}

/// Pixels in the lanes; a row may leave some lanes idle. A row of outputs is transposed back in units of four filters by a vector of pixels.
pub(super) fn pixels(spec: &Spec) -> Work {
    let ([_, _, channels], [rows, columns, filters]) = (spec.input, spec.output);
    let vector = if columns < 2 * LANES { LANES } else { 2 * LANES };
    // Run-time sizes cost what constants save (`cargo bench -p netwright-compute --features std --bench small`).
    let macs = filled(spec, 1, 1);
    let slowdown = if is_small_layer(spec) { 1.0 } else { 1.3 };
    let copied = padded_by_channels(spec);
    Work {
        lanes: slowdown * macs * columns.next_multiple_of(vector) as f64 / columns as f64,
        tiles: (rows * filters.div_ceil(4) * columns.div_ceil(vector)) as f64,
        copied: if channels == 1 { copied } else { 0.0 },
        transformed: if channels == 1 { 0.0 } else { copied },
        ..Work::default()
    }
}

/// Sums in registers, with compile-time sizes, in predictions: no offsets are computed at run time
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

/// The slowdown of a product with few rows, due to dependent sums.
fn few_rows(rows: usize) -> f64 {
    const AT_LEAST: usize = 4;
    rows.max(AT_LEAST) as f64 / rows as f64
}

/// Windows and filters read in place: windows that overlap the padding one by one, all others by rows.
pub(super) fn direct(spec: &Spec, direction: Direction) -> Work {
    let ([channels, filters], taps) = (spec.group(), spec.window[0] * spec.window[1]);
    let groups = spec.groups as f64;
    let group_switch = if spec.groups > 1 { GROUP_SWITCH } else { 1.0 };
    let [rows, columns, _] = spec.output;
    // The positions of tap `tap` along an axis that are inside the image.
    let inside = |axis: usize, tap: usize| spec.positions_inside(axis, tap).len();
    match direction {
        Direction::Predicting | Direction::Forward => {
            let [first, last] = [0, spec.window[1] - 1].map(|tap| spec.positions_inside(1, tap));
            let whole = first.end.min(last.end).saturating_sub(first.start.max(last.start));
            let (calls, lone) = (usize::from(whole > 0), columns - whole);
            // A single window is a product of one row.
            let idle = 1.0 + lone as f64 / columns as f64;
            // The filters of many columns of tiles are not contiguous.
            let apart = if filters > 4 * COLUMNS { 1.1 } else { 1.0 };
            Work {
                lanes: group_switch * idle * apart * filled(spec, filters, filters.next_multiple_of(LANES)),
                calls: groups * (rows * (calls + lone)) as f64,
                tiles: groups * rows as f64 * (tiles(whole, filters) + lone as f64 * tiles(1, filters)),
                read: beyond_cache(spec) * (rows * (calls + lone)) as f64,
                ..Work::default()
            }
        }
        Direction::InputGradient => {
            // Each tap accumulates products with blocks of weights into rows of dx.
            let blocks = groups * (channels.div_ceil(COLUMNS) * filters.div_ceil(COLUMNS)) as f64;
            Work {
                lanes: group_switch * filled(spec, channels, channels.next_multiple_of(LANES)),
                calls: (taps * rows) as f64 * blocks,
                tiles: 3.0 * (taps * rows) as f64 * blocks * tiles(columns, COLUMNS),
                packed: spec.weights_len() as f64 / MICRO_BATCH,
                ..Work::default()
            }
        }
        Direction::WeightGradient => {
            // Each tap is a product over the positions at which it is inside the image.
            let share = |axis: usize| {
                let all: usize = (0..spec.window[axis]).map(|tap| inside(axis, tap)).sum();
                all as f64 / (spec.window[axis] * spec.output[axis]) as f64
            };
            let lanes = filled(spec, filters, filters.next_multiple_of(LANES)) * few_rows(channels);
            Work {
                lanes: group_switch * lanes * share(0) * share(1),
                calls: taps as f64 * groups,
                tiles: taps as f64 * groups * tiles(channels, filters),
                updated: beyond_cache(spec),
                ..Work::default()
            }
        }
    }
}

/// The maximum number of elements of a block of images, its outputs and the sums of its weights: half of an L2 cache in single precision.
pub(super) const MAX_BLOCK: usize = 1 << 17;

/// The elements of a block.
pub(super) fn block(spec: &Spec) -> usize {
    netwright_abi::LANES * (spec.input_len() + spec.output_len() + spec.weights_len())
}

/// Blocks of images in the lanes: no lane is idle, and inputs and outputs are transposed
/// (`cargo bench -p netwright-compute --features std --bench lanes`).
pub(super) fn blocks(spec: &Spec, direction: Direction) -> Work {
    // Images whose elements map to the same sets of the L1 cache are transposed by whole cache lines.
    let transposed = |len: usize| if len.is_multiple_of(512) { 4.0 } else { 0.75 } * len as f64;
    let (weights, positions) = (spec.weights_len(), spec.output[0] * spec.output[1]);
    // The fraction of taps that are inside the image.
    let inside = |axis: usize| {
        let all: usize = (0..spec.window[axis]).map(|tap| spec.positions_inside(axis, tap).len()).sum();
        all as f64 / (spec.window[axis] * spec.output[axis]) as f64
    };
    let macs = 1.05 * inside(0) * filled(spec, 1, 1);
    let outputs = |[height, width, channels]: [usize; 3]| {
        // Tiles have eight, six or four channels; the sums of a single channel depend on one another.
        let alone = channels % 8 % 6 % 4;
        let waiting = 1.0 + 1.2 * alone as f64 / channels as f64;
        waiting * inside(1) * macs + (height * width * (10 + 3 * channels)) as f64
    };
    let lanes = match direction {
        Direction::Predicting | Direction::Forward => outputs(spec.output),
        Direction::InputGradient => outputs(spec.input),
        // The padding of rows is computed too; the sums per lane are stored for each strip and reduced for each block.
        Direction::WeightGradient => macs + (weights * (16 + 5 * positions.div_ceil(64))) as f64,
    };
    let packed = if direction == Direction::InputGradient { weights as f64 / MICRO_BATCH } else { 0.0 };
    Work { lanes, copied: transposed(spec.input_len()) + transposed(spec.output_len()), packed, ..Work::default() }
}

/// The kernel for many groups: it fills vectors with sixteen channels of one group, or with several groups and four channels at a time.
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

/// The slowdown of matrix products due to switching between groups (`cargo bench -p netwright-compute --features std --bench grouped`).
const GROUP_SWITCH: f64 = 1.5;

/// Matrix products, group by group.
pub(super) fn products_of_groups(spec: &Spec, direction: Direction) -> Work {
    let [_, filters] = spec.group();
    let lanes = spec.groups * filters.next_multiple_of(LANES);
    let packs = match direction {
        Direction::Forward => spec.output[2] > 4 * COLUMNS,
        Direction::InputGradient => true,
        Direction::Predicting | Direction::WeightGradient => false,
    };
    let packed = if packs { spec.weights_len() as f64 / MICRO_BATCH } else { 0.0 };
    Work { lanes: GROUP_SWITCH * filled(spec, spec.output[2], lanes), packed, ..Work::default() }
}

/// Winograd's algorithm: a matrix product for each point of the transforms of tiles and filters.
pub(super) fn winograd(spec: &Spec, direction: Direction) -> Work {
    if direction == Direction::WeightGradient {
        return winograd_of_weights(spec);
    }
    let (form, spec) = match direction {
        Direction::InputGradient => (spec.winograd_of_inputs(), spec.rotated()),
        Direction::Forward => (spec.fine_winograd(), *spec),
        _ => (spec.winograd(), *spec),
    };
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

/// Winograd's algorithm for the gradient of the weights: its sums over the tiles of one part are short, and the result of each part is
/// transformed back and accumulated (`cargo bench -p netwright-compute --features std --bench winograd -- --batch 8 weights`).
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

/// The slowdown of products with short sums, whose factors and results pass through the L2 cache.
const SHORT_SUMS: f64 = 1.7;
