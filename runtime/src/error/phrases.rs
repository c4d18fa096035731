//! Phrases that the messages of several errors share.

use std::path::Path;

use super::WeightDifference;

/// Formats the name of a column after its number.
pub(super) fn named(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" (`{name}`)"))
}

/// Formats indices as a list.
pub(super) fn listed(indices: &[usize]) -> String {
    indices.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn last_good(checkpoint: Option<&Path>) -> String {
    checkpoint.map_or(String::new(), |path| format!("; the last good checkpoint is {}", path.display()))
}

/// Formats a count with its noun: `1 number`, `3 numbers`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

pub(super) fn class_range(classes: usize) -> String {
    match classes {
        0 => "there are no classes".to_owned(),
        1 => "the only class is 0".to_owned(),
        _ => format!("the classes are 0 to {}", classes - 1),
    }
}

pub(super) fn lines(differences: &[WeightDifference]) -> String {
    differences.iter().map(|difference| format!("\n  {difference}")).collect()
}

/// Returns the message of a panic that was caught.
pub fn panic_message(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without words").to_owned()
}
