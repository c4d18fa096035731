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
    /// The windows of x, with the first channel of the range.
    pub(super) windows: Correlation,
    pub(super) range: GroupRange,
}

/// Images, and rows of positions, that are transposed at once, and how they lie.
#[derive(Clone, Copy)]
struct Chunk {
    images: usize,
    rows: usize,
    /// Pixels of an image's part of x, and of its part of dy.
    plane: usize,
    pixels: usize,
}

impl WeightGradient<'_> {
    /// Adds to `sums`, `[part][tile of outer][tap][inner][C]` vectors, what all images give.
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
        let parts = self.range.parts::<T, S, A>()[0];
        assert_eq!(sums.len(), parts * tiles * sizes.rows() * C * S::LANES, "sums of a range");
        let columns = extent(width, spec.stride[1], spec.window[1], spec.dilation[1]);
        let chunk = |images: usize, rows: usize| {
            let plane = extent(rows, spec.stride[0], spec.window[0], spec.dilation[0]) * columns;
            Chunk { images, rows, plane, pixels: rows * width }
        };
        let needs = |chunk: Chunk| {
            parts * chunk.images * (chunk.plane * inner * A::ELEMENTS + chunk.pixels * tiles * C * S::LANES)
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
                let (planes, pixels) = memory.split_at_mut(parts * chunk.images * chunk.plane * inner * A::ELEMENTS);
                // SAFETY: both parts of the memory hold what is transposed into them.
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

    /// How a chunk of x lies. Where channels have vectors, each has a plane, so that neighbouring positions are neighbours.
    #[inline(always)]
    fn band<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>>(&self, chunk: Chunk) -> Band {
        let inner = Sizes::new(self.spec).inner;
        let columns = extent(self.spec.output[1], self.spec.stride[1], self.spec.window[1], self.spec.dilation[1]);
        let [pixel, channel] =
            if A::ELEMENTS == 1 { [inner, 1] } else { [A::ELEMENTS, chunk.images * chunk.plane * A::ELEMENTS] };
        Band { row: columns * pixel, pixel, channel, part: chunk.images * chunk.plane * inner * A::ELEMENTS }
    }

    /// Turns a chunk of x, image after image, and of dy to `[part][tile][image][row][column][C]`.
    ///
    /// # Safety
    /// Both pointers are good for the chunk.
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
        let [parts, together] = range.parts::<T, S, A>();
        let Sizes { inner, outer, .. } = Sizes::new(spec);
        let band = self.band::<T, S, A>(chunk);
        let (tiles, tile) = (outer.div_ceil(A::columns(C)), chunk.images * chunk.pixels * C * S::LANES);
        for (n, image) in images.enumerate() {
            let x = &x[image * spec.input_len()..][..spec.input_len()];
            let dy = &dy[image * spec.output_len() + first * spec.output[1] * spec.output[2]..];
            // SAFETY: the caller's promise; dy has the pixels of the chunk, as `zip` makes sure.
            unsafe {
                let planes = planes.add(n * chunk.plane * band.pixel);
                gather_band::<T, S, A>(simd, &self.windows, range, inner, x, [first, chunk.rows], planes, band);
                let pixels = pixels.add(n * chunk.pixels * C * S::LANES);
                for (pixel, dy) in (0..chunk.pixels).zip(dy.chunks_exact(spec.output[2])) {
                    let from = dy[range.first * outer..][..range.groups * outer].as_ptr();
                    for part in 0..parts {
                        let from = from.add(part * A::TOGETHER * outer);
                        let to = pixels.add(part * tiles * tile + pixel * C * S::LANES);
                        gather_tiles::<T, S, A, C>(simd, from, [together, outer], to, tile);
                    }
                }
            }
        }
    }

    /// Adds what the positions of `rows` of a chunk give to every weight.
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
        let Band { row, pixel, channel, part } = self.band::<T, S, A>(chunk);
        let steps = Steps {
            loops: [chunk.images, rows.len(), width],
            a: [chunk.plane * pixel, spec.stride[0] * row, spec.stride[1] * pixel],
            b: [chunk.pixels * step, width * step, step],
        };
        let (total, tiles) = (taps * inner, outer.div_ceil(A::columns(C)));
        // From the last channel of a tap to the first of the next, and from the last tap of a row to the next row.
        let beside = (spec.dilation[1] * pixel).wrapping_sub(inner * channel);
        let below = (spec.dilation[0] * row).wrapping_sub(spec.window[1] * spec.dilation[1] * pixel);
        for (n, sums) in sums.chunks_exact_mut(total * step).enumerate() {
            // SAFETY: the taps of all positions lie in the planes, the positions in the pixels, and each row of weights in the sums.
            unsafe {
                let b = pixels.add((n * chunk.images * chunk.pixels + rows.start * width) * step);
                let planes = planes.add(n / tiles * part + rows.start * spec.stride[0] * row);
                let ([mut j, mut k], mut at, mut sum_at) = ([0; 2], 0usize, 0);
                for done in (0..total).step_by(R) {
                    // A tile has any rows of weights; the last is repeated where there are too few.
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
