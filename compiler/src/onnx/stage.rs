//! Stages of printed networks.

/// A stage: words, with branches after the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    /// The words before the branches; all words if there are none.
    pub(super) head: String,
    pub(super) branches: Vec<Vec<Stage>>,
    /// The words after the branches.
    pub(super) tail: String,
}

impl Stage {
    pub(super) fn words(head: impl Into<String>) -> Self {
        Self { head: head.into(), branches: Vec::new(), tail: String::new() }
    }

    /// The text on one line.
    pub(super) fn text(&self) -> String {
        let mut text = self.head.clone();
        for branch in &self.branches {
            let stages: Vec<String> = branch.iter().map(Self::text).collect();
            text += &if stages.is_empty() { " { }".to_owned() } else { format!(" {{ {} }}", stages.join("; ")) };
        }
        text + &self.tail
    }
}
