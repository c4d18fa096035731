//! The micro-kernel: the one inner loop of matrix products and convolutions, with its accumulators in registers.

use core::hint::black_box;
use core::mem::MaybeUninit;
use core::sync::atomic::{Ordering, compiler_fence};

use crate::epilogue::Bounds;
use crate::kernels::elementary::Elementary;
use crate::simd::{Simd, Vector};
use netwright_abi::spec::conv::{LINE, PANEL};

/// The maximum rows of a tile of several vectors.
pub(super) const TALLEST: usize = 6;

/// Returns the rows of a tile: their accumulators, two vectors each, leave registers for two columns of B, an element of A and a product.
/// With at most [`TALLEST`] rows, the accumulators may be twice as wide.
pub(super) const fn rows<T: Elementary, S: Simd<T>>() -> usize {
    let fit = (S::REGISTERS - 4) / 2;
    if fit < TALLEST { fit } else { TALLEST }
}

/// Rows of a narrow tile: a single vector, with contiguous elements of A, all of which an address reaches by a constant.
pub(super) const NARROW_ROWS: usize = 12;

/// Whether the accumulators of a narrow tile leave registers for a vector of B and an element of A.
pub(super) const fn has_narrow<T: Elementary, S: Simd<T>>() -> bool {
    S::REGISTERS >= NARROW_ROWS + 2
}

/// Returns the columns of the widest tile. It has four vectors where registers fit the accumulators of six rows: this needs fewer loads per
/// multiply-add than twelve rows of two vectors. Where panels of B are narrower, it spans several.
pub(super) const fn widest<T: Elementary, S: Simd<T>>() -> usize {
    S::LANES * if S::REGISTERS >= 32 { 4 } else { 2 }
}

/// A tile of a [`Product`](super::tile::Product), whose accumulators fit into registers; `b`, `c`, the scale and the shift point to its columns.
pub(super) struct Tile<T> {
    pub(super) loops: [usize; 3],
    /// Steps of a partial sum.
    pub(super) depth: usize,
    pub(super) a: *const T,
    pub(super) a_row: usize,
    pub(super) a_step: [usize; 3],
    pub(super) b: *const T,
    /// The distance between panels of B.
    pub(super) b_panel: usize,
    pub(super) b_step: [usize; 3],
    /// The address of the first prefetch, and its increment per step.
    pub(super) ahead: *const T,
    pub(super) share: usize,
    pub(super) c: *mut T,
    pub(super) c_row: usize,
    pub(super) scale: Option<*const T>,
    pub(super) shift: Option<*const T>,
    pub(super) accumulate: bool,
    pub(super) bounds: Option<Bounds<T>>,
    pub(super) columns: usize,
}

/// Computes `R` rows of `N` vectors; with `PARTIAL`, the last vector may be partial; with `NARROW`, the elements of A are contiguous and
/// nothing is prefetched.
///
/// # Safety
/// Every element of A and B that the tile addresses is valid for reads, and every element of C for reads and writes.
#[expect(clippy::needless_range_loop, reason = "there are dozens of these, and iterators take longer to build")]
#[inline(always)]
pub(super) unsafe fn compute<
    T: Elementary,
    S: Simd<T>,
    const R: usize,
    const N: usize,
    const PARTIAL: bool,
    const NARROW: bool,
>(
    simd: S,
    tile: &Tile<T>,
) {
    let zero = simd.splat(T::ZERO);
    let mask = simd.mask(tile.columns - (N - 1) * S::LANES);
    // The offset of a vector of a row of B.
    let offset = |vector: usize| vector * S::LANES / PANEL * tile.b_panel + vector * S::LANES % PANEL;
    // SAFETY: the caller guarantees that the memory is valid; masks keep the last vector inside the row.
    unsafe {
        let mut sums = [[zero; N]; R];
        // Two short chains of additions round less than a long one. The second is kept out of the registers, all of which are in use:
        // `black_box` hides the pointer to it, which holds it in memory.
        let mut parts = MaybeUninit::<[[S::Vector; N]; R]>::uninit();
        let parts = black_box(&mut parts);
        let (mut summed, mut cut, mut ahead) = (0, false, tile.ahead);
        let (a_row, [_, _, a_inner], [_, _, b_inner]) = (tile.a_row, tile.a_step, tile.b_step);
        for outer in 0..tile.loops[0] {
            for middle in 0..tile.loops[1] {
                let a = tile.a.add(outer * tile.a_step[0] + middle * tile.a_step[1]);
                // One pointer serves three rows, which an address reaches by adding a row once or twice. With a pointer from row to row,
                // each load would wait for the one before.
                let mut a = [a, a.wrapping_add(3 * a_row)];
                let mut b = tile.b.add(outer * tile.b_step[0] + middle * tile.b_step[1]);
                let mut left = tile.loops[2];
                while left > 0 {
                    if summed == tile.depth {
                        if cut {
                            add_to::<T, S, R, N>(&mut sums, parts.assume_init_ref());
                        }
                        parts.write(sums);
                        (sums, summed, cut) = ([[zero; N]; R], 0, true);
                    }
                    let steps = left.min(tile.depth - summed);
                    let mut rest = steps;
                    if const { unrolls::<T, S>(N) } && a_inner == 1 && tile.columns == N * S::LANES {
                        rest = steps % STEPS;
                        let done = steps - rest;
                        let (mut a_at, mut b_at, mut ahead_at) = (a, b, ahead);
                        let (prefetched, groups) = (STEPS * tile.share, done / STEPS);
                        let many = prefetched > LINE;
                        let stride = if many { prefetched.div_ceil(STREAMS).next_multiple_of(LINE) } else { LINE };
                        let apart = groups * stride;
                        for _ in 0..groups {
                            simd.prefetch(ahead_at);
                            if many {
                                for stream in 1..STREAMS {
                                    simd.prefetch(ahead_at.wrapping_add(stream * apart));
                                }
                            }
                            ahead_at = ahead_at.wrapping_add(stride);
                            for step in 0..STEPS {
                                let mut columns = [zero; N];
                                for j in 0..N {
                                    columns[j] = simd.load_at(b_at.add(step * b_inner + offset(j)));
                                }
                                for i in 0..R {
                                    let row = simd.splat(*a_at[i / 3].add(i % 3 * a_row + step));
                                    for j in 0..N {
                                        sums[i][j] = row.multiply_add(columns[j], sums[i][j]);
                                    }
                                }
                                // Keeps the loads of the next step from being moved up, into registers that the accumulators need.
                                compiler_fence(Ordering::SeqCst);
                            }
                            for a in &mut a_at {
                                *a = a.wrapping_add(STEPS);
                            }
                            b_at = b_at.wrapping_add(STEPS * b_inner);
                        }
                        a = a.map(|a| a.wrapping_add(done));
                        b = b.wrapping_add(done * b_inner);
                        ahead = ahead.wrapping_add(done * tile.share);
                    }
                    for _ in 0..rest {
                        if !NARROW {
                            simd.prefetch(ahead);
                            ahead = ahead.wrapping_add(tile.share);
                        }
                        let mut columns = [zero; N];
                        for j in 0..N {
                            columns[j] = simd.load_edge(b.add(offset(j)), PARTIAL && j == N - 1, mask);
                        }
                        for i in 0..R {
                            let row = simd.splat(if NARROW { *a[0].add(i) } else { *a[i / 3].add(i % 3 * a_row) });
                            for j in 0..N {
                                sums[i][j] = row.multiply_add(columns[j], sums[i][j]);
                            }
                        }
                        for a in &mut a {
                            *a = a.wrapping_add(a_inner);
                        }
                        b = b.wrapping_add(b_inner);
                    }
                    (left, summed) = (left - steps, summed + steps);
                }
            }
        }
        if cut {
            add_to::<T, S, R, N>(&mut sums, parts.assume_init_ref());
        }
        // One loop for each part of the epilogue, because the compiler does not unroll a single one of this size.
        if tile.scale.is_some() || tile.shift.is_some() {
            let (mut scales, mut shifts) = ([simd.splat(T::ONE); N], [zero; N]);
            for j in 0..N {
                if let Some(scale) = tile.scale {
                    scales[j] = simd.load_edge(scale.add(j * S::LANES), PARTIAL && j == N - 1, mask);
                }
                if let Some(shift) = tile.shift {
                    shifts[j] = simd.load_edge(shift.add(j * S::LANES), PARTIAL && j == N - 1, mask);
                }
            }
            for i in 0..R {
                for j in 0..N {
                    sums[i][j] = sums[i][j].multiply_add(scales[j], shifts[j]);
                }
            }
        }
        if tile.accumulate {
            for i in 0..R {
                for j in 0..N {
                    let c = tile.c.add(i * tile.c_row + j * S::LANES);
                    sums[i][j] = sums[i][j] + simd.load_edge(c, PARTIAL && j == N - 1, mask);
                }
            }
        }
        if let Some(bounds) = tile.bounds {
            let bounds = bounds.splat(simd);
            for i in 0..R {
                for j in 0..N {
                    sums[i][j] = bounds.clamp_vector(sums[i][j]);
                }
            }
        }
        for i in 0..R {
            for j in 0..N {
                let c = tile.c.add(i * tile.c_row + j * S::LANES);
                if PARTIAL && j == N - 1 { sums[i][j].store_masked(c, mask) } else { sums[i][j].store_at(c) }
            }
        }
    }
}

/// Steps by which the widest tile is unrolled: where a processor starts two multiply-adds of sixteen lanes per cycle, counters and pointer
/// increments in each step take a fifth of the time.
const STEPS: usize = 4;

/// Streams of prefetches of a tile, where it prefetches more than a line for each group of steps: memory serves several streams faster than
/// one.
const STREAMS: usize = 4;

/// Whether a tile of `vectors` vectors is unrolled by [`STEPS`] steps.
const fn unrolls<T: Elementary, S: Simd<T>>(vectors: usize) -> bool {
    widest::<T, S>() > 2 * S::LANES && vectors * S::LANES == widest::<T, S>()
}

/// Adds `from` to `to`.
#[inline(always)]
fn add_to<T: Elementary, S: Simd<T>, const R: usize, const N: usize>(
    to: &mut [[S::Vector; N]; R],
    from: &[[S::Vector; N]; R],
) {
    for i in 0..R {
        for j in 0..N {
            to[i][j] = to[i][j] + from[i][j];
        }
    }
}
