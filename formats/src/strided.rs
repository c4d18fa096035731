//! Elements that lie in memory with steps between them, in the order of their axes.

use std::borrow::Cow;
use std::ops::Range;

/// How many axes a tensor may have: as many as NumPy and PyTorch allow.
pub(crate) const MOST_AXES: usize = 64;

/// Where the elements of a tensor lie: the first, and the steps along each axis, in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Strided {
    pub(crate) shape: Vec<usize>,
    pub(crate) steps: Vec<usize>,
    pub(crate) first: usize,
}

impl Strided {
    /// Row by row, from the start.
    #[cfg(feature = "npz")]
    pub(crate) fn rows(shape: Vec<usize>) -> Option<Self> {
        let steps = products(shape.iter().rev())?.into_iter().rev().collect();
        Some(Self { shape, steps, first: 0 })
    }

    /// Column by column, from the start.
    #[cfg(feature = "npz")]
    pub(crate) fn columns(shape: Vec<usize>) -> Option<Self> {
        let steps = products(shape.iter())?;
        Some(Self { shape, steps, first: 0 })
    }

    /// How many elements there are; `None` where they are more than can be counted.
    pub(crate) fn len(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |len, &size| len.checked_mul(size))
    }

    /// How many elements a memory must have that holds all of these; `None` where that is more than can be counted.
    pub(crate) fn end(&self) -> Option<usize> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let last = self
            .shape
            .iter()
            .zip(&self.steps)
            .try_fold(self.first, |last, (&size, &step)| last.checked_add((size - 1).checked_mul(step)?));
        last?.checked_add(1)
    }

    /// Which bytes of a memory hold these elements of so many bytes each: from the first to the last. `None` where that is more than can be counted.
    pub(crate) fn span(&self, size: usize) -> Option<Range<usize>> {
        let end = self.end()?.checked_mul(size)?;
        Some(if end == 0 { 0..0 } else { self.first * size..end })
    }

    /// The elements of so many bytes each, row by row, of the bytes in their [`Self::span`]; `None` where they are not all there.
    pub(crate) fn gather<'m>(&self, span: Cow<'m, [u8]>, size: usize) -> Option<Cow<'m, [u8]>> {
        let len = self.len()?.checked_mul(size)?;
        if span.len() != self.span(size)?.len() {
            return None;
        }
        let rows: Option<Vec<usize>> = products(self.shape.iter().rev()).map(|steps| steps.into_iter().rev().collect());
        if len == 0 || Some(&self.steps) == rows.as_ref() {
            return Some(span);
        }
        let mut gathered = Vec::with_capacity(len);
        let mut at = vec![0; self.shape.len()];
        while gathered.len() < len {
            let place = at.iter().zip(&self.steps).fold(0, |place, (index, step)| place + index * step);
            gathered.extend_from_slice(&span[place * size..(place + 1) * size]);
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

/// The product of all sizes before each.
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
        let gather = |shape: &[usize], steps: &[usize], first| {
            let strided = Strided { shape: shape.to_vec(), steps: steps.to_vec(), first };
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
