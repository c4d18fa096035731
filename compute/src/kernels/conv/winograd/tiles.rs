//! The transforms of the inputs and outputs of tiles.

use core::ops::Range;

use super::points::{PAIRS, points, polynomials, powers};
use super::{BLOCK_FILTERS, FilterBlock, Layer, Spec, Stored, Tiling, Transforms};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, Vector, WithSimd};

/// Bᵀ d: transforms the inputs of a patch along an axis.
#[inline(always)]
fn transformed<T: Scalar, S: Simd<T>, const PATCH: usize>(simd: S, d: [S::Vector; PATCH]) -> [S::Vector; PATCH] {
    let (points, polynomials) = const { (points(PATCH), polynomials(PATCH)) };
    let mut all = d;
    // The points 0 and ∞ use the polynomial over all pairs.
    (all[0], all[PATCH - 1]) = (d[PATCH - 2], d[PATCH - 1]);
    for power in 2..PATCH / 2 + 1 {
        let factor = simd.splat(T::from_f64(polynomials[PAIRS][PATCH / 2 - power]));
        all[0] = factor.multiply_add(d[PATCH - 2 * power], all[0]);
        all[PATCH - 1] = factor.multiply_add(d[PATCH + 1 - 2 * power], all[PATCH - 1]);
    }
    for pair in 0..PATCH / 2 - 1 {
        let (mut even, mut odd) = (d[PATCH - 2], d[PATCH - 3]);
        for power in 2..PATCH / 2 {
            let factor = simd.splat(T::from_f64(polynomials[pair][PATCH / 2 - 1 - power]));
            even = factor.multiply_add(d[PATCH - 2 * power], even);
            odd = factor.multiply_add(d[PATCH - 1 - 2 * power], odd);
        }
        all[2 * pair + 1] = simd.splat(T::from_f64(points[pair])).multiply_add(odd, even);
        all[2 * pair + 2] = simd.splat(T::from_f64(-points[pair])).multiply_add(odd, even);
    }
    all
}

/// Aᵀ m: computes the outputs of a tile along an axis.
#[inline(always)]
fn outputs<T: Scalar, S: Simd<T>, const PATCH: usize, const TILE: usize>(
    simd: S,
    m: [S::Vector; PATCH],
) -> [S::Vector; TILE] {
    let powers = const { powers::<TILE>(PATCH) };
    let mut all = [m[0]; TILE];
    for pair in 0..PATCH / 2 - 1 {
        let both = [m[2 * pair + 1] + m[2 * pair + 2], m[2 * pair + 1] - m[2 * pair + 2]];
        all[0] = all[0] + both[0];
        for power in 1..TILE {
            let factor = simd.splat(T::from_f64(powers[pair][power]));
            let both = both[power % 2];
            all[power] = if pair == 0 { factor * both } else { factor.multiply_add(both, all[power]) };
        }
    }
    all[TILE - 1] = all[TILE - 1] + m[PATCH - 1];
    all
}

/// Computes Bᵀ d B of some tiles.
pub(super) struct Inputs<'a, T> {
    pub(super) spec: &'a Spec,
    pub(super) tiling: &'a Tiling,
    pub(super) x: &'a [T],
    /// A pixel of padding: zeros.
    pub(super) zeros: &'a [T],
    /// The first tile of the block that is transformed together, and the range of its tiles.
    pub(super) first: usize,
    pub(super) tiles: Range<usize>,
    pub(super) transforms: Transforms<'a, T>,
}

impl<T: Elementary> Inputs<'_, T> {
    pub(super) fn run(self, isa: Isa) {
        match self.tiling.form.patch {
            8 => isa.dispatch(OfPatch::<_, 8>(self)),
            6 => isa.dispatch(OfPatch::<_, 6>(self)),
            _ => isa.dispatch(OfPatch::<_, 4>(self)),
        }
    }
}

/// [`Inputs`] with patches of `PATCH` inputs along an axis.
struct OfPatch<'a, T, const PATCH: usize>(Inputs<'a, T>);

impl<T: Elementary, const PATCH: usize> WithSimd<T> for OfPatch<'_, T, PATCH> {
    type Output = ();

    #[expect(clippy::needless_range_loop, reason = "an index addresses several arrays, and the loops are unrolled")]
    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Inputs { spec, tiling, x, zeros, first, tiles, transforms } = self.0;
        let [height, width, channels] = spec.input;
        assert!(tiling.form.patch == PATCH && channels.is_multiple_of(S::LANES) && zeros.len() == channels);
        transforms.check(tiling.form, tiles.end, channels);
        // Here, so that it is filled once: all of it is written before it is read.
        let mut half = [[simd.splat(T::ZERO); PATCH]; PATCH];
        for tile in tiles {
            let [image, top, left] = tiling.origin(first + tile);
            let transform = transforms.of_tile(tile);
            let x = &x[image * height * width * channels..][..height * width * channels];
            // Pixels outside the image are padding, as are those that the last tiles read beyond it.
            let mut pixels = [[zeros.as_ptr(); PATCH]; PATCH];
            for i in 0..PATCH {
                let row = (top + i).wrapping_sub(spec.padding[0]);
                for j in 0..PATCH {
                    let column = (left + j).wrapping_sub(spec.padding[2]);
                    if row < height && column < width {
                        pixels[i][j] = x[(row * width + column) * channels..].as_ptr();
                    }
                }
            }
            // Prefetch the inputs of the next tile: the pixels of each row that it does not share with this one.
            let next = tiling.form.tile * channels;
            for channel in (0..channels).step_by(S::LANES) {
                for j in 0..PATCH {
                    if j >= PATCH - tiling.form.tile {
                        (0..PATCH).for_each(|i| simd.prefetch(pixels[i][j].wrapping_add(next + channel)));
                    }
                    let mut inputs = [simd.splat(T::ZERO); PATCH];
                    for i in 0..PATCH {
                        // SAFETY: each pointer is to a pixel of `channels` channels, of the image or of padding.
                        inputs[i] = unsafe { simd.load_at(pixels[i][j].add(channel)) };
                    }
                    let inputs = transformed::<T, S, PATCH>(simd, inputs);
                    for i in 0..PATCH {
                        half[i][j] = inputs[i];
                    }
                }
                for i in 0..PATCH {
                    let row = transformed::<T, S, PATCH>(simd, half[i]);
                    for j in 0..PATCH {
                        let at = transforms.offset(PATCH * i + j, channel);
                        // SAFETY: `transforms.check` compared the points of all tiles with the length; no other code writes those of this tile.
                        unsafe { row[j].store_at(transform.add(at)) };
                    }
                }
            }
        }
    }
}

/// The maximum of an element and a later one of a max pool's window: the later one where it is larger; NaN where either is NaN.
#[inline(always)]
fn largest<T: Scalar, V: Vector<T>>(infinity: V, element: V, later: V) -> V {
    let larger = element.at_least(later);
    // A value that is not less than ∞ is ∞ or NaN, and so is its sum with a non-negative value.
    later.where_less(infinity, larger, later + larger.magnitude())
}

/// Computes f(scale · Aᵀ m A + shift) of some filters of a block of tiles.
pub(super) struct Outputs<'a, T> {
    pub(super) layer: &'a Layer<'a, T>,
    /// The filters; no other code writes their outputs.
    pub(super) filter_block: FilterBlock,
    pub(super) products: &'a [T],
    /// The first tile of the block, and the number of tiles.
    pub(super) first: usize,
    pub(super) tiles: usize,
}

/// [`Outputs`] of a form.
pub(super) struct OfForm<'a, T, const PATCH: usize, const TILE: usize>(pub(super) Outputs<'a, T>);

impl<T: Elementary, const PATCH: usize, const TILE: usize> WithSimd<T> for OfForm<'_, T, PATCH, TILE> {
    type Output = ();

    #[expect(clippy::needless_range_loop, reason = "an index addresses several arrays, and the loops are unrolled")]
    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Outputs { layer, filter_block, products, first, tiles } = self.0;
        let ([height, width, filters], point_stride, y) = (layer.spec.output, Tiling::product(tiles), layer.y);
        let epilogue = layer.epilogue.channels(filter_block.first, filter_block.width);
        let (bounds, infinity) = (epilogue.bounds().splat(simd), simd.splat(T::from_f64(f64::INFINITY)));
        // Rows and columns of the stored output: of 2x2 windows inside the image, or of the image.
        let [rows, columns] = match layer.stored {
            Stored::All => [height, width],
            Stored::Largest => [height / 2, width / 2],
        };
        assert!(filter_block.width.is_multiple_of(S::LANES) && filter_block.first + filter_block.width <= filters);
        assert!((layer.tiling.form.tile, layer.tiling.form.patch) == (TILE, PATCH));
        assert!(PATCH * PATCH * point_stride <= products.len() && filter_block.width <= BLOCK_FILTERS);
        // Outside the loop, so that it is filled once: all of it is written before it is read.
        let mut half = [[simd.splat(T::ZERO); PATCH]; TILE];
        for tile in 0..tiles {
            let [image, top, left] = layer.tiling.origin(first + tile);
            let (down, right) = (TILE.min(height - top), TILE.min(width - left));
            assert!((image + 1) * rows * columns * filters <= y.len, "an image of the batch");
            let from = products[tile * BLOCK_FILTERS..].as_ptr();
            for filter in (0..filter_block.width).step_by(S::LANES) {
                for j in 0..PATCH {
                    let mut column = [simd.splat(T::ZERO); PATCH];
                    for i in 0..PATCH {
                        // SAFETY: the assertion above compares the points of all tiles with the length; each has a row of `BLOCK_FILTERS`
                        // products.
                        column[i] = unsafe { simd.load_at(from.add((PATCH * i + j) * point_stride + filter)) };
                    }
                    let column = outputs::<T, S, PATCH, TILE>(simd, column);
                    for i in 0..TILE {
                        half[i][j] = column[i];
                    }
                }
                let each = |elements: &[T], none: T| {
                    if elements.is_empty() { simd.splat(none) } else { simd.load(&elements[filter..]) }
                };
                let (scale, shift) = (each(epilogue.scale, T::ONE), each(epilogue.shift, T::ZERO));
                // The previous row, for a max pool over two rows.
                let mut above = [simd.splat(T::ZERO); TILE];
                for i in 0..down {
                    let mut row = outputs::<T, S, PATCH, TILE>(simd, half[i]);
                    for j in 0..TILE {
                        row[j] = row[j].multiply_add(scale, shift);
                    }
                    if layer.stored == Stored::Largest {
                        for j in 0..TILE {
                            row[j] = bounds.clamp_vector(row[j]);
                        }
                        if i % 2 == 0 {
                            above = row;
                            continue;
                        }
                        for j in 0..TILE / 2 {
                            if 2 * j + 1 < right {
                                let mut most = largest(infinity, above[2 * j], above[2 * j + 1]);
                                most = largest(infinity, most, row[2 * j]);
                                most = largest(infinity, most, row[2 * j + 1]);
                                let pixel = (image * rows + (top + i) / 2) * columns + left / 2 + j;
                                // SAFETY: the window is inside the image, so that its pixel is inside the pooled image, which is compared
                                // with the length above; no other code writes these filters of it.
                                unsafe {
                                    let y = y.start.add(pixel * filters + filter_block.first + filter);
                                    // Prefetch the location of the next tile's outputs.
                                    simd.prefetch(y.wrapping_add(TILE / 2 * filters));
                                    most.store_at(y);
                                }
                            }
                        }
                        continue;
                    }
                    for j in 0..TILE {
                        if j < right {
                            let pixel = (image * height + top + i) * width + left + j;
                            // SAFETY: the pixel is inside the image, which is compared with the length above; no other code writes these
                            // filters of it.
                            unsafe {
                                let y = y.start.add(pixel * filters + filter_block.first + filter);
                                // Prefetch the location of the next tile's outputs.
                                simd.prefetch(y.wrapping_add(TILE * filters));
                                let mut value = row[j];
                                if epilogue.accumulate {
                                    value = value + simd.load_at(y);
                                }
                                bounds.clamp_vector(value).store_at(y);
                            }
                        }
                    }
                }
            }
        }
    }
}
