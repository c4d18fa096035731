//! `.npz`: a zip archive of NumPy's arrays.

use std::borrow::Cow;
use std::path::Path;

use netwright_runtime::Error;
use netwright_runtime::foreign::{TensorFile, TensorInfo};

use crate::archive::Archive;
use crate::format;
use crate::npy::{Header, LONGEST};

/// What `numpy.savez("weights.npz", **{name: array})` writes, and `numpy.savez_compressed`. The tensors have the names of the arrays.
#[derive(Debug)]
pub struct NpzFile {
    archive: Archive,
    arrays: Vec<(String, Header)>,
}

/// What follows the name of an array.
const ENDING: &str = ".npy";

impl NpzFile {
    /// Reads the headers of a file.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Self::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let (bytes, origin) = crate::contents(path.as_ref())?;
        Self::from_bytes(bytes, &origin)
    }

    /// Reads the headers of the bytes of a file, which `origin` names in errors.
    ///
    /// # Errors
    /// [`Error::Format`] for what is no zip archive, or holds what is no array of numbers.
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        Self::of(Archive::new(bytes, origin)?)
    }

    pub(crate) fn of(archive: Archive) -> Result<Self, Error> {
        let mut arrays = Vec::new();
        for (file, entry) in archive.entries() {
            let wrong = |found: String| format(&archive.origin, &format!("an array of numbers in `{file}`"), found);
            let name = file.strip_suffix(ENDING).ok_or_else(|| wrong("a file of another kind".to_owned()))?;
            let header = Header::parse(&archive.beginning(entry, LONGEST + 12)?).map_err(wrong)?;
            let elements = header.place.len().and_then(|len| len.checked_mul(header.size));
            let len = elements.and_then(|elements| elements.checked_add(header.data));
            if len.map(|len| len as u64) != Some(entry.len) {
                let message = format!("{} bytes for sizes {:?}", entry.len, header.place.shape);
                return Err(wrong(message));
            }
            arrays.push((name.to_owned(), header));
        }
        Ok(Self { archive, arrays })
    }
}

impl TensorFile for NpzFile {
    fn origin(&self) -> &str {
        &self.archive.origin
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        let info = |(name, header): &(String, Header)| TensorInfo {
            name: name.clone(),
            dtype: header.dtype,
            shape: header.place.shape.clone(),
        };
        self.arrays.iter().map(info).collect()
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let Some((name, header)) = self.arrays.get(index) else { return Ok(Cow::default()) };
        let file = format!("{name}{ENDING}");
        let wrong = || format(&self.archive.origin, &format!("the array `{name}`"), "a part of it");
        let entry = self.archive.entry(&file).ok_or_else(wrong)?;
        let len = usize::try_from(entry.len).map_err(|_| wrong())?;
        let whole = self.archive.exactly(&file, entry, len)?;
        let mut elements = match whole {
            Cow::Borrowed(whole) => whole.get(header.data..).and_then(|data| header.place.gather(data, header.size)),
            Cow::Owned(whole) => {
                let data = whole.get(header.data..).and_then(|data| header.place.gather(data, header.size));
                data.map(|data| data.into_owned().into())
            }
        }
        .ok_or_else(wrong)?;
        if header.is_big_endian {
            elements.to_mut().chunks_exact_mut(header.size).for_each(<[u8]>::reverse);
        }
        Ok(elements)
    }
}
