//! ONNX files: a reader that trusts nothing, and a writer. See <https://onnx.ai/onnx/repo-docs/IR.html>.
//!
//! The reader borrows from the bytes of the file. What it allocates beside them is counted before it is allocated ([`MOST_MEMORY`]), at once never
//! more than the file and 8 KiB, and it never calls itself, so that neither a bomb nor a thousand nested graphs is more than an [`Error`].
#![forbid(unsafe_code)]

pub mod elements;
mod error;
pub mod external;
mod list;
pub mod model;
pub mod source;
mod structure;
mod wire;
pub mod write;

pub use elements::{DataType, Elements};
pub use error::Error;
pub use list::List;
pub use model::{Attribute, Graph, Model, Node, Tensor, Value};
pub use structure::structure;

/// The bytes that the description of a graph may take in memory, at most, where the file is smaller than that: room for a hundred thousand
/// nodes, whatever little each takes in the file, and no danger to a machine that compiles.
pub const MOST_MEMORY: usize = 1 << 26;
