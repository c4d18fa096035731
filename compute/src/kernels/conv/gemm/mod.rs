//! Convolution as matrix products whose A is the image itself: `conv_gemm`.
//!
//! | pass | A | B | C |
//! |---|---|---|---|
//! | forward | windows of x | filters | y |
//! | gradient of the input | windows of dy, by phases of the stride | filters, rotated and transposed | dx |
//! | gradient of the weights | windows of x, transposed | dy | dw |
//!
//! Filters are packed where their layout is unfavourable, a group of columns at a time, each once for the whole batch.

pub(super) mod kernels;

use core::ops::Range;

use super::Spec;
use super::correlate::{Correlation, Filters, Plane, band_len, extent};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::gemm::tile::PANEL;
use crate::gemm::{self, Matrix, pack};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::Isa;
use netwright_abi::spec::conv::WIDEST_TILE;

/// Returns the same layer with its pixels in one column, for a pointwise convolution: its rows, which threads share, are then pixels, and
/// an image of few rows is split as evenly as one of many.
pub(super) const fn in_one_column(spec: &Spec) -> Spec {
    let mut column = *spec;
    if spec.is_pointwise() {
        let [height, width, _] = spec.input;
        [column.input[0], column.input[1]] = [height * width, 1];
        [column.output[0], column.output[1]] = [height * width, 1];
    }
    column
}

const fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Returns the channels, the filters and the length of a filter of one group.
const fn group(spec: &Spec) -> [usize; 3] {
    let channels = spec.input[2] / spec.groups;
    [channels, spec.output[2] / spec.groups, channels * spec.window[0] * spec.window[1]]
}

pub(super) const fn forward_scratch(spec: &Spec) -> usize {
    let [channels, filters, depth] = group(spec);
    if spec.is_pointwise() {
        return gemm::scratch(depth, filters);
    }
    let positions = [spec.output[0], spec.output[1]];
    pack::group_len(depth, filters) + band_len(positions, spec.stride, spec.window, spec.dilation, channels)
}

/// Packs the filters as [`forward`] does.
pub(super) fn pack_filters<T: Scalar>(context: &Context<'_>, spec: &Spec, w: &[T], packed: &mut [T]) {
    let ([_, filters, depth], all) = (group(spec), spec.output[2]);
    if spec.is_pointwise() {
        return gemm::pack(context, Matrix::rows(w, depth, all), packed);
    }
    for (group, packed) in packed.chunks_exact_mut(depth * filters).enumerate() {
        pack::all_panels(context, depth, packed, &|first, columns, packed| {
            pack::panels(&w[group * filters + first..], [all, 1], depth, columns, packed);
        });
    }
}

/// y\[i′,j′,f′] = f(scale\[f′] · Σ a·w + shift\[f′])   (slide 37)
#[allow(clippy::too_many_arguments)]
pub(super) fn forward<T: Elementary>(
    isa: Isa,
    spec: &Spec,
    x: &[T],
    [w, packed_before]: [&[T]; 2],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    let [channels, filters, depth] = group(spec);
    let all = spec.output[2];
    let epilogue = Epilogue::new(spec.epilogue, scale, shift);
    if spec.is_pointwise() {
        let w = Matrix::rows(w, depth, all).with_packed(packed_before);
        let x = Matrix::rows(x, x.len() / channels, channels);
        return gemm::gemm(isa, x, w, epilogue, y, all, scratch);
    }
    // Packing does not pay for few columns, nor for few rows.
    let pack = all > WIDEST_TILE && y.len() / all >= 28;
    let at_once = pack::group::<T>(depth, filters);
    let (packed, memory) = scratch.split_at_mut(depth * at_once);
    for group in 0..spec.groups {
        let mut done = 0;
        while done < filters {
            let columns = at_once.min(filters - done);
            let first = group * filters + done;
            let weights = if !packed_before.is_empty() {
                packed_filters(&packed_before[first * depth..][..columns * depth], depth, columns)
            } else if pack {
                pack::panels(&w[first..], [all, 1], depth, columns, packed);
                packed_filters(packed, depth, columns)
            } else {
                Filters { data: &w[first..], columns, panel: PANEL, width: all, last: all, ahead: 0 }
            };
            let mut correlation = windows(spec);
            (correlation.channels, correlation.target[1]) = ([group * channels, channels], first);
            correlation.run(isa, x, weights, epilogue.channels(first, columns), y, memory);
            done += columns;
        }
    }
}

/// Returns filters in panels, the last of which is as narrow as its columns.
pub(super) fn packed_filters<T>(data: &[T], depth: usize, columns: usize) -> Filters<'_, T> {
    Filters { data, columns, panel: depth * PANEL, width: PANEL, last: (columns - 1) % PANEL + 1, ahead: 0 }
}

/// A phase of the stride along one axis: the positions of the input with the same remainder by the stride, the taps that read them, and the
/// outputs of these taps.
#[derive(Clone, Copy)]
pub(crate) struct StridePhase {
    /// The taps `first`, `first + every`, …, `taps` of them.
    pub(crate) first: usize,
    pub(crate) every: usize,
    pub(crate) taps: usize,
    /// The distance of the first window of the phase before the start of the output, and the distance of outputs between its taps.
    pub(crate) before: isize,
    pub(crate) tap_step: usize,
    /// Positions of the input in this phase.
    pub(crate) positions: usize,
}

impl StridePhase {
    /// Input position `phase + stride·n` is read by tap `t` of output `(phase + stride·n + padding − t·dilation) / stride`, where that is
    /// an integer.
    pub(crate) fn new(spec: &Spec, axis: usize, phase: usize) -> Self {
        let (stride, dilation, padding) = (spec.stride[axis], spec.dilation[axis], spec.padding[2 * axis]);
        let common = greatest_common_divisor(stride, dilation);
        let every = stride / common;
        let tap_step = dilation / common;
        let first = (0..every.min(spec.window[axis])).find(|tap| {
            (phase + padding)
                .cast_signed()
                .wrapping_sub((tap * dilation).cast_signed())
                .rem_euclid(stride.cast_signed())
                == 0
        });
        let positions = spec.input[axis].saturating_sub(phase).div_ceil(stride);
        let Some(first) = first else {
            return Self { first: 0, every, taps: 0, before: 0, tap_step, positions };
        };
        let taps = (spec.window[axis] - first).div_ceil(every);
        let last = first + (taps - 1) * every;
        // Filters are rotated: the last tap belongs to the earliest output.
        let start = ((phase + padding).cast_signed() - (last * dilation).cast_signed()) / stride.cast_signed();
        Self { first, every, taps, before: -start, tap_step, positions }
    }
}

/// Returns the maximum taps along an axis that read one position of the input.
pub(super) const fn phase_taps(spec: &Spec, axis: usize) -> usize {
    let every = spec.stride[axis] / greatest_common_divisor(spec.stride[axis], spec.dilation[axis]);
    spec.window[axis].div_ceil(every)
}

/// Returns the distance of outputs between two taps along an axis that read one position of the input.
pub(super) const fn phase_tap_step(spec: &Spec, axis: usize) -> usize {
    spec.dilation[axis] / greatest_common_divisor(spec.stride[axis], spec.dilation[axis])
}

/// Whether every position of the input is read by a tap of some output, or would be if the output were larger.
pub(super) fn reached(spec: &Spec) -> bool {
    (0..2).all(|axis| spec.window[axis] >= spec.stride[axis] && spec.dilation[axis] == 1)
}

pub(super) const fn grad_input_scratch(spec: &Spec) -> usize {
    let [channels, filters, depth] = group(spec);
    if spec.is_pointwise() {
        return gemm::scratch(filters, depth);
    }
    let taps = [phase_taps(spec, 0), phase_taps(spec, 1)];
    let tap_step = [phase_tap_step(spec, 0), phase_tap_step(spec, 1)];
    let positions = [spec.input[0].div_ceil(spec.stride[0]), spec.input[1].div_ceil(spec.stride[1])];
    pack::group_len(taps[0] * taps[1] * filters, channels) + band_len(positions, [1, 1], taps, tap_step, filters)
}

/// Returns the phases of the stride along both axes, each with the start of its positions.
pub(super) fn phases(spec: &Spec) -> impl Iterator<Item = [(usize, StridePhase); 2]> {
    let along =
        move |axis: usize| (0..spec.stride[axis]).map(move |phase| (phase, StridePhase::new(spec, axis, phase)));
    along(0).flat_map(move |down| along(1).map(move |across| [down, across]))
}

/// Whether no tap reads a position of the input in a phase, or the phase has no positions.
pub(super) fn meets_nothing([down, across]: [StridePhase; 2]) -> bool {
    down.taps * across.taps == 0 || down.positions == 0 || across.positions == 0
}

/// Packs the filters as [`grad_input`] does.
pub(super) fn pack_rotated<T: Scalar>(context: &Context<'_>, spec: &Spec, w: &[T], packed: &mut [T]) {
    let [channels, filters, depth] = group(spec);
    if spec.is_pointwise() {
        return gemm::pack(context, Matrix::rows(w, depth, filters).transposed(), packed);
    }
    let mut rest = packed;
    for [(_, down), (_, across)] in phases(spec).filter(|[down, across]| !meets_nothing([down.1, across.1])) {
        let depth = down.taps * across.taps * filters;
        for group in 0..spec.groups {
            let (packed, others) = rest.split_at_mut(depth * channels);
            pack::all_panels(context, depth, packed, &|first, columns, packed| {
                Rotated { spec, down, across, group, first }.pack(w, columns, packed);
            });
            rest = others;
        }
    }
}

/// ∂ℓ/∂a\[i,j,f] = Σ ∂ℓ/∂z\[i′,j′,f′] · w\[i−i′, j−j′, f, f′]   (slide 38): a convolution of dy with the rotated filters. A transposed
/// convolution is the same, with an epilogue.
pub(super) fn grad_input<T: Elementary>(
    isa: Isa,
    spec: &Spec,
    dy: &[T],
    [w, packed_before]: [&[T]; 2],
    epilogue: Epilogue<'_, T>,
    dx: &mut [T],
    scratch: &mut [T],
) {
    let [channels, filters, depth] = group(spec);
    let [.., all] = spec.input;
    if spec.is_pointwise() {
        let pixels = dy.len() / filters;
        let w = Matrix::rows(w, depth, filters).transposed().with_packed(packed_before);
        return gemm::gemm(isa, Matrix::rows(dy, pixels, filters), w, epilogue, dx, all, scratch);
    }
    let mut before = packed_before;
    for [(top, down), (left, across)] in phases(spec) {
        let mut correlation = windows_of_phase(spec, [top, left], [down, across]);
        if meets_nothing([down, across]) {
            correlation.for_each_position(dx, |dx| epilogue.of_zero(isa, all, &mut dx[..all]));
            continue;
        }
        let (depth, start) = (down.taps * across.taps * filters, correlation.target[1]);
        let at_once = pack::group::<T>(depth, channels);
        let (packed, memory) = scratch.split_at_mut(depth * at_once);
        for group in 0..spec.groups {
            for done in (0..channels).step_by(at_once) {
                let columns = at_once.min(channels - done);
                let packed = if packed_before.is_empty() {
                    Rotated { spec, down, across, group, first: done }.pack(w, columns, packed);
                    &*packed
                } else {
                    let (packed, rest) = before.split_at(depth * columns);
                    before = rest;
                    packed
                };
                let first = group * channels + done;
                correlation.channels = [group * filters, filters];
                correlation.target[1] = start + first;
                let weights = packed_filters(packed, depth, columns);
                correlation.run(isa, dy, weights, epilogue.channels(first, columns), dx, memory);
            }
        }
    }
}

/// The filters of a phase, rotated by 180° and transposed.
struct Rotated<'a> {
    spec: &'a Spec,
    down: StridePhase,
    across: StridePhase,
    group: usize,
    /// The first channel within the group.
    first: usize,
}

impl Rotated<'_> {
    /// Packs `columns` channels: rows are taps, last first, and filters.
    fn pack<T: Copy>(&self, w: &[T], columns: usize, packed: &mut [T]) {
        let Self { spec, down, across, group: index, first } = *self;
        let [channels, filters, _] = group(spec);
        let all = spec.output[2];
        let depth = down.taps * across.taps * filters;
        let mut row = 0;
        for i in (0..down.taps).rev().map(|tap| down.first + tap * down.every) {
            for j in (0..across.taps).rev().map(|tap| across.first + tap * across.every) {
                let offset = ((i * spec.window[1] + j) * channels + first) * all + index * filters;
                pack::rows_of_panels(&w[offset..], [1, all], [depth, row, filters], columns, packed);
                row += filters;
            }
        }
    }
}

/// Elements of x, and of dy, of a chunk of the gradient of the weights: about a quarter of an L2 cache.
const CHUNK: usize = 96 * 1024;

/// The maximum images of a chunk, where images are small.
const IMAGES: usize = 4;

/// Returns the windows of a whole convolution, for all its groups.
pub(super) const fn windows(spec: &Spec) -> Correlation {
    let all = spec.output[2];
    Correlation {
        source: spec.input,
        channels: [0, spec.input[2]],
        before: [spec.padding[0].cast_signed(), spec.padding[2].cast_signed()],
        positions: [spec.output[0], spec.output[1]],
        step: spec.stride,
        taps: spec.window,
        tap_step: spec.dilation,
        target: [spec.output_len(), 0],
        target_step: [spec.output[1] * all, all],
    }
}

/// Returns the windows of dy that give the gradient of the input in one phase of the stride, for all groups.
pub(super) fn windows_of_phase(spec: &Spec, [top, left]: [usize; 2], [down, across]: [StridePhase; 2]) -> Correlation {
    let [_, width, all] = spec.input;
    Correlation {
        source: spec.output,
        channels: [0, spec.output[2]],
        before: [down.before, across.before],
        positions: [down.positions, across.positions],
        step: [1, 1],
        taps: [down.taps, across.taps],
        tap_step: [down.tap_step, across.tap_step],
        target: [spec.input_len(), (top * width + left) * all],
        target_step: [spec.stride[0] * width * all, spec.stride[1] * all],
    }
}

pub(super) const fn grad_weights_scratch(spec: &Spec) -> usize {
    if spec.is_pointwise() {
        return gemm::scratch(gemm::DEPTH, spec.output[2]);
    }
    let windows = windows(spec);
    if !windows.leaves() {
        return 0;
    }
    let row = extent(spec.output[1], spec.stride[1], spec.window[1], spec.dilation[1]) * spec.input[2];
    let whole = extent(spec.output[0], spec.stride[0], spec.window[0], spec.dilation[0]) * row;
    let least = extent(1, spec.stride[0], spec.window[0], spec.dilation[0]) * row;
    if whole * IMAGES <= CHUNK {
        whole * IMAGES
    } else if least <= CHUNK {
        CHUNK
    } else {
        least
    }
}

/// ∂ℓ/∂w\[i,j,f,f′] += Σ_{i′,j′} ∂ℓ/∂z\[i′,j′,f′] · a\[i′+i, j′+j, f]   (slide 38): C is dw, and the sum is over the positions of a few
/// rows or of a few images.
#[allow(clippy::too_many_arguments)]
pub(super) fn grad_weights<T: Elementary>(
    isa: Isa,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    rows_of_weights: Range<usize>,
    dw: &mut [T],
    scratch: &mut [T],
) {
    let [channels, _, _] = group(spec);
    let [height, width, all] = spec.output;
    if spec.is_pointwise() {
        let pixels = x.len() / channels;
        let x = Matrix::rows(x, pixels, channels).columns(rows_of_weights).transposed();
        return gemm::gemm(isa, x, Matrix::rows(dy, pixels, all), Epilogue::ACCUMULATE, dw, all, scratch);
    }
    let (windows, batch) = (windows(spec), dy.len() / spec.output_len());
    let (leaves, row) = (windows.leaves(), windows.row_len());
    let memory = if leaves { scratch.len() } else { CHUNK.max(windows.least_len()) };
    let rows_at_once = windows.rows_that_fit(memory).min((CHUNK / (width * all)).max(1));
    let copy = extent(rows_at_once, spec.stride[0], spec.window[0], spec.dilation[0]) * row;
    let images_at_once = if rows_at_once == height { (memory / copy).min(IMAGES) } else { 1 };
    for first_image in (0..batch).step_by(images_at_once) {
        let images = images_at_once.min(batch - first_image);
        let x = &x[first_image * spec.input_len()..][..images * spec.input_len()];
        let dy = &dy[first_image * spec.output_len()..];
        for first in (0..height).step_by(rows_at_once) {
            let rows = rows_at_once.min(height - first);
            let plane = if leaves {
                for (x, copy) in x.chunks_exact(spec.input_len()).zip(scratch.chunks_exact_mut(copy)) {
                    windows.copy_band(x, first, rows, copy);
                }
                Plane { data: &*scratch, image: copy, row, pixel: spec.input[2], origin: 0 }
            } else {
                windows.plane(x, first)
            };
            let dy = &dy[first * width * all..];
            windows.grad_filters(isa, [images, rows], plane, spec.groups, dy, rows_of_weights.clone(), dw);
        }
    }
}
