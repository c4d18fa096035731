//! Sums over positions: the gradient of the weights.

use core::ops::Range;

use super::axis::Axis;
use super::{Pixels, Spec};
use crate::kernels::elementary::Elementary;
use crate::simd::{Simd, Vector};

/// Taps of a register tile, each with [`VECTORS`] vectors of channels: they share loads of dy.
const TAPS: usize = 3;

/// Vectors of channels of a register tile.
const VECTORS: usize = 4;

/// Positions that one tile of taps sums before the next does: their elements of x and dy stay in the L1 cache.
const POSITIONS: usize = 48;

/// The gradient of the weights, separate for each channel.
#[derive(Clone, Copy)]
pub(super) struct WeightGradient {
    axes: [Axis; 2],
    channels: usize,
}

/// Rows and columns of positions, and the distances between adjacent ones in elements of x, and of dy.
struct Steps {
    count: [usize; 2],
    x: [usize; 2],
    dy: [usize; 2],
}

impl WeightGradient {
    pub(super) fn new(spec: &Spec) -> Self {
        Self { axes: [Axis::of_windows(spec, 0), Axis::of_windows(spec, 1)], channels: spec.output[2] }
    }

    /// Adds the products of rows `rows` of positions to `dw`.
    #[inline(always)]
    pub(super) fn run<T: Elementary, S: Simd<T>>(
        &self,
        simd: S,
        rows: Range<usize>,
        x: Pixels<&[T]>,
        dy: &[T],
        dw: &mut [T],
    ) {
        let ([down, across], channels) = (self.axes, self.channels);
        assert_eq!(dw.len(), down.taps * across.taps * channels, "length of the weights");
        assert_eq!(dy.len(), down.positions * across.positions * channels, "length of the gradient");
        let at_once = [POSITIONS.div_ceil(across.positions), POSITIONS];
        for (rows, taps_down) in down.runs(rows) {
            for (columns, taps_across) in across.runs(0..across.positions) {
                if taps_down.is_empty() || taps_across.is_empty() {
                    continue;
                }
                for row in rows.clone().step_by(at_once[0]) {
                    for column in columns.clone().step_by(at_once[1]) {
                        let rows = row..(row + at_once[0]).min(rows.end);
                        let columns = column..(column + at_once[1]).min(columns.end);
                        self.with_same_taps(simd, [rows, columns], [taps_down.clone(), taps_across.clone()], x, dy, dw);
                    }
                }
            }
        }
    }

    /// Adds the products of positions with the same taps inside the source.
    #[inline(always)]
    fn with_same_taps<T: Elementary, S: Simd<T>>(
        &self,
        simd: S,
        [rows, columns]: [Range<usize>; 2],
        [down, across]: [Range<usize>; 2],
        x: Pixels<&[T]>,
        dy: &[T],
        dw: &mut [T],
    ) {
        let (channels, [vertical, horizontal]) = (self.channels, self.axes);
        let index = |row, i, column, j| vertical.index(row, i) * horizontal.source + horizontal.index(column, j);
        let last = index(rows.end - 1, down.end - 1, columns.end - 1, across.end - 1);
        assert!(index(rows.start, down.start, columns.start, across.start) >= x.first, "windows inside the source");
        assert!((last - x.first + 1) * channels <= x.elements.len(), "windows inside the source");
        let position = rows.start * horizontal.positions + columns.start;
        let dy = &dy[position * channels..];
        assert!(((rows.len() - 1) * horizontal.positions + columns.len()) * channels <= dy.len());
        let steps = Steps {
            count: [rows.len(), columns.len()],
            x: [vertical.step * horizontal.source * channels, horizontal.step * channels],
            dy: [horizontal.positions * channels, channels],
        };
        let total = down.len() * across.len();
        let mut channel = 0;
        while channel < channels {
            let whole = channel + VECTORS * S::LANES <= channels;
            for done in (0..total).step_by(TAPS) {
                // The taps of a tile may be any; the last is repeated where there are too few.
                let (mut a, mut to) = ([x.elements.as_ptr(); TAPS], [dw.as_mut_ptr(); TAPS]);
                for (n, (a, to)) in a.iter_mut().zip(&mut to).enumerate() {
                    let tap = (done + n).min(total - 1);
                    let [i, j] = [down.start + tap / across.len(), across.start + tap % across.len()];
                    let from = index(rows.start, i, columns.start, j) - x.first;
                    *a = a.wrapping_add(from * channels + channel);
                    *to = to.wrapping_add((i * horizontal.taps + j) * channels + channel);
                }
                let b = dy.as_ptr().wrapping_add(channel);
                // SAFETY: the assertions above check that the first and the last position of the taps are inside `x` and `dy`, and the taps
                // inside `dw`; the mask keeps the last vector inside its pixel.
                unsafe {
                    if whole {
                        tile::<T, S, VECTORS, false>(simd, a, b, &steps, to, S::LANES);
                    } else {
                        tile::<T, S, 1, true>(simd, a, b, &steps, to, S::LANES.min(channels - channel));
                    }
                }
            }
            channel += if whole { VECTORS * S::LANES } else { S::LANES };
        }
    }
}

/// Adds their sums over positions to the taps at `to`, for `N` vectors of channels; with `PARTIAL`, for one vector of `partial` channels.
///
/// # Safety
/// The elements of all positions from `a` and `b` on are valid for reads, and the taps at `to` for reads and writes.
#[inline(always)]
unsafe fn tile<T: Elementary, S: Simd<T>, const N: usize, const PARTIAL: bool>(
    simd: S,
    a: [*const T; TAPS],
    b: *const T,
    steps: &Steps,
    to: [*mut T; TAPS],
    partial: usize,
) {
    // SAFETY: the caller guarantees the elements of all positions, and the taps; the mask keeps the last vector inside.
    unsafe {
        let mask = simd.mask(partial);
        let mut sums = [[simd.splat(T::ZERO); N]; TAPS];
        for row in 0..steps.count[0] {
            let mut at = row * steps.x[0];
            let mut b = b.wrapping_add(row * steps.dy[0]);
            for _ in 0..steps.count[1] {
                for n in 0..N {
                    let gradient = simd.load_edge(b.add(n * S::LANES), PARTIAL, mask);
                    for (sums, a) in sums.iter_mut().zip(a) {
                        sums[n] =
                            simd.load_edge(a.add(at + n * S::LANES), PARTIAL, mask).multiply_add(gradient, sums[n]);
                    }
                }
                at += steps.x[1];
                b = b.wrapping_add(steps.dy[1]);
            }
        }
        for (sums, to) in sums.iter_mut().zip(to) {
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = *sum + simd.load_edge(to.add(n * S::LANES), PARTIAL, mask);
            }
        }
        // A repeated tap is loaded several times before it is stored several times, so that all its sums are equal.
        for (sums, to) in sums.iter().zip(to) {
            for (n, sum) in sums.iter().enumerate() {
                let to = to.add(n * S::LANES);
                if PARTIAL { sum.store_masked(to, mask) } else { sum.store_at(to) }
            }
        }
    }
}
