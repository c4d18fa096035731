//! Convolution in small groups (Xie et al., 2017: ResNeXt): `conv_grouped`.
//!
//! One register tile serves the three passes, `sums[row][column] += left[row] · right[column]`; its columns are the output channels:
//!
//! | pass | rows | columns | the sum is over |
//! |---|---|---|---|
//! | forward | positions | filters | taps and channels |
//! | gradient of the input, by phases of the stride | positions | channels | taps and filters |
//! | gradient of the weights | taps and channels | filters | positions |
//!
//! A [`LaneLayout`] says which channels are in the lanes of its vectors:
//!
//! - Channels of one group, where they fill vectors: a group is copied from its image, and each element of the left operand is multiplied
//!   with all columns.
//! - Groups, where channels do not fill vectors: a group of four channels fills none, but four channels of eight groups fill four. A band
//!   of pixels is transposed from `[group][channel]` to `[channel][group]`, and the weights once for each pass; then every product is of
//!   whole vectors, for any number of channels in a group.
//!
//! In both layouts a tile may have positions of several rows, so that images of few columns fill it too. The forward pass of groups that
//! fill cache lines in their stored layout uses neither where windows have three columns: see [`lines`].

use core::marker::PhantomData;

use super::correlate::{Correlation, band_len, extent};
use super::gemm::{self, meets_nothing, phase_tap_step, phase_taps, phases, reached, windows_of_phase};
use super::strips::{self, in_strips};
use super::{Spec, add_bias_gradient};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::simd::{Simd, WithSimd};

mod direction;
mod gather;
mod lane_layout;
mod lines;
mod pack;
mod regroup;
#[cfg(test)]
mod tests;
mod tile;
mod weights;
mod windows;

use netwright_abi::spec::conv::{GROUP_LANES as LANES, GroupTiles as Tiles, QUAD};

use direction::{Direction, Forward, GradInput, GradWeights};
use gather::gather_tiles;
use lane_layout::{ChannelsInLanes, GroupsInLanes, LaneLayout};
use pack::{Taps, of_range};
pub use pack::{conv_grouped_pack, conv_grouped_pack_rotated};
use regroup::load_tile;
use weights::WeightGradient;
use windows::Windows;

/// Channels that are copied from a pixel at once where channels are in the lanes, in up to [`BUNDLE`] groups.
const CHANNELS: usize = 128;

/// The maximum groups that are copied from an image together.
const BUNDLE: usize = 4;

/// Elements of x and dy that are transposed at once for the gradient of the weights: less than half of an L2 cache.
const CHUNK: usize = 48 * 1024;

/// Positions whose partial gradient of the weights is summed in registers: their quad of dy stays in the L1 cache.
const POSITIONS: usize = 128;

/// The maximum images of a chunk, where images are small.
const IMAGES: usize = 8;

/// Adjacent groups from `first` on.
#[derive(Clone, Copy)]
struct GroupRange {
    first: usize,
    groups: usize,
}

impl GroupRange {
    /// Returns the number of lane blocks of the range, and the groups of each.
    fn lane_blocks<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>>(&self) -> [usize; 2] {
        [self.groups.div_ceil(A::GROUPS), self.groups.min(A::GROUPS)]
    }
}

/// Channels and filters of a group, and the taps of a filter.
#[derive(Clone, Copy)]
struct Sizes {
    inner: usize,
    outer: usize,
    taps: usize,
}

impl Sizes {
    const fn new(spec: &Spec) -> Self {
        Self {
            inner: spec.input[2] / spec.groups,
            outer: spec.output[2] / spec.groups,
            taps: spec.window[0] * spec.window[1],
        }
    }

    const fn rows(&self) -> usize {
        self.taps * self.inner
    }
}

/// Returns the groups of a range where channels are in the lanes, so that a lane block is a single group.
const fn bundle(spec: &Spec) -> usize {
    let fit = CHANNELS * spec.groups / if spec.input[2] > spec.output[2] { spec.input[2] } else { spec.output[2] };
    if fit < 1 {
        1
    } else if fit < BUNDLE {
        fit
    } else {
        BUNDLE
    }
}

/// Returns the maximum elements of a range's `inner` channels as the left operand, and of its `outer` channels as tiles.
const fn block_len(spec: &Spec, inner: usize, outer: usize) -> [usize; 2] {
    let tiles = Tiles::choose(spec.groups, outer);
    match tiles {
        Tiles::Groups => [inner * LANES, tiles.len(outer)],
        Tiles::Channels => [bundle(spec) * inner, bundle(spec) * tiles.len(outer)],
    }
}

/// Returns the elements of scratch memory that `conv_grouped_forward` needs per thread, whatever the batch.
pub const fn conv_grouped_forward_scratch(spec: &Spec) -> usize {
    if spec.groups_in_lines() {
        return lines::scratch(spec);
    }
    let sizes = Sizes::new(spec);
    let [left, tiles] = block_len(spec, sizes.inner, sizes.outer);
    let positions = [spec.output[0], spec.output[1]];
    (sizes.rows() + 2) * tiles + band_len(positions, spec.stride, spec.window, spec.dilation, left)
}

/// Returns the elements of scratch memory that `conv_grouped_grad_input` needs per thread, whatever the batch.
pub const fn conv_grouped_grad_input_scratch(spec: &Spec) -> usize {
    let Sizes { inner, outer, .. } = Sizes::new(spec);
    let [left, tiles] = block_len(spec, outer, inner);
    let taps = [phase_taps(spec, 0), phase_taps(spec, 1)];
    let tap_step = [phase_tap_step(spec, 0), phase_tap_step(spec, 1)];
    let positions = [spec.input[0].div_ceil(spec.stride[0]), spec.input[1].div_ceil(spec.stride[1])];
    taps[0] * taps[1] * outer * tiles + band_len(positions, [1, 1], taps, tap_step, left)
}

/// Returns the elements of scratch memory that `conv_grouped_grad_weights` needs, whatever the batch.
pub const fn conv_grouped_grad_weights_scratch(spec: &Spec) -> usize {
    let sizes = Sizes::new(spec);
    let [left, tiles] = block_len(spec, sizes.inner, sizes.outer);
    let row = extent(spec.output[1], spec.stride[1], spec.window[1], spec.dilation[1]) * left;
    let pixels = spec.output[1] * tiles;
    let whole =
        extent(spec.output[0], spec.stride[0], spec.window[0], spec.dilation[0]) * row + spec.output[0] * pixels;
    let least = extent(1, spec.stride[0], spec.window[0], spec.dilation[0]) * row + pixels;
    let chunk = if whole * IMAGES <= CHUNK {
        whole * IMAGES
    } else if least <= CHUNK {
        CHUNK
    } else {
        least
    };
    strips::scratch(spec) + sizes.rows() * tiles + chunk
}

/// y = f(scale · (w ∗ x) + shift + y) in groups; `packed` holds the filters of [`conv_grouped_pack`], or is empty.
#[allow(clippy::too_many_arguments)]
pub fn conv_grouped_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    packed: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    assert!(packed.is_empty() || packed.len() == spec.grouped_len(false), "length of the packed filters");
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    let epilogue = Epilogue::new(spec.epilogue, scale, shift);
    context.split_windows(spec, x, y, scratch, &|spec, x, y, scratch| {
        if spec.groups_in_lines() {
            return lines::forward(context.isa(), spec, x, [w, packed], epilogue, y, scratch);
        }
        context.isa().dispatch(Job { spec, direction: Forward { x, w: [w, packed], epilogue, y }, scratch });
    });
}

/// dx = ∂ℓ/∂x from dy and w; `packed` holds the filters of [`conv_grouped_pack_rotated`], or is empty.
pub fn conv_grouped_grad_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    dy: &[T],
    w: &[T],
    packed: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    assert!(packed.is_empty() || packed.len() == spec.grouped_len(true), "length of the packed filters");
    spec.check(context.batch, dx.len(), w.len(), [0; 2], dy.len());
    context.split_images(spec, dx, scratch, &|first, dx, scratch| {
        let dy = &dy[first * spec.output_len()..][..dx.len() / spec.input_len() * spec.output_len()];
        context.isa().dispatch(Job { spec, direction: GradInput { dy, w: [w, packed], dx }, scratch });
    });
}

/// dw += ∂ℓ/∂w and db += ∂ℓ/∂b from x and dy.
pub fn conv_grouped_grad_weights<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, x.len(), dw.len(), [0, db.len()], dy.len());
    add_bias_gradient(context, dy, db);
    in_strips(spec, x, dy, dw, scratch, &mut |spec, x, dy, dw, scratch| {
        context.isa().dispatch(Job { spec, direction: GradWeights { x, dy, dw }, scratch });
    });
}

/// A pass over all images.
struct Job<'a, T, D> {
    spec: &'a Spec,
    direction: D,
    scratch: &'a mut [T],
}

impl<T: Elementary, D: Direction<T>> WithSimd<T> for Job<'_, T, D> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        // Scratch memory is for at most `LANES` lanes, and groups seldom fill more.
        if const { S::LANES > LANES } {
            return simd.half().call(self);
        }
        match Tiles::choose(self.spec.groups, D::columns(Sizes::new(self.spec))) {
            Tiles::Groups => self.run_in_layout::<S, GroupsInLanes, 3, QUAD>(simd),
            Tiles::Channels => self.run_in_layout::<S, ChannelsInLanes, 6, 2>(simd),
        }
    }
}

impl<T: Elementary, D: Direction<T>> Job<'_, T, D> {
    /// Computes all groups, one range after the other.
    #[inline(always)]
    fn run_in_layout<S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize>(self, simd: S) {
        let Self { spec, mut direction, scratch } = self;
        direction.start(spec);
        let at_once = if A::GROUPS == 1 { bundle(spec) } else { A::GROUPS };
        for first in (0..spec.groups).step_by(at_once) {
            let range = GroupRange { first, groups: at_once.min(spec.groups - first) };
            direction.compute::<S, A, R, C>(simd, spec, range, scratch);
        }
    }
}

/// Returns the windows of the forward pass with the first channel and the first filter of a range; `elements` is the elements per channel.
fn windows(spec: &Spec, range: GroupRange, elements: usize) -> Correlation {
    let Sizes { inner, outer, .. } = Sizes::new(spec);
    let mut windows = gemm::windows(spec);
    (windows.channels, windows.target[1]) = ([range.first * inner, inner * elements], range.first * outer);
    windows
}

#[allow(clippy::too_many_arguments)]
#[inline(always)]
fn forward<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize>(
    simd: S,
    spec: &Spec,
    range: GroupRange,
    x: &[T],
    [w, packed]: [&[T]; 2],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
    scratch: &mut [T],
) {
    let sizes @ Sizes { inner, outer, .. } = Sizes::new(spec);
    let tiles = outer.div_ceil(A::columns(C)) * C * S::LANES;
    let [lane_blocks, together] = range.lane_blocks::<T, S, A>();
    let (weights, memory) = scratch.split_at_mut(lane_blocks * sizes.rows() * tiles);
    let (scale, memory) = memory.split_at_mut(lane_blocks * tiles);
    let (shift, memory) = memory.split_at_mut(lane_blocks * tiles);
    let weights = match of_range::<T, S, A>(packed, range, sizes.rows() * tiles) {
        Some(packed) => packed,
        None => {
            transpose_weights::<T, S, A, C>(simd, spec, range, w, weights);
            &*weights
        }
    };
    for (from, to) in [(epilogue.scale, &mut *scale), (epilogue.shift, &mut *shift)] {
        if !from.is_empty() {
            let from = &from[range.first * outer..][..range.groups * outer];
            for (from, to) in from.chunks(A::GROUPS * outer).zip(to.chunks_exact_mut(tiles)) {
                // SAFETY: `chunks` of the range's scale or shift has the filters of a lane block, and `chunks_exact_mut` the memory of its
                // tiles.
                unsafe {
                    gather_tiles::<T, S, A, C>(simd, from.as_ptr(), [together, outer], to.as_mut_ptr(), C * S::LANES);
                }
            }
        }
    }
    let epilogue = Epilogue {
        scale: if epilogue.scale.is_empty() { &[] } else { scale },
        shift: if epilogue.shift.is_empty() { &[] } else { shift },
        ..epilogue
    };
    let correlation = windows(spec, range, A::ELEMENTS);
    Windows::<T, A, R, C> { correlation, range, inner, outer, weights, epilogue, lane_layout: PhantomData }
        .run(simd, x, y, memory);
}

/// Transposes a range's weights to `[lane block][tile of filters][tap][channel][C]` vectors.
#[inline(always)]
fn transpose_weights<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>, const C: usize>(
    simd: S,
    spec: &Spec,
    range: GroupRange,
    w: &[T],
    transposed: &mut [T],
) {
    let sizes @ Sizes { outer, .. } = Sizes::new(spec);
    let (rows, step, [lane_blocks, together]) = (sizes.rows(), C * S::LANES, range.lane_blocks::<T, S, A>());
    let lane_block_len = rows * outer.div_ceil(A::columns(C)) * step;
    assert!(
        w.len() == spec.weights_len() && transposed.len() == lane_blocks * lane_block_len,
        "lengths of the weights"
    );
    for (row, lane_block) in (0..rows).flat_map(|row| (0..lane_blocks).map(move |lane_block| (row, lane_block))) {
        // SAFETY: every row of the weights has the filters of all groups, and the assertion above gives the length of `transposed`.
        unsafe {
            let from = w.as_ptr().add(row * spec.output[2] + (range.first + lane_block * A::GROUPS) * outer);
            let to = transposed.as_mut_ptr().add(lane_block * lane_block_len + row * step);
            gather_tiles::<T, S, A, C>(simd, from, [together, outer], to, rows * step);
        }
    }
}

#[inline(always)]
fn grad_input<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize>(
    simd: S,
    spec: &Spec,
    range: GroupRange,
    dy: &[T],
    [w, mut packed]: [&[T]; 2],
    dx: &mut [T],
    scratch: &mut [T],
) {
    let Sizes { inner, outer, .. } = Sizes::new(spec);
    assert_eq!(w.len(), spec.weights_len(), "length of the weights");
    for phase in phases(spec) {
        let [(top, down), (left, across)] = phase;
        if meets_nothing([down, across]) {
            continue;
        }
        let taps = Taps::new(spec, [down, across]);
        let mut correlation = windows_of_phase(spec, [top, left], [down, across]);
        correlation.channels = [range.first * outer, outer * A::ELEMENTS];
        correlation.target[1] += range.first * inner;
        let (tiles, step) = (inner.div_ceil(A::columns(C)), C * S::LANES);
        let [lane_blocks, together] = range.lane_blocks::<T, S, A>();
        let lane_block_len = taps.count() * outer * tiles * step;
        let (weights, memory) = scratch.split_at_mut(lane_blocks * lane_block_len);
        let weights = match of_range::<T, S, A>(packed, range, lane_block_len) {
            Some(packed) => packed,
            None => {
                // For each channel a row for each filter.
                for (n, lane_block) in
                    (0..taps.count()).flat_map(|n| (0..lane_blocks).map(move |lane_block| (n, lane_block)))
                {
                    let row = taps.row(n);
                    for tile in 0..tiles {
                        // SAFETY: for each tap and channel the weights have the filters of all groups, and the transposed weights have
                        // `outer` rows for each lane block, each tile and each tap.
                        unsafe {
                            let from = w.as_ptr().add(row + (range.first + lane_block * A::GROUPS) * outer);
                            let to = weights
                                .as_mut_ptr()
                                .add(((lane_block * tiles + tile) * taps.count() + n) * outer * step);
                            A::transpose::<C>(simd, from, spec.output[2], [together, inner], tile, outer, to, step);
                        }
                    }
                }
                &*weights
            }
        };
        packed = packed.get(spec.groups.div_ceil(A::GROUPS) * lane_block_len..).unwrap_or_default();
        let windows = Windows::<T, A, R, C> {
            correlation,
            range,
            inner: outer,
            outer: inner,
            weights,
            epilogue: Epilogue::NONE,
            lane_layout: PhantomData,
        };
        windows.run(simd, dy, dx, memory);
    }
}

#[inline(always)]
fn grad_weights<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize>(
    simd: S,
    spec: &Spec,
    range: GroupRange,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    scratch: &mut [T],
) {
    let sizes @ Sizes { outer, .. } = Sizes::new(spec);
    let (rows, tiles, step) = (sizes.rows(), outer.div_ceil(A::columns(C)), C * S::LANES);
    let [lane_blocks, together] = range.lane_blocks::<T, S, A>();
    let (sums, memory) = scratch.split_at_mut(lane_blocks * tiles * rows * step);
    sums.fill(T::ZERO);
    let gradient = WeightGradient { spec, windows: windows(spec, range, A::ELEMENTS), range };
    gradient.run::<T, S, A, R, C>(simd, x, dy, sums, memory);
    // Rows of weights are far apart, often a multiple of 4096 bytes: each is visited once, with all its filters.
    for (row, dw) in dw.chunks_exact_mut(spec.output[2]).enumerate() {
        let dw = dw[range.first * outer..][..range.groups * outer].as_mut_ptr();
        for (lane_block, tile) in (0..lane_blocks).flat_map(|lane_block| (0..tiles).map(move |tile| (lane_block, tile)))
        {
            // SAFETY: each row of the weights has the filters of the range, and the sums have the vectors of each tile.
            unsafe {
                let (to, group) = (dw.add(lane_block * A::GROUPS * outer), [together, outer]);
                let mut vectors = A::read::<C>(simd, to, group, tile);
                let sums =
                    load_tile::<T, S, C>(simd, sums.as_ptr().add(((lane_block * tiles + tile) * rows + row) * step));
                for (vector, sum) in vectors.iter_mut().zip(sums) {
                    *vector = *vector + sum;
                }
                A::write::<C>(simd, vectors, to, group, tile);
            }
        }
    }
}
