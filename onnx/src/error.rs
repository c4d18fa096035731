//! Why a file cannot be read.

use std::fmt;
use std::path::PathBuf;

use netwright_abi::FileKind;

/// Why a file is no ONNX model, or one that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no protobuf message: cut short, or of another kind.
    Malformed {
        /// What was being read: `a node`.
        what: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The file is one of another program.
    OtherFile {
        /// What it is.
        found: FileKind,
    },
    /// The message holds no graph: it is something else, or a file of weights alone.
    NoGraph,
    /// The description of the graph would take more memory than the file is large, and more than [`MOST_MEMORY`](crate::MOST_MEMORY); or a list
    /// in it more than the file and 8 KiB.
    TooManyParts {
        /// The bytes that it may take.
        most: usize,
    },
    /// A tensor's sizes and its data do not go together.
    Tensor {
        /// Its name.
        tensor: String,
        /// What is wrong.
        problem: String,
    },
    /// A file of weights beside the model that cannot be read, or must not be.
    External {
        /// The tensor that lies there.
        tensor: String,
        /// The file, as the model names it.
        location: PathBuf,
        /// What is wrong.
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
