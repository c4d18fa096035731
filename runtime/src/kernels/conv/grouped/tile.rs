//! The register tile of grouped convolution: the one inner loop of its three passes.

use super::QUAD;
use crate::gemm::vector::Vector;
use crate::scalar::Scalar;

/// Rows of a tile. With [`QUAD`] columns it has twelve sums, which leaves AVX2 a register for each row and one for B.
pub(super) const ROWS: usize = 3;

/// The steps of a sum over three nested loops, the innermost last: how far the rows of A, and B, move with each.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    pub(super) loops: [usize; 3],
    pub(super) a: [usize; 3],
    pub(super) b: [usize; 3],
}

/// `sums[r][c] += Σ A[r] · B[c]`, lane by lane: the rows of A start at `a`, a vector each, and the [`QUAD`] vectors of B lie
/// together.
///
/// # Safety
/// The processor has the instructions of `V`; every vector that the steps meet lies in memory that the caller may read.
#[inline(always)]
pub(super) unsafe fn multiply<T: Scalar, V: Vector<T>>(
    a: [*const T; ROWS],
    b: *const T,
    steps: &Steps,
    mut sums: [[V; QUAD]; ROWS],
) -> [[V; QUAD]; ROWS] {
    for outer in 0..steps.loops[0] {
        for middle in 0..steps.loops[1] {
            let mut at = outer * steps.a[0] + middle * steps.a[1];
            let mut b = b.wrapping_add(outer * steps.b[0] + middle * steps.b[1]);
            for _ in 0..steps.loops[2] {
                // SAFETY: the caller's promise.
                unsafe {
                    let rows = [V::load(a[0].add(at)), V::load(a[1].add(at)), V::load(a[2].add(at))];
                    for column in 0..QUAD {
                        let factor = V::load(b.add(column * V::LANES));
                        for (sums, row) in sums.iter_mut().zip(rows) {
                            sums[column] = row.multiply_add(factor, sums[column]);
                        }
                    }
                }
                at += steps.a[2];
                b = b.wrapping_add(steps.b[2]);
            }
        }
    }
    sums
}
