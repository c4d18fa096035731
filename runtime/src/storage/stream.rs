//! A safetensors file that is read tensor by tensor: its bytes are never in memory as a whole.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::header::{Dtype, Entry, Header};
use super::safetensors::{LONGEST_HEADER, located};
use crate::error::Error;
use crate::scalar::Precision;

/// Bytes that are read at a time: whole elements of any kind.
const AT_ONCE: usize = 1 << 16;

/// A file whose header has been read and checked.
#[derive(Debug)]
pub(crate) struct TensorStream {
    file: File,
    origin: String,
    header: Header,
    data: usize,
}

impl TensorStream {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// [`Error::Io`]; and those of [`Reader::from_bytes`](super::safetensors::Reader::from_bytes).
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let origin = path.display().to_string();
        let opened = (|| {
            let mut file = File::open(path)?;
            let total = file.metadata()?.len();
            let mut start = Vec::new();
            file.by_ref().take(512).read_to_end(&mut start)?;
            let length = start.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
            if length <= LONGEST_HEADER {
                file.by_ref().take((8 + length).saturating_sub(start.len() as u64)).read_to_end(&mut start)?;
            }
            Ok((file, total, start))
        })();
        let (file, total, start) = opened.map_err(Error::io(path, "read"))?;
        let (header, data) = located(&start, total, &origin)?;
        Ok(Self { file, origin, header, data })
    }

    /// The name it has in errors.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// All tensors, in the order of their names: name, element type, shape.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (&str, Dtype, &[usize])> {
        self.header.entries.iter().map(|(name, entry)| (name, entry.dtype, entry.shape.as_slice()))
    }

    /// Reads a tensor of floating-point elements to as many, rounded where they are narrower.
    ///
    /// # Errors
    /// [`Error::Io`], also for a file that has changed since it was opened.
    pub(crate) fn read<T: Precision>(&self, name: &str, elements: &mut [T]) -> Result<(), Error> {
        let Some(Entry { dtype, bytes: [start, end], .. }) = self.header.entries.get(name) else { return Ok(()) };
        let mut file = &self.file;
        let mut read = || {
            file.seek(SeekFrom::Start((self.data + start) as u64))?;
            let (mut left, mut rest) = (end - start, &mut *elements);
            let mut bytes = vec![0; AT_ONCE.min(left)];
            while left > 0 {
                let bytes = &mut bytes[..AT_ONCE.min(left)];
                file.read_exact(bytes)?;
                left -= bytes.len();
                let read = dtype.scalars::<T>(bytes).unwrap_or_default();
                let (here, others) = rest.split_at_mut(read.len().min(rest.len()));
                here.copy_from_slice(&read[..here.len()]);
                rest = others;
            }
            Ok(())
        };
        read().map_err(Error::io(Path::new(&self.origin), "read"))
    }
}
