//! Division of samples into parts of equal size, with a minimum size for the last part.

use core::ops::Range;

/// Returns the number of parts of `len` samples, each of `size`. The remainder is a part of its own unless it has fewer than `least` samples:
/// then it is merged into the part before.
pub(super) const fn count(len: usize, size: usize, least: usize) -> usize {
    let (whole, left_over) = (len / size, len % size);
    if whole > 0 && left_over < least { whole } else { len.div_ceil(size) }
}

/// Returns the range of the samples of part `index` of [`count`].
pub(super) const fn part(len: usize, size: usize, least: usize, index: usize) -> Range<usize> {
    let start = index * size;
    let end = if index + 1 == count(len, size, least) { len } else { start + size };
    start..end
}

/// Returns the number of samples of the largest part of [`count`].
pub(super) const fn largest(len: usize, size: usize, least: usize) -> usize {
    let count = count(len, size, least);
    if count == 0 {
        return 0;
    }
    let last = part(len, size, least, count - 1);
    let last = last.end - last.start;
    if count > 1 && size > last { size } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(len: usize, size: usize, least: usize) -> Vec<usize> {
        let parts = (0..count(len, size, least)).map(|index| part(len, size, least, index));
        parts.clone().reduce(|one, next| {
            assert_eq!(one.end, next.start);
            next
        });
        parts.map(|part| part.len()).collect()
    }

    #[test]
    fn a_remainder_is_a_part_of_its_own_if_it_is_large_enough() {
        assert_eq!(lengths(7, 3, 1), [3, 3, 1]);
        assert_eq!(lengths(7, 3, 2), [3, 4]);
        assert_eq!(lengths(8, 3, 2), [3, 3, 2]);
        assert_eq!(lengths(6, 3, 2), [3, 3]);
        assert_eq!(lengths(1, 3, 2), [1], "there is no part before");
        assert_eq!(lengths(3, 1, 2), [1, 1, 1]);
        assert_eq!((lengths(0, 3, 2).len(), largest(0, 3, 2)), (0, 0));
        for (len, size, least) in [(7, 3, 1), (7, 3, 2), (8, 3, 2), (1, 3, 2), (3, 1, 2), (4, 3, 2)] {
            assert_eq!(Some(&largest(len, size, least)), lengths(len, size, least).iter().max());
        }
    }
}
