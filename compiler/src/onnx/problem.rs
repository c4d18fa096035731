//! The errors of the import.

use std::fmt;

use crate::builder::BuildError;

/// The reason why a model cannot be imported, with a suggestion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The node, and the shapes of its inputs; empty for an error of the whole model.
    pub node: String,
    /// The error message.
    pub message: String,
    /// A suggestion.
    pub help: Option<String>,
    /// The index of the node, as a measure of progress.
    pub(super) node_index: usize,
}

impl Problem {
    /// An error without a suggestion.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { node: String::new(), message: message.into(), help: None, node_index: 0 }
    }

    /// Adds a suggestion.
    #[must_use]
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl From<BuildError> for Problem {
    fn from(error: BuildError) -> Self {
        let help = match &error {
            BuildError::Shape(error) => error.help.clone(),
            _ => None,
        };
        Self { help, ..Self::new(error.to_string()) }
    }
}

impl From<netwright_onnx::Error> for Problem {
    fn from(error: netwright_onnx::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.node.is_empty() {
            write!(f, "{}: ", self.node)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// The result of an import step.
pub(super) type Answer<T> = Result<T, Problem>;
