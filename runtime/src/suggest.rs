//! Suggestions for unknown names.

use netwright_abi::meant;
pub use netwright_abi::nearest;

/// The largest number of names that an error lists.
const MAX_LISTED: usize = 12;

/// Lists the names of `known`, which are separated by commas, with a suggestion if one of them is near `word`.
pub fn choices(word: &str, known: &str) -> String {
    let names: Vec<&str> = known.split(", ").filter(|name| !name.is_empty()).collect();
    let listed = match names.get(..MAX_LISTED) {
        _ if names.is_empty() => "none".to_owned(),
        Some(first) if names.len() > MAX_LISTED => format!("{}, … ({} in all)", first.join(", "), names.len()),
        _ => known.to_owned(),
    };
    meant(word, &names).map_or(listed.clone(), |name| format!("{listed}; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::choices;

    #[test]
    fn a_near_name_is_suggested_and_a_distant_one_is_not() {
        assert_eq!(choices("cnov1", "conv1, conv2, dense1"), "conv1, conv2, dense1; did you mean `conv1`?");
        assert_eq!(choices("bn1", "conv1, batchnorm1"), "conv1, batchnorm1; did you mean `batchnorm1`?");
        assert_eq!(choices("head", "conv1, dense1"), "conv1, dense1");
        assert_eq!(choices("conv1", ""), "none");
    }

    #[test]
    fn of_many_names_the_first_are_listed_and_the_nearest_is_found_among_all() {
        let known = (1..=40).map(|layer| format!("dense{layer}")).collect::<Vec<_>>().join(", ");
        let found = choices("dnese37", &known);
        assert!(found.starts_with("dense1, dense2, ") && found.contains("dense12, … (40 in all)"), "{found}");
        assert!(found.ends_with("; did you mean `dense37`?"), "{found}");
    }
}
