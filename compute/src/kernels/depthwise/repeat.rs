//! Channels with several filters, repeated once for each filter.

use core::ops::Range;

use super::{Pixels, Spec};
use crate::kernels::elementary::Elementary;

/// Elements of a band of rows: about half of an L2 cache, unless a window needs more. Bands overlap by the height of a window.
const BAND: usize = 128 * 1024;

/// Returns the maximum rows of the input that a window covers.
pub(super) const fn window_rows(spec: &Spec) -> usize {
    let extent = (spec.window[0] - 1) * spec.dilation[0] + 1;
    if extent < spec.input[0] { extent } else { spec.input[0] }
}

/// Returns the elements of a row of the input with repeated channels.
const fn row_len(spec: &Spec) -> usize {
    spec.input[1] * spec.output[2]
}

/// Returns the elements of scratch memory for a band of at least `least` rows; 0 where channels have one filter.
pub(super) const fn scratch(spec: &Spec, least: usize) -> usize {
    let (whole, least) = (spec.input[0] * row_len(spec), least * row_len(spec));
    if spec.input[2] == spec.output[2] {
        0
    } else if whole <= BAND {
        whole
    } else if least <= BAND {
        BAND
    } else {
        least
    }
}

/// Returns the rows of the input with repeated channels that fit into `memory` elements.
pub(super) fn rows_that_fit(spec: &Spec, memory: usize) -> usize {
    (memory / row_len(spec)).min(spec.input[0])
}

/// The rows of x that positions read, with each channel repeated once for each filter.
pub(super) struct Repeated<'a, T> {
    spec: &'a Spec,
    memory: &'a mut [T],
}

impl<'a, T: Elementary> Repeated<'a, T> {
    pub(super) fn new(spec: &'a Spec, memory: &'a mut [T]) -> Self {
        Self { spec, memory }
    }

    /// Returns the rows of an image that the first rows of positions read, with repeated channels, and which rows of positions these are:
    /// all if channels have one filter, as many as fit otherwise.
    pub(super) fn rows_for<'b>(&'b mut self, x: &'b [T], positions: Range<usize>) -> (Pixels<&'b [T]>, Range<usize>) {
        let spec = self.spec;
        let [height, width, channels] = spec.input;
        let multiplier = spec.output[2] / channels;
        if multiplier == 1 {
            return (Pixels { first: 0, elements: x }, positions);
        }
        let (fit, window) = (rows_that_fit(spec, self.memory.len()), window_rows(spec));
        assert!(fit >= window, "scratch for one row of windows");
        let at_once = if fit == height { positions.len() } else { (fit - window) / spec.stride[0] + 1 };
        let positions = positions.start..positions.end.min(positions.start + at_once);
        // The rows of the image that some tap reads.
        let inside = |row: usize| row.saturating_sub(spec.padding[0]).min(height);
        let extent = (spec.window[0] - 1) * spec.dilation[0] + 1;
        let rows = inside(positions.start * spec.stride[0])..inside((positions.end - 1) * spec.stride[0] + extent);
        let band = &mut self.memory[..rows.len() * row_len(spec)];
        repeat(&x[rows.start * width * channels..rows.end * width * channels], multiplier, band);
        (Pixels { first: rows.start * width, elements: band }, positions)
    }
}

/// Repeats each element `times` times. Constant counts compile to shuffles of vectors.
fn repeat<T: Copy>(from: &[T], times: usize, to: &mut [T]) {
    fn fixed<T: Copy, const TIMES: usize>(from: &[T], to: &mut [T]) {
        for (to, &element) in to.as_chunks_mut::<TIMES>().0.iter_mut().zip(from) {
            *to = [element; TIMES];
        }
    }
    match times {
        2 => fixed::<T, 2>(from, to),
        3 => fixed::<T, 3>(from, to),
        4 => fixed::<T, 4>(from, to),
        8 => fixed::<T, 8>(from, to),
        _ => to.chunks_exact_mut(times).zip(from).for_each(|(to, &element)| to.fill(element)),
    }
}

/// Sums each `count` contiguous elements.
pub(super) fn sum_of_each<T: Elementary>(from: &[T], count: usize, to: &mut [T]) {
    fn fixed<T: Elementary, const COUNT: usize>(from: &[T], to: &mut [T]) {
        for (to, from) in to.iter_mut().zip(from.as_chunks::<COUNT>().0) {
            *to = from.iter().fold(T::ZERO, |sum, &element| sum + element);
        }
    }
    match count {
        2 => fixed::<T, 2>(from, to),
        3 => fixed::<T, 3>(from, to),
        4 => fixed::<T, 4>(from, to),
        8 => fixed::<T, 8>(from, to),
        _ => {
            for (to, from) in to.iter_mut().zip(from.chunks_exact(count)) {
                *to = from.iter().fold(T::ZERO, |sum, &element| sum + element);
            }
        }
    }
}
