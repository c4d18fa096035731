//! The same door over the crate `matrixmultiply`, which allocates at every call.

use core::any::TypeId;

use super::{Epilogue, Matrix, Onto};
use crate::scalar::Scalar;

/// C = onto + A·B + shift, at least the floor; sizes are checked, and there is no scale.
pub(super) fn gemm<T: Scalar>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    onto: Onto,
    epilogue: Epilogue<'_, T>,
    c: &mut [T],
    c_row: usize,
) {
    product(a, b, onto, c, c_row);
    if epilogue.shift.is_empty() && epilogue.floor == Epilogue::none().floor {
        return;
    }
    for c in c.chunks_mut(c_row).take(a.rows) {
        for (column, c) in c[..b.columns].iter_mut().enumerate() {
            let sum = *c + epilogue.shift.get(column).copied().unwrap_or(T::ZERO);
            *c = if sum < epilogue.floor { epilogue.floor } else { sum };
        }
    }
}

fn product<T: Scalar>(a: Matrix<'_, T>, b: Matrix<'_, T>, onto: Onto, c: &mut [T], c_row: usize) {
    let onto_itself = onto == Onto::Itself;
    let [a_row, a_column] = a.stride.map(usize::cast_signed);
    let [b_row, b_column] = b.stride.map(usize::cast_signed);
    let (m, k, n) = (a.rows, a.columns, b.columns);
    let (a, b, c) = (a.data.as_ptr(), b.data.as_ptr(), c.as_mut_ptr());
    let c_row = c_row.cast_signed();
    // SAFETY: `Matrix` and `gemm` checked that the elements lie in their slices; the types are the same.
    unsafe {
        if TypeId::of::<T>() == TypeId::of::<f32>() {
            let beta = if onto_itself { 1.0 } else { 0.0 };
            matrixmultiply::sgemm(
                m,
                k,
                n,
                1.0,
                a.cast(),
                a_row,
                a_column,
                b.cast(),
                b_row,
                b_column,
                beta,
                c.cast(),
                c_row,
                1,
            );
        } else {
            let beta = if onto_itself { 1.0 } else { 0.0 };
            matrixmultiply::dgemm(
                m,
                k,
                n,
                1.0,
                a.cast(),
                a_row,
                a_column,
                b.cast(),
                b_row,
                b_column,
                beta,
                c.cast(),
                c_row,
                1,
            );
        }
    }
}
