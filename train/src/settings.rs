//! What decides the numbers of a run, in words.

use core::fmt::Display;

/// Settings in words: the name of each and its value. A checkpoint keeps those of its run, so that a run that goes on from it can tell
/// which of them has changed.
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

/// A setting with two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'s> {
    /// The setting.
    pub name: &'s str,
    /// What it was; `none` where it was not set.
    pub before: &'s str,
    /// What it is; `none` where it is not set.
    pub now: &'s str,
}

impl Settings {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more. Breaks between lines become spaces.
    pub fn with(mut self, name: impl Display, value: impl Display) -> Self {
        self.push(name.to_string(), value.to_string());
        self
    }

    fn push(&mut self, name: String, value: String) {
        let line = |text: String| text.replace(['\n', '\t'], " ");
        self.0.push((line(name), line(value)));
    }

    /// With one more, where it has been set.
    pub fn with_set(self, name: impl Display, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With all of `others` too.
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The first setting whose value is not what it was.
    pub fn change_since<'s>(&'s self, before: &'s Self) -> Option<Change<'s>> {
        let names = self.0.iter().chain(&before.0).map(|(name, _)| name.as_str());
        let mut changes = names.map(|name| Change { name, before: before.value(name), now: self.value(name) });
        changes.find(|change| change.before != change.now)
    }

    fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("none", |(_, value)| value)
    }

    /// A line for each.
    pub(crate) fn to_text(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}\t{value}\n")).collect()
    }

    /// What [`Self::to_text`] gave.
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
