//! Checks that the names of metrics are distinct wherever a run records them.

use super::history::EpochRecord;
use crate::error::Error;

/// The names of a run's own records, besides those of an epoch's record.
const OWN: [&str; 2] = ["training", "validation"];

/// Refuses a name that could be confused with one of `others`, or with one of the run's own values: in a table, in a message, or as a file
/// name, where case and punctuation may not count.
pub(crate) fn check(name: &str, mut others: &mut dyn Iterator<Item = &'static str>) -> Result<(), Error> {
    let refused = |problem: String| Err(Error::MetricName { name: name.to_owned(), problem });
    let key = key(name);
    if key.is_empty() || name.chars().any(char::is_control) {
        return refused("has no letter or digit, or is more than a line".to_owned());
    }
    let same = |known: &&str| self::key(known) == key;
    if let Some(own) = EpochRecord::NAMES.into_iter().chain(OWN).find(same) {
        return refused(format!("could be taken for `{own}`, which every run notes itself"));
    }
    match Iterator::find(&mut others, same) {
        Some(other) => refused(format!("could be taken for the metric `{other}`, which is there already")),
        None => Ok(()),
    }
}

/// Returns the name without case and punctuation.
fn key(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names_that_could_be_taken_for_each_other_are_refused() {
        let problem = |name: &str| check(name, &mut ["F1", "top-3"].into_iter()).err().map(|error| error.to_string());
        for name in ["F2", "top-5", "IoU", "recall of 7", "Überdeckung", "F11"] {
            assert_eq!(problem(name), None, "{name}");
        }
        for (name, other) in [("F1", "F1"), ("f1", "F1"), ("Top 3", "top-3"), ("top/3", "top-3")] {
            let expected =
                format!("the metric `{name}` could be taken for the metric `{other}`, which is there already");
            assert_eq!(problem(name), Some(expected));
        }
        let own = ["epoch", "step", "rate", "Loss", "accuracy", "validation loss", "Validation_Accuracy", "seconds"];
        for name in own.into_iter().chain(["validation", "loss!"]) {
            let problem = problem(name).unwrap();
            assert!(problem.ends_with(", which every run notes itself"), "{problem}");
        }
        for name in ["", "—", "a\nb", "a\u{7}"] {
            assert!(problem(name).unwrap().contains("no letter or digit, or is more than a line"));
        }
    }
}
