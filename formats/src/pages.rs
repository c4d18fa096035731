//! A list that never takes more memory than its elements and one page. A vector takes three times as much while it doubles.

use crate::budget::Budget;

/// A list in pages of a kilobyte. When it shrinks it keeps its pages, to grow again.
#[derive(Debug)]
pub(crate) struct Pages<T> {
    pages: Vec<Box<[T]>>,
    len: usize,
}

/// The memory of a page in the list of pages, while that doubles.
const LISTED: usize = 3 * size_of::<Box<[()]>>();

impl<T: Copy + Default> Pages<T> {
    const PAGE: usize = 1024 / size_of::<T>();

    pub(crate) const fn new() -> Self {
        Self { pages: Vec::new(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns the memory of the pages.
    pub(crate) fn bytes(&self) -> usize {
        self.pages.len() * (Self::PAGE * size_of::<T>() + LISTED)
    }

    pub(crate) fn get(&self, index: usize) -> Option<T> {
        (index < self.len).then(|| self.pages[index / Self::PAGE][index % Self::PAGE])
    }

    /// Replaces a value; does nothing beyond the end.
    pub(crate) fn set(&mut self, index: usize, value: T) {
        if index < self.len {
            self.pages[index / Self::PAGE][index % Self::PAGE] = value;
        }
    }

    /// Appends a value.
    ///
    /// # Errors
    /// If the budget does not allow another page.
    pub(crate) fn push(&mut self, value: T, budget: &mut Budget) -> Result<(), String> {
        if self.len == self.pages.len() * Self::PAGE {
            budget.spend(Self::PAGE * size_of::<T>() + LISTED)?;
            self.pages.push(vec![T::default(); Self::PAGE].into());
        }
        self.len += 1;
        self.set(self.len - 1, value);
        Ok(())
    }

    /// Shortens the list.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_behaves_as_a_vector() {
        let mut budget = Budget::of(1 << 20);
        let (mut pages, mut vector) = (Pages::new(), Vec::new());
        for number in 0_u32..3000 {
            pages.push(number, &mut budget).unwrap();
            vector.push(number);
            if number % 700 == 699 {
                pages.truncate(vector.len() - 600);
                vector.truncate(vector.len() - 600);
            }
            pages.set(number as usize / 2, number);
            if let Some(place) = vector.get_mut(number as usize / 2) {
                *place = number;
            }
        }
        assert_eq!(pages.len(), vector.len());
        assert!((0..pages.len() + 1).all(|index| pages.get(index) == vector.get(index).copied()));
        assert_eq!(pages.bytes(), (1 << 20) - budget.left());
    }

    #[test]
    fn a_list_ends_with_its_budget() {
        let mut budget = Budget::of(3000);
        let mut pages = Pages::new();
        let pushed = (0..3000).take_while(|&number: &u64| pages.push(number, &mut budget).is_ok()).count();
        assert_eq!((pushed, pages.len()), (256, 256));
    }
}
