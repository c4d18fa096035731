//! Elements in memory with strides, and their conversion to row-major order.

use std::borrow::Cow;
use std::ops::Range;

/// The largest number of axes: as many as NumPy and PyTorch allow.
pub(crate) const MAX_AXES: usize = 64;

/// The layout of a tensor: the index of its first element, and the strides along each axis, in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Strided {
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
    pub(crate) first: usize,
}

impl Strided {
    /// Returns a row-major layout that starts at 0.
    #[cfg(feature = "npz")]
    pub(crate) fn rows(shape: Vec<usize>) -> Option<Self> {
        let strides = products(shape.iter().rev())?.into_iter().rev().collect();
        Some(Self { shape, strides, first: 0 })
    }

    /// Returns a column-major layout that starts at 0.
    #[cfg(feature = "npz")]
    pub(crate) fn columns(shape: Vec<usize>) -> Option<Self> {
        let strides = products(shape.iter())?;
        Some(Self { shape, strides, first: 0 })
    }

    /// Returns the number of elements; `None` if it overflows.
    pub(crate) fn len(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |len, &size| len.checked_mul(size))
    }

    /// Returns the number of elements that the memory must have to contain this tensor; `None` if it overflows.
    pub(crate) fn end(&self) -> Option<usize> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let last = self
            .shape
            .iter()
            .zip(&self.strides)
            .try_fold(self.first, |last, (&size, &stride)| last.checked_add((size - 1).checked_mul(stride)?));
        last?.checked_add(1)
    }

    /// Returns the range of bytes from the first to the last element, with elements of `size` bytes. `None` if it overflows.
    pub(crate) fn span(&self, size: usize) -> Option<Range<usize>> {
        let end = self.end()?.checked_mul(size)?;
        Some(if end == 0 { 0..0 } else { self.first * size..end })
    }

    /// Returns the elements of `size` bytes, row by row, from the bytes in their [`Self::span`]; `None` if there are more or fewer bytes.
    pub(crate) fn gather<'m>(&self, span: Cow<'m, [u8]>, size: usize) -> Option<Cow<'m, [u8]>> {
        let len = self.len()?.checked_mul(size)?;
        if span.len() != self.span(size)?.len() {
            return None;
        }
        let rows: Option<Vec<usize>> =
            products(self.shape.iter().rev()).map(|strides| strides.into_iter().rev().collect());
        if len == 0 || Some(&self.strides) == rows.as_ref() {
            return Some(span);
        }
        let mut gathered = Vec::with_capacity(len);
        let mut at = vec![0; self.shape.len()];
        while gathered.len() < len {
            let offset = at.iter().zip(&self.strides).fold(0, |offset, (index, stride)| offset + index * stride);
            gathered.extend_from_slice(&span[offset * size..(offset + 1) * size]);
            for axis in (0..at.len()).rev() {
                at[axis] += 1;
                if at[axis] < self.shape[axis] {
                    break;
                }
                at[axis] = 0;
            }
        }
        Some(gathered.into())
    }
}

/// Returns for each size the product of all sizes before it.
fn products<'s>(sizes: impl Iterator<Item = &'s usize>) -> Option<Vec<usize>> {
    let mut product = 1_usize;
    sizes
        .map(|size| {
            let before = product;
            product = product.checked_mul(*size)?;
            Some(before)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_gathered_by_their_steps() {
        let memory: Vec<u8> = (0..12).collect();
        let gather = |shape: &[usize], strides: &[usize], first| {
            let strided = Strided { shape: shape.to_vec(), strides: strides.to_vec(), first };
            strided.gather(memory.get(strided.span(1)?)?.into(), 1).map(|bytes| bytes.to_vec())
        };
        assert_eq!(gather(&[2, 3], &[3, 1], 2), Some(vec![2, 3, 4, 5, 6, 7]));
        assert_eq!(gather(&[2, 3], &[1, 2], 0), Some(vec![0, 2, 4, 1, 3, 5]));
        assert_eq!(gather(&[3], &[0], 5), Some(vec![5, 5, 5]));
        assert_eq!(gather(&[], &[], 11), Some(vec![11]));
        assert_eq!(gather(&[0, 7], &[7, 1], 0), Some(vec![]));
        assert_eq!(gather(&[2, 3], &[6, 3], 0), None);
        assert_eq!(gather(&[usize::MAX, 2], &[1, 1], 0), None);
        assert_eq!(gather(&[2], &[usize::MAX], 1), None);
    }
}
