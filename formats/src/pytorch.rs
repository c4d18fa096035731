//! `.pt`: a zip archive with a pickle of the saved object, and a file for the elements of each storage.

use std::borrow::Cow;
use std::path::Path;

use netwright_runtime::Error;
use netwright_runtime::foreign::{TensorFile, TensorInfo};
use netwright_runtime::storage::Contents;

use crate::archive::{Archive, Entry};
use crate::format;
use crate::pickle::Pickle;
use crate::state_dict::{Described, StateDict, Tensors};

/// A file that `torch.save(model.state_dict(), "model.pt")` writes, since PyTorch 1.6. In nested dictionaries, as checkpoints have them
/// (`{"model": model.state_dict(), "epoch": 3}`), keys are joined: `model.conv1.weight`, for
/// [`Map::below`](netwright_runtime::foreign::Map::below). Nothing in the file is executed.
#[derive(Debug)]
pub struct PyTorchFile {
    archive: Archive,
    /// The pickle's entry in the archive, and its bytes if the archive is not in memory.
    entry: Entry,
    pickled: Option<Vec<u8>>,
    pickle: Pickle,
    tensors: Tensors,
}

const EXPECTED: &str = "a `state_dict` that `torch.save` wrote";

/// Returns the pickle of an archive, with its name.
fn pickle_of(archive: &Archive) -> Option<(&str, &Entry)> {
    archive.entries().find(|(name, _)| *name == "data.pkl" || name.ends_with("/data.pkl"))
}

/// Describes an archive without a pickle.
fn no_pickle(archive: &Archive) -> &'static str {
    if archive.entries().any(|(name, _)| name.ends_with(".npy")) {
        return "NumPy's arrays, which `NpzFile` reads";
    }
    "an archive without `data.pkl`"
}

/// Returns whether an archive was written by PyTorch.
pub(crate) fn is_written_by_torch(archive: &Archive) -> bool {
    pickle_of(archive).is_some()
}

impl PyTorchFile {
    /// Reads the descriptions of the tensors in a file.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Self::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::in_contents(Contents::open(path.as_ref())?)
    }

    /// Reads the descriptions of the tensors from the bytes of a file; `origin` is its name in errors.
    ///
    /// # Errors
    /// [`Error::Format`] for a file that is not such an archive, or whose pickle is invalid, is not a dictionary of tensors, or describes tensors
    /// outside of their storages.
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        Self::in_contents(Contents::of(bytes, origin))
    }

    fn in_contents(contents: Contents) -> Result<Self, Error> {
        if matches!(crate::beginning(&contents)?[..], [0x80, 2..=5, ..]) {
            let found = "a pickle without an archive, as PyTorch wrote before 1.6: `torch.save(torch.load(path), path)` writes it anew";
            return Err(format(contents.origin(), EXPECTED, found));
        }
        Self::of(Archive::new(contents)?)
    }

    pub(crate) fn of(archive: Archive) -> Result<Self, Error> {
        let wrong = |found: String| format(archive.origin(), EXPECTED, found);
        let (name, entry) = pickle_of(&archive).ok_or_else(|| wrong(no_pickle(&archive).to_owned()))?;
        let root = name.strip_suffix("data.pkl").unwrap_or_default();
        let len = usize::try_from(entry.len).ok().filter(|&len| len <= archive.len());
        let len = len.ok_or_else(|| wrong("a pickle that unpacks to more than the whole file".to_owned()))?;
        let pickled = archive.exactly(entry, len)?;
        if let Some(order) = archive.entry(&[root, "byteorder"])
            && !archive.beginning(order, 8)?.starts_with(b"little")
        {
            return Err(wrong("elements whose first byte is the highest".to_owned()));
        }
        let mut budget = archive.budget();
        if entry.is_packed {
            budget.spend(pickled.len()).map_err(wrong)?;
        }
        let pickle = Pickle::read(&pickled, budget.clone());
        let pickle = pickle.map_err(|reason| wrong(format!("a pickle that makes no sense: {reason}")))?;
        budget.spend(pickle.bytes()).map_err(wrong)?;
        let dict = StateDict { archive: &archive, root, bytes: &pickled, pickle: &pickle };
        let tensors = dict.tensors(budget).map_err(wrong)?;
        let pickled = match pickled {
            Cow::Borrowed(_) => None,
            Cow::Owned(bytes) => Some(bytes),
        };
        let entry = *entry;
        Ok(Self { archive, entry, pickled, pickle, tensors })
    }

    fn dict(&self) -> StateDict<'_> {
        let name = self.archive.name(&self.entry);
        StateDict {
            archive: &self.archive,
            root: name.strip_suffix("data.pkl").unwrap_or_default(),
            bytes: self.pickled.as_deref().or_else(|| self.archive.held(&self.entry)).unwrap_or_default(),
            pickle: &self.pickle,
        }
    }
}

impl TensorFile for PyTorchFile {
    fn origin(&self) -> &str {
        self.archive.origin()
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        let dict = self.dict();
        let info = |index| {
            // Every tensor was already checked when the file was opened.
            let (name, Described { kind, layout, .. }) = dict.tensor(&self.tensors, index).ok()?;
            Some(TensorInfo { name, dtype: kind.dtype, shape: layout.shape })
        };
        (0..self.tensors.len()).filter_map(info).collect()
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let found = (index < self.tensors.len()).then(|| self.dict().tensor(&self.tensors, index));
        let Some(Ok((name, Described { kind, layout, entry, elements }))) = found else { return Ok(Cow::default()) };
        let wrong = || format(self.archive.origin(), &format!("the tensor `{name}`"), "a part of it");
        let span = layout.span(kind.size).ok_or_else(wrong)?;
        let data = layout.gather(self.archive.within(&entry, elements * kind.size, span)?, kind.size);
        data.ok_or_else(wrong)
    }
}
