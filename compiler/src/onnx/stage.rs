//! Stages of the language, as they are printed.

/// A stage of the language: words, and branches behind the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    /// What stands before the branches: all words, where there are none.
    pub(super) head: String,
    pub(super) branches: Vec<Vec<Stage>>,
    /// What stands behind the branches.
    pub(super) tail: String,
}

impl Stage {
    pub(super) fn words(head: impl Into<String>) -> Self {
        Self { head: head.into(), branches: Vec::new(), tail: String::new() }
    }

    /// On one line.
    pub(super) fn text(&self) -> String {
        let mut text = self.head.clone();
        for branch in &self.branches {
            let stages: Vec<String> = branch.iter().map(Self::text).collect();
            text += &if stages.is_empty() { " { }".to_owned() } else { format!(" {{ {} }}", stages.join("; ")) };
        }
        text + &self.tail
    }
}
