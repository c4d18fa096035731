//! The settings of a run as text.

use core::fmt::Display;

/// Named settings as text. A checkpoint stores those of its run, so that a run that resumes from it can report which of them have
/// changed.
///
/// ```
/// use netwright_train::settings::Settings;
///
/// let saved = Settings::new().with("the learning rate", 0.1).with("the momentum", 0.9);
/// let now = Settings::new().with("the learning rate", 0.01).with("the momentum", 0.9);
/// let change = now.change_since(&saved).unwrap();
/// assert_eq!((change.name, change.before, change.now), ("the learning rate", "0.1", "0.01"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(Vec<(String, String)>);

/// A setting whose value has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'s> {
    /// The setting.
    pub name: &'s str,
    /// The old value; `none` if it was not set.
    pub before: &'s str,
    /// The new value; `none` if it is not set.
    pub now: &'s str,
}

impl Settings {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a setting. Line breaks and tabs become spaces.
    pub fn with(mut self, name: impl Display, value: impl Display) -> Self {
        self.push(name.to_string(), value.to_string());
        self
    }

    fn push(&mut self, name: String, value: String) {
        let line = |text: String| text.replace(['\n', '\t'], " ");
        self.0.push((line(name), line(value)));
    }

    /// Adds a setting if it has a value.
    pub fn with_set(self, name: impl Display, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds all settings of `others`.
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Returns the first setting whose value differs from that in `before`.
    pub fn change_since<'s>(&'s self, before: &'s Self) -> Option<Change<'s>> {
        let names = self.0.iter().chain(&before.0).map(|(name, _)| name.as_str());
        let mut changes = names.map(|name| Change { name, before: before.value(name), now: self.value(name) });
        changes.find(|change| change.before != change.now)
    }

    fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("none", |(_, value)| value)
    }

    /// Formats a line for each setting.
    pub(crate) fn to_text(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}\t{value}\n")).collect()
    }

    /// Parses the output of [`Self::to_text`].
    pub(crate) fn from_text(text: &str) -> Self {
        let settings = text.lines().filter_map(|line| line.split_once('\t'));
        Self(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_value_that_differs_or_is_there_only_once() {
        let before = Settings::new().with("a", 1).with("b", "two\nlines");
        assert_eq!(before.change_since(&before), None);
        assert_eq!(before.change_since(&Settings::from_text(&before.to_text())), None);
        let change = |now: Settings| now.change_since(&before).map(|change| format!("{change:?}"));
        let expected = |name, before, now| Some(format!("{:?}", Change { name, before, now }));
        assert_eq!(change(Settings::new().with("a", 1)), expected("b", "two lines", "none"));
        assert_eq!(change(before.clone().with("c", 3)), expected("c", "none", "3"));
    }
}
