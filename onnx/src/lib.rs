//! ONNX files: a reader that trusts no input, and a writer. See <https://onnx.ai/onnx/repo-docs/IR.html>.
//!
//! The reader borrows from the bytes of the file. Its other allocations are counted before they are made ([`MOST_MEMORY`]), and a
//! single one is at most as large as the file plus 8 KiB. The reader is not recursive. A decompression bomb or a thousand nested
//! graphs are therefore only an [`Error`].
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

/// The maximum number of bytes for the description of a graph in memory, for files smaller than that: enough for a hundred thousand
/// nodes, however small each is in the file, and harmless for the machine that compiles.
pub const MOST_MEMORY: usize = 1 << 26;
