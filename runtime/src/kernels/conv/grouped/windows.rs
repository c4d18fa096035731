//! Sums over windows: the forward pass, and the gradient with respect to the input, which is a sum over windows of dy.

use super::regroup::{Band, Layout, gather_band, read, scatter};
use super::tile::{ROWS, Steps, multiply};
use super::{Block, QUAD};
use crate::gemm::vector::Vector;
use crate::kernels::conv::correlate::{Correlation, extent};
use crate::scalar::Scalar;

/// What a block of groups reads and writes at each position of `walk`: `inner` channels of its groups become `outer`.
#[derive(Clone, Copy)]
pub(super) struct Windows<'a, T> {
    pub(super) walk: Correlation,
    pub(super) block: Block,
    pub(super) inner: usize,
    pub(super) outer: usize,
    /// `[quad of outer][tap][inner][QUAD]` vectors.
    pub(super) weights: &'a [T],
    pub(super) end: End<'a, T>,
}

/// What becomes of the sums while they are in registers: `max(scale · sum + shift + y, floor)`.
#[derive(Clone, Copy)]
pub(super) struct End<'a, T> {
    /// `[outer]` vectors in whole quads; empty: 1.
    pub(super) scale: &'a [T],
    /// `[outer]` vectors in whole quads; empty: 0.
    pub(super) shift: &'a [T],
    /// The least that is stored.
    pub(super) floor: T,
    /// Whether what stands in the target is added.
    pub(super) accumulate: bool,
}

impl<T: Scalar> End<'_, T> {
    /// Sums as they are.
    pub(super) fn none() -> Self {
        Self { scale: &[], shift: &[], floor: T::from_f64(f64::NEG_INFINITY), accumulate: false }
    }
}

impl<T: Scalar> Windows<'_, T> {
    /// Computes all images; `memory` holds at least one row of windows.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    pub(super) unsafe fn run<V: Vector<T>>(&self, source: &[T], target: &mut [T], memory: &mut [T]) {
        let walk = &self.walk;
        let [rows, columns] = walk.positions;
        let (at_once, row) = (walk.rows_that_fit(memory.len()), walk.row_len());
        let taps = walk.taps[0] * walk.taps[1];
        let quads = self.outer.div_ceil(QUAD);
        assert_eq!(self.weights.len(), quads * taps * self.inner * QUAD * V::LANES, "weights of a block");
        for numbers in [self.end.scale, self.end.shift] {
            assert!(
                numbers.is_empty() || numbers.len() == quads * QUAD * V::LANES,
                "a scale and a shift for each filter"
            );
        }
        assert!(extent(at_once, walk.step[0], walk.taps[0], walk.tap_step[0]) * row <= memory.len());
        let last = walk.target[1] + (rows - 1) * walk.target_step[0] + (columns - 1) * walk.target_step[1];
        assert!(last + self.block.groups * self.outer <= walk.target[0], "positions inside the target");
        let layout = Layout { quad: QUAD * V::LANES, channel: V::LANES, whole: false };
        let band = Band { row, pixel: self.inner * V::LANES, layout };
        for (image, target) in
            source.chunks_exact(walk.source.iter().product()).zip(target.chunks_exact_mut(walk.target[0]))
        {
            for first in (0..rows).step_by(at_once) {
                let rows = at_once.min(rows - first);
                // SAFETY: the memory holds the rows that these windows cover, the target their positions.
                unsafe {
                    let memory = memory.as_mut_ptr();
                    gather_band::<T, V>(walk, [self.block.groups, self.inner], image, [first, rows], memory, band);
                    for quad in 0..quads {
                        self.positions::<V>([first, rows], quad, memory.cast_const(), target.as_mut_ptr());
                    }
                }
            }
        }
    }

    /// Computes a quad of outer channels at the positions of `rows` rows from `first`, whose windows stand in `band`.
    ///
    /// # Safety
    /// As [`run`](Self::run), which has checked the slices that `band` and `target` point to.
    #[inline(always)]
    unsafe fn positions<V: Vector<T>>(&self, [first, rows]: [usize; 2], quad: usize, band: *const T, target: *mut T) {
        let (walk, row, pixel) = (&self.walk, self.walk.row_len(), self.inner * V::LANES);
        let ([down, across], step) = (walk.taps, QUAD * V::LANES);
        // Where the taps of a row lie together they are one loop.
        let steps = if walk.tap_step[1] == 1 {
            Steps {
                loops: [1, down, across * self.inner],
                a: [0, row * walk.tap_step[0], V::LANES],
                b: [0, across * self.inner * step, step],
            }
        } else {
            Steps {
                loops: [down, across, self.inner],
                a: [row * walk.tap_step[0], pixel * walk.tap_step[1], V::LANES],
                b: [across * self.inner * step, self.inner * step, step],
            }
        };
        let weights = self.weights[quad * down * across * self.inner * step..].as_ptr();
        let (columns, total) = (walk.positions[1], rows * walk.positions[1]);
        // SAFETY: each position's window stands in the band and its outer channels in the target.
        unsafe {
            let [mut r, mut c] = [0, 0];
            for done in (0..total).step_by(ROWS) {
                // A tile has any positions; the last is repeated where there are too few.
                let (mut from, mut to) = ([band; ROWS], [target; ROWS]);
                for (position, (from, to)) in from.iter_mut().zip(&mut to).enumerate() {
                    *from = band.add(r * walk.step[0] * row + c * walk.step[1] * pixel);
                    let place = (first + r) * walk.target_step[0] + c * walk.target_step[1];
                    *to = target.add(walk.target[1] + place);
                    if done + position + 1 < total {
                        c += 1;
                        if c == columns {
                            [r, c] = [r + 1, 0];
                        }
                    }
                }
                let sums = multiply::<T, V>(from, weights, &steps, [[V::splat(T::ZERO); QUAD]; ROWS]);
                for (position, (sums, to)) in sums.into_iter().zip(to).enumerate() {
                    if done + position < total {
                        self.end::<V>(sums, quad, to);
                    }
                }
            }
        }
    }

    /// Ends a quad of sums and stores it at a position.
    ///
    /// # Safety
    /// As [`positions`](Self::positions).
    #[inline(always)]
    unsafe fn end<V: Vector<T>>(&self, mut sums: [V; QUAD], quad: usize, to: *mut T) {
        let (group, End { scale, shift, floor, accumulate }) = ([self.block.groups, self.outer], self.end);
        // SAFETY: a scale and a shift, where there are any, have a vector for each column of each quad.
        unsafe {
            let before = if accumulate { read::<T, V>(group, quad, to) } else { [V::splat(T::ZERO); QUAD] };
            for (column, (sum, before)) in sums.iter_mut().zip(before).enumerate() {
                let each = |numbers: &[T], default: T| {
                    if numbers.is_empty() {
                        V::splat(default)
                    } else {
                        V::load(numbers.as_ptr().add((quad * QUAD + column) * V::LANES))
                    }
                };
                *sum = sum.multiply_add(each(scale, T::ONE), each(shift, T::ZERO));
                *sum = sum.add(before).at_least(V::splat(floor));
            }
            scatter::<T, V>(sums, group, quad, to);
        }
    }
}
