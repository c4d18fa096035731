//! Sums over positions: the gradient of the weights.

use core::ops::Range;

use super::regroup::{Band, Layout, gather_band};
use super::tile::{ROWS, Steps, multiply};
use super::{Block, IMAGES, POSITIONS, QUAD, Sizes};
use crate::gemm::vector::Vector;
use crate::kernels::conv::Spec;
use crate::kernels::conv::correlate::{Correlation, extent};
use crate::scalar::Scalar;

/// The gradient of a block's weights, as sums of vectors.
pub(super) struct Gradient<'a> {
    pub(super) spec: &'a Spec,
    /// The windows of x, and the pixels of dy, with the first channel of the block.
    pub(super) windows: Correlation,
    pub(super) pixels: Correlation,
    pub(super) block: Block,
}

/// Images, and rows of positions, that are turned at once, and how they lie.
#[derive(Clone, Copy)]
struct Chunk {
    images: usize,
    rows: usize,
    /// Vectors of one channel of an image's part of x, and of one quad of its part of dy.
    plane: usize,
    pixels: usize,
}

impl Gradient<'_> {
    /// Adds to `sums`, `[quad of outer][tap][inner][QUAD]` vectors, what all images give.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    pub(super) unsafe fn run<T: Scalar, V: Vector<T>>(&self, x: &[T], dy: &[T], sums: &mut [T], memory: &mut [T]) {
        let spec = self.spec;
        let [height, width, _] = spec.output;
        let Sizes { inner, outer, taps } = Sizes::new(spec);
        let quads = outer.div_ceil(QUAD);
        assert_eq!(sums.len(), quads * taps * inner * QUAD * V::LANES, "sums of a block");
        let columns = extent(width, spec.stride[1], spec.window[1], spec.dilation[1]);
        let chunk = |images: usize, rows: usize| {
            let plane = extent(rows, spec.stride[0], spec.window[0], spec.dilation[0]) * columns;
            Chunk { images, rows, plane, pixels: rows * width }
        };
        let needs = |chunk: Chunk| chunk.images * (chunk.plane * inner + chunk.pixels * quads * QUAD) * V::LANES;
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
                let (planes, pixels) = memory.split_at_mut(chunk.images * chunk.plane * inner * V::LANES);
                // SAFETY: both parts of the memory hold what is turned into them.
                unsafe {
                    self.turn::<T, V>([x, dy], images.clone(), first, chunk, planes.as_mut_ptr(), pixels.as_mut_ptr());
                    for first in (0..chunk.rows).step_by(POSITIONS.div_ceil(width)) {
                        let rows = first..(first + POSITIONS.div_ceil(width)).min(chunk.rows);
                        self.add::<T, V>(chunk, rows, planes.as_ptr(), pixels.as_ptr(), sums);
                    }
                }
            }
        }
    }

    /// Turns a chunk of x to `[inner][image][row][column]` and of dy to `[quad][image][row][column][QUAD]`.
    ///
    /// # Safety
    /// The processor has the instructions of `V`, and both pointers are good for the chunk.
    #[inline(always)]
    unsafe fn turn<T: Scalar, V: Vector<T>>(
        &self,
        [x, dy]: [&[T]; 2],
        images: Range<usize>,
        first: usize,
        chunk: Chunk,
        planes: *mut T,
        pixels: *mut T,
    ) {
        let (spec, groups, lanes) = (self.spec, self.block.groups, V::LANES);
        let Sizes { inner, outer, .. } = Sizes::new(spec);
        let columns = extent(spec.output[1], spec.stride[1], spec.window[1], spec.dilation[1]);
        let channel = chunk.images * chunk.plane * lanes;
        let windows =
            Band { row: columns * lanes, pixel: lanes, layout: Layout { quad: QUAD * channel, channel, whole: false } };
        let quad = chunk.images * chunk.pixels * QUAD * lanes;
        let outputs = Band {
            row: spec.output[1] * QUAD * lanes,
            pixel: QUAD * lanes,
            layout: Layout { quad, channel: lanes, whole: true },
        };
        for (n, image) in images.enumerate() {
            let x = &x[image * spec.input_len()..][..spec.input_len()];
            let dy = &dy[image * spec.output_len()..][..spec.output_len()];
            let part = [first, chunk.rows];
            // SAFETY: the caller's promise.
            unsafe {
                let planes = planes.add(n * chunk.plane * lanes);
                gather_band::<T, V>(&self.windows, [groups, inner], x, part, planes, windows);
                let pixels = pixels.add(n * chunk.pixels * QUAD * lanes);
                gather_band::<T, V>(&self.pixels, [groups, outer], dy, part, pixels, outputs);
            }
        }
    }

    /// Adds what the positions of `rows` of a chunk give to every weight.
    ///
    /// # Safety
    /// As [`turn`](Self::turn), which has filled the chunk.
    #[inline(always)]
    unsafe fn add<T: Scalar, V: Vector<T>>(
        &self,
        chunk: Chunk,
        rows: Range<usize>,
        planes: *const T,
        pixels: *const T,
        sums: &mut [T],
    ) {
        let spec = self.spec;
        let Sizes { inner, outer, taps } = Sizes::new(spec);
        let (width, lanes) = (spec.output[1], V::LANES);
        let row = extent(width, spec.stride[1], spec.window[1], spec.dilation[1]) * lanes;
        let steps = Steps {
            loops: [chunk.images, rows.len(), width],
            a: [chunk.plane * lanes, spec.stride[0] * row, spec.stride[1] * lanes],
            b: [chunk.pixels * QUAD * lanes, width * QUAD * lanes, QUAD * lanes],
        };
        let total = taps * inner;
        for (quad, sums) in sums.chunks_exact_mut(total * QUAD * lanes).enumerate().take(outer.div_ceil(QUAD)) {
            // SAFETY: the taps of all positions lie in the planes, the positions in the pixels, and each row of weights in the sums.
            unsafe {
                let b = pixels.add((quad * chunk.images * chunk.pixels + rows.start * width) * QUAD * lanes);
                let planes = planes.add(rows.start * spec.stride[0] * row);
                let [mut i, mut j, mut k] = [0; 3];
                for done in (0..total).step_by(ROWS) {
                    // A tile has any rows of weights; the last is repeated where there are too few.
                    let mut from = [planes; ROWS];
                    let mut tile = [[V::splat(T::ZERO); QUAD]; ROWS];
                    for (n, from) in from.iter_mut().enumerate() {
                        let plane = k * chunk.images * chunk.plane * lanes;
                        *from = planes.add(plane + i * spec.dilation[0] * row + j * spec.dilation[1] * lanes);
                        if done + n + 1 < total {
                            k += 1;
                            if k == inner {
                                [j, k] = [j + 1, 0];
                            }
                            if j == spec.window[1] {
                                [i, j] = [i + 1, 0];
                            }
                        }
                    }
                    let to = sums.as_mut_ptr().add(done * QUAD * lanes);
                    for (n, sums) in tile.iter_mut().enumerate() {
                        for (column, sum) in sums.iter_mut().enumerate() {
                            if done + n < total {
                                *sum = V::load(to.add((n * QUAD + column) * lanes));
                            }
                        }
                    }
                    tile = multiply::<T, V>(from, b, &steps, tile);
                    for (n, sums) in tile.into_iter().enumerate() {
                        for (column, sum) in sums.into_iter().enumerate() {
                            if done + n < total {
                                sum.store(to.add((n * QUAD + column) * lanes));
                            }
                        }
                    }
                }
            }
        }
    }
}
