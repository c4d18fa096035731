//! What a file of weights is, whatever its format.

use std::borrow::Cow;

use crate::error::Error;
use crate::storage::safetensors::Dtype;

/// What the header of a file says of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name in the file.
    pub name: String,
    /// Its element type.
    pub dtype: Dtype,
    /// Its sizes, slowest first.
    pub shape: Vec<usize>,
}

/// A file whose headers have been read: it knows its tensors before it reads one, so that nothing is allocated for what does not fit.
pub trait TensorFile {
    /// Its name in errors.
    fn origin(&self) -> &str;

    /// Its tensors, each name once.
    fn tensors(&self) -> Vec<TensorInfo>;

    /// The elements of one of them, by its place in [`Self::tensors`]: row by row, little end first, exactly as many bytes as its shape and
    /// dtype say.
    ///
    /// # Errors
    /// What reading and unpacking gives.
    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error>;
}
