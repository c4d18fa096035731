//! The transforms of the inputs and outputs of tiles.

use core::ops::Range;

use super::points::{PAIRS, points, polynomials, powers};
use super::{Layer, RUN, Run, Spec, Stored, Tiling, Transforms};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, Vector, WithSimd};

/// Bᵀ d: what the inputs of a patch along an axis become.
#[inline(always)]
fn transformed<T: Scalar, S: Simd<T>, const PATCH: usize>(simd: S, d: [S::Vector; PATCH]) -> [S::Vector; PATCH] {
    let (points, polynomials) = const { (points(PATCH), polynomials(PATCH)) };
    let mut all = d;
    // What belongs to 0 and to ∞: the polynomial over all points.
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

/// Aᵀ m: the outputs of a tile along an axis.
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

/// Bᵀ d B of some tiles.
pub(super) struct Inputs<'a, T> {
    pub(super) spec: &'a Spec,
    pub(super) tiling: &'a Tiling,
    pub(super) x: &'a [T],
    /// A pixel of the padding.
    pub(super) zeros: &'a [T],
    /// The first tile of all that are transformed together, and which of them.
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

/// [`Inputs`] of patches of so many along an axis.
struct OfPatch<'a, T, const PATCH: usize>(Inputs<'a, T>);

impl<T: Elementary, const PATCH: usize> WithSimd<T> for OfPatch<'_, T, PATCH> {
    type Output = ();

    #[expect(clippy::needless_range_loop, reason = "an index is a place in several arrays, whose loops leave no trace")]
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
            // Above and left of the image lies the padding; so does what is left over of the last tile below and to the right.
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
            // What the next tile reads comes meanwhile: as many pixels of each row as it does not share with this.
            let next = tiling.form.tile * channels;
            for channel in (0..channels).step_by(S::LANES) {
                for j in 0..PATCH {
                    if j >= PATCH - tiling.form.tile {
                        (0..PATCH).for_each(|i| simd.prefetch(pixels[i][j].wrapping_add(next + channel)));
                    }
                    let mut inputs = [simd.splat(T::ZERO); PATCH];
                    for i in 0..PATCH {
                        // SAFETY: each is a pixel of as many channels, of the image or the padding.
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
                        let at = transforms.place_of(PATCH * i + j, channel);
                        // SAFETY: the places of all tiles were compared with the length; nobody else writes those of this tile.
                        unsafe { row[j].store_at(transform.add(at)) };
                    }
                }
            }
        }
    }
}

/// What a max pool keeps of an element and a later one of its window: the later where it is larger; a NaN where either is one.
#[inline(always)]
fn largest<T: Scalar, V: Vector<T>>(infinity: V, element: V, later: V) -> V {
    let larger = element.at_least(later);
    // What is not less than ∞ is ∞ or NaN, and so is its sum with what is not negative.
    later.where_less(infinity, larger, later + larger.magnitude())
}

/// f(scale · Aᵀ m A + shift) of some filters of a block of tiles.
pub(super) struct Outputs<'a, T> {
    pub(super) layer: &'a Layer<'a, T>,
    /// The filters, whose outputs nobody else writes.
    pub(super) run: Run,
    pub(super) products: &'a [T],
    /// The first tile of the block, and how many.
    pub(super) first: usize,
    pub(super) tiles: usize,
}

/// [`Outputs`] of a form.
pub(super) struct OfForm<'a, T, const PATCH: usize, const TILE: usize>(pub(super) Outputs<'a, T>);

impl<T: Elementary, const PATCH: usize, const TILE: usize> WithSimd<T> for OfForm<'_, T, PATCH, TILE> {
    type Output = ();

    #[expect(clippy::needless_range_loop, reason = "an index is a place in several arrays, whose loops leave no trace")]
    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Outputs { layer, run, products, first, tiles } = self.0;
        let ([height, width, filters], place, y) = (layer.spec.output, Tiling::product(tiles), layer.y);
        let epilogue = layer.epilogue.channels(run.first, run.width);
        let (bounds, infinity) = (epilogue.bounds().splat(simd), simd.splat(T::from_f64(f64::INFINITY)));
        // Of windows of 2x2 that lie in the image, or of all of it.
        let [rows, columns] = match layer.stored {
            Stored::All => [height, width],
            Stored::Largest => [height / 2, width / 2],
        };
        assert!(run.width.is_multiple_of(S::LANES) && run.first + run.width <= filters);
        assert!((layer.tiling.form.tile, layer.tiling.form.patch) == (TILE, PATCH));
        assert!(PATCH * PATCH * place <= products.len() && run.width <= RUN);
        // Here, so that it is filled once: all of it is written before it is read.
        let mut half = [[simd.splat(T::ZERO); PATCH]; TILE];
        for tile in 0..tiles {
            let [image, top, left] = layer.tiling.origin(first + tile);
            let (down, right) = (TILE.min(height - top), TILE.min(width - left));
            assert!((image + 1) * rows * columns * filters <= y.len, "an image of the batch");
            let from = products[tile * RUN..].as_ptr();
            for filter in (0..run.width).step_by(S::LANES) {
                for j in 0..PATCH {
                    let mut column = [simd.splat(T::ZERO); PATCH];
                    for i in 0..PATCH {
                        // SAFETY: the places of all tiles were compared with the length; each has a row of a run.
                        column[i] = unsafe { simd.load_at(from.add((PATCH * i + j) * place + filter)) };
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
                // The row before, of which a max pool keeps the largest with this one.
                let mut above = [simd.splat(T::ZERO); TILE];
                for i in 0..down {
                    let mut row = outputs::<T, S, PATCH, TILE>(simd, half[i]);
                    for j in 0..TILE {
                        row[j] = row[j].multiply_add(scale, shift);
                    }
                    if layer.stored == Stored::Largest {
                        for j in 0..TILE {
                            row[j] = bounds.hold_vector(row[j]);
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
                                // SAFETY: the window lies in the image, so that its pixel lies in the pooled image, which was compared with
                                // the length; nobody else writes these filters of it.
                                unsafe {
                                    let y = y.start.add(pixel * filters + run.first + filter);
                                    // Where the next tile's will stand.
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
                            // SAFETY: the pixel lies in the image, which was compared with the length; nobody else writes these
                            // filters of it.
                            unsafe {
                                let y = y.start.add(pixel * filters + run.first + filter);
                                // Where the next tile's will stand.
                                simd.prefetch(y.wrapping_add(TILE * filters));
                                let mut value = row[j];
                                if epilogue.accumulate {
                                    value = value + simd.load_at(y);
                                }
                                bounds.hold_vector(value).store_at(y);
                            }
                        }
                    }
                }
            }
        }
    }
}
