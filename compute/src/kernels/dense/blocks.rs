//! The gradient of the weights block by block, so that an optimiser's update uses each block before it leaves the cache.

use core::ops::Range;

use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::gemm::{self, Matrix, gemm, pack};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::Isa;

/// Elements of the right factors that are packed at once: of so many columns that they stay in the L2 cache.
const PACKED: usize = 32 * 1024;

/// The maximum elements of a block, which also stays in the L2 cache.
const BLOCK: usize = 48 * 1024;

/// The minimum rows of a block: whole register tiles.
const FEWEST_ROWS: usize = gemm::tile::TILE_ROWS;

/// Returns the columns of a block, of `columns` columns, where the sum is over `images` images.
const fn columns_at_once(images: usize, columns: usize) -> usize {
    pack::columns_of(PACKED, images, if columns < BLOCK / FEWEST_ROWS { columns } else { BLOCK / FEWEST_ROWS })
}

/// Returns the elements of scratch memory that [`gradient_blocks`] needs, for up to `images` images of all micro-batches together and
/// `columns` columns.
pub const fn gradient_blocks_scratch(images: usize, columns: usize) -> usize {
    let (packed, least) = (PACKED, images * pack::UNIT);
    (if least > packed { least } else { packed }) + BLOCK + gemm::scratch(gemm::DEPTH, columns_at_once(1, columns))
}

/// Computes the gradient of the weights, Σ LᵀR over micro-batches, block by block. `factors` returns L `[images, rows]` and R `[images,
/// columns]` of a micro-batch by its index. `use_block` receives a range of elements, counted from the first row of `which`, and their
/// gradient. The bits are those of [`dense_grad_weights`](super::dense_grad_weights) for each micro-batch and of their sums in order, on
/// one thread or split by rows.
///
/// This is true of this crate's own products: see [`gemm::library`].
///
/// # Panics
/// Where rows are outside the matrix, factors are not whole rows, or `scratch` is shorter than [`gradient_blocks_scratch`].
#[allow(clippy::too_many_arguments)]
pub fn gradient_blocks<'x, T: Elementary>(
    isa: Isa,
    [rows, columns]: [usize; 2],
    which: Range<usize>,
    micro_batches: usize,
    factors: &dyn Fn(usize) -> [&'x [T]; 2],
    scratch: &mut [T],
    use_block: &mut dyn FnMut(Range<usize>, &[T]),
) {
    assert!(which.end <= rows, "rows {which:?} of {rows}");
    let images = |index: usize| factors(index)[1].len() / columns;
    let all: usize = (0..micro_batches).map(images).sum();
    let at_once = columns_at_once(all, columns);
    let (packed, scratch) = scratch.split_at_mut(all * at_once);
    let most_rows = (BLOCK / at_once / FEWEST_ROWS * FEWEST_ROWS).min(gemm::ROWS);
    let (block, scratch) = scratch.split_at_mut(BLOCK);
    let alone = Context::of(0);
    for column in (0..columns).step_by(at_once) {
        let width = at_once.min(columns - column);
        let right = |index: usize| {
            let right = factors(index)[1];
            Matrix::rows(right, right.len() / columns, columns).columns(column..column + width)
        };
        let mut free = &mut *packed;
        for index in 0..micro_batches {
            let (to, rest) = free.split_at_mut(images(index) * width);
            gemm::pack(&alone, right(index), to);
            free = rest;
        }
        for row in which.clone().step_by(most_rows) {
            let height = most_rows.min(which.end - row);
            let block = &mut block[..height * width];
            let mut start = 0;
            for index in 0..micro_batches {
                let len = images(index) * width;
                let right = right(index).with_packed(&packed[start..start + len]);
                start += len;
                let left = factors(index)[0];
                let left = Matrix::rows(left, left.len() / rows, rows).columns(row..row + height).transposed();
                let epilogue = if index == 0 { Epilogue::NONE } else { Epilogue::ACCUMULATE };
                gemm(isa, left, right, epilogue, block, width, scratch);
            }
            let first = (row - which.start) * columns + column;
            if width == columns {
                use_block(first..first + block.len(), block);
            } else {
                for (index, block) in block.chunks_exact(width).enumerate() {
                    let first = first + index * columns;
                    use_block(first..first + width, block);
                }
            }
        }
    }
}

/// Whether every element of Σ LᵀR over micro-batches, and every partial sum, is certainly finite: they are bounded by the sum, over
/// micro-batches, of the product of Σ|l| over the elements of L and Σ|r| over the elements of R.
pub fn is_surely_finite<'x, T: Scalar>(
    isa: Isa,
    micro_batches: usize,
    factors: &dyn Fn(usize) -> [&'x [T]; 2],
) -> bool {
    let mut bound = 0.0;
    for index in 0..micro_batches {
        let sum = |factor: &[T]| factor.chunks(1 << 16).map(|part| sum_of_magnitudes(isa, part).to_f64()).sum::<f64>();
        let [left, right] = factors(index).map(sum);
        bound += left * right;
    }
    let largest = if size_of::<T>() == size_of::<f64>() { f64::MAX } else { f64::from(f32::MAX) };
    // The margin is larger than any rounding error. The comparison is false for NaN.
    bound <= largest / 4.0
}

crate::simd::vectorised! {
    /// Returns Σ|x|, as sixteen partial sums.
    fn sum_of_magnitudes<T: Scalar>(elements: &[T]) -> T {
        let (whole, rest) = elements.as_chunks::<16>();
        let mut sums = [T::ZERO; 16];
        for elements in whole {
            for (sum, element) in sums.iter_mut().zip(elements) {
                *sum += element.abs();
            }
        }
        for (sum, element) in sums.iter_mut().zip(rest) {
            *sum += element.abs();
        }
        sums.into_iter().fold(T::ZERO, |all, sum| all + sum)
    }
}
