//! One sort for all types: a generic sort is compiled for each type, and took a tenth of this crate's compile time.

use std::cmp::Ordering;

/// Sorts indices by a comparison of the items they refer to; equal items keep their order.
pub fn sort_places(places: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|&one, &other| compare(one, other));
}

/// Returns the indices below `len`, sorted by such a comparison.
pub fn sorted_places(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..len).collect();
    sort_places(&mut places, compare);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_sorted_by_their_items_and_equal_items_keep_their_order() {
        let things = ["pear", "fig", "apple", "fig", "fig"];
        assert_eq!(sorted_places(5, &|a, b| things[a].cmp(things[b])), [2, 1, 3, 4, 0]);
        let mut some = [4, 0, 1];
        sort_places(&mut some, &|a, b| things[a].cmp(things[b]));
        assert_eq!(some, [4, 1, 0]);
    }
}
