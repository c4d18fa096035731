//! A safetensors file that is read tensor by tensor: its bytes are never in memory as a whole.

use std::borrow::Cow;
use std::path::Path;

use super::contents::Contents;
use super::header::{Dtype, Entry, Header};
use super::safetensors::{LONGEST_HEADER, located};
use crate::error::Error;
use crate::foreign::{TensorFile, TensorInfo};
use crate::scalar::Precision;

/// Bytes that are read at a time: whole elements of any kind.
const AT_ONCE: usize = 1 << 16;

/// A safetensors file whose header has been read and checked: its tensors lie within it, do not overlap, and are as long as their shapes say. A
/// tensor is read when it is asked for.
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

    /// Reads the header of the bytes of a file, which `origin` names in errors.
    ///
    /// # Errors
    /// Those of [`Self::of`].
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        Self::of(Contents::of(bytes, origin))
    }

    /// Reads the header of a file.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::TrailingBytes`], [`Error::Format`] for a header that does not make sense.
    pub fn of(contents: Contents) -> Result<Self, Error> {
        let read = |len| contents.beginning(len).map_err(|error| contents.io(error));
        let mut start = read(512)?;
        let length = start.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
        if length <= LONGEST_HEADER && 8 + length > start.len() as u64 {
            start = read(8 + length as usize)?;
        }
        let (header, data) = located(&start, contents.len(), contents.origin())?;
        drop(start);
        Ok(Self { contents, header, data: data as u64 })
    }

    /// The name it has in errors.
    pub fn origin(&self) -> &str {
        self.contents.origin()
    }

    /// All tensors, in the order of their names: name, element type, shape.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, Dtype, &[usize])> {
        self.header.entries.iter().map(|(name, entry)| (name, entry.dtype, entry.shape.as_slice()))
    }

    /// The floating-point elements of a tensor, rounded where `T` is narrower; `None` where there is none of this name, or it has others.
    ///
    /// # Errors
    /// [`Error::Io`], also for a file that has changed since it was opened.
    pub fn scalars<T: Precision>(&self, name: &str) -> Result<Option<Vec<T>>, Error> {
        let Some(entry) = self.header.entries.get(name) else { return Ok(None) };
        Ok(entry.dtype.scalars(&self.elements(entry)?))
    }

    /// Reads a tensor of floating-point elements to as many, rounded where they are narrower.
    ///
    /// # Errors
    /// [`Error::Io`], also for a file that has changed since it was opened.
    pub(crate) fn read_to<T: Precision>(&self, name: &str, elements: &mut [T]) -> Result<(), Error> {
        let Some(Entry { dtype, bytes: [start, end], .. }) = self.header.entries.get(name) else { return Ok(()) };
        let (mut at, mut left, mut rest) = (self.data + *start as u64, end - start, elements);
        let mut bytes = vec![0; AT_ONCE.min(left)];
        while left > 0 {
            let bytes = &mut bytes[..AT_ONCE.min(left)];
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
