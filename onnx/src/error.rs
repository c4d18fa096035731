//! The errors of reading a file.

use std::fmt;
use std::path::PathBuf;

use netwright_abi::FileKind;

/// The reason why a file is no ONNX model, or no supported one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no protobuf message: they are truncated or of another kind.
    Malformed {
        /// The part that was being read: `a node`.
        what: &'static str,
        /// The problem.
        problem: &'static str,
    },
    /// The file is of another known kind.
    OtherFile {
        /// The kind.
        found: FileKind,
    },
    /// The message contains no graph: it is of another kind, or a file with weights only.
    NoGraph,
    /// The description of the graph would need more memory than the size of the file and more than
    /// [`MOST_MEMORY`](crate::MOST_MEMORY), or a single list more than the size of the file plus 8 KiB.
    TooManyParts {
        /// The limit in bytes.
        most: usize,
    },
    /// A tensor's sizes do not match its data.
    Tensor {
        /// Its name.
        tensor: String,
        /// The problem.
        problem: String,
    },
    /// An external file of weights cannot be read, or is not allowed.
    External {
        /// The tensor in this file.
        tensor: String,
        /// The name of the file in the model.
        location: PathBuf,
        /// The problem.
        problem: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { what, problem } => write!(f, "{what} cannot be read: {problem}"),
            Self::OtherFile { found } => write!(f, "it is {found}, where an ONNX model was expected"),
            Self::NoGraph => f.write_str("it holds no graph: an ONNX model was expected"),
            Self::TooManyParts { most } => {
                let (most, unit) = if *most < 1 << 20 { (most >> 10, "KiB") } else { (most >> 20, "MiB") };
                write!(
                    f,
                    "its nodes and names would take more than {most} {unit} of memory, the most for a file of its size"
                )
            }
            Self::Tensor { tensor, problem } => write!(f, "the tensor `{tensor}` {problem}"),
            Self::External { tensor, location, problem } => {
                write!(f, "the tensor `{tensor}` lies in `{}`, {problem}", location.display())
            }
        }
    }
}

impl std::error::Error for Error {}
