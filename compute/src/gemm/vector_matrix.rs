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
    // Partial sums are those of the tiles, so that an image gets the same bits alone and in a batch.
    let parts = b.rows.div_ceil(DEPTH).max(1);
    for part in 0..parts {
        let x = &x[part * DEPTH..b.rows.min((part + 1) * DEPTH)];
        let epilogue = epilogue.of_part(part == 0, part + 1 == parts);
        for (group, y) in y.chunks_mut(COLUMNS).enumerate() {
            let epilogue = epilogue.channels(group * COLUMNS, y.len());
            let [row, column] = b.stride;
            let b = &b.data[(part * DEPTH * row + group * COLUMNS * column).min(b.data.len())..];
            if column == 1 {
                isa.dispatch(Rows { x, b, stride: row, epilogue, y: &mut *y });
            } else {
                isa.dispatch(Columns { x, b, stride: column, epilogue, y: &mut *y });
            }
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

/// y\[j] = x · column j of B, summed in the order of k, as in [`Rows`].
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
        if sums.len() >= S::LANES && x.len() >= FOUR {
            let last = sums.len() - S::LANES;
            for column in (0..last).step_by(S::LANES) {
                dot::<T, S>(simd, x, &b[column * stride..], stride).store(&mut sums[column..]);
            }
            // The last vector may overlap the one before it.
            dot::<T, S>(simd, x, &b[last * stride..], stride).store(&mut sums[last..]);
        } else {
            for (column, sum) in sums.iter_mut().enumerate() {
                for (&x, &b) in x.iter().zip(&b[column * stride..]) {
                    *sum = fused::<T, S>(simd, x, b, *sum);
                }
            }
        }
        store(simd, &epilogue, sums, y);
    }
}

/// Elements of a column that are loaded at once.
const FOUR: usize = 4;

/// Returns the dot products of x, of at least [`FOUR`] elements, and the first columns of B, one in each lane.
#[inline(always)]
fn dot<T: Elementary, S: Simd<T>>(simd: S, x: &[T], b: &[T], stride: usize) -> S::Vector {
    assert!(x.len() >= FOUR && b.len() >= (S::LANES - 1) * stride + x.len());
    let mut sum = simd.splat(T::ZERO);
    let whole = x.len() / FOUR * FOUR;
    let mut k = 0;
    while k < x.len() {
        // The last four elements may overlap those before them, which are not added again.
        let (from, known) = if k < whole { (k, 0) } else { (x.len() - FOUR, k + FOUR - x.len()) };
        // SAFETY: the assertion above checks that `b` contains a vector of columns as long as x, and `from + FOUR` is at most that length.
        let columns = unsafe { simd.load_columns(b.as_ptr().add(from), stride) };
        for n in known..FOUR {
            sum = simd.splat(x[from + n]).multiply_add(columns[n], sum);
        }
        k += FOUR;
    }
    sum
}

/// Returns x · b + sum with the rounding of a vector's multiply-add.
#[inline(always)]
fn fused<T: Elementary, S: Simd<T>>(simd: S, x: T, b: T, sum: T) -> T {
    let mut lane = [sum];
    let product = simd.splat(x).multiply_add(simd.splat(b), simd.splat(sum));
    product.store_partial(&mut lane);
    lane[0]
}
