//! A list that never moves its elements.

use std::fmt;
use std::ops::Index;

/// The number of elements of a page.
const PAGE: usize = 32;

/// A list of elements in pages: however long it becomes, each allocation is a single page.
#[derive(Clone)]
pub struct List<T> {
    /// All pages except the last are full.
    pages: Vec<Vec<T>>,
}

impl<T> List<T> {
    pub(crate) fn push(&mut self, one: T) {
        match self.pages.last_mut() {
            Some(page) if page.len() < PAGE => page.push(one),
            _ => {
                let mut page = Vec::with_capacity(PAGE);
                page.push(one);
                self.pages.push(page);
            }
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.pages.last().map_or(0, |last| (self.pages.len() - 1) * PAGE + last.len())
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The element at `index`; `None` after the last.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.pages.get(index / PAGE)?.get(index % PAGE)
    }

    /// All elements in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        (0..self.len()).map(|index| &self[index])
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { pages: Vec::new() }
    }
}

impl<T> Index<usize> for List<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.pages[index / PAGE][index % PAGE]
    }
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{List, PAGE};

    #[test]
    fn a_list_of_any_length_has_what_was_put_in_it() {
        let mut list = List::default();
        for len in 0..3 * PAGE {
            assert_eq!((list.len(), list.is_empty(), list.get(len)), (len, len == 0, None));
            assert!(list.iter().copied().eq(0..len) && list.iter().rev().copied().eq((0..len).rev()));
            list.push(len);
            assert_eq!((list[len], list.get(len)), (len, Some(&len)));
        }
    }
}
