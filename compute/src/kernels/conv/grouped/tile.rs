//! The register tile of grouped convolution: the one inner loop of its three passes.

use super::lane_layout::LaneLayout;
use crate::kernels::elementary::Elementary;
use crate::simd::{Simd, Vector};

/// The trip counts of the three nested loops of a sum, innermost last, and the distances by which the rows of A, and B, move with each.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    pub(super) loops: [usize; 3],
    pub(super) a: [usize; 3],
    pub(super) b: [usize; 3],
}

/// `sums[r][c] += Σ A[r] · B[c]`, lane by lane: the rows of A start at `a`, and the `C` vectors of B are contiguous.
///
/// Twelve accumulators leave AVX2 four registers: enough for the fewer of rows and columns, and one of the others.
///
/// # Safety
/// All elements of A and B at the steps are valid for reads.
#[inline(always)]
pub(super) unsafe fn multiply<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize>(
    simd: S,
    a: [*const T; R],
    b: *const T,
    steps: &Steps,
    mut sums: [[S::Vector; C]; R],
) -> [[S::Vector; C]; R] {
    for outer in 0..steps.loops[0] {
        for middle in 0..steps.loops[1] {
            let mut at = outer * steps.a[0] + middle * steps.a[1];
            let mut b = b.wrapping_add(outer * steps.b[0] + middle * steps.b[1]);
            for _ in 0..steps.loops[2] {
                // SAFETY: the caller guarantees the elements of A and B at all steps.
                unsafe {
                    if R < C {
                        let mut rows = [simd.splat(T::ZERO); R];
                        for (row, a) in rows.iter_mut().zip(a) {
                            *row = A::left(simd, a.add(at));
                        }
                        for column in 0..C {
                            let factor = simd.load_at(b.add(column * S::LANES));
                            for (sums, row) in sums.iter_mut().zip(rows) {
                                sums[column] = row.multiply_add(factor, sums[column]);
                            }
                        }
                    } else {
                        let mut columns = [simd.splat(T::ZERO); C];
                        for (n, column) in columns.iter_mut().enumerate() {
                            *column = simd.load_at(b.add(n * S::LANES));
                        }
                        for (sums, a) in sums.iter_mut().zip(a) {
                            let factor = A::left(simd, a.add(at));
                            for (sum, column) in sums.iter_mut().zip(columns) {
                                *sum = factor.multiply_add(column, *sum);
                            }
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
