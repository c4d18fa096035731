//! What a file of weights is, whatever its format.

use std::borrow::Cow;

use crate::error::Error;
use crate::storage::safetensors::{Dtype, Reader};

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

impl TensorFile for Reader {
    fn origin(&self) -> &str {
        self.origin()
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        let info = |view: crate::storage::safetensors::View<'_>| TensorInfo {
            name: view.name.to_owned(),
            dtype: view.dtype,
            shape: view.shape.to_vec(),
        };
        self.tensors().map(info).collect()
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        Ok(self.tensors().nth(index).map(|view| view.bytes().into()).unwrap_or_default())
    }
}
