//! The bytes of a file, in memory or on disk.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::Error;

/// Bytes that are read in parts: a file on disk is never in memory as a whole.
#[derive(Debug)]
pub struct Contents {
    origin: String,
    len: u64,
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Memory(Vec<u8>),
    File(Mutex<Window>),
}

/// A file with a window of the bytes that were read last, since headers read bytes that are close together.
#[derive(Debug)]
struct Window {
    file: File,
    start: u64,
    bytes: Vec<u8>,
}

/// The minimum number of bytes that are read from a file at a time.
const WINDOW: usize = 2048;

impl Contents {
    /// Opens a file, whose bytes stay on disk.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (len, file) = opened.map_err(Error::io(path, "read"))?;
        let window = Window { file, start: 0, bytes: Vec::new() };
        Ok(Self { origin: path.display().to_string(), len, storage: Storage::File(Mutex::new(window)) })
    }

    /// Wraps bytes in memory; `origin` is their name in errors.
    pub fn of(bytes: Vec<u8>, origin: &str) -> Self {
        Self { origin: origin.to_owned(), len: bytes.len() as u64, storage: Storage::Memory(bytes) }
    }

    /// Returns the name in errors.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns whether `len` bytes exist from offset `at` on.
    pub fn has(&self, at: u64, len: u64) -> bool {
        at.checked_add(len).is_some_and(|end| end <= self.len)
    }

    /// Converts an error of reading it into [`Error::Io`].
    pub fn io(&self, error: io::Error) -> Error {
        Error::io(Path::new(&self.origin), "read")(error)
    }

    /// Fills `bytes` with those from offset `at` on.
    ///
    /// # Errors
    /// The error of the operating system; [`io::ErrorKind::UnexpectedEof`] for bytes beyond the end.
    pub fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if !self.has(at, bytes.len() as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &self.storage {
            Storage::Memory(memory) => {
                bytes.copy_from_slice(&memory[at as usize..][..bytes.len()]);
                Ok(())
            }
            // A window is only replaced as a whole, so it is valid even if a thread has panicked while it held the lock.
            Storage::File(window) => window.lock().unwrap_or_else(PoisonError::into_inner).read(at, bytes, self.len),
        }
    }

    /// Returns `len` bytes from offset `at` on. Nothing is allocated if they do not all exist.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn bytes(&self, at: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        if !self.has(at, len as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(held) = self.held(at, len) {
            return Ok(held.into());
        }
        let mut bytes = vec![0; len];
        self.read(at, &mut bytes)?;
        Ok(bytes.into())
    }

    /// Returns `len` bytes from offset `at` on, if they are in memory.
    pub fn held(&self, at: u64, len: usize) -> Option<&[u8]> {
        match &self.storage {
            Storage::Memory(memory) => memory.get(usize::try_from(at).ok()?..)?.get(..len),
            Storage::File(_) => None,
        }
    }

    /// Returns the first `len` bytes, or all bytes if there are fewer.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn beginning(&self, len: usize) -> io::Result<Cow<'_, [u8]>> {
        self.bytes(0, usize::try_from(self.len).unwrap_or(len).min(len))
    }

    /// Returns a reader of `len` bytes from offset `at` on.
    pub fn part(&self, at: u64, len: u64) -> Section<'_> {
        Section { contents: self, at, left: len }
    }
}

impl Window {
    fn read(&mut self, at: u64, bytes: &mut [u8], total: u64) -> io::Result<()> {
        if bytes.len() >= WINDOW {
            self.file.seek(SeekFrom::Start(at))?;
            return self.file.read_exact(bytes);
        }
        let offset = at.checked_sub(self.start).and_then(|offset| usize::try_from(offset).ok());
        let mut offset = offset.unwrap_or(usize::MAX);
        if offset.checked_add(bytes.len()).is_none_or(|end| end > self.bytes.len()) {
            let mut read = std::mem::take(&mut self.bytes);
            read.resize((total - at).min(WINDOW as u64) as usize, 0);
            self.file.seek(SeekFrom::Start(at))?;
            self.file.read_exact(&mut read)?;
            (self.start, self.bytes, offset) = (at, read, 0);
        }
        bytes.copy_from_slice(&self.bytes[offset..][..bytes.len()]);
        Ok(())
    }
}

/// A reader of a range of a [`Contents`].
#[derive(Debug)]
pub struct Section<'c> {
    contents: &'c Contents,
    at: u64,
    left: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let len = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.contents.read(self.at, &mut bytes[..len])?;
        (self.at, self.left) = (self.at + len as u64, self.left - len as u64);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    #[test]
    fn a_file_has_the_bytes_that_it_has_in_memory() {
        let folder = TestFolder::new("contents");
        let bytes: Vec<u8> = (0..3 * WINDOW as u32).map(|place| (place * place % 251) as u8).collect();
        let file = Contents::open(&folder.file("bytes", &bytes)).unwrap();
        let memory = Contents::of(bytes.clone(), "bytes");
        let mut state = 1_u64;
        for _ in 0..2000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (at, len) = ((state >> 33) % (bytes.len() as u64 + 9), (state >> 20) as usize % (WINDOW + 99));
            let found = [&file, &memory].map(|contents| contents.bytes(at, len).ok().map(Cow::into_owned));
            let expected = bytes.get(at as usize..).and_then(|rest| rest.get(..len));
            assert!(found.iter().all(|found| found.as_deref() == expected), "{len} at {at}");
            if expected.is_some() {
                let mut read = Vec::new();
                file.part(at, len as u64).read_to_end(&mut read).unwrap();
                assert_eq!(Some(&read[..]), expected);
            }
        }
        assert_eq!([file.len(), memory.len()], [bytes.len() as u64; 2]);
        assert!(!file.has(u64::MAX, 1) && file.bytes(u64::MAX, 1).is_err() && file.bytes(0, usize::MAX).is_err());
    }

    #[test]
    fn a_file_that_was_shortened_meanwhile_is_an_error() {
        let folder = TestFolder::new("shortened");
        let path = folder.file("bytes", &[7; 100]);
        let contents = Contents::open(&path).unwrap();
        std::fs::write(&path, [7; 10]).unwrap();
        assert!(contents.bytes(50, 20).is_err());
        assert_eq!(contents.bytes(0, 5).ok(), None, "what is read at once ends beyond it");
    }
}
