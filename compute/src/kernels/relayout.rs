//! Values in another layout: images one after the other, and blocks of images in the lanes.

#![allow(unsafe_code)]

use netwright_abi::LANES;

use crate::context::Context;
use crate::scalar::Scalar;
use crate::simd::{Simd, Vector, WithSimd};
pub use netwright_abi::spec::relayout::Spec;

/// Images one after the other become a batch of blocks of images in the lanes; zeros fill up the last.
pub fn into_lanes<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    let images = x.len().checked_div(spec.len).unwrap_or(0);
    assert!(x.len() == images * spec.len && images.div_ceil(LANES) == context.batch, "into_lanes: the images");
    assert_eq!(y.len(), context.batch * LANES * spec.len, "into_lanes: the blocks");
    context.isa().dispatch(IntoLanes { len: spec.len, x, y });
}

/// Blocks of images in the lanes become images one after the other, those too that fill up the last block.
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
            let images = x.len() / len;
            let mut done = 0;
            if images == LANES {
                while done + 4 <= len {
                    for first in (0..LANES).step_by(S::LANES) {
                        // SAFETY: the block has all its images, each of `len` elements, and `S::LANES` divides their number.
                        let columns = unsafe { simd.load_columns(x[first * len + done..].as_ptr(), len) };
                        for (place, column) in (done..).zip(columns) {
                            column.store(&mut y[place * LANES + first..]);
                        }
                    }
                    done += 4;
                }
            }
            for (place, lanes) in y.chunks_exact_mut(LANES).enumerate().skip(done) {
                for (image, lane) in lanes.iter_mut().enumerate() {
                    *lane = if image < images { x[image * len + place] } else { T::ZERO };
                }
            }
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
            let mut done = 0;
            while done + 4 <= len {
                for first in (0..LANES).step_by(S::LANES) {
                    let columns = [0, 1, 2, 3].map(|column| simd.load(&x[(done + column) * LANES + first..]));
                    let rows = y[first * len + done..].as_mut_ptr();
                    // SAFETY: the block has room for all its images, each of `len` elements, and `S::LANES` divides their number.
                    unsafe { Vector::store_columns(columns, rows, len) };
                }
                done += 4;
            }
            for (place, lanes) in x.chunks_exact(LANES).enumerate().skip(done) {
                for (image, &lane) in lanes.iter().enumerate() {
                    y[image * len + place] = lane;
                }
            }
        }
    }
}
