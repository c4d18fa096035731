//! Why a model cannot be had.

use std::fmt;

use crate::builder::BuildError;

/// Why a model cannot be had, with what could be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The node, and the shapes of what it reads; empty where it is the whole model.
    pub node: String,
    /// What is wrong.
    pub message: String,
    /// What could be done.
    pub help: Option<String>,
    /// How far the model was read: the node's number.
    pub(super) place: usize,
}

impl Problem {
    /// What is wrong.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { node: String::new(), message: message.into(), help: None, place: 0 }
    }

    /// What could be done.
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

/// What came of a node, or why it cannot be had.
pub(super) type Answer<T> = Result<T, Problem>;
