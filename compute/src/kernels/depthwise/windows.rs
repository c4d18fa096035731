//! Sums over windows: the forward pass, and the gradient of the input, which is a sum over windows of dy.

use core::ops::Range;

use super::Pixels;
use super::axis::Axis;
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::simd::{Simd, Vector, mapped, unrolled};

/// Positions of a register tile, each with [`VECTORS`] vectors of channels. Their twelve accumulators leave AVX2 registers for the weights.
const POSITIONS: usize = 3;

/// Vectors of channels of a register tile: with AVX2 a cache line.
const VECTORS: usize = 4;

/// Adjacent positions that share loads, where windows are three taps wide: with AVX2 their accumulators, three weights and an input stay in
/// registers.
const SHARED: usize = 5;

/// Sliding windows over an image, separate for each channel.
#[derive(Clone, Copy)]
pub(super) struct Windows<'a, T> {
    pub(super) axes: [Axis; 2],
    /// Channels of the source, and of the target.
    pub(super) channels: usize,
    /// A weight for each channel of each tap.
    pub(super) weights: &'a [T],
    /// The offset of the first tap in the weights, and the distances to the tap below and to the next tap of a row, in taps.
    pub(super) tap: [isize; 3],
    /// The offset of the first position in the target, and the distances to the position below and to the next of a row, in pixels.
    pub(super) target: [usize; 3],
    pub(super) epilogue: Epilogue<'a, T>,
}

/// The trip counts of a sum over taps, and its steps in elements of the source and of the weights.
#[derive(Clone, Copy)]
struct Taps {
    count: [usize; 2],
    source: [usize; 2],
    weights: [isize; 2],
}

impl<T: Elementary> Windows<'_, T> {
    /// Computes rows `rows` of positions.
    #[inline(always)]
    pub(super) fn run<S: Simd<T>>(&self, simd: S, rows: Range<usize>, source: Pixels<&[T]>, target: Pixels<&mut [T]>) {
        self.epilogue.check(self.channels);
        let [down, across] = self.axes;
        for (rows, taps_down) in down.runs(rows) {
            for (columns, taps_across) in across.runs(0..across.positions) {
                let taps = [taps_down.clone(), taps_across];
                self.with_same_taps(simd, [rows.clone(), columns], taps, source, &mut *target.elements, target.first);
            }
        }
    }

    /// Computes positions with the same taps inside the source; `skipped` pixels of the image come before the target.
    #[inline(always)]
    fn with_same_taps<S: Simd<T>>(
        &self,
        simd: S,
        [rows, columns]: [Range<usize>; 2],
        [down, across]: [Range<usize>; 2],
        source: Pixels<&[T]>,
        target: &mut [T],
        skipped: usize,
    ) {
        let (channels, width) = (self.channels, self.axes[1].source);
        let [start, below, beside] = self.target;
        let pixel = |row: usize, column: usize| start + row * below + column * beside;
        assert!(pixel(rows.start, columns.start) >= skipped, "positions inside the target");
        assert!(
            (pixel(rows.end - 1, columns.end - 1) - skipped + 1) * channels <= target.len(),
            "positions inside the target"
        );
        let mut taps = Taps { count: [down.len(), across.len()], source: [0; 2], weights: [0; 2] };
        let (mut from, mut weights) = ([0; 3], 0);
        if !down.is_empty() && !across.is_empty() {
            let index = |row, i, column, j| self.axes[0].index(row, i) * width + self.axes[1].index(column, j);
            let first = index(rows.start, down.start, columns.start, across.start);
            let last = index(rows.end - 1, down.end - 1, columns.end - 1, across.end - 1);
            assert!(first >= source.first, "windows inside the source");
            assert!((last - source.first + 1) * channels <= source.elements.len(), "windows inside the source");
            let [step_down, step_across] = mapped(self.axes, |axis| axis.step);
            from = [first - source.first, step_down * width, step_across];
            let [origin, i, j] = self.tap;
            let weights_of = |down: usize, across: usize| origin + down.cast_signed() * i + across.cast_signed() * j;
            for [i, j] in [[down.start, across.start], [down.end - 1, across.end - 1]] {
                let tap = weights_of(i, j);
                assert!(
                    tap >= 0 && (tap.cast_unsigned() + 1) * channels <= self.weights.len(),
                    "taps inside the window"
                );
            }
            taps.source = [self.axes[0].tap_step * width * channels, self.axes[1].tap_step * channels];
            taps.weights = mapped([i, j], |step| step * channels.cast_signed());
            weights = weights_of(down.start, across.start).cast_unsigned() * channels;
        }
        let shared = self.shared(columns.len(), taps.count[1]);
        for row in 0..rows.len() {
            let mut column = 0;
            while column < shared {
                // The last positions overlap earlier ones.
                let first = column.min(columns.len() - SHARED);
                let a = source.elements.as_ptr().wrapping_add((from[0] + row * from[1] + first * from[2]) * channels);
                let to = (pixel(rows.start + row, columns.start + first) - skipped) * channels;
                // SAFETY: the assertions above check that the first and the last of the positions and taps are inside their slices.
                unsafe {
                    let (b, to) = (self.weights[weights..].as_ptr(), target.as_mut_ptr().add(to));
                    self.adjacent_positions(simd, a, b, &taps, to);
                }
                column += SHARED;
            }
        }
        let columns = columns.start + shared..columns.end;
        let total = rows.len() * columns.len();
        let [mut row, mut column] = [0, 0];
        for done in (0..total).step_by(POSITIONS) {
            // The positions of a tile may be in any rows; the last position is repeated where there are too few.
            let (mut a, mut to) = ([source.elements.as_ptr(); POSITIONS], [target.as_mut_ptr(); POSITIONS]);
            for (n, (a, to)) in a.iter_mut().zip(&mut to).enumerate() {
                *a = a.wrapping_add((from[0] + row * from[1] + (shared + column) * from[2]) * channels);
                *to = to.wrapping_add((pixel(rows.start + row, columns.start + column) - skipped) * channels);
                if done + n + 1 < total {
                    column += 1;
                    if column == columns.len() {
                        [row, column] = [row + 1, 0];
                    }
                }
            }
            let b = self.weights[weights..].as_ptr();
            let mut channel = 0;
            // SAFETY: the assertions above check that the first and the last of the positions and taps are inside their slices; masks keep
            // the last vector inside its pixel.
            unsafe {
                while channel + VECTORS * S::LANES <= channels {
                    self.tile::<S, VECTORS, false>(simd, channel, a, b, &taps, to);
                    channel += VECTORS * S::LANES;
                }
                while channel < channels {
                    self.tile::<S, 1, true>(simd, channel, a, b, &taps, to);
                    channel += S::LANES;
                }
                if self.epilogue.activation_after_bounds().is_some() {
                    for &to in &to[..POSITIONS.min(total - done)] {
                        self.epilogue.finish(simd.isa(), core::slice::from_raw_parts_mut(to, channels));
                    }
                }
            }
        }
    }

    /// Returns how many of the positions of a row, whose windows have `taps` columns, are computed as adjacent positions. They may overlap
    /// unless the epilogue accumulates, which must add to each position once.
    fn shared(&self, positions: usize, taps: usize) -> usize {
        let axis = &self.axes[1];
        match (taps, axis.step, axis.tap_step) {
            (3, 1, 1) if positions < SHARED => 0,
            (3, 1, 1) if self.epilogue.accumulate => positions / SHARED * SHARED,
            (3, 1, 1) => positions,
            _ => 0,
        }
    }

    /// Computes all channels of [`SHARED`] adjacent positions: each input is loaded once for the three taps of each row of windows.
    ///
    /// # Safety
    /// The elements of all taps from `a` and `b` on are valid for reads, and the pixels at `to` for reads and writes.
    #[inline(always)]
    unsafe fn adjacent_positions<S: Simd<T>>(&self, simd: S, a: *const T, b: *const T, taps: &Taps, to: *mut T) {
        let (channels, apart) = (self.channels, self.target[2] * self.channels);
        // SAFETY: the caller guarantees the elements of all taps, and the pixels; masks keep the last vector inside its pixel.
        unsafe {
            for channel in (0..channels).step_by(S::LANES) {
                if channel + S::LANES <= channels {
                    self.vector::<S, SHARED, false>(simd, channel, a, b, taps, to, apart);
                } else {
                    self.vector::<S, SHARED, true>(simd, channel, a, b, taps, to, apart);
                }
            }
            if self.epilogue.activation_after_bounds().is_some() {
                for position in 0..SHARED {
                    let y = core::slice::from_raw_parts_mut(to.add(position * apart), channels);
                    self.epilogue.finish(simd.isa(), y);
                }
            }
        }
    }

    /// Computes a vector of channels of the `P` positions of [`adjacent_positions`](Self::adjacent_positions); with `PARTIAL`, the last,
    /// partial vector of a pixel.
    ///
    /// # Safety
    /// As for [`adjacent_positions`](Self::adjacent_positions).
    #[allow(clippy::too_many_arguments)]
    #[inline(always)]
    unsafe fn vector<S: Simd<T>, const P: usize, const PARTIAL: bool>(
        &self,
        simd: S,
        channel: usize,
        a: *const T,
        b: *const T,
        taps: &Taps,
        to: *mut T,
        apart: usize,
    ) {
        // SAFETY: the caller guarantees the elements of all taps, and the pixels; masks keep the last vector inside.
        unsafe {
            let mask = simd.mask(self.channels - channel);
            let mut sums = [simd.splat(T::ZERO); P];
            let (pixel, weight) = (taps.source[1], taps.weights[1]);
            for i in 0..taps.count[0] {
                let a = a.add(i * taps.source[0] + channel);
                let b = b.wrapping_add(channel).wrapping_offset(i.cast_signed() * taps.weights[0]);
                let left = simd.load_edge(b, PARTIAL, mask);
                let middle = simd.load_edge(b.wrapping_offset(weight), PARTIAL, mask);
                let right = simd.load_edge(b.wrapping_offset(2 * weight), PARTIAL, mask);
                let read = |column: usize| simd.load_edge(a.wrapping_add(column * pixel), PARTIAL, mask);
                let mut near = [read(0), read(1), read(2)];
                unrolled!(position < P, {
                    if position > 0 {
                        near = [near[1], near[2], read(position + 2)];
                    }
                    sums[position] = near[0].multiply_add(left, sums[position]);
                    sums[position] = near[1].multiply_add(middle, sums[position]);
                    sums[position] = near[2].multiply_add(right, sums[position]);
                });
            }
            let next = a.wrapping_add(taps.count[0] * taps.source[0] + channel);
            for column in 0..P {
                simd.prefetch(next.wrapping_add((column + 2) * pixel));
            }
            // A scale and a shift that are not empty have an element for each channel.
            let each = |elements: &[T], default: T| {
                if elements.is_empty() {
                    simd.splat(default)
                } else {
                    simd.load_edge(elements.as_ptr().add(channel), PARTIAL, mask)
                }
            };
            let (scale, shift) = (each(self.epilogue.scale, T::ONE), each(self.epilogue.shift, T::ZERO));
            let bounds = self.epilogue.bounds().splat(simd);
            unrolled!(position < P, {
                let to = to.add(position * apart + channel);
                let mut y = sums[position].multiply_add(scale, shift);
                if self.epilogue.accumulate {
                    y = y + simd.load_edge(to, PARTIAL, mask);
                }
                let y = bounds.clamp_vector(y);
                if PARTIAL { y.store_masked(to, mask) } else { y.store_at(to) }
            });
        }
    }

    /// Computes `N` vectors of channels at each of the positions; with `PARTIAL`, the last, partial vector of a pixel.
    ///
    /// # Safety
    /// The elements of all taps from `a` and `b` on are valid for reads, and the pixels at `to` for reads and writes.
    #[inline(always)]
    unsafe fn tile<S: Simd<T>, const N: usize, const PARTIAL: bool>(
        &self,
        simd: S,
        channel: usize,
        a: [*const T; POSITIONS],
        b: *const T,
        taps: &Taps,
        to: [*mut T; POSITIONS],
    ) {
        // SAFETY: the caller guarantees the elements of all taps, and the pixels; masks keep the last vector inside.
        unsafe {
            let mask = simd.mask(S::LANES.min(self.channels - channel));
            let mut sums = [[simd.splat(T::ZERO); N]; POSITIONS];
            for i in 0..taps.count[0] {
                let mut at = i * taps.source[0] + channel;
                let mut b = b.wrapping_add(channel).wrapping_offset(i.cast_signed() * taps.weights[0]);
                for _ in 0..taps.count[1] {
                    for n in 0..N {
                        let weight = simd.load_edge(b.add(n * S::LANES), PARTIAL, mask);
                        for (sums, a) in sums.iter_mut().zip(a) {
                            sums[n] =
                                simd.load_edge(a.add(at + n * S::LANES), PARTIAL, mask).multiply_add(weight, sums[n]);
                        }
                    }
                    at += taps.source[1];
                    b = b.wrapping_offset(taps.weights[1]);
                }
            }
            let bounds = self.epilogue.bounds().splat(simd);
            for n in 0..N {
                let at = channel + n * S::LANES;
                let each = |elements: &[T], default: T| {
                    if elements.is_empty() {
                        simd.splat(default)
                    } else {
                        simd.load_edge(elements.as_ptr().add(at), PARTIAL, mask)
                    }
                };
                let (scale, shift) = (each(self.epilogue.scale, T::ONE), each(self.epilogue.shift, T::ZERO));
                for (sums, to) in sums.iter_mut().zip(to) {
                    sums[n] = sums[n].multiply_add(scale, shift);
                    if self.epilogue.accumulate {
                        sums[n] = sums[n] + simd.load_edge(to.add(at), PARTIAL, mask);
                    }
                }
                // A repeated position is loaded several times before it is stored several times, so that all its sums are equal.
                for (sums, to) in sums.iter().zip(to) {
                    let (sum, to) = (bounds.clamp_vector(sums[n]), to.add(at));
                    if PARTIAL { sum.store_masked(to, mask) } else { sum.store_at(to) }
                }
            }
        }
    }
}
