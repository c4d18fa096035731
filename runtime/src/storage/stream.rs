//! A safetensors file that is read tensor by tensor: it is never in memory as a whole.

use std::borrow::Cow;
use std::path::Path;

use super::contents::Contents;
use super::header::{Dtype, Entry, Header};
use super::safetensors::{MAX_HEADER_LEN, located};
use crate::error::Error;
use crate::foreign::{TensorFile, TensorInfo};
use crate::scalar::Precision;

/// The number of bytes that are read at a time: whole elements of any type.
const CHUNK_BYTES: usize = 1 << 16;

/// A safetensors file whose header has been read and checked: its tensors are inside it, do not overlap, and are as long as their shapes say. The
/// elements of a tensor are read on demand.
#[derive(Debug)]
pub struct Safetensors {
    contents: Contents,
    header: Header,
    data: u64,
}

impl Safetensors {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Self::of`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::of(Contents::open(path.as_ref())?)
    }

    /// Reads the header from the bytes of a file; `origin` is its name in errors.
    ///
    /// # Errors
    /// Those of [`Self::of`].
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        Self::of(Contents::of(bytes, origin))
    }

    /// Reads the header of a file in memory or on disk.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::TrailingBytes`], [`Error::Format`] for an invalid header.
    pub fn of(contents: Contents) -> Result<Self, Error> {
        let read = |len| contents.beginning(len).map_err(|error| contents.io(error));
        let mut start = read(512)?;
        let length = start.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
        if length <= MAX_HEADER_LEN && 8 + length > start.len() as u64 {
            start = read(8 + length as usize)?;
        }
        let (header, data) = located(&start, contents.len(), contents.origin())?;
        drop(start);
        Ok(Self { contents, header, data: data as u64 })
    }

    /// Returns its name in errors.
    pub fn origin(&self) -> &str {
        self.contents.origin()
    }

    /// Returns one of netwright's texts: see [`Writer::metadata`](super::safetensors::Writer::metadata).
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        self.header.own_text(key)
    }

    /// Returns all tensors, sorted by name: name, element type, shape.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, Dtype, &[usize])> {
        self.header.entries.iter().map(|(name, entry)| (name, entry.dtype, entry.shape.as_slice()))
    }

    /// Reads the floating-point elements of a tensor, rounded where `T` is narrower; `None` for an unknown name or another element type.
    ///
    /// # Errors
    /// [`Error::Io`], also for a file that has changed since it was opened.
    pub fn scalars<T: Precision>(&self, name: &str) -> Result<Option<Vec<T>>, Error> {
        let Some(entry) = self.header.entries.get(name) else { return Ok(None) };
        Ok(entry.dtype.scalars(&self.elements(entry)?))
    }

    /// Reads a tensor of floating-point elements to `elements`, which has the same length, rounded where `T` is narrower.
    ///
    /// # Errors
    /// [`Error::Io`], also for a file that has changed since it was opened.
    pub(crate) fn read_to<T: Precision>(&self, name: &str, elements: &mut [T]) -> Result<(), Error> {
        let Some(Entry { dtype, bytes: [start, end], .. }) = self.header.entries.get(name) else { return Ok(()) };
        let (mut at, mut left, mut rest) = (self.data + *start as u64, end - start, elements);
        let mut bytes = vec![0; CHUNK_BYTES.min(left)];
        while left > 0 {
            let bytes = &mut bytes[..CHUNK_BYTES.min(left)];
            self.contents.read(at, bytes).map_err(|error| self.contents.io(error))?;
            (at, left) = (at + bytes.len() as u64, left - bytes.len());
            let read = dtype.scalars::<T>(bytes).unwrap_or_default();
            let (here, others) = rest.split_at_mut(read.len().min(rest.len()));
            here.copy_from_slice(&read[..here.len()]);
            rest = others;
        }
        Ok(())
    }

    fn elements(&self, entry: &Entry) -> Result<Cow<'_, [u8]>, Error> {
        let [start, end] = entry.bytes;
        self.contents.bytes(self.data + start as u64, end - start).map_err(|error| self.contents.io(error))
    }
}

impl TensorFile for Safetensors {
    fn origin(&self) -> &str {
        self.contents.origin()
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        let info = |(name, dtype, shape): (&str, Dtype, &[usize])| TensorInfo {
            name: name.to_owned(),
            dtype,
            shape: shape.to_vec(),
        };
        self.entries().map(info).collect()
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        self.header.entries.iter().nth(index).map_or_else(|| Ok(Cow::default()), |(_, entry)| self.elements(entry))
    }
}
