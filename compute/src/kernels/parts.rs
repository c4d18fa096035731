//! Partial sums. Every sum that may have more than [`PART`] terms is computed here, except those of matrix products, whose tiles have
//! partial sums of as many terms; where there would be many partial sums, they are added with compensation.
//!
//! A partial sum is computed in the network's own precision, and partial sums are added in `f64`. So the mean of a million elements 0.1 is
//! 0.1, while a single `f32` accumulator is off by a hundredth. A sum of at most [`PART`] terms is one partial sum; longer sums have
//! partial sums of [`SHORT`] terms, which round less.

use core::ops::{Add, Sub};

use crate::gemm::DEPTH;
use crate::scalar::Scalar;

/// The maximum number of terms of one accumulator.
pub(crate) const PART: usize = DEPTH;

/// The terms of a partial sum, in sums of more than [`PART`] terms.
const SHORT: usize = 32;

/// `N` sums of the same length. Where `LONG` is false there are at most [`PART`] terms, and only the partial sum is used.
pub(crate) struct Sums<T, const N: usize, const LONG: bool> {
    /// The current partial sums, to which the caller adds terms.
    pub(crate) part: [T; N],
    parts: [f64; N],
    terms: usize,
}

impl<T: Scalar, const N: usize, const LONG: bool> Sums<T, N, LONG> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self { part: [T::ZERO; N], parts: [0.0; N], terms: 0 }
    }

    /// Returns how many of the next `wanted` terms the caller adds to the current partial sum, and counts them.
    #[inline(always)]
    pub(crate) fn take(&mut self, wanted: usize) -> usize {
        if !LONG {
            return wanted;
        }
        if self.terms == SHORT {
            self.parts = self.with_part();
            (self.part, self.terms) = ([T::ZERO; N], 0);
        }
        let taken = wanted.min(SHORT - self.terms);
        self.terms += taken;
        taken
    }

    #[inline(always)]
    fn with_part(&self) -> [f64; N] {
        let mut parts = self.parts;
        parts.iter_mut().zip(&self.part).for_each(|(sum, part)| *sum += part.to_f64());
        parts
    }

    /// Returns the sums.
    #[inline(always)]
    pub(crate) fn total(&self) -> [T; N] {
        if LONG { self.with_part().map(T::from_f64) } else { self.part }
    }
}

/// Returns Σ term(i) for i < `len`, in order.
#[inline(always)]
pub(crate) fn sum<T: Scalar>(len: usize, mut term: impl FnMut(usize) -> T) -> T {
    let mut part = |range: core::ops::Range<usize>| range.fold(T::ZERO, |sum, index| sum + term(index));
    if len <= PART {
        return part(0..len);
    }
    let parts = (0..len).step_by(SHORT).map(|first| part(first..len.min(first + SHORT)).to_f64());
    T::from_f64(parts.sum())
}

/// Adds a partial sum to each compensated sum, whose value is `sum + lost`: see [`compensated`].
pub(crate) fn add_compensated<T: Scalar>(sums: &mut [T], lost: &mut [T], parts: &[T]) {
    for ((sum, lost), &part) in sums.iter_mut().zip(lost).zip(parts) {
        [*sum, *lost] = compensated([*sum, *lost], part);
    }
}

/// Adds a partial sum to a compensated sum, whose value is `sum + lost`, as in Dekker, 1971. It has twice the digits, so that any number of
/// additions rounds no more than one.
#[inline(always)]
pub(crate) fn compensated<V: Copy + Add<Output = V> + Sub<Output = V>>([sum, lost]: [V; 2], part: V) -> [V; 2] {
    // Knuth's sum of two, exact whichever is larger.
    let first = sum + part;
    let added = first - sum;
    let rest = lost + ((sum - (first - added)) + (part - added));
    let total = first + rest;
    [total, rest - (total - first)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: usize = 1_000_000;

    fn close(found: f32, expected: f64) -> bool {
        (f64::from(found) - expected).abs() <= 4.0 * f64::from(f32::EPSILON) * expected
    }

    #[test]
    fn a_million_tenths_are_a_hundred_thousand() {
        let expected = MANY as f64 * f64::from(0.1_f32);
        let mut sums = Sums::<f32, 2, true>::new();
        let mut left = MANY;
        while left > 0 {
            let taken = sums.take(left.min(1000));
            (0..taken).for_each(|_| sums.part.iter_mut().for_each(|sum| *sum += 0.1));
            left -= taken;
        }
        assert!(sums.total().iter().all(|&sum| close(sum, expected)));
        assert!(close(sum(MANY, |_| 0.1_f32), expected));
    }

    #[test]
    fn compensated_sums_keep_the_rounding_errors() {
        let (mut sum, mut lost) = ([0.0_f32, 1e4], [0.0; 2]);
        for _ in 0..MANY {
            add_compensated(&mut sum, &mut lost, &[0.1, 0.1]);
        }
        let expected = MANY as f64 * f64::from(0.1_f32);
        assert!(close(sum[0] + lost[0], expected), "{}", sum[0] + lost[0]);
        assert!(close(sum[1] + lost[1], 1e4 + expected), "{}", sum[1] + lost[1]);
    }

    #[test]
    fn a_short_sum_is_the_plain_one() {
        let terms: Vec<f32> = (0..PART).map(|index| (index as f32).sin()).collect();
        let plain = terms.iter().fold(0.0, |sum, term| sum + term);
        assert_eq!(sum(PART, |index| terms[index]), plain);
    }
}
