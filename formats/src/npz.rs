//! `.npz`: a zip archive of NumPy's arrays.

use std::borrow::Cow;
use std::path::Path;

use netwright_runtime::Error;
use netwright_runtime::foreign::{TensorFile, TensorInfo};

use crate::archive::{Archive, Entry};
use crate::npy::{Header, LONGEST, START};
use crate::{format, shortened};

/// What `numpy.savez("weights.npz", **{name: array})` writes, and `numpy.savez_compressed`. The tensors have the names of the arrays.
#[derive(Debug)]
pub struct NpzFile {
    archive: Archive,
}

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
        let mut list = archive.list_budget();
        for (name, entry) in archive.entries() {
            let shape = header(&archive, name, entry)?.place.shape;
            let spent = list.spend(size_of::<TensorInfo>() + name.len() + size_of_val(&shape[..]));
            spent.map_err(|found| format(&archive.origin, "arrays of numbers", found))?;
        }
        Ok(Self { archive })
    }
}

/// The header of an array, which is as long as it says.
fn header(archive: &Archive, file: &str, entry: &Entry) -> Result<Header, Error> {
    let wrong =
        |found: String| format(&archive.origin, &format!("an array of numbers in `{}`", shortened(file)), found);
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
        &self.archive.origin
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        let info = |(file, entry): (&str, &Entry)| {
            // All of them were read once, when the file was.
            let header = header(&self.archive, file, entry).ok()?;
            Some(TensorInfo { name: array_name(file)?.to_owned(), dtype: header.dtype, shape: header.place.shape })
        };
        self.archive.entries().filter_map(info).collect()
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let Some((name, entry)) = self.archive.entries().nth(index) else { return Ok(Cow::default()) };
        let header = header(&self.archive, name, entry)?;
        let wrong = || format(&self.archive.origin, &format!("the array `{}`", shortened(name)), "a part of it");
        let len = usize::try_from(entry.len).map_err(|_| wrong())?;
        let whole = self.archive.exactly(entry, len)?;
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
