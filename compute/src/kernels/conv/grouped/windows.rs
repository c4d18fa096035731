//! Sums over windows: the forward pass, and the gradient of the input, which is a sum over windows of dy.

use core::marker::PhantomData;

use super::gather::{Band, gather_band};
use super::lane_layout::LaneLayout;
use super::tile::{Steps, multiply};
use super::{GroupRange, LANES};
use crate::epilogue::Epilogue;
use crate::kernels::conv::correlate::{Correlation, extent};
use crate::kernels::elementary::Elementary;
use crate::kernels::images::images;
use crate::simd::{Simd, Vector, WithSimd};

/// The windows of a range of groups at the positions of `correlation`: `inner` input channels of each group become `outer` output channels,
/// in tiles of `R` positions and `C` vectors.
pub(super) struct Windows<'a, T, A, const R: usize, const C: usize> {
    pub(super) correlation: Correlation,
    pub(super) range: GroupRange,
    pub(super) inner: usize,
    pub(super) outer: usize,
    /// `[lane block][tile of outer][tap][inner][C]` vectors.
    pub(super) weights: &'a [T],
    /// The epilogue; its scale and shift are vectors of each lane block and tile of output channels.
    pub(super) epilogue: Epilogue<'a, T>,
    pub(super) lane_layout: PhantomData<A>,
}

/// All images of a pass, as a function of its own, which two passes share and a build compiles once.
struct Images<'a, S, T, A, const R: usize, const C: usize> {
    simd: S,
    windows: &'a Windows<'a, T, A, R, C>,
    source: &'a [T],
    target: &'a mut [T],
    memory: &'a mut [T],
}

impl<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize> WithSimd<T>
    for Images<'_, S, T, A, R, C>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd<T>>(self, _: V) {
        let Self { simd, windows, source, target, memory } = self;
        windows.compute(simd, source, target, memory);
    }
}

impl<T: Elementary, A, const R: usize, const C: usize> Windows<'_, T, A, R, C> {
    /// Computes all images; `memory` has room for at least one row of windows.
    #[inline(always)]
    pub(super) fn run<S: Simd<T>>(&self, simd: S, source: &[T], target: &mut [T], memory: &mut [T])
    where
        A: LaneLayout<T, S>,
    {
        simd.call(Images { simd, windows: self, source, target, memory });
    }

    /// The body of [`Windows::run`].
    #[inline(always)]
    fn compute<S: Simd<T>>(&self, simd: S, source: &[T], target: &mut [T], memory: &mut [T])
    where
        A: LaneLayout<T, S>,
    {
        let correlation = &self.correlation;
        let [rows, columns] = correlation.positions;
        let lane_blocks = self.range.lane_blocks::<T, S, A>()[0];
        let (at_once, row) = (correlation.rows_that_fit(memory.len() / lane_blocks), correlation.row_len());
        let taps = correlation.taps[0] * correlation.taps[1];
        let tiles = self.outer.div_ceil(A::columns(C));
        assert_eq!(self.weights.len(), lane_blocks * tiles * taps * self.inner * C * S::LANES, "weights of a range");
        for elements in [self.epilogue.scale, self.epilogue.shift] {
            assert!(
                elements.is_empty() || elements.len() == lane_blocks * tiles * C * S::LANES,
                "a scale and a shift for each filter"
            );
        }
        let lane_block = extent(at_once, correlation.step[0], correlation.taps[0], correlation.tap_step[0]) * row;
        assert!(lane_blocks * lane_block <= memory.len(), "rows of windows in memory");
        let last = correlation.target[1]
            + (rows - 1) * correlation.target_step[0]
            + (columns - 1) * correlation.target_step[1];
        assert!(last + self.range.groups * self.outer <= correlation.target[0], "positions inside the target");
        let band = Band { row, pixel: self.inner * A::ELEMENTS, channel: A::ELEMENTS, lane_block };
        for (image, target) in images(source, correlation.source.iter().product(), target, correlation.target[0]) {
            for first in (0..rows).step_by(at_once) {
                let rows = at_once.min(rows - first);
                // SAFETY: the assertions above check that the memory has the rows that these windows cover, and the target their positions.
                unsafe {
                    let memory = memory.as_mut_ptr();
                    gather_band::<T, S, A>(
                        simd,
                        correlation,
                        self.range,
                        self.inner,
                        image,
                        [first, rows],
                        memory,
                        band,
                    );
                    for lane_block in 0..lane_blocks {
                        let (memory, target) = (memory.add(lane_block * band.lane_block), target.as_mut_ptr());
                        let target = target.add(lane_block * A::GROUPS * self.outer);
                        for tile in 0..tiles {
                            self.positions::<S>(simd, [first, rows], lane_block * tiles + tile, memory, target);
                        }
                    }
                }
            }
        }
    }

    /// Computes tile `tile`, counted over all lane blocks, at the positions of `rows` rows from `first` on. `band` has the windows of its
    /// lane block, `target` the channels of its lane block.
    ///
    /// # Safety
    /// The band contains the windows of the rows, and the target their positions, as [`run`](Self::run) checks.
    #[inline(always)]
    unsafe fn positions<S: Simd<T>>(
        &self,
        simd: S,
        [first, rows]: [usize; 2],
        tile: usize,
        band: *const T,
        target: *mut T,
    ) where
        A: LaneLayout<T, S>,
    {
        let (correlation, row, pixel) = (&self.correlation, self.correlation.row_len(), self.inner * A::ELEMENTS);
        let ([down, across], step) = (correlation.taps, C * S::LANES);
        // Contiguous taps of a row are one loop.
        let steps = if correlation.tap_step[1] == 1 {
            Steps {
                loops: [1, down, across * self.inner],
                a: [0, row * correlation.tap_step[0], A::ELEMENTS],
                b: [0, across * self.inner * step, step],
            }
        } else {
            Steps {
                loops: [down, across, self.inner],
                a: [row * correlation.tap_step[0], pixel * correlation.tap_step[1], A::ELEMENTS],
                b: [across * self.inner * step, self.inner * step, step],
            }
        };
        let weights = self.weights[tile * down * across * self.inner * step..].as_ptr();
        let (columns, total) = (correlation.positions[1], rows * correlation.positions[1]);
        // SAFETY: the caller guarantees that the band contains each position's window, and the target its output channels.
        unsafe {
            let [mut r, mut c] = [0, 0];
            for done in (0..total).step_by(R) {
                // The positions of a tile may be in any rows; the last position is repeated where there are too few.
                let (mut from, mut to) = ([band; R], [target; R]);
                for (position, (from, to)) in from.iter_mut().zip(&mut to).enumerate() {
                    *from = band.add(r * correlation.step[0] * row + c * correlation.step[1] * pixel);
                    let offset = (first + r) * correlation.target_step[0] + c * correlation.target_step[1];
                    *to = target.add(correlation.target[1] + offset);
                    if done + position + 1 < total {
                        c += 1;
                        if c == columns {
                            [r, c] = [r + 1, 0];
                        }
                    }
                }
                let sums = multiply::<T, S, A, R, C>(simd, from, weights, &steps, [[simd.splat(T::ZERO); C]; R]);
                for (position, (sums, to)) in sums.into_iter().zip(to).enumerate() {
                    if done + position < total {
                        self.end::<S>(simd, sums, tile, to);
                    }
                }
            }
        }
    }

    /// Applies the epilogue to a tile of sums, and stores it at a position.
    ///
    /// # Safety
    /// As [`positions`](Self::positions).
    #[inline(always)]
    unsafe fn end<S: Simd<T>>(&self, simd: S, mut sums: [S::Vector; C], tile: usize, to: *mut T)
    where
        A: LaneLayout<T, S>,
    {
        let (Epilogue { scale, shift, accumulate, .. }, bounds) = (self.epilogue, self.epilogue.bounds().splat(simd));
        let group = [self.range.lane_blocks::<T, S, A>()[1], self.outer];
        let within = tile % self.outer.div_ceil(A::columns(C));
        // SAFETY: `compute` checks that a scale and a shift that are not empty have a vector for each column of each tile.
        unsafe {
            let before = if accumulate { A::read::<C>(simd, to, group, within) } else { [simd.splat(T::ZERO); C] };
            for (column, (sum, before)) in sums.iter_mut().zip(before).enumerate() {
                let each = |elements: &[T], default: T| {
                    if elements.is_empty() {
                        simd.splat(default)
                    } else {
                        simd.load_at(elements.as_ptr().add((tile * C + column) * S::LANES))
                    }
                };
                *sum = sum.multiply_add(each(scale, T::ONE), each(shift, T::ZERO));
                *sum = bounds.clamp_vector(*sum + before);
            }
            if self.epilogue.activation_after_bounds().is_some() {
                let mut stored = [[T::ZERO; LANES]; C];
                stored.iter_mut().zip(sums).for_each(|(stored, sum)| sum.store(stored));
                self.epilogue.finish(simd.isa(), stored.as_flattened_mut());
                sums.iter_mut().zip(&stored).for_each(|(sum, stored)| *sum = simd.load(stored));
            }
            A::write::<C>(simd, sums, to, group, within);
        }
    }
}
