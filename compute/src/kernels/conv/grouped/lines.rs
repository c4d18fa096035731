//! The forward pass of groups in their stored layout: sixteen adjacent filters, of one group or of several whole groups, fill vectors.
//! Windows have three columns.
//!
//! The channels of a pixel are loaded once and multiplied with the taps of all positions whose windows contain the pixel: broadcast to all
//! lanes where the lanes are one group, else within the lanes of each group ([`Vector::spread`]). Two rows of positions share a load where
//! there are enough registers.

use netwright_abi::spec::conv::LINE;

use super::gather::{Band, gather_band};
use super::lane_layout::ChannelsInLanes;
use super::{GroupRange, Sizes, Spec};
use crate::epilogue::Epilogue;
use crate::kernels::conv::correlate::{Correlation, band_len, extent};
use crate::kernels::conv::gemm;
use crate::kernels::elementary::Elementary;
use crate::kernels::images::images;
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, Vector, WithSimd, mapped, unrolled};

/// Adjacent positions of a tile.
const POSITIONS: usize = Spec::POSITIONS_IN_LINES;

/// Taps of a row.
const TAPS: usize = 3;

/// Channels of the smallest groups that this kernel accepts: a vector of at most this many lanes never has several groups.
const SMALLEST_GROUP: usize = 4;

/// The maximum rows of positions that share loads.
const ROWS: usize = 2;

/// Returns the input channels of the filters of a line: those of their group, or of their groups, which are as many as the filters.
const fn channels(sizes: &Sizes) -> usize {
    if sizes.outer.is_multiple_of(LINE) { sizes.inner } else { LINE }
}

/// Whether two rows of positions may share loads, where windows move by `step` columns.
const fn shares<T: Elementary, S: Simd<T>>(step: usize) -> bool {
    step == 1 && S::REGISTERS >= 32
}

/// Returns the elements of the filters of a line.
const fn line_len(sizes: &Sizes) -> usize {
    sizes.rows() * LINE
}

/// Returns the lines of filters with the same input channels.
const fn lines_of_group(sizes: &Sizes) -> usize {
    if sizes.outer.is_multiple_of(LINE) { sizes.outer / LINE } else { 1 }
}

/// Returns the elements of scratch memory that [`forward`] needs.
pub(super) const fn scratch(spec: &Spec) -> usize {
    let sizes = Sizes::new(spec);
    let positions = [spec.output[0], spec.output[1]];
    lines_of_group(&sizes) * line_len(&sizes)
        + band_len(positions, spec.stride, spec.window, spec.dilation, channels(&sizes))
}

/// Packs the filters line by line: `[line][tap][channel][LINE]`.
pub(super) fn pack<T: Scalar>(spec: &Spec, w: &[T], packed: &mut [T]) {
    for (line, packed) in packed.chunks_exact_mut(line_len(&Sizes::new(spec))).enumerate() {
        pack_line(spec, line, w, packed);
    }
}

fn pack_line<T: Scalar>(spec: &Spec, line: usize, w: &[T], packed: &mut [T]) {
    let filters = w.chunks_exact(spec.output[2]).map(|row| &row[line * LINE..][..LINE]);
    packed.chunks_exact_mut(LINE).zip(filters).for_each(|(packed, filters)| packed.copy_from_slice(filters));
}

/// Computes y from x and w; `packed` holds the filters of [`pack`], or is empty.
pub(super) fn forward<T: Elementary>(
    isa: Isa,
    spec: &Spec,
    x: &[T],
    [w, packed]: [&[T]; 2],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
    scratch: &mut [T],
) {
    let sizes = Sizes::new(spec);
    let lines = lines_of_group(&sizes);
    let (own, memory) = scratch.split_at_mut(lines * line_len(&sizes));
    for first in (0..spec.output[2] / LINE).step_by(lines) {
        let weights = if packed.is_empty() {
            let each = own.chunks_exact_mut(line_len(&sizes)).enumerate();
            each.for_each(|(n, own)| pack_line(spec, first + n, w, own));
            &*own
        } else {
            &packed[first * line_len(&sizes)..][..own.len()]
        };
        let mut correlation = gemm::windows(spec);
        let channel = first / lines * channels(&sizes);
        (correlation.channels, correlation.target[1]) = ([channel, channels(&sizes)], first * LINE);
        let epilogue = epilogue.channels(first * LINE, lines * LINE);
        isa.dispatch(Lines { correlation, sizes, weights, epilogue, x, y: &mut *y, memory: &mut *memory });
    }
}

/// The lines of filters with the same input channels, for all images.
struct Lines<'a, T> {
    correlation: Correlation,
    sizes: Sizes,
    weights: &'a [T],
    epilogue: Epilogue<'a, T>,
    x: &'a [T],
    y: &'a mut [T],
    memory: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for Lines<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { correlation, sizes, weights, epilogue, x, y, memory } = self;
        let ([rows, columns], [_, channels]) = (correlation.positions, correlation.channels);
        let (at_once, row) = (correlation.rows_that_fit(memory.len()), correlation.row_len());
        assert!(
            columns >= POSITIONS && correlation.taps[1] == TAPS && correlation.tap_step[1] == 1,
            "windows of three columns"
        );
        let lines = lines_of_group(&sizes);
        assert_eq!(weights.len(), lines * line_len(&sizes), "the filters of the lines");
        epilogue.check(lines * LINE);
        let covered = extent(at_once, correlation.step[0], correlation.taps[0], correlation.tap_step[0]) * row;
        assert!(covered <= memory.len(), "rows of windows in memory");
        let last = correlation.target[1]
            + (rows - 1) * correlation.target_step[0]
            + (columns - 1) * correlation.target_step[1];
        assert!(last + lines * LINE <= correlation.target[0], "positions inside the target");
        let band = Band { row, pixel: channels, channel: 1, lane_block: 0 };
        for (image, y) in images(x, correlation.source.iter().product(), y, correlation.target[0]) {
            for first in (0..rows).step_by(at_once) {
                let count = at_once.min(rows - first);
                let (range, memory) = (GroupRange { first: 0, groups: 1 }, memory.as_mut_ptr());
                // SAFETY: the assertion above checks that the memory has the rows that these windows cover, with all their channels.
                unsafe {
                    gather_band::<T, S, ChannelsInLanes>(
                        simd,
                        &correlation,
                        range,
                        channels,
                        image,
                        [first, count],
                        memory,
                        band,
                    );
                }
                for vector in 0..lines * LINE / S::LANES {
                    let filter = vector * S::LANES;
                    let (line, lane) = (filter / LINE, filter % LINE);
                    let positions = Positions {
                        correlation: &correlation,
                        // The channels of the vector's group, or of its groups.
                        band: if sizes.outer < LINE {
                            memory.wrapping_add(lane / sizes.outer * sizes.outer)
                        } else {
                            memory
                        },
                        weights: weights[line * line_len(&sizes) + lane..].as_ptr(),
                        inner: sizes.inner,
                        width: sizes.outer,
                        epilogue: &epilogue,
                        filter,
                        target: y[correlation.target[1] + first * correlation.target_step[0] + filter..].as_mut_ptr(),
                    };
                    // SAFETY: the assertions above check that the band has the windows of these rows, and the target their positions.
                    unsafe {
                        if const { S::LANES > SMALLEST_GROUP } && sizes.outer < S::LANES {
                            positions.rows_by_step::<S, true>(simd, count);
                        } else {
                            positions.rows_by_step::<S, false>(simd, count);
                        }
                    }
                }
            }
        }
    }
}

/// A vector of a line's filters at the positions of some rows.
struct Positions<'a, T> {
    correlation: &'a Correlation,
    /// The first input channel of the vector's filters, in the first pixel.
    band: *const T,
    weights: *const T,
    /// The input channels of a filter.
    inner: usize,
    /// Lanes of a group, where a vector has several.
    width: usize,
    epilogue: &'a Epilogue<'a, T>,
    /// The index of the vector's first filter in the filters of the lines.
    filter: usize,
    target: *mut T,
}

impl<T: Elementary> Positions<'_, T> {
    /// Calls [`rows`](Self::rows) for windows that move by one column or by two.
    ///
    /// # Safety
    /// As [`rows`](Self::rows).
    #[inline(always)]
    unsafe fn rows_by_step<S: Simd<T>, const SPREAD: bool>(&self, simd: S, rows: usize) {
        // SAFETY: the caller guarantees the contract of `rows`.
        unsafe {
            match self.correlation.step[1] {
                1 => self.rows::<S, 1, { POSITIONS + 2 }, SPREAD>(simd, rows),
                _ => self.rows::<S, 2, { 2 * POSITIONS + 1 }, SPREAD>(simd, rows),
            }
        }
    }

    /// Computes `rows` rows of windows that move by `STEP` columns: [`POSITIONS`] windows cover `COLUMNS` columns.
    ///
    /// # Safety
    /// The band contains the windows of the rows, and the target their positions.
    #[inline(always)]
    unsafe fn rows<S: Simd<T>, const STEP: usize, const COLUMNS: usize, const SPREAD: bool>(
        &self,
        simd: S,
        rows: usize,
    ) {
        let correlation = self.correlation;
        let columns = correlation.positions[1];
        let shared = const { shares::<T, S>(STEP) } && correlation.step[0] == 1 && correlation.tap_step[0] == 1;
        let mut row = 0;
        while row < rows {
            let together = if shared { ROWS.min(rows - row) } else { 1 };
            for done in (0..columns).step_by(POSITIONS) {
                // The last positions overlap earlier ones, which are not stored again.
                let first = done.min(columns - POSITIONS);
                // SAFETY: the caller guarantees that the band contains the windows, and the target the positions.
                unsafe {
                    let band = self.band.add(
                        row * correlation.step[0] * correlation.row_len() + first * STEP * correlation.channels[1],
                    );
                    let mut sums = [[simd.splat(T::ZERO); POSITIONS]; ROWS];
                    for line in 0..correlation.taps[0] + together - 1 {
                        let band = band.add(line * correlation.tap_step[0] * correlation.row_len());
                        let sums = &mut sums;
                        // Code for two rows is not compiled where rows never share.
                        if const { !shares::<T, S>(STEP) } || together == 1 || line == 0 {
                            self.add_row::<S, STEP, COLUMNS, SPREAD, 0, 1>(simd, band, line, sums);
                        } else if line < correlation.taps[0] {
                            self.add_row::<S, STEP, COLUMNS, SPREAD, 0, ROWS>(simd, band, line, sums);
                        } else {
                            self.add_row::<S, STEP, COLUMNS, SPREAD, 1, ROWS>(simd, band, line, sums);
                        }
                    }
                    for (n, sums) in sums.iter().enumerate().take(together) {
                        let target = self
                            .target
                            .add((row + n) * correlation.target_step[0] + first * correlation.target_step[1]);
                        self.store(simd, sums, done - first, target);
                    }
                }
            }
            row += together;
        }
    }

    /// Adds the products of row `line` of the band to the sums of rows `FROM` to `END` of positions: with tap row `line` for the first row
    /// of positions, and `line` − 1 for the second.
    ///
    /// # Safety
    /// As [`rows`](Self::rows).
    #[inline(always)]
    unsafe fn add_row<
        S: Simd<T>,
        const STEP: usize,
        const COLUMNS: usize,
        const SPREAD: bool,
        const FROM: usize,
        const END: usize,
    >(
        &self,
        simd: S,
        band: *const T,
        line: usize,
        sums: &mut [[S::Vector; POSITIONS]; ROWS],
    ) {
        let (pixel, tap) = (self.correlation.channels[1], self.inner * LINE);
        for channel in 0..self.inner {
            // SAFETY: the caller guarantees that the band contains the windows; the weights have all taps of their channels.
            unsafe {
                let mut weights = [[simd.splat(T::ZERO); TAPS]; ROWS];
                for (n, weights) in weights.iter_mut().enumerate().take(END).skip(FROM) {
                    let row = self.weights.add((line - n) * TAPS * tap + channel * LINE);
                    *weights = mapped([0, 1, 2], |j| simd.load_at(row.add(j * tap)));
                }
                unrolled!(column < COLUMNS, {
                    let at = band.add(column * pixel);
                    let x = if SPREAD {
                        simd.load_at(at).spread(self.width, channel)
                    } else {
                        simd.splat(*at.add(channel))
                    };
                    for n in FROM..END {
                        for j in 0..TAPS {
                            if column >= j && (column - j).is_multiple_of(STEP) && (column - j) / STEP < POSITIONS {
                                let sum = &mut sums[n][(column - j) / STEP];
                                *sum = x.multiply_add(weights[n][j], *sum);
                            }
                        }
                    }
                });
            }
        }
    }

    /// Applies the epilogue to the sums of positions `first` to `P`, and stores them.
    ///
    /// # Safety
    /// The target contains the positions.
    #[inline(always)]
    unsafe fn store<S: Simd<T>, const P: usize>(&self, simd: S, sums: &[S::Vector; P], first: usize, target: *mut T) {
        let (epilogue, bounds) = (self.epilogue, self.epilogue.bounds().splat(simd));
        let each = |elements: &[T], default: T| {
            if elements.is_empty() { simd.splat(default) } else { simd.load(&elements[self.filter..]) }
        };
        let (scale, shift) = (each(epilogue.scale, T::ONE), each(epilogue.shift, T::ZERO));
        unrolled!(position < P, {
            if position >= first {
                // SAFETY: the caller guarantees that the target contains the positions.
                unsafe {
                    let to = target.add(position * self.correlation.target_step[1]);
                    let mut sum = sums[position].multiply_add(scale, shift);
                    if epilogue.accumulate {
                        sum = sum + simd.load_at(to);
                    }
                    bounds.clamp_vector(sum).store_at(to);
                    if epilogue.activation_after_bounds().is_some() {
                        epilogue.finish(simd.isa(), core::slice::from_raw_parts_mut(to, S::LANES));
                    }
                }
            }
        });
    }
}
