//! Sums over windows: the forward pass, and the gradient with respect to the input, which is a sum over windows of dy.

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

/// What a range of groups reads and writes at each position of `walk`: `inner` channels of its groups become `outer`, in tiles of
/// `R` positions and `C` vectors.
pub(super) struct Windows<'a, T, A, const R: usize, const C: usize> {
    pub(super) walk: Correlation,
    pub(super) range: GroupRange,
    pub(super) inner: usize,
    pub(super) outer: usize,
    /// `[part of the range][tile of outer][tap][inner][C]` vectors.
    pub(super) weights: &'a [T],
    /// Its scale and shift are the vectors of each part and tile of outer channels.
    pub(super) epilogue: Epilogue<'a, T>,
    pub(super) lane_layout: PhantomData<A>,
}

/// All images of a pass: a function of its own, which two passes share and a build compiles once.
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
    /// Computes all images; `memory` holds at least one row of windows.
    #[inline(always)]
    pub(super) fn run<S: Simd<T>>(&self, simd: S, source: &[T], target: &mut [T], memory: &mut [T])
    where
        A: LaneLayout<T, S>,
    {
        simd.call(Images { simd, windows: self, source, target, memory });
    }

    /// [`Windows::run`] where it is compiled.
    #[inline(always)]
    fn compute<S: Simd<T>>(&self, simd: S, source: &[T], target: &mut [T], memory: &mut [T])
    where
        A: LaneLayout<T, S>,
    {
        let walk = &self.walk;
        let [rows, columns] = walk.positions;
        let parts = self.range.parts::<T, S, A>()[0];
        let (at_once, row) = (walk.rows_that_fit(memory.len() / parts), walk.row_len());
        let taps = walk.taps[0] * walk.taps[1];
        let tiles = self.outer.div_ceil(A::columns(C));
        assert_eq!(self.weights.len(), parts * tiles * taps * self.inner * C * S::LANES, "weights of a range");
        for elements in [self.epilogue.scale, self.epilogue.shift] {
            assert!(
                elements.is_empty() || elements.len() == parts * tiles * C * S::LANES,
                "a scale and a shift for each filter"
            );
        }
        let part = extent(at_once, walk.step[0], walk.taps[0], walk.tap_step[0]) * row;
        assert!(parts * part <= memory.len(), "rows of windows in memory");
        let last = walk.target[1] + (rows - 1) * walk.target_step[0] + (columns - 1) * walk.target_step[1];
        assert!(last + self.range.groups * self.outer <= walk.target[0], "positions inside the target");
        let band = Band { row, pixel: self.inner * A::ELEMENTS, channel: A::ELEMENTS, part };
        for (image, target) in images(source, walk.source.iter().product(), target, walk.target[0]) {
            for first in (0..rows).step_by(at_once) {
                let rows = at_once.min(rows - first);
                // SAFETY: the memory holds the rows that these windows cover, the target their positions.
                unsafe {
                    let memory = memory.as_mut_ptr();
                    gather_band::<T, S, A>(simd, walk, self.range, self.inner, image, [first, rows], memory, band);
                    for part in 0..parts {
                        let (memory, target) = (memory.add(part * band.part), target.as_mut_ptr());
                        let target = target.add(part * A::TOGETHER * self.outer);
                        for tile in 0..tiles {
                            self.positions::<S>(simd, [first, rows], part * tiles + tile, memory, target);
                        }
                    }
                }
            }
        }
    }

    /// Computes tile `tile` of those of all parts at the positions of `rows` rows from `first`; its part's windows stand in `band`, its
    /// part's channels in `target`.
    ///
    /// # Safety
    /// The band holds the windows of the rows, and the target their positions, as [`run`](Self::run) checks.
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
        let (walk, row, pixel) = (&self.walk, self.walk.row_len(), self.inner * A::ELEMENTS);
        let ([down, across], step) = (walk.taps, C * S::LANES);
        // Where the taps of a row lie together they are one loop.
        let steps = if walk.tap_step[1] == 1 {
            Steps {
                loops: [1, down, across * self.inner],
                a: [0, row * walk.tap_step[0], A::ELEMENTS],
                b: [0, across * self.inner * step, step],
            }
        } else {
            Steps {
                loops: [down, across, self.inner],
                a: [row * walk.tap_step[0], pixel * walk.tap_step[1], A::ELEMENTS],
                b: [across * self.inner * step, self.inner * step, step],
            }
        };
        let weights = self.weights[tile * down * across * self.inner * step..].as_ptr();
        let (columns, total) = (walk.positions[1], rows * walk.positions[1]);
        // SAFETY: each position's window stands in the band and its outer channels in the target.
        unsafe {
            let [mut r, mut c] = [0, 0];
            for done in (0..total).step_by(R) {
                // A tile has any positions; the last is repeated where there are too few.
                let (mut from, mut to) = ([band; R], [target; R]);
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
                let sums = multiply::<T, S, A, R, C>(simd, from, weights, &steps, [[simd.splat(T::ZERO); C]; R]);
                for (position, (sums, to)) in sums.into_iter().zip(to).enumerate() {
                    if done + position < total {
                        self.end::<S>(simd, sums, tile, to);
                    }
                }
            }
        }
    }

    /// Ends a tile of sums and stores it at a position.
    ///
    /// # Safety
    /// As [`positions`](Self::positions).
    #[inline(always)]
    unsafe fn end<S: Simd<T>>(&self, simd: S, mut sums: [S::Vector; C], tile: usize, to: *mut T)
    where
        A: LaneLayout<T, S>,
    {
        let (Epilogue { scale, shift, accumulate, .. }, bounds) = (self.epilogue, self.epilogue.bounds().splat(simd));
        let group = [self.range.parts::<T, S, A>()[1], self.outer];
        let within = tile % self.outer.div_ceil(A::columns(C));
        // SAFETY: a scale and a shift, where there are any, have a vector for each column of each tile.
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
                *sum = bounds.hold_vector(*sum + before);
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
