//! A·B for a transposed B and few rows of A: Cᵀ = Bᵀ·Aᵀ reads B in its order in memory, where packing B would take as long as multiplying.

use super::pack::GAP;
use super::{COPIED_FROM, DEPTH, Matrix, ROWS, gemm_at, pack_own};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::simd::Isa;

/// The maximum rows of A: with more rows, packing B takes less time than storing Cᵀ once more.
const FEW: usize = 128;

/// Computes `C = A·B` this way where it pays and the scratch memory suffices, and returns whether it did. The order of every sum is
/// unchanged.
pub(super) fn multiply<T: Elementary>(
    isa: Isa,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut [T],
    c_row: usize,
    scratch: &mut [T],
) -> bool {
    let (rows, depth, columns) = (a.rows, b.rows, b.columns);
    let is_transposed = depth > 0 && b.stride[0] == 1 && b.stride[1] != 1 && b.packed.is_empty();
    let room = [depth * rows, ROWS * rows, ROWS * (DEPTH + GAP)];
    if !is_transposed || !(2..=FEW).contains(&rows) || columns < COPIED_FROM || scratch.len() < room.iter().sum() {
        return false;
    }
    let (packed, scratch) = scratch.split_at_mut(room[0]);
    let (transposed, scratch) = scratch.split_at_mut(room[1]);
    pack_own(&Context::of(1).with_isa(isa), a.transposed(), packed);
    let right = a.transposed().with_packed(packed);
    for first in (0..columns).step_by(ROWS) {
        let count = ROWS.min(columns - first);
        let left = b.columns(first..first + count).transposed();
        gemm_at(isa, left, right, Epilogue::NONE, transposed, rows, scratch);
        for (row, c) in c.chunks_mut(c_row).enumerate().take(rows) {
            for (c, transposed) in c[first..first + count].iter_mut().zip(transposed[row..].iter().step_by(rows)) {
                *c = *transposed;
            }
        }
    }
    true
}
