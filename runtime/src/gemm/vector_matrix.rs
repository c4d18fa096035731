//! One row times a matrix: bound by memory, so B is read once, in the order in which it lies.

use super::vector::{Body, Level, Vector, run};
use super::{DEPTH, Epilogue, Matrix, Onto};
use crate::scalar::Scalar;

/// Columns whose sums are kept at once.
const COLUMNS: usize = 512;

/// y = onto + x·B through the epilogue, where the rows or the columns of B lie together.
pub(super) fn multiply<T: Scalar>(
    level: Level,
    x: &[T],
    b: Matrix<'_, T>,
    onto: Onto,
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    if b.stride[1] != 1 {
        let end = End { accumulate: onto == Onto::Itself, epilogue };
        return run(level, Columns { x, b: b.data, stride: b.stride[1], end, y });
    }
    // The parts of the sum are those of the tiles, so that an image gets the same answer alone and in a batch.
    let parts = b.rows.div_ceil(DEPTH).max(1);
    for part in 0..parts {
        let x = &x[part * DEPTH..b.rows.min((part + 1) * DEPTH)];
        let epilogue = epilogue.of_part(part == 0, part + 1 == parts);
        for (group, y) in y.chunks_mut(COLUMNS).enumerate() {
            let epilogue = epilogue.columns(group * COLUMNS, y.len());
            let end = End { accumulate: part > 0 || onto == Onto::Itself, epilogue };
            let stride = b.stride[0];
            let b = &b.data[(part * DEPTH * stride + group * COLUMNS).min(b.data.len())..];
            run(level, Rows { x, b, stride, end, y });
        }
    }
}

/// What becomes of sums before they are stored.
struct End<'a, T> {
    accumulate: bool,
    epilogue: Epilogue<'a, T>,
}

impl<T: Scalar> End<'_, T> {
    /// Stores the sums of the columns from `first` on, by the operations of the tiles.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    unsafe fn store<V: Vector<T>>(&self, first: usize, sums: &[T], y: &mut [T]) {
        assert_eq!(sums.len(), y.len());
        let Epilogue { scale, shift, floor } = self.epilogue.columns(first, y.len());
        let whole = y.len() - y.len() % V::LANES;
        // SAFETY: as many sums as there are places, and numbers of the epilogue unless there are none; the mask keeps the last
        // vector inside.
        unsafe {
            let mask = V::mask(y.len() - whole);
            let load = |numbers: &[T], j: usize| {
                let numbers = numbers.as_ptr().add(j);
                if j < whole { V::load(numbers) } else { V::load_masked(numbers, mask) }
            };
            let each = |numbers: &[T], j: usize, default: T| {
                if numbers.is_empty() { V::splat(default) } else { load(numbers, j) }
            };
            for j in (0..y.len()).step_by(V::LANES) {
                let mut sum = load(sums, j).multiply_add(each(scale, j, T::ONE), each(shift, j, T::ZERO));
                if self.accumulate {
                    sum = sum.add(load(y, j));
                }
                let sum = sum.at_least(V::splat(floor));
                let to = y.as_mut_ptr().add(j);
                if j < whole { sum.store(to) } else { sum.store_masked(to, mask) }
            }
        }
    }
}

/// y = Σ x\[k] · row k of B.
struct Rows<'a, T> {
    x: &'a [T],
    b: &'a [T],
    stride: usize,
    end: End<'a, T>,
    y: &'a mut [T],
}

impl<T: Scalar> Body<T> for Rows<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<T>>(self) {
        let Self { x, b, stride, end, y } = self;
        let mut sums = [T::ZERO; COLUMNS];
        let sums = &mut sums[..y.len()];
        let (four, rest) = x.as_chunks::<4>();
        // SAFETY: the caller of `run` promises the instructions; `add_rows` and `store` check their slices.
        unsafe {
            for (k, x) in four.iter().enumerate() {
                add_rows::<T, V, 4>(x, &b[k * 4 * stride..], stride, sums);
            }
            for (k, &x) in rest.iter().enumerate() {
                add_rows::<T, V, 1>(&[x], &b[(four.len() * 4 + k) * stride..], stride, sums);
            }
            end.store::<V>(0, sums, y);
        }
    }
}

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn add_rows<T: Scalar, V: Vector<T>, const K: usize>(x: &[T; K], b: &[T], stride: usize, sums: &mut [T]) {
    assert!(b.len() >= (K - 1) * stride + sums.len());
    let (b, len, sums) = (b.as_ptr(), sums.len(), sums.as_mut_ptr());
    let whole = len - len % V::LANES;
    // SAFETY: `K` rows of `len` numbers lie in `b`, which was just checked; masks keep the last vector inside.
    unsafe {
        let x = x.map(|x| V::splat(x));
        let mut j = 0;
        while j < whole {
            let mut sum = V::load(sums.add(j));
            for (k, &x) in x.iter().enumerate() {
                sum = x.multiply_add(V::load(b.add(k * stride + j)), sum);
            }
            sum.store(sums.add(j));
            j += V::LANES;
        }
        if whole < len {
            let mask = V::mask(len - whole);
            let mut sum = V::load_masked(sums.add(j), mask);
            for (k, &x) in x.iter().enumerate() {
                sum = x.multiply_add(V::load_masked(b.add(k * stride + j), mask), sum);
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
    end: End<'a, T>,
    y: &'a mut [T],
}

impl<T: Scalar> Body<T> for Columns<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<T>>(self) {
        let Self { x, b, stride, end, y } = self;
        let mut sums = [T::ZERO; COLUMNS];
        // SAFETY: the caller of `run` promises the instructions; `dot` and `store` check their slices.
        unsafe {
            for (group, y) in y.chunks_mut(COLUMNS).enumerate() {
                let first = group * COLUMNS;
                let sums = &mut sums[..y.len()];
                let (four, rest) = sums.as_chunks_mut::<4>();
                let done = first + four.len() * 4;
                for (j, sums) in four.iter_mut().enumerate() {
                    *sums = dot::<T, V, 4>(x, &b[(first + j * 4) * stride..], stride);
                }
                for (j, sum) in rest.iter_mut().enumerate() {
                    [*sum] = dot::<T, V, 1>(x, &b[(done + j) * stride..], stride);
                }
                end.store::<V>(first, sums, y);
            }
        }
    }
}

/// The products of x and the first `N` columns of B.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn dot<T: Scalar, V: Vector<T>, const N: usize>(x: &[T], b: &[T], stride: usize) -> [T; N] {
    assert!(b.len() >= (N - 1) * stride + x.len());
    let (len, x, b) = (x.len(), x.as_ptr(), b.as_ptr());
    let pair = len - len % (2 * V::LANES);
    // SAFETY: `N` columns of `len` numbers lie in `b`, which was just checked; masks keep the last vectors inside.
    unsafe {
        let mut even = [V::splat(T::ZERO); N];
        let mut odd = even;
        let mut k = 0;
        while k < pair {
            let (x0, x1) = (V::load(x.add(k)), V::load(x.add(k + V::LANES)));
            for j in 0..N {
                let b = b.add(j * stride + k);
                even[j] = x0.multiply_add(V::load(b), even[j]);
                odd[j] = x1.multiply_add(V::load(b.add(V::LANES)), odd[j]);
            }
            k += 2 * V::LANES;
        }
        while k < len {
            let mask = V::mask(V::LANES.min(len - k));
            let x = V::load_masked(x.add(k), mask);
            for (j, even) in even.iter_mut().enumerate() {
                *even = x.multiply_add(V::load_masked(b.add(j * stride + k), mask), *even);
            }
            k += V::LANES;
        }
        let mut sums = [T::ZERO; N];
        for ((sum, even), odd) in sums.iter_mut().zip(even).zip(odd) {
            *sum = even.add(odd).sum();
        }
        sums
    }
}
