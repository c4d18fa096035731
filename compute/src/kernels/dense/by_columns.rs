//! Products of few images with large weights on several threads: each thread computes some columns of the weights for all images, so that
//! every weight is read once, by one thread.

use crate::context::{Context, WORTH_A_THREAD};
use crate::epilogue::Epilogue;
use crate::gemm::pack::UNIT;
use crate::gemm::{self, Library, Matrix, gemm};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;

/// Batches of fewer images are small. In larger batches, which are split by images, a thread's part has at least half as many images.
pub(super) const FEW: usize = 16;

/// Columns that are multiplied at once. Their results are contiguous until they are copied to the output, because several threads write
/// each row of the output.
const AT_ONCE: usize = 12 * UNIT;

/// The rows of a product of few images, or the same columns of each row; missing rows are empty.
type Rows<'a, T> = [&'a mut [T]; FEW];

/// Returns the elements of scratch memory that each thread needs.
const fn scratch(batch: usize, depth: usize) -> usize {
    batch * AT_ONCE + gemm::scratch(depth, AT_ONCE)
}

/// Returns the minimum units of columns for a thread.
fn least(batch: usize, depth: usize) -> usize {
    WORTH_A_THREAD.div_ceil((batch * depth * UNIT).max(1))
}

/// Whether the batch is small, and its product with weights `[depth, width]` is worth several threads. Other libraries do not guarantee
/// that an element is independent of the columns of the product.
pub(super) fn fits<T: Scalar>(context: &Context<'_>, [depth, width]: [usize; 2], memory: usize) -> bool {
    let (batch, threads) = (context.batch, context.threads());
    threads > 1
        && (2..FEW).contains(&batch)
        && width / UNIT >= 2 * least(batch, depth)
        && memory / threads >= scratch(batch, depth)
        && gemm::library::<T>() == Library::Netwright
}

/// Y = f(scale · X W + shift + Y), where it [fits].
pub(super) fn multiply<T: Elementary>(
    context: &Context<'_>,
    [depth, width]: [usize; 2],
    x: &[T],
    w: Matrix<'_, T>,
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
    scratch: &mut [T],
) {
    let batch = context.batch;
    let x = Matrix::rows(x, batch, depth);
    let mut rows: Rows<'_, T> = Default::default();
    rows.iter_mut().zip(y.chunks_exact_mut(width)).for_each(|(row, y)| *row = y);
    context.split_columns(rows, UNIT, least(batch, depth), scratch, &|first, rows, scratch| {
        let (product, scratch) = scratch.split_at_mut(batch * AT_ONCE);
        let width = rows[0].len();
        for column in (0..width).step_by(AT_ONCE) {
            let columns = column..(column + AT_ONCE).min(width);
            let count = columns.len();
            let product = &mut product[..batch * count];
            if epilogue.accumulate {
                for (part, row) in product.chunks_exact_mut(count).zip(rows.iter()) {
                    part.copy_from_slice(&row[columns.clone()]);
                }
            }
            let (w, epilogue) =
                (w.columns(first + column..first + column + count), epilogue.channels(first + column, count));
            gemm(context.isa(), x, w, epilogue, product, count, scratch);
            for (row, part) in rows.iter_mut().zip(product.chunks_exact(count)) {
                row[columns.clone()].copy_from_slice(part);
            }
        }
    });
}
