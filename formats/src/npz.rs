//! `.npz`: a zip archive of NumPy's arrays.

use std::borrow::Cow;
use std::path::Path;

use netwright_runtime::Error;
use netwright_runtime::foreign::{TensorFile, TensorInfo};
use netwright_runtime::storage::Contents;

use crate::archive::{Archive, Entry};
use crate::npy::{Header, LONGEST, START};
use crate::{format, shortened};

/// What `numpy.savez("weights.npz", **{name: array})` writes, and `numpy.savez_compressed`. The tensors have the names of the arrays.
#[derive(Debug)]
pub struct NpzFile {
    archive: Archive,
    /// Of each of its files, in their order.
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

    /// Reads the headers of the bytes of a file, which `origin` names in errors.
    ///
    /// # Errors
    /// [`Error::Format`] for what is no zip archive, or holds what is no array of numbers.
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        Self::of(Archive::new(Contents::of(bytes, origin))?)
    }

    pub(crate) fn of(archive: Archive) -> Result<Self, Error> {
        let mut budget = archive.budget();
        let wrong = |found: String| format(archive.origin(), "arrays of numbers", found);
        // A header while it is read.
        budget.spend(2 << 10).map_err(wrong)?;
        let mut tensors = Vec::new();
        tensors.reserve_exact(archive.entries().len());
        for (file, entry) in archive.entries() {
            let Header { dtype, place, .. } = header(&archive, file, entry)?;
            let name = array_name(file).unwrap_or_default();
            let spent = size_of::<TensorInfo>() + name.len() + size_of_val(&place.shape[..]);
            budget.spend(spent).map_err(wrong)?;
            let (name, mut shape) = (name.to_owned(), place.shape);
            shape.shrink_to_fit();
            tensors.push(TensorInfo { name, dtype, shape });
        }
        Ok(Self { archive, tensors })
    }
}

/// The header of an array, which is as long as it says.
fn header(archive: &Archive, file: &str, entry: &Entry) -> Result<Header, Error> {
    let wrong =
        |found: String| format(archive.origin(), &format!("an array of numbers in `{}`", shortened(file)), found);
    array_name(file).ok_or_else(|| wrong(kind_of_archive(archive).to_owned()))?;
    let start = archive.beginning(entry, START)?;
    let len = Header::len(&start).map_err(wrong)?.min(LONGEST);
    let header = Header::parse(&archive.beginning(entry, len)?).map_err(wrong)?;
    let elements = header.place.len().and_then(|len| len.checked_mul(header.size));
    let len = elements.and_then(|elements| elements.checked_add(header.data));
    if len.map(|len| len as u64) != Some(entry.len) {
        return Err(wrong(format!("{} bytes for sizes {:?}", entry.len, header.place.shape)));
    }
    Ok(header)
}

/// What an archive is that holds other files than arrays.
fn kind_of_archive(archive: &Archive) -> &'static str {
    let has = |ending: &str| archive.entries().any(|(name, _)| name.ends_with(ending));
    match () {
        () if has("data.pkl") => "what `torch.save` wrote, which `PyTorchFile` reads",
        () if has("model.weights.h5") => "a Keras model (`.keras`), of which `KerasFile` reads the `model.weights.h5`",
        () => "a file of another kind",
    }
}

/// What an array is called whose file is called so.
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
        if header.place.shape != info.shape || header.dtype != info.dtype {
            return Err(wrong());
        }
        let len = usize::try_from(entry.len).map_err(|_| wrong())?;
        let data = self.archive.within(entry, len, header.data..len)?;
        let mut elements = header.place.gather(data, header.size).ok_or_else(wrong)?;
        if header.is_big_endian {
            elements.to_mut().chunks_exact_mut(header.size).for_each(<[u8]>::reverse);
        }
        Ok(elements)
    }
}
