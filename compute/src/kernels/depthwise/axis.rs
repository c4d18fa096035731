//! The taps of windows that are inside an image along one axis.

use core::ops::Range;

use super::{Spec, StridePhase};

/// The positions of windows along one axis: at position p, tap t reads index p · step + t · tap_step − before of the source.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    /// The size of the source.
    pub(super) source: usize,
    pub(super) positions: usize,
    pub(super) step: usize,
    pub(super) taps: usize,
    pub(super) tap_step: usize,
    pub(super) before: isize,
}

impl Axis {
    /// Returns the windows of x.
    pub(super) fn of_windows(spec: &Spec, axis: usize) -> Self {
        Self {
            source: spec.input[axis],
            positions: spec.output[axis],
            step: spec.stride[axis],
            taps: spec.window[axis],
            tap_step: spec.dilation[axis],
            before: spec.padding[2 * axis].cast_signed(),
        }
    }

    /// Returns the windows of dy that give the gradient of the input in one phase of the stride.
    pub(super) fn of_phase(spec: &Spec, axis: usize, phase: StridePhase) -> Self {
        Self {
            source: spec.output[axis],
            positions: phase.positions,
            step: 1,
            taps: phase.taps,
            tap_step: phase.tap_step,
            before: phase.before,
        }
    }

    /// Returns the index that a tap inside the source reads.
    pub(super) fn index(&self, position: usize, tap: usize) -> usize {
        ((position * self.step + tap * self.tap_step).cast_signed() - self.before).cast_unsigned()
    }

    /// Returns the taps that are inside the source.
    fn taps_inside(&self, position: usize) -> Range<usize> {
        let start = self.before - (position * self.step).cast_signed();
        let reached = |distance: isize| distance.max(0).cast_unsigned().div_ceil(self.tap_step).min(self.taps);
        let first = reached(start);
        first..reached(start + self.source.cast_signed()).max(first)
    }

    /// Splits positions into runs with the same taps inside the source, and returns each run with its taps.
    pub(super) fn runs(&self, positions: Range<usize>) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        let Range { start: mut first, end } = positions;
        core::iter::from_fn(move || {
            let start = first;
            if start == end {
                return None;
            }
            let taps = self.taps_inside(start);
            while first < end && self.taps_inside(first) == taps {
                first += 1;
            }
            Some((start..first, taps))
        })
    }
}
