//! Values by name.

use crate::order::sorted_places;

/// Values sorted by their names, which are unique. Values that are read are sorted once. A `BTreeMap` for each type of value took a quarter of
/// this crate's compile time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ByName<V>(Vec<(String, V)>);

impl<V> Default for ByName<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> ByName<V> {
    /// Sorts the values. For a name that occurs several times, the last value is kept.
    pub(super) fn last_of_each(values: Vec<(String, V)>) -> Self {
        let order = sorted_places(values.len(), &|one, other| values[one].0.cmp(&values[other].0));
        let mut values: Vec<Option<(String, V)>> = values.into_iter().map(Some).collect();
        let mut sorted: Vec<(String, V)> = Vec::with_capacity(values.len());
        for index in order {
            let Some((name, value)) = values[index].take() else { continue };
            match sorted.last_mut() {
                Some((last, kept)) if *last == name => *kept = value,
                _ => sorted.push((name, value)),
            }
        }
        Self(sorted)
    }

    /// Returns the index of a name, or the index where it would be inserted.
    pub(super) fn position(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(each, _)| each.as_str().cmp(name))
    }

    /// Returns a name, as it is stored, and its value.
    pub(super) fn pair(&self, name: &str) -> Option<(&str, &V)> {
        self.position(name).ok().map(|index| (self.0[index].0.as_str(), &self.0[index].1))
    }

    pub(super) fn get(&self, name: &str) -> Option<&V> {
        self.pair(name).map(|(_, value)| value)
    }

    /// Inserts a value, or replaces the one of the same name. Fast where names come in sorted order.
    pub(super) fn insert(&mut self, name: String, value: V) {
        match self.position(&name) {
            Ok(index) => self.0[index].1 = value,
            Err(index) => self.0.insert(index, (name, value)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_the_last_value_of_each_is_kept() {
        let pairs = [("b", 1), ("a", 2), ("b", 3), ("c", 4), ("b", 5)].map(|(name, value)| (name.to_owned(), value));
        let read = ByName::last_of_each(pairs.to_vec());
        assert!(read.iter().eq([("a", &2), ("b", &5), ("c", &4)]));
        assert_eq!([read.get("b"), read.get("bb")], [Some(&5), None]);
        let mut inserted = ByName::default();
        pairs.into_iter().for_each(|(name, value)| inserted.insert(name, value));
        assert_eq!(inserted, read);
        assert_eq!([read.position("a"), read.position("bb")], [Ok(0), Err(2)]);
    }
}
