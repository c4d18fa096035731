//! The search for the name that a misspelt word means.

use core::mem::swap;

/// The longest word that is compared.
const LONGEST: usize = 64;

/// Returns the name that is nearest to `word`, if one is near: if at most one letter in four, and one more, is omitted, added, changed or
/// exchanged with its neighbour.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let distances = names.into_iter().filter_map(|name| Some((distance(word, name)?, name)));
    let near =
        distances.filter(|(distance, name)| *distance <= 1 + name.len().min(word.len()) / 4 && *distance < name.len());
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// Returns the name that `word` means: the nearest name, else the only one that it abbreviates, as `bn1` abbreviates `batchnorm1`.
pub fn meant<'n>(word: &str, names: &[&'n str]) -> Option<&'n str> {
    let mut longer = names.iter().copied().filter(|name| shortens(word, name));
    let only = longer.next().filter(|_| longer.next().is_none());
    nearest(word, names.iter().copied()).or(only)
}

/// Whether `word` consists of letters of `name` in their order, at least two and including the first, followed by the same number.
fn shortens(word: &str, name: &str) -> bool {
    let letters = |text: &str| text.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
    let ((word, number), (name, other)) = (word.split_at(letters(word)), name.split_at(letters(name)));
    let mut rest = name.chars();
    let is_first = word.chars().next() == name.chars().next();
    number == other && word.len() >= 2 && is_first && word.chars().all(|letter| rest.any(|other| other == letter))
}

/// Returns how many letters must be omitted, added, changed or exchanged with their neighbours to turn `word` into `name` (Damerau, 1964,
/// "A technique for computer detection and correction of spelling errors"), each letter once; `None` where `name` is longer than any word.
fn distance(word: &str, name: &str) -> Option<usize> {
    let length = name.chars().count();
    if length > LONGEST {
        return None;
    }
    let mut rows = [[0; LONGEST + 1]; 3];
    let [before, last, next] = &mut rows;
    for (column, distance) in last.iter_mut().enumerate() {
        *distance = column;
    }
    let mut previous = None;
    for (row, letter) in word.chars().enumerate() {
        next[0] = row + 1;
        let mut left = None;
        for (column, other) in name.chars().enumerate() {
            let changed = last[column] + usize::from(letter != other);
            next[column + 1] = changed.min(last[column + 1] + 1).min(next[column] + 1);
            if previous == Some(other) && left == Some(letter) {
                next[column + 1] = next[column + 1].min(before[column - 1] + 1);
            }
            left = Some(other);
        }
        previous = Some(letter);
        swap(before, last);
        swap(last, next);
    }
    Some(last[length])
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, distance, meant, nearest};

    #[test]
    fn letters_are_left_out_added_changed_and_exchanged() {
        for (word, name, expected) in [
            ("conv", "conv", 0),
            ("cnov", "conv", 1),
            ("covn", "conv", 1),
            ("con", "conv", 1),
            ("convv", "conv", 1),
            ("cinv", "conv", 1),
            ("", "conv", 4),
            ("conv", "", 4),
            ("ab", "ba", 1),
            ("sitting", "kitten", 3),
            ("weiß", "weis", 1),
        ] {
            assert_eq!(distance(word, name), Some(expected), "{word} {name}");
        }
    }

    #[test]
    fn the_nearest_of_several_is_found_and_none_where_all_are_far() {
        let names = ["conv", "deconv", "dense", "dwconv"];
        assert_eq!(nearest("cnov", names), Some("conv"));
        assert_eq!(nearest("densse", names), Some("dense"));
        assert_eq!(nearest("softmax", names), None);
        assert_eq!(nearest("x", ["y"]), None);
    }

    #[test]
    fn a_shortened_name_is_found_where_it_is_the_only_one() {
        let names = ["conv1", "batchnorm1", "batchnorm2", "dense1"];
        assert_eq!(meant("bn2", &names), Some("batchnorm2"));
        assert_eq!(meant("bn3", &names), None);
        assert_eq!(meant("b1", &names), None);
        assert_eq!(meant("nb1", &names), None);
        assert_eq!(meant("dn1", &["dense1", "down1"]), None);
        // A near name comes before an abbreviated one.
        assert_eq!(meant("conv", &["convolution", "con"]), Some("con"));
    }

    #[test]
    fn long_words_are_compared_up_to_a_length() {
        let name = "a very long name of a layer that nobody writes by hand, and more than sixty-four letters of it";
        assert_eq!(nearest(name, [name]), None);
        assert_eq!(nearest(&name[..LONGEST - 1], [&name[..LONGEST]]), Some(&name[..LONGEST]));
    }
}
