//! Readers of other libraries' files of weights, each a [`TensorFile`] for [`load_foreign`]:
//!
//! | | file | feature |
//! |---|---|---|
//! | [`PyTorchFile`] | `.pt`, `.pth`: written by `torch.save(model.state_dict(), path)` | `pytorch` |
//! | [`NpzFile`] | `.npz`: written by `numpy.savez` and `numpy.savez_compressed` | `npz` |
//! | [`KerasFile`] | `.weights.h5` of Keras 3, `.h5` of Keras 2 and 3 | `hdf5` |
//!
//! Nothing in a file is executed. A file stays on disk: its headers are read, then one tensor after the other, on demand, and
//! nothing is decompressed before its header shows that it is needed. The memory for headers, including all that is needed while they are read, is
//! at most the length of the file and 8 KiB, whatever they say, and 48 KiB if something is compressed; this includes the pickle of a file on disk.
//!
//! [`load_foreign`]: netwright_runtime::foreign::ForeignWeights::load_foreign
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "npz", feature = "pytorch"))]
mod archive;
#[cfg(any(feature = "hdf5", feature = "npz", feature = "pytorch"))]
mod budget;
#[cfg(any(feature = "npz", feature = "pytorch"))]
mod directory;
#[cfg(feature = "hdf5")]
mod hdf5;
#[cfg(feature = "hdf5")]
mod keras;
#[cfg(feature = "npz")]
mod npy;
#[cfg(feature = "npz")]
mod npz;
#[cfg(feature = "pytorch")]
mod pages;
#[cfg(feature = "pytorch")]
mod pickle;
#[cfg(feature = "pytorch")]
mod pytorch;
#[cfg(any(feature = "hdf5", feature = "npz", feature = "pytorch"))]
mod read_error;
#[cfg(feature = "pytorch")]
mod state_dict;
#[cfg(any(feature = "npz", feature = "pytorch"))]
mod strided;

use std::borrow::Cow;
use std::path::Path;

use netwright_runtime::Error;
use netwright_runtime::foreign::{Safetensors, TensorFile};
use netwright_runtime::storage::{Contents, kind};

#[cfg(feature = "hdf5")]
pub use keras::KerasFile;
#[cfg(feature = "npz")]
pub use npz::NpzFile;
#[cfg(feature = "pytorch")]
pub use pytorch::PyTorchFile;

/// Reads the headers of a file in any format that the features of this crate support, or of safetensors.
///
/// # Errors
/// [`Error::Io`]; those of the formats.
pub fn open(path: impl AsRef<Path>) -> Result<Box<dyn TensorFile>, Error> {
    of(Contents::open(path.as_ref())?)
}

/// Reads the headers from the bytes of a file; `origin` is its name in errors.
///
/// # Errors
/// Those of the formats.
pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Box<dyn TensorFile>, Error> {
    of(Contents::of(bytes, origin))
}

fn of(contents: Contents) -> Result<Box<dyn TensorFile>, Error> {
    let start = beginning(&contents)?;
    #[cfg(any(feature = "npz", feature = "pytorch"))]
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        let archive = archive::Archive::new(contents)?;
        #[cfg(feature = "pytorch")]
        if pytorch::is_written_by_torch(&archive) {
            return Ok(Box::new(PyTorchFile::of(archive)?));
        }
        #[cfg(feature = "npz")]
        return Ok(Box::new(NpzFile::of(archive)?));
        #[cfg(not(feature = "npz"))]
        return Ok(Box::new(PyTorchFile::of(archive)?));
    }
    if start.starts_with(b"\x89HDF\r\n\x1a\n") {
        #[cfg(feature = "hdf5")]
        return Ok(Box::new(KerasFile::of(contents)?));
        #[cfg(not(feature = "hdf5"))]
        return Err(format(
            contents.origin(),
            "a file that is read here",
            "an HDF5 file, as Keras writes them: give `netwright-formats` its feature `hdf5`",
        ));
    }
    if start.get(8) != Some(&b'{') {
        return Err(format(contents.origin(), "a file of weights", kind::found(&start, contents.len())));
    }
    Ok(Box::new(Safetensors::of(contents)?))
}

/// Returns enough of the first bytes to recognise the format.
fn beginning(contents: &Contents) -> Result<Vec<u8>, Error> {
    contents.beginning(512).map(Cow::into_owned).map_err(|error| contents.io(error))
}

/// Returns an error for a file in another format than expected.
fn format(origin: &str, expected: &str, found: impl Into<String>) -> Error {
    Error::Format { origin: origin.to_owned(), expected: expected.to_owned(), found: found.into() }
}

/// Shortens a name for error messages: an invalid name may be very long.
#[cfg(any(feature = "hdf5", feature = "npz", feature = "pytorch"))]
fn shortened(name: &str) -> Cow<'_, str> {
    const MAX_LEN: usize = 120;
    if name.len() <= MAX_LEN {
        return name.into();
    }
    let end = (0..=MAX_LEN).rfind(|&end| name.is_char_boundary(end)).unwrap_or(0);
    format!("{}…", &name[..end]).into()
}
