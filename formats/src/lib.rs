//! Files in which other libraries keep weights, each a [`TensorFile`] that [`load_foreign`] takes:
//!
//! | | file | feature |
//! |---|---|---|
//! | [`PyTorchFile`] | `.pt`, `.pth`: what `torch.save(model.state_dict(), path)` writes | `pytorch` |
//! | [`NpzFile`] | `.npz`: what `numpy.savez` and `numpy.savez_compressed` write | `npz` |
//! | [`KerasFile`] | `.weights.h5` of Keras 3, `.h5` of Keras 2 and 3 | `hdf5` |
//!
//! Nothing in a file is executed, and nothing is unpacked before its header is known to be wanted: what is read of a file is never
//! longer than the tensors that a network asks for. What is kept of its headers, with all that reading them takes meanwhile, is at most as
//! long as the file and 8 KiB, whatever they say, and 44 KiB where something is packed.
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
#[cfg(feature = "pytorch")]
mod state_dict;
#[cfg(any(feature = "npz", feature = "pytorch"))]
mod strided;

use std::path::Path;

use netwright_runtime::Error;
use netwright_runtime::foreign::{Safetensors, TensorFile};
use netwright_runtime::storage::kind;

#[cfg(feature = "hdf5")]
pub use keras::KerasFile;
#[cfg(feature = "npz")]
pub use npz::NpzFile;
#[cfg(feature = "pytorch")]
pub use pytorch::PyTorchFile;

/// Reads the headers of a file of any format that the features of this crate know, or of safetensors.
///
/// # Errors
/// [`Error::Io`]; those of the formats.
pub fn open(path: impl AsRef<Path>) -> Result<Box<dyn TensorFile>, Error> {
    let (bytes, origin) = contents(path.as_ref())?;
    from_bytes(bytes, &origin)
}

/// The bytes of a file, and what errors call it.
fn contents(path: &Path) -> Result<(Vec<u8>, String), Error> {
    let bytes = std::fs::read(path).map_err(Error::io(path, "read"))?;
    Ok((bytes, path.display().to_string()))
}

/// [`open`] of bytes, which `origin` names in errors.
///
/// # Errors
/// Those of the formats.
pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Box<dyn TensorFile>, Error> {
    #[cfg(any(feature = "npz", feature = "pytorch"))]
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        let archive = archive::Archive::new(bytes, origin)?;
        #[cfg(feature = "pytorch")]
        if pytorch::is_written_by_torch(&archive) {
            return Ok(Box::new(PyTorchFile::of(archive)?));
        }
        #[cfg(feature = "npz")]
        return Ok(Box::new(NpzFile::of(archive)?));
        #[cfg(not(feature = "npz"))]
        return Ok(Box::new(PyTorchFile::of(archive)?));
    }
    if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        #[cfg(feature = "hdf5")]
        return Ok(Box::new(KerasFile::from_bytes(bytes, origin)?));
        #[cfg(not(feature = "hdf5"))]
        return Err(format(
            origin,
            "a file that is read here",
            "an HDF5 file, as Keras writes them: give `netwright-formats` its feature `hdf5`",
        ));
    }
    if bytes.get(8) != Some(&b'{') {
        return Err(format(origin, "a file of weights", kind::found(&bytes)));
    }
    Ok(Box::new(Safetensors::from_bytes(bytes, origin)?))
}

/// That a file is not what it should be.
fn format(origin: &str, expected: &str, found: impl Into<String>) -> Error {
    Error::Format { origin: origin.to_owned(), expected: expected.to_owned(), found: found.into() }
}

/// A name as messages have it: of one that is no name, the beginning.
#[cfg(any(feature = "npz", feature = "pytorch"))]
fn shortened(name: &str) -> std::borrow::Cow<'_, str> {
    const LONGEST: usize = 120;
    if name.len() <= LONGEST {
        return name.into();
    }
    let end = (0..=LONGEST).rfind(|&end| name.is_char_boundary(end)).unwrap_or(0);
    format!("{}…", &name[..end]).into()
}
