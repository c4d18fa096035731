//! `.npz`: a zip archive of NumPy arrays.

use std::borrow::Cow;
use std::path::Path;

use netwright_runtime::Error;
use netwright_runtime::foreign::{TensorFile, TensorInfo};
use netwright_runtime::storage::Contents;

use crate::archive::{Archive, Entry};
use crate::npy::{Header, MAX_LEN, START};
use crate::{format, shortened};

/// A file that `numpy.savez("weights.npz", **{name: array})` or `numpy.savez_compressed` writes. The tensors have the names of the arrays.
#[derive(Debug)]
pub struct NpzFile {
    archive: Archive,
    /// The tensor in each of its files, in order.
    tensors: Vec<TensorInfo>,
}

impl NpzFile {
    /// Reads the headers of a file.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Self::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::of(Archive::new(Contents::open(path.as_ref())?)?)
    }

    /// Reads the headers from the bytes of a file; `origin` is its name in errors.
    ///
    /// # Errors
    /// [`Error::Format`] for a file that is not a zip archive, or contains something else than arrays of numbers.
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        Self::of(Archive::new(Contents::of(bytes, origin))?)
    }

    pub(crate) fn of(archive: Archive) -> Result<Self, Error> {
        let mut budget = archive.budget();
        let wrong = |found: String| format(archive.origin(), "arrays of numbers", found);
        // The memory for a header while it is parsed.
        budget.spend(2 << 10).map_err(wrong)?;
        let mut tensors = Vec::new();
        tensors.reserve_exact(archive.entries().len());
        for (file, entry) in archive.entries() {
            let Header { dtype, layout, .. } = header(&archive, file, entry)?;
            let name = array_name(file).unwrap_or_default();
            let spent = size_of::<TensorInfo>() + name.len() + size_of_val(&layout.shape[..]);
            budget.spend(spent).map_err(wrong)?;
            let (name, mut shape) = (name.to_owned(), layout.shape);
            shape.shrink_to_fit();
            tensors.push(TensorInfo { name, dtype, shape });
        }
        Ok(Self { archive, tensors })
    }
}

/// Reads the header of an array, and checks that the file has the length that follows from it.
fn header(archive: &Archive, file: &str, entry: &Entry) -> Result<Header, Error> {
    let wrong =
        |found: String| format(archive.origin(), &format!("an array of numbers in `{}`", shortened(file)), found);
    array_name(file).ok_or_else(|| wrong(kind_of_archive(archive).to_owned()))?;
    let start = archive.beginning(entry, START)?;
    let len = Header::len(&start).map_err(wrong)?.min(MAX_LEN);
    let header = Header::parse(&archive.beginning(entry, len)?).map_err(wrong)?;
    let elements = header.layout.len().and_then(|len| len.checked_mul(header.size));
    let len = elements.and_then(|elements| elements.checked_add(header.data));
    if len.map(|len| len as u64) != Some(entry.len) {
        return Err(wrong(format!("{} bytes for sizes {:?}", entry.len, header.layout.shape)));
    }
    Ok(header)
}

/// Describes an archive that contains other files than arrays.
fn kind_of_archive(archive: &Archive) -> &'static str {
    let has = |ending: &str| archive.entries().any(|(name, _)| name.ends_with(ending));
    match () {
        () if has("data.pkl") => "what `torch.save` wrote, which `PyTorchFile` reads",
        () if has("model.weights.h5") => "a Keras model (`.keras`), of which `KerasFile` reads the `model.weights.h5`",
        () => "a file of another kind",
    }
}

/// Returns the name of the array in a file of the archive.
fn array_name(file: &str) -> Option<&str> {
    file.strip_suffix(".npy")
}

impl TensorFile for NpzFile {
    fn origin(&self) -> &str {
        self.archive.origin()
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        self.tensors.clone()
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let listed = self.archive.entries().zip(&self.tensors).nth(index);
        let Some(((name, entry), info)) = listed else { return Ok(Cow::default()) };
        let header = header(&self.archive, name, entry)?;
        let wrong = || format(self.archive.origin(), &format!("the array `{}`", shortened(name)), "a part of it");
        if header.layout.shape != info.shape || header.dtype != info.dtype {
            return Err(wrong());
        }
        let len = usize::try_from(entry.len).map_err(|_| wrong())?;
        let data = self.archive.within(entry, len, header.data..len)?;
        let mut elements = header.layout.gather(data, header.size).ok_or_else(wrong)?;
        if header.is_big_endian {
            elements.to_mut().chunks_exact_mut(header.size).for_each(<[u8]>::reverse);
        }
        Ok(elements)
    }
}
