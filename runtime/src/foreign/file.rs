//! The interface to files of weights, whatever their format.

use std::borrow::Cow;

use crate::error::Error;
use crate::storage::safetensors::Dtype;

/// The header's entry for a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name in the file.
    pub name: String,
    /// Its element type.
    pub dtype: Dtype,
    /// Its shape, slowest axis first.
    pub shape: Vec<usize>,
}

/// A file whose headers have been read: it lists its tensors before it reads their elements, so that nothing is allocated for tensors that do not
/// fit.
pub trait TensorFile {
    /// Returns the name of the file in errors.
    fn origin(&self) -> &str;

    /// Returns its tensors; names are unique.
    fn tensors(&self) -> Vec<TensorInfo>;

    /// Returns the elements of the tensor at `index` in [`Self::tensors`]: row by row, little-endian, exactly as many bytes as its shape and
    /// dtype say.
    ///
    /// # Errors
    /// Errors of reading and decompressing.
    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error>;
}
