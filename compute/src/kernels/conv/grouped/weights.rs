//! Sums over positions: the gradient of the weights.

use core::ops::Range;

use super::gather::{Band, gather_band, gather_tiles};
use super::lane_layout::LaneLayout;
use super::regroup::{load_tile, store_tile};
use super::tile::{Steps, multiply};
use super::{GroupRange, IMAGES, POSITIONS, Sizes};
use crate::kernels::conv::Spec;
use crate::kernels::conv::correlate::{Correlation, extent};
use crate::kernels::elementary::Elementary;
use crate::simd::Simd;

/// The gradient of a range's weights, as sums of vectors.
pub(super) struct WeightGradient<'a> {
    pub(super) spec: &'a Spec,
    /// The windows of x, from the first channel of the range on.
    pub(super) windows: Correlation,
    pub(super) range: GroupRange,
}

/// A chunk of images, or of rows of positions, that is transposed at once, and its layout.
#[derive(Clone, Copy)]
struct Chunk {
    images: usize,
    rows: usize,
    /// Pixels of x, and of dy, per image.
    plane: usize,
    pixels: usize,
}

impl WeightGradient<'_> {
    /// Adds the gradient of all images to `sums`, which has `[lane block][tile of outer][tap][inner][C]` vectors.
    #[inline(always)]
    pub(super) fn run<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize>(
        &self,
        simd: S,
        x: &[T],
        dy: &[T],
        sums: &mut [T],
        memory: &mut [T],
    ) {
        let spec = self.spec;
        let [height, width, _] = spec.output;
        let sizes @ Sizes { inner, outer, .. } = Sizes::new(spec);
        let tiles = outer.div_ceil(A::columns(C));
        let lane_blocks = self.range.lane_blocks::<T, S, A>()[0];
        assert_eq!(sums.len(), lane_blocks * tiles * sizes.rows() * C * S::LANES, "sums of a range");
        let columns = extent(width, spec.stride[1], spec.window[1], spec.dilation[1]);
        let chunk = |images: usize, rows: usize| {
            let plane = extent(rows, spec.stride[0], spec.window[0], spec.dilation[0]) * columns;
            Chunk { images, rows, plane, pixels: rows * width }
        };
        let needs = |chunk: Chunk| {
            lane_blocks * chunk.images * (chunk.plane * inner * A::ELEMENTS + chunk.pixels * tiles * C * S::LANES)
        };
        let mut rows = height;
        while rows > 1 && needs(chunk(1, rows)) > memory.len() {
            rows -= 1;
        }
        let fit = memory.len() / needs(chunk(1, rows));
        let at_once = if rows == height { fit.min(POSITIONS.div_ceil(height * width)).min(IMAGES) } else { 1 };
        let batch = dy.len() / spec.output_len();
        for first_image in (0..batch).step_by(at_once) {
            let images = first_image..(first_image + at_once).min(batch);
            for first in (0..height).step_by(rows) {
                let chunk = chunk(images.len(), rows.min(height - first));
                assert!(needs(chunk) <= memory.len(), "scratch for a row of windows");
                let (planes, pixels) =
                    memory.split_at_mut(lane_blocks * chunk.images * chunk.plane * inner * A::ELEMENTS);
                // SAFETY: the assertion above checks that the memory has room for the transposed x and dy.
                unsafe {
                    let (planes, pixels) = (planes.as_mut_ptr(), pixels.as_mut_ptr());
                    self.transpose::<T, S, A, C>(simd, [x, dy], images.clone(), first, chunk, planes, pixels);
                    for first in (0..chunk.rows).step_by(POSITIONS.div_ceil(width)) {
                        let rows = first..(first + POSITIONS.div_ceil(width)).min(chunk.rows);
                        self.add::<T, S, A, R, C>(simd, chunk, rows, planes, pixels, sums);
                    }
                }
            }
        }
    }

    /// Returns the layout of a chunk of x. Where a channel is a vector, each channel has a plane of its own, so that neighbouring positions
    /// are contiguous.
    #[inline(always)]
    fn band<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>>(&self, chunk: Chunk) -> Band {
        let inner = Sizes::new(self.spec).inner;
        let columns = extent(self.spec.output[1], self.spec.stride[1], self.spec.window[1], self.spec.dilation[1]);
        let [pixel, channel] =
            if A::ELEMENTS == 1 { [inner, 1] } else { [A::ELEMENTS, chunk.images * chunk.plane * A::ELEMENTS] };
        Band { row: columns * pixel, pixel, channel, lane_block: chunk.images * chunk.plane * inner * A::ELEMENTS }
    }

    /// Transposes a chunk of x, one image after the other, and of dy to `[lane block][tile][image][row][column][C]`.
    ///
    /// # Safety
    /// Both pointers are valid for writes of the chunk.
    #[allow(clippy::too_many_arguments)]
    #[inline(always)]
    unsafe fn transpose<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>, const C: usize>(
        &self,
        simd: S,
        [x, dy]: [&[T]; 2],
        images: Range<usize>,
        first: usize,
        chunk: Chunk,
        planes: *mut T,
        pixels: *mut T,
    ) {
        let (spec, range) = (self.spec, self.range);
        let [lane_blocks, together] = range.lane_blocks::<T, S, A>();
        let Sizes { inner, outer, .. } = Sizes::new(spec);
        let band = self.band::<T, S, A>(chunk);
        let (tiles, tile) = (outer.div_ceil(A::columns(C)), chunk.images * chunk.pixels * C * S::LANES);
        for (n, image) in images.enumerate() {
            let x = &x[image * spec.input_len()..][..spec.input_len()];
            let dy = &dy[image * spec.output_len() + first * spec.output[1] * spec.output[2]..];
            // SAFETY: the caller guarantees the memory of the chunk; `zip` ends at the last pixel of dy.
            unsafe {
                let planes = planes.add(n * chunk.plane * band.pixel);
                gather_band::<T, S, A>(simd, &self.windows, range, inner, x, [first, chunk.rows], planes, band);
                let pixels = pixels.add(n * chunk.pixels * C * S::LANES);
                for (pixel, dy) in (0..chunk.pixels).zip(dy.chunks_exact(spec.output[2])) {
                    let from = dy[range.first * outer..][..range.groups * outer].as_ptr();
                    for lane_block in 0..lane_blocks {
                        let from = from.add(lane_block * A::GROUPS * outer);
                        let to = pixels.add(lane_block * tiles * tile + pixel * C * S::LANES);
                        gather_tiles::<T, S, A, C>(simd, from, [together, outer], to, tile);
                    }
                }
            }
        }
    }

    /// Adds the products of the positions of `rows` of a chunk to the gradient of every weight.
    ///
    /// # Safety
    /// As [`transpose`](Self::transpose), which has filled the chunk.
    #[inline(always)]
    unsafe fn add<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize>(
        &self,
        simd: S,
        chunk: Chunk,
        rows: Range<usize>,
        planes: *const T,
        pixels: *const T,
        sums: &mut [T],
    ) {
        let spec = self.spec;
        let Sizes { inner, outer, taps } = Sizes::new(spec);
        let (width, step) = (spec.output[1], C * S::LANES);
        let Band { row, pixel, channel, lane_block } = self.band::<T, S, A>(chunk);
        let steps = Steps {
            loops: [chunk.images, rows.len(), width],
            a: [chunk.plane * pixel, spec.stride[0] * row, spec.stride[1] * pixel],
            b: [chunk.pixels * step, width * step, step],
        };
        let (total, tiles) = (taps * inner, outer.div_ceil(A::columns(C)));
        // The distances from the last channel of a tap to the first of the next, and from the last tap of a row to the next row.
        let beside = (spec.dilation[1] * pixel).wrapping_sub(inner * channel);
        let below = (spec.dilation[0] * row).wrapping_sub(spec.window[1] * spec.dilation[1] * pixel);
        for (n, sums) in sums.chunks_exact_mut(total * step).enumerate() {
            // SAFETY: the planes contain the taps of all positions, the pixels the positions, and the sums each row of weights.
            unsafe {
                let b = pixels.add((n * chunk.images * chunk.pixels + rows.start * width) * step);
                let planes = planes.add(n / tiles * lane_block + rows.start * spec.stride[0] * row);
                let ([mut j, mut k], mut at, mut sum_at) = ([0; 2], 0usize, 0);
                for done in (0..total).step_by(R) {
                    // The rows of a tile may be any rows of weights; the last is repeated where there are too few.
                    let (mut from, mut to) = ([planes; R], [sums.as_mut_ptr(); R]);
                    let mut tile = [[simd.splat(T::ZERO); C]; R];
                    for (n, (from, to)) in from.iter_mut().zip(&mut to).enumerate() {
                        *from = from.add(at);
                        *to = to.add(sum_at);
                        if done + n + 1 < total {
                            [k, at, sum_at] = [k + 1, at + channel, sum_at + step];
                            if k == inner {
                                [j, k, at] = [j + 1, 0, at.wrapping_add(beside)];
                                if j == spec.window[1] {
                                    [j, at] = [0, at.wrapping_add(below)];
                                }
                            }
                        }
                    }
                    for (sums, to) in tile.iter_mut().zip(to) {
                        *sums = load_tile::<T, S, C>(simd, to);
                    }
                    tile = multiply::<T, S, A, R, C>(simd, from, b, &steps, tile);
                    for (sums, to) in tile.into_iter().zip(to) {
                        store_tile(sums, to);
                    }
                }
            }
        }
    }
}
