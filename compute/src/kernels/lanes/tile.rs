//! The register tile of images in the lanes: some filters by some pixels, each a vector of images.

use core::hint::black_box;
use core::mem::MaybeUninit;

use super::LANES;
use crate::epilogue::Epilogue;
use crate::gemm::DEPTH;
use crate::kernels::elementary::Elementary;
use crate::simd::{Simd, Vector, WithSimd, mapped, unrolled};

/// The most pixels of a tile.
const PIXELS: usize = 4;

/// Pixels of an output that have the same taps, and the sums that they are: `y = max(scale · Σ w·x + shift + y, floor)` for each of
/// `filters`. A vector holds the images from which `x` and `y` point on.
///
/// The sum walks over three nested loops: rows and columns of a window, and channels. Term `k` of all the taps that there are, those in
/// the padding counted too, is that of step `(o, m, i)` with `k = first + o·terms[0] + m·terms[1] + i`; its input is at
/// `x + o·x_step[0] + m·x_step[1] + i·LANES`, and `x_pixel` further for each pixel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch<'a, T> {
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
    /// From the weights of a term to those of the next; those of one term lie together.
    pub(super) w_term: usize,
    pub(super) y: *mut T,
    pub(super) y_pixel: usize,
    pub(super) epilogue: Epilogue<'a, T>,
}

/// Filters of a tile, while there are so many.
macro_rules! by_filters {
    ($simd:ident, $stretch:ident, $filter:ident, [$($filters:literal)*]) => {
        match $stretch.filters - $filter {
            $(
                $filters.. if const { pixels::<T, S>($filters) > 0 } => {
                    // SAFETY: whoever called `compute` promised the memory.
                    unsafe { across::<T, S, $filters>($simd, $stretch, $filter) };
                    $filter += $filters;
                }
            )*
            _ => unreachable!("one filter always fits"),
        }
    };
}

/// Pixels of a tile of so many filters: their sums leave registers for an input each, and for a weight. At least two where there are
/// many filters, so that a weight is not broadcast for one product. Vectors too narrow to pay have few tiles: every one costs each user
/// build time.
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

/// Computes a stretch.
///
/// # Safety
/// All inputs and weights that the stretch names lie in memory that the caller may read, and its outputs in memory that it may write
/// and that those do not overlap.
#[inline(always)]
pub(super) unsafe fn compute<T: Elementary, S: Simd<T>>(simd: S, stretch: &Stretch<'_, T>) {
    simd.call(Tiles(stretch));
}

/// The tiles of a stretch: a function of its own, which all kernels share. Made by [`compute`] alone, whose caller promises what the pointers need.
struct Tiles<'a, T>(&'a Stretch<'a, T>);

impl<T: Elementary> WithSimd<T> for Tiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let (Self(stretch), mut filter) = (self, 0);
        while filter < stretch.filters {
            by_filters!(simd, stretch, filter, [8 6 4 1]);
        }
    }
}

/// The tiles of `F` filters, side by side.
///
/// # Safety
/// That of [`compute`].
#[inline(always)]
unsafe fn across<T: Elementary, S: Simd<T>, const F: usize>(simd: S, stretch: &Stretch<'_, T>, filter: usize) {
    // Cut evenly: five into three and two, not into four and one.
    let cuts = stretch.pixels.div_ceil(const { pixels::<T, S>(F) });
    let mut pixel = 0;
    for cut in 0..cuts {
        let pixels = (stretch.pixels - pixel).div_ceil(cuts - cut);
        let place = [filter, pixel];
        match pixels {
            1 => simd.call(Tile::<T, F, 1> { stretch, place }),
            2 => simd.call(Tile::<T, F, 2> { stretch, place }),
            3 => simd.call(Tile::<T, F, 3> { stretch, place }),
            4 => simd.call(Tile::<T, F, 4> { stretch, place }),
            _ => unreachable!("pixels are cut into tiles"),
        }
        pixel += pixels;
    }
}

/// `F` filters and `P` pixels of a stretch. Made by [`across`] alone, whose caller promises what the pointers need.
struct Tile<'a, T, const F: usize, const P: usize> {
    stretch: &'a Stretch<'a, T>,
    /// The first filter, and the first pixel.
    place: [usize; 2],
}

impl<T: Elementary, const F: usize, const P: usize> WithSimd<T> for Tile<'_, T, F, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        // A condition that is known here keeps what is behind it from being compiled.
        if const { P > pixels::<T, S>(F) } {
            unreachable!("pixels are cut into tiles");
        } else {
            // SAFETY: whoever called `compute` promised the memory; the tile lies in the stretch.
            unsafe { tile::<T, S, F, P>(simd, self.stretch, self.place) }
        }
    }
}

/// # Safety
/// That of [`compute`], for `F` filters and `P` pixels from `place` on.
#[expect(clippy::needless_range_loop, reason = "iterators take longer to build, and there are many tiles")]
#[inline(always)]
unsafe fn tile<T: Elementary, S: Simd<T>, const F: usize, const P: usize>(
    simd: S,
    stretch: &Stretch<'_, T>,
    [filter, pixel]: [usize; 2],
) {
    let zero = simd.splat(T::ZERO);
    let mut sums = [[zero; P]; F];
    // As in the tiles of a product of matrices: parts of the same terms, so that both give the same bits. The second chain is kept
    // out of the registers by a pointer that is out of sight.
    let mut parts = MaybeUninit::<[[S::Vector; P]; F]>::uninit();
    let parts = black_box(&mut parts);
    let mut cut = false;
    let mut end = (stretch.first / DEPTH + 1) * DEPTH;
    let Stretch { x_pixel, w_term, .. } = *stretch;
    // SAFETY: the caller's promise.
    unsafe {
        let first_x = stretch.x.add(pixel * x_pixel);
        let first_w = stretch.w.add(filter);
        for outer in 0..stretch.loops[0] {
            for middle in 0..stretch.loops[1] {
                let mut x = first_x.add(outer * stretch.x_step[0] + middle * stretch.x_step[1]);
                let mut term = stretch.first + outer * stretch.terms[0] + middle * stretch.terms[1];
                let mut w = first_w.add(term * w_term);
                let mut left = stretch.loops[2];
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
        let Epilogue { scale, shift, accumulate, .. } = stretch.epilogue;
        let [scale, shift] =
            mapped([scale, shift], |each| (!each.is_empty()).then(|| each.as_ptr().wrapping_add(filter)));
        let bounds = stretch.epilogue.bounds().splat(simd);
        let first_y = stretch.y.add(pixel * stretch.y_pixel + filter * LANES);
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
                let y = first_y.add(p * stretch.y_pixel + f * LANES);
                let mut sum = sums[f][p].multiply_add(scale, shift);
                if accumulate {
                    sum = sum + simd.load_at(y);
                }
                bounds.hold_vector(sum).store_at(y);
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
