//! The register tile with images in the lanes: some filters by some pixels, each a vector of images.

use core::hint::black_box;
use core::mem::MaybeUninit;

use super::LANES;
use crate::epilogue::Epilogue;
use crate::gemm::DEPTH;
use crate::kernels::elementary::Elementary;
use crate::simd::{Simd, Vector, WithSimd, mapped, unrolled};

/// The maximum pixels of a tile.
const PIXELS: usize = 4;

/// Pixels of an output with the same taps, and the sums that they are: `y = clamp(scale · Σ w·x + shift + y)`, within the epilogue's
/// bounds, for each of `filters`. A vector holds the images from those on that `x` and `y` point to.
///
/// The sum has three nested loops: rows and columns of a window, and channels. Terms are numbered over all taps of the window, including
/// those in the padding. At step `(o, m, i)` the term is `k = first + o·terms[0] + m·terms[1] + i`; its input is at `x + o·x_step[0] +
/// m·x_step[1] + i·LANES`, plus `x_pixel` for each pixel.
#[derive(Clone, Copy, Debug)]
pub(super) struct PixelRange<'a, T> {
    pub(super) pixels: usize,
    pub(super) filters: usize,
    pub(super) loops: [usize; 3],
    pub(super) first: usize,
    pub(super) terms: [usize; 2],
    pub(super) x: *const T,
    pub(super) x_step: [usize; 2],
    pub(super) x_pixel: usize,
    /// The weight of term 0 and filter 0.
    pub(super) w: *const T,
    /// The distance from the weights of one term to the next; the weights of a term are contiguous.
    pub(super) w_term: usize,
    pub(super) y: *mut T,
    pub(super) y_pixel: usize,
    pub(super) epilogue: Epilogue<'a, T>,
}

/// Computes tiles of the listed numbers of filters while enough filters are left.
macro_rules! by_filters {
    ($simd:ident, $range:ident, $filter:ident, [$($filters:literal)*]) => {
        match $range.filters - $filter {
            $(
                $filters.. if const { pixels::<T, S>($filters) > 0 } => {
                    // SAFETY: the caller of `compute` guarantees that the memory is valid.
                    unsafe { tiles_of_filters::<T, S, $filters>($simd, $range, $filter) };
                    $filter += $filters;
                }
            )*
            _ => unreachable!("one filter always fits"),
        }
    };
}

/// Returns the pixels of a tile of `filters` filters. Their accumulators leave registers for an input each, and for a weight. There are at
/// least two pixels where there are many filters, so that no weight is broadcast for a single product. Vectors too narrow to profit have
/// few tiles: each one costs every user build time.
const fn pixels<T: Elementary, S: Simd<T>>(filters: usize) -> usize {
    let fit = (S::REGISTERS - 4) / filters;
    match (filters, fit) {
        (1, _) => 2,
        (_, _) if S::LANES < 4 => 0,
        (6, _) if S::LANES < 8 => 0,
        (5.., 1) => 0,
        (_, 0..PIXELS) => fit,
        _ => PIXELS,
    }
}

/// Computes a range of pixels.
///
/// # Safety
/// The memory of all inputs and weights of the range is valid for reads; the memory of its outputs is valid for writes and does not overlap
/// them.
#[inline(always)]
pub(super) unsafe fn compute<T: Elementary, S: Simd<T>>(simd: S, range: &PixelRange<'_, T>) {
    simd.call(Tiles(range));
}

/// The tiles of a range, as a function of its own, which all kernels share. Only [`compute`] makes one, and its caller guarantees that the
/// pointers are valid.
struct Tiles<'a, T>(&'a PixelRange<'a, T>);

impl<T: Elementary> WithSimd<T> for Tiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let (Self(range), mut filter) = (self, 0);
        while filter < range.filters {
            by_filters!(simd, range, filter, [8 6 4 1]);
        }
    }
}

/// Computes the tiles of `F` filters for all pixels.
///
/// # Safety
/// As for [`compute`].
#[inline(always)]
unsafe fn tiles_of_filters<T: Elementary, S: Simd<T>, const F: usize>(
    simd: S,
    range: &PixelRange<'_, T>,
    filter: usize,
) {
    // Pixels are divided evenly: five into three and two, not into four and one.
    let cuts = range.pixels.div_ceil(const { pixels::<T, S>(F) });
    let mut pixel = 0;
    for cut in 0..cuts {
        let pixels = (range.pixels - pixel).div_ceil(cuts - cut);
        let origin = [filter, pixel];
        match pixels {
            1 => simd.call(Tile::<T, F, 1> { range, origin }),
            2 => simd.call(Tile::<T, F, 2> { range, origin }),
            3 => simd.call(Tile::<T, F, 3> { range, origin }),
            4 => simd.call(Tile::<T, F, 4> { range, origin }),
            _ => unreachable!("pixels are cut into tiles"),
        }
        pixel += pixels;
    }
}

/// `F` filters and `P` pixels of a range. Only [`tiles_of_filters`] makes one, and its caller guarantees that the pointers are valid.
struct Tile<'a, T, const F: usize, const P: usize> {
    range: &'a PixelRange<'a, T>,
    /// The first filter, and the first pixel.
    origin: [usize; 2],
}

impl<T: Elementary, const F: usize, const P: usize> WithSimd<T> for Tile<'_, T, F, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        // The constant condition keeps tiles that are never used from being compiled.
        if const { P > pixels::<T, S>(F) } {
            unreachable!("pixels are cut into tiles");
        } else {
            // SAFETY: the caller of `compute` guarantees that the memory is valid; the tile is inside the range.
            unsafe { tile::<T, S, F, P>(simd, self.range, self.origin) }
        }
    }
}

/// # Safety
/// As for [`compute`], for `F` filters and `P` pixels from `origin` on.
#[expect(clippy::needless_range_loop, reason = "iterators take longer to build, and there are many tiles")]
#[inline(always)]
unsafe fn tile<T: Elementary, S: Simd<T>, const F: usize, const P: usize>(
    simd: S,
    range: &PixelRange<'_, T>,
    [filter, pixel]: [usize; 2],
) {
    let zero = simd.splat(T::ZERO);
    let mut sums = [[zero; P]; F];
    // Partial sums have the same terms as in the tiles of a matrix product, so that both give the same bits. `black_box` hides the pointer,
    // which keeps the second chain of sums out of the registers.
    let mut parts = MaybeUninit::<[[S::Vector; P]; F]>::uninit();
    let parts = black_box(&mut parts);
    let mut cut = false;
    let mut end = (range.first / DEPTH + 1) * DEPTH;
    let PixelRange { x_pixel, w_term, .. } = *range;
    // SAFETY: the caller guarantees that the memory of the range is valid, and that the tile is inside it.
    unsafe {
        let first_x = range.x.add(pixel * x_pixel);
        let first_w = range.w.add(filter);
        for outer in 0..range.loops[0] {
            for middle in 0..range.loops[1] {
                let mut x = first_x.add(outer * range.x_step[0] + middle * range.x_step[1]);
                let mut term = range.first + outer * range.terms[0] + middle * range.terms[1];
                let mut w = first_w.add(term * w_term);
                let mut left = range.loops[2];
                while left > 0 {
                    if term >= end {
                        if cut {
                            add_to::<T, S, F, P>(&mut sums, parts.assume_init_ref());
                        }
                        parts.write(sums);
                        (sums, cut) = ([[zero; P]; F], true);
                        end = (term / DEPTH + 1) * DEPTH;
                    }
                    let steps = left.min(end - term);
                    for _ in 0..steps {
                        let mut pixels = [zero; P];
                        for p in 0..P {
                            pixels[p] = simd.load_at(x.add(p * x_pixel));
                        }
                        for f in 0..F {
                            let weight = simd.splat(*w.add(f));
                            for p in 0..P {
                                sums[f][p] = pixels[p].multiply_add(weight, sums[f][p]);
                            }
                        }
                        x = x.wrapping_add(LANES);
                        w = w.wrapping_add(w_term);
                    }
                    (left, term) = (left - steps, term + steps);
                }
            }
        }
        if cut {
            add_to::<T, S, F, P>(&mut sums, parts.assume_init_ref());
        }
        let Epilogue { scale, shift, accumulate, .. } = range.epilogue;
        let [scale, shift] =
            mapped([scale, shift], |each| (!each.is_empty()).then(|| each.as_ptr().wrapping_add(filter)));
        let bounds = range.epilogue.bounds().splat(simd);
        let first_y = range.y.add(pixel * range.y_pixel + filter * LANES);
        unrolled!(f < F, {
            let scale = match scale {
                Some(scale) => simd.splat(*scale.add(f)),
                None => simd.splat(T::ONE),
            };
            let shift = match shift {
                Some(shift) => simd.splat(*shift.add(f)),
                None => zero,
            };
            for p in 0..P {
                let y = first_y.add(p * range.y_pixel + f * LANES);
                let mut sum = sums[f][p].multiply_add(scale, shift);
                if accumulate {
                    sum = sum + simd.load_at(y);
                }
                bounds.clamp_vector(sum).store_at(y);
            }
        });
    }
}

/// Adds `from` to `to`.
#[inline(always)]
fn add_to<T: Elementary, S: Simd<T>, const F: usize, const P: usize>(
    to: &mut [[S::Vector; P]; F],
    from: &[[S::Vector; P]; F],
) {
    for f in 0..F {
        for p in 0..P {
            to[f][p] = to[f][p] + from[f][p];
        }
    }
}
