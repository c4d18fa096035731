//! Products by other libraries: the crate `matrixmultiply`, and any library with the C interface of BLAS.

use core::any::TypeId;

use super::Matrix;
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::simd::Isa;

/// Elements of C whose sums are stored before the epilogue is applied to them: a quarter of an L2 cache, but at least so many rows that the
/// other library's copies of B are negligible.
const STORED: usize = 64 * 1024;
const ROWS: usize = 512;

/// Computes `C = beta · C + A·B` with rows of C `c_row` apart, and returns whether it could.
type Multiply<T> = fn(Matrix<'_, T>, Matrix<'_, T>, T, &mut [T], usize) -> bool;

/// Computes C = f(scale · A·B + shift + C) and returns whether it could; if not, C is unchanged. Sizes are checked.
#[allow(clippy::too_many_arguments)]
pub(super) fn gemm<T: Elementary>(
    isa: Isa,
    multiply: Multiply<T>,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    epilogue: Epilogue<'_, T>,
    c: &mut [T],
    c_row: usize,
    scratch: &mut [T],
) -> bool {
    let columns = b.columns;
    // Sums that are scaled before they are added are stored separately from C.
    let apart = epilogue.accumulate && !epilogue.scale.is_empty();
    if apart && scratch.len() < columns {
        return false;
    }
    let at_once = match (apart, epilogue.leaves_sums()) {
        (true, _) => scratch.len() / columns,
        (false, true) => a.rows,
        (false, false) => (STORED / columns).max(ROWS),
    };
    for (part, c) in c.chunks_mut(at_once * c_row).enumerate().take(a.rows.div_ceil(at_once)) {
        let rows = at_once.min(a.rows - part * at_once);
        let a = a.some_rows(part * at_once..part * at_once + rows);
        if apart {
            if !multiply(a, b, T::ZERO, scratch, columns) {
                return false;
            }
            for (z, c) in scratch.chunks_exact_mut(columns).zip(c.chunks_mut(c_row)).take(rows) {
                epilogue.store(0, z, &mut c[..columns]);
                epilogue.finish(isa, &mut c[..columns]);
            }
        } else {
            let beta = if epilogue.accumulate { T::ONE } else { T::ZERO };
            if !multiply(a, b, beta, c, c_row) {
                return false;
            }
            if c_row == columns {
                epilogue.apply(isa, columns, &mut c[..rows * columns]);
            } else {
                c.chunks_mut(c_row).take(rows).for_each(|c| epilogue.apply(isa, columns, &mut c[..columns]));
            }
        }
    }
    true
}

/// Multiplies by the crate `matrixmultiply`, in double precision.
#[cfg(feature = "matrixmultiply")]
pub(super) fn matrixmultiply<T: Elementary>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    beta: T,
    c: &mut [T],
    c_row: usize,
) -> bool {
    if TypeId::of::<T>() != TypeId::of::<f64>() {
        return false;
    }
    let [a_row, a_column] = a.stride.map(usize::cast_signed);
    let [b_row, b_column] = b.stride.map(usize::cast_signed);
    let (m, k, n, c_row) = (a.rows, a.columns, b.columns, c_row.cast_signed());
    let (a, b, c, beta) = (a.data.as_ptr().cast(), b.data.as_ptr().cast(), c.as_mut_ptr().cast(), beta.to_f64());
    // SAFETY: `Matrix` and `gemm` checked that the elements are inside their slices; `T` is `f64`, as compared above.
    unsafe {
        matrixmultiply::dgemm(m, k, n, 1.0, a, a_row, a_column, b, b_row, b_column, beta, c, c_row, 1);
    }
    true
}

/// Multiplies by the C interface of BLAS, whose matrices have contiguous rows or contiguous columns.
#[cfg(feature = "blas")]
pub(super) fn blas<T: Elementary>(a: Matrix<'_, T>, b: Matrix<'_, T>, beta: T, c: &mut [T], c_row: usize) -> bool {
    use blas_src as _;
    use cblas_sys::{CBLAS_TRANSPOSE, CblasNoTrans, CblasRowMajor, CblasTrans, cblas_dgemm, cblas_sgemm};

    /// Returns whether a matrix is stored transposed, and its leading dimension.
    fn layout<T>(matrix: &Matrix<'_, T>) -> Option<(CBLAS_TRANSPOSE, i32)> {
        let Matrix { rows, columns, stride, .. } = *matrix;
        let (transposed, leading) = match stride {
            [row, 1] if row >= columns || rows == 1 => (CblasNoTrans, row.max(columns)),
            [1, column] if column >= rows || columns == 1 => (CblasTrans, column.max(rows)),
            _ => return None,
        };
        Some((transposed, i32::try_from(leading.max(1)).ok()?))
    }

    let (Some((a_layout, a_row)), Some((b_layout, b_row))) = (layout(&a), layout(&b)) else { return false };
    let sizes = [a.rows, b.columns, a.columns, c_row].map(i32::try_from);
    let [Ok(m), Ok(n), Ok(k), Ok(c_row)] = sizes else { return false };
    let (a, b, c) = (a.data.as_ptr(), b.data.as_ptr(), c.as_mut_ptr());
    // SAFETY: `Matrix` and `gemm` checked that the elements are inside their slices, and `layout` checked their layout; the element type is
    // compared before each call.
    unsafe {
        if TypeId::of::<T>() == TypeId::of::<f32>() {
            let (a, b, c, beta) = (a.cast(), b.cast(), c.cast(), beta.to_f64() as f32);
            cblas_sgemm(CblasRowMajor, a_layout, b_layout, m, n, k, 1.0, a, a_row, b, b_row, beta, c, c_row);
        } else {
            let (a, b, c, beta) = (a.cast(), b.cast(), c.cast(), beta.to_f64());
            cblas_dgemm(CblasRowMajor, a_layout, b_layout, m, n, k, 1.0, a, a_row, b, b_row, beta, c, c_row);
        }
    }
    true
}
