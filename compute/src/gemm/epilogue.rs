//! What becomes of the sums of a product before they are stored: the numbers are in registers, and nothing is read twice.

use super::tile;
use crate::scalar::Scalar;

/// `max(scale · sum + shift, floor)`, with a scale and a shift for each column.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a, T> {
    /// A factor for each column, or nothing: 1.
    pub scale: &'a [T],
    /// A summand for each column, or nothing: 0.
    pub shift: &'a [T],
    /// The least that is stored: minus infinity for all, 0 for a rectifier. NaN is stored as it is.
    pub floor: T,
}

impl<'a, T: Scalar> Epilogue<'a, T> {
    /// Sums as they are.
    pub fn none() -> Self {
        Self { scale: &[], shift: &[], floor: T::from_f64(f64::NEG_INFINITY) }
    }

    /// A bias for each column, or nothing.
    pub fn shifted(shift: &'a [T]) -> Self {
        Self { shift, ..Self::none() }
    }

    /// That of the columns from `first` on.
    pub(crate) fn columns(self, first: usize, count: usize) -> Self {
        let part = |numbers: &'a [T]| if numbers.is_empty() { numbers } else { &numbers[first..first + count] };
        Self { scale: part(self.scale), shift: part(self.shift), floor: self.floor }
    }

    /// Panics where a column has no number.
    #[track_caller]
    pub(crate) fn check(&self, columns: usize) {
        for numbers in [self.scale, self.shift] {
            assert!(numbers.is_empty() || numbers.len() == columns, "a scale and a shift for each column, or none");
        }
    }

    /// That of the part of a longer sum: the shift goes with the first part, the floor with the last.
    pub(super) fn of_part(self, is_first: bool, is_last: bool) -> Self {
        Self {
            shift: if is_first { self.shift } else { &[] },
            floor: if is_last { self.floor } else { Self::none().floor },
            ..self
        }
    }

    pub(crate) fn ending(&self) -> tile::Ending<T> {
        let each = |numbers: &[T]| if numbers.is_empty() { None } else { Some(numbers.as_ptr()) };
        tile::Ending { scale: each(self.scale), shift: each(self.shift), floor: self.floor }
    }
}
