//! Conversion between two layouts of a batch: contiguous images, and blocks of [`LANES`] images with the images in the lanes.

#![allow(unsafe_code)]

use netwright_abi::LANES;

use crate::context::Context;
use crate::scalar::Scalar;
use crate::simd::{Simd, Vector, WithSimd};
pub use netwright_abi::spec::relayout::Spec;

/// Converts contiguous images `[image][element]` to blocks `[block][element][lane]`; zeros pad the last block.
pub fn into_lanes<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    let images = x.len().checked_div(spec.len).unwrap_or(0);
    assert!(x.len() == images * spec.len && images.div_ceil(LANES) == context.batch, "into_lanes: the images");
    assert_eq!(y.len(), context.batch * LANES * spec.len, "into_lanes: the blocks");
    context.isa().dispatch(IntoLanes { len: spec.len, x, y });
}

/// Converts blocks `[block][element][lane]` to contiguous images `[image][element]`, including the padding images of the last block.
pub fn out_of_lanes<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), context.batch * LANES * spec.len, "out_of_lanes: the blocks");
    assert_eq!(y.len(), x.len(), "out_of_lanes: the images");
    context.isa().dispatch(OutOfLanes { len: spec.len, x, y });
}

struct IntoLanes<'a, T> {
    len: usize,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Scalar> WithSimd<T> for IntoLanes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { len, x, y } = self;
        for (x, y) in x.chunks(len * LANES).zip(y.chunks_exact_mut(len * LANES)) {
            simd.call(IntoBlock { images: x.len() / len, x, step: len, y });
        }
    }
}

struct OutOfLanes<'a, T> {
    len: usize,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Scalar> WithSimd<T> for OutOfLanes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { len, x, y } = self;
        for (x, y) in x.chunks_exact(len * LANES).zip(y.chunks_exact_mut(len * LANES)) {
            simd.call(OutOfBlock { images: LANES, x, y, step: len });
        }
    }
}

/// Transposes contiguous elements of up to [`LANES`] images into a block `[element][lane]`, as many elements as fit into `y`. The starts of
/// the images in `x` are `step` elements apart; the lanes of missing images are zero.
pub(crate) struct IntoBlock<'a, T> {
    pub(crate) images: usize,
    pub(crate) x: &'a [T],
    pub(crate) step: usize,
    pub(crate) y: &'a mut [T],
}

impl<T: Scalar> WithSimd<T> for IntoBlock<'_, T> {
    type Output = ();
    const GAINS_BY_WIDTH: bool = false;

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { images, x, step, y } = self;
        let len = check_block(images, x.len(), step, y.len());
        let mut done = 0;
        while takes_columns::<T>(images, step) && done + 4 <= len {
            for first in (0..LANES).step_by(S::LANES) {
                // SAFETY: `check_block` compared the elements of all images with the length of `x`, and `S::LANES` divides the number of
                // images.
                let columns = unsafe { simd.load_columns(x[first * step + done..].as_ptr(), step) };
                store::<T, S>(columns, 4, &mut y[done * LANES + first..]);
            }
            done += 4;
        }
        let mut rows = [[T::ZERO; LANES]; LANES];
        for start in (done..len).step_by(LANES) {
            let count = LANES.min(len - start);
            for (image, row) in rows.iter_mut().enumerate().take(images) {
                copy_row(&x[image * step + start..], row, count);
            }
            for column in (0..count).step_by(4) {
                for first in (0..LANES).step_by(S::LANES) {
                    // SAFETY: there are sixteen rows of sixteen elements, and `S::LANES` divides their number.
                    let columns =
                        unsafe { simd.load_columns(rows.as_flattened()[first * LANES + column..].as_ptr(), LANES) };
                    store::<T, S>(columns, count - column, &mut y[(start + column) * LANES + first..]);
                }
            }
        }
    }
}

/// Whether four elements of each image are loaded or stored at a time. Otherwise a whole cache line of each image is: where images are
/// missing, or where they would map to the same few sets of the L1 cache.
#[inline(always)]
const fn takes_columns<T>(images: usize, step: usize) -> bool {
    const ALIASED: usize = 2048;
    images == LANES && !(step * size_of::<T>()).is_multiple_of(ALIASED)
}

/// Stores the first `count` of four columns to a block.
#[inline(always)]
fn store<T: Scalar, S: Simd<T>>([a, b, c, d]: [S::Vector; 4], count: usize, y: &mut [T]) {
    a.store(y);
    if count > 1 {
        b.store(&mut y[LANES..]);
    }
    if count > 2 {
        c.store(&mut y[2 * LANES..]);
    }
    if count > 3 {
        d.store(&mut y[3 * LANES..]);
    }
}

/// Copies the first `count` elements of a row of [`LANES`].
#[inline(always)]
fn copy_row<T: Scalar>(from: &[T], to: &mut [T], count: usize) {
    match (from.first_chunk::<LANES>(), to.first_chunk_mut::<LANES>()) {
        (Some(from), Some(to)) if count == LANES => *to = *from,
        _ => to[..count].copy_from_slice(&from[..count]),
    }
}

/// The inverse of [`IntoBlock`]: transposes a block `x` into contiguous elements of its first `images` images in `y`.
pub(crate) struct OutOfBlock<'a, T> {
    pub(crate) images: usize,
    pub(crate) x: &'a [T],
    pub(crate) y: &'a mut [T],
    pub(crate) step: usize,
}

impl<T: Scalar> WithSimd<T> for OutOfBlock<'_, T> {
    type Output = ();
    const GAINS_BY_WIDTH: bool = false;

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { images, x, y, step } = self;
        let len = check_block(images, y.len(), step, x.len());
        let mut done = 0;
        while takes_columns::<T>(images, step) && done + 4 <= len {
            for first in (0..LANES).step_by(S::LANES) {
                let columns = load(simd, &x[done * LANES + first..], 4);
                let rows = y[first * step + done..].as_mut_ptr();
                // SAFETY: `check_block` compared the elements of all images with the length of `y`, and `S::LANES` divides the number of
                // images.
                unsafe { Vector::store_columns(columns, rows, step) };
            }
            done += 4;
        }
        let mut rows = [[T::ZERO; LANES]; LANES];
        for start in (done..len).step_by(LANES) {
            let count = LANES.min(len - start);
            for column in (0..count).step_by(4) {
                for first in (0..LANES).step_by(S::LANES) {
                    let columns = load(simd, &x[(start + column) * LANES + first..], count - column);
                    let rows = rows.as_flattened_mut()[first * LANES + column..].as_mut_ptr();
                    // SAFETY: there are sixteen rows of sixteen elements, and `S::LANES` divides their number.
                    unsafe { Vector::store_columns(columns, rows, LANES) };
                }
            }
            for (image, row) in rows.iter().enumerate().take(images) {
                copy_row(row, &mut y[image * step + start..], count);
            }
        }
    }
}

/// Loads the first `count` of four columns of a block; the others are zero. It is written out, because a closure that is not inlined would
/// be compiled without the instructions.
#[inline(always)]
fn load<T: Scalar, S: Simd<T>>(simd: S, x: &[T], count: usize) -> [S::Vector; 4] {
    let zero = simd.splat(T::ZERO);
    [
        simd.load(x),
        if count > 1 { simd.load(&x[LANES..]) } else { zero },
        if count > 2 { simd.load(&x[2 * LANES..]) } else { zero },
        if count > 3 { simd.load(&x[3 * LANES..]) } else { zero },
    ]
}

/// Returns the elements per image of a block of `block` elements. Panics unless `len` elements contain those of all images, which start
/// `step` elements apart.
#[track_caller]
fn check_block(images: usize, len: usize, step: usize, block: usize) -> usize {
    let each = block / LANES;
    assert!(images > 0 && images <= LANES && block == each * LANES, "a block of images");
    assert!((images - 1) * step + each <= len, "the images of a block");
    each
}
