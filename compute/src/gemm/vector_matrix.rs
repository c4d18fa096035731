//! One row times a matrix. It is memory-bound, so that B is read once, in its order in memory: eight long rows at a time, which the
//! processor prefetches as eight streams.

use core::mem::MaybeUninit;

use super::{DEPTH, Matrix};
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::simd::{Isa, Simd, Vector, WithSimd, mapped};

/// Columns whose sums are kept at once: half of an L1 cache. Without the standard library the stack may be small.
const COLUMNS: usize = if cfg!(feature = "std") { 4096 } else { 512 };

/// Rows of B that are read at once.
const STREAMS: usize = 8;

/// Memory for the sums of [`COLUMNS`] columns.
type Sums<T> = [MaybeUninit<T>; COLUMNS];

/// Returns the first `len` sums, set to zero. The others are not written: most products have few columns.
fn zeros<T: Elementary>(sums: &mut Sums<T>, len: usize) -> &mut [T] {
    let sums = &mut sums[..len];
    sums.fill(MaybeUninit::new(T::ZERO));
    // SAFETY: `fill` has written each of these elements.
    unsafe { &mut *(core::ptr::from_mut(sums) as *mut [T]) }
}

/// y = f(scale · x·B + shift + y), where the rows or the columns of B are contiguous.
pub(super) fn multiply<T: Elementary>(isa: Isa, x: &[T], b: Matrix<'_, T>, epilogue: Epilogue<'_, T>, y: &mut [T]) {
    if b.stride[1] != 1 {
        for (group, y) in y.chunks_mut(COLUMNS).enumerate() {
            let (first, stride) = (group * COLUMNS, b.stride[1]);
            let epilogue = epilogue.channels(first, y.len());
            isa.dispatch(Columns { x, b: &b.data[(first * stride).min(b.data.len())..], stride, epilogue, y: &mut *y });
            epilogue.finish(isa, y);
        }
        return;
    }
    // Partial sums are those of the tiles, so that an image gets the same bits alone and in a batch.
    let parts = b.rows.div_ceil(DEPTH).max(1);
    for part in 0..parts {
        let x = &x[part * DEPTH..b.rows.min((part + 1) * DEPTH)];
        let epilogue = epilogue.of_part(part == 0, part + 1 == parts);
        for (group, y) in y.chunks_mut(COLUMNS).enumerate() {
            let epilogue = epilogue.channels(group * COLUMNS, y.len());
            let stride = b.stride[0];
            let b = &b.data[(part * DEPTH * stride + group * COLUMNS).min(b.data.len())..];
            isa.dispatch(Rows { x, b, stride, epilogue, y: &mut *y });
            epilogue.finish(isa, y);
        }
    }
}

/// Applies the epilogue to sums with the operations of the tiles, and stores them.
#[inline(always)]
fn store<T: Elementary, S: Simd<T>>(simd: S, epilogue: &Epilogue<'_, T>, sums: &[T], y: &mut [T]) {
    assert_eq!(sums.len(), y.len());
    let each = |elements: &[T], j: usize, default: T| match elements.get(j..) {
        Some(elements @ [_, ..]) => load(simd, elements),
        _ => simd.splat(default),
    };
    for (n, (sums, y)) in sums.chunks(S::LANES).zip(y.chunks_mut(S::LANES)).enumerate() {
        let j = n * S::LANES;
        let mut sum = load(simd, sums).multiply_add(each(epilogue.scale, j, T::ONE), each(epilogue.shift, j, T::ZERO));
        if epilogue.accumulate {
            sum = sum + load(simd, y);
        }
        let sum = epilogue.bounds().splat(simd).clamp_vector(sum);
        if y.len() == S::LANES { sum.store(y) } else { sum.store_partial(y) }
    }
}

/// Loads the first vector of a slice; lanes beyond its end are zero.
#[inline(always)]
fn load<T: Elementary, S: Simd<T>>(simd: S, from: &[T]) -> S::Vector {
    if from.len() >= S::LANES { simd.load(from) } else { simd.load_partial(from) }
}

/// y = Σ x\[k] · row k of B.
struct Rows<'a, T> {
    x: &'a [T],
    b: &'a [T],
    stride: usize,
    epilogue: Epilogue<'a, T>,
    y: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { x, b, stride, epilogue, y } = self;
        let mut sums = [MaybeUninit::uninit(); COLUMNS];
        let sums = zeros(&mut sums, y.len());
        let (many, rest) = x.as_chunks::<STREAMS>();
        for (k, x) in many.iter().enumerate() {
            add_rows::<T, S, STREAMS>(simd, x, &b[k * STREAMS * stride..], stride, sums);
        }
        for (k, &x) in rest.iter().enumerate() {
            add_rows::<T, S, 1>(simd, &[x], &b[(many.len() * STREAMS + k) * stride..], stride, sums);
        }
        store(simd, &epilogue, sums, y);
    }
}

#[inline(always)]
fn add_rows<T: Elementary, S: Simd<T>, const K: usize>(simd: S, x: &[T; K], b: &[T], stride: usize, sums: &mut [T]) {
    assert!(b.len() >= (K - 1) * stride + sums.len());
    let (b, len, sums) = (b.as_ptr(), sums.len(), sums.as_mut_ptr());
    let whole = len - len % S::LANES;
    let x = mapped(*x, |x| simd.splat(x));
    // SAFETY: the assertion above checks that `b` contains `K` rows of `len` elements; masks keep the last vector inside.
    unsafe {
        let mut j = 0;
        while j < whole {
            let mut sum = simd.load_at(sums.add(j));
            for (k, &x) in x.iter().enumerate() {
                sum = x.multiply_add(simd.load_at(b.add(k * stride + j)), sum);
            }
            sum.store_at(sums.add(j));
            j += S::LANES;
        }
        if whole < len {
            let mask = simd.mask(len - whole);
            let mut sum = simd.load_masked(sums.add(j), mask);
            for (k, &x) in x.iter().enumerate() {
                sum = x.multiply_add(simd.load_masked(b.add(k * stride + j), mask), sum);
            }
            sum.store_masked(sums.add(j), mask);
        }
    }
}

/// y\[j] = x · column j of B.
struct Columns<'a, T> {
    x: &'a [T],
    b: &'a [T],
    stride: usize,
    epilogue: Epilogue<'a, T>,
    y: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for Columns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { x, b, stride, epilogue, y } = self;
        let mut sums = [MaybeUninit::uninit(); COLUMNS];
        let sums = zeros(&mut sums, y.len());
        let (four, rest) = sums.as_chunks_mut::<4>();
        let done = four.len() * 4;
        for (j, sums) in four.iter_mut().enumerate() {
            *sums = dot::<T, S, 4>(simd, x, &b[j * 4 * stride..], stride);
        }
        for (j, sum) in rest.iter_mut().enumerate() {
            [*sum] = dot::<T, S, 1>(simd, x, &b[(done + j) * stride..], stride);
        }
        store(simd, &epilogue, sums, y);
    }
}

/// Returns the dot products of x and the first `N` columns of B.
#[inline(always)]
fn dot<T: Elementary, S: Simd<T>, const N: usize>(simd: S, x: &[T], b: &[T], stride: usize) -> [T; N] {
    assert!(b.len() >= (N - 1) * stride + x.len());
    let (len, x, b) = (x.len(), x.as_ptr(), b.as_ptr());
    let pair = len - len % (2 * S::LANES);
    let mut even = [simd.splat(T::ZERO); N];
    let mut odd = even;
    // SAFETY: the assertion above checks that `b` contains `N` columns of `len` elements; masks keep the last vectors inside.
    unsafe {
        let mut k = 0;
        while k < pair {
            let (x0, x1) = (simd.load_at(x.add(k)), simd.load_at(x.add(k + S::LANES)));
            for j in 0..N {
                let b = b.add(j * stride + k);
                even[j] = x0.multiply_add(simd.load_at(b), even[j]);
                odd[j] = x1.multiply_add(simd.load_at(b.add(S::LANES)), odd[j]);
            }
            k += 2 * S::LANES;
        }
        while k < len {
            let mask = simd.mask(len - k);
            let x = simd.load_masked(x.add(k), mask);
            for (j, even) in even.iter_mut().enumerate() {
                *even = x.multiply_add(simd.load_masked(b.add(j * stride + k), mask), *even);
            }
            k += S::LANES;
        }
    }
    let mut sums = [T::ZERO; N];
    for ((sum, even), odd) in sums.iter_mut().zip(even).zip(odd) {
        *sum = (even + odd).sum();
    }
    sums
}
