//! The bytes of a file, in memory or where they lie.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::Error;

/// Bytes that are read part by part: those of a file are never in memory as a whole.
#[derive(Debug)]
pub struct Contents {
    origin: String,
    len: u64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Memory(Vec<u8>),
    File(Mutex<Window>),
}

/// A file, and what was read of it last: what headers say lies close together.
#[derive(Debug)]
struct Window {
    file: File,
    start: u64,
    bytes: Vec<u8>,
}

/// How many bytes of a file are read at least.
const WINDOW: usize = 2048;

impl Contents {
    /// A file that stays where it is.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (len, file) = opened.map_err(Error::io(path, "read"))?;
        let window = Window { file, start: 0, bytes: Vec::new() };
        Ok(Self { origin: path.display().to_string(), len, place: Place::File(Mutex::new(window)) })
    }

    /// Bytes that are in memory; `origin` names them in errors.
    pub fn of(bytes: Vec<u8>, origin: &str) -> Self {
        Self { origin: origin.to_owned(), len: bytes.len() as u64, place: Place::Memory(bytes) }
    }

    /// Its name in errors.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether so many bytes are there.
    pub fn has(&self, at: u64, len: u64) -> bool {
        at.checked_add(len).is_some_and(|end| end <= self.len)
    }

    /// [`Error::Io`] for what was wrong with reading it.
    pub fn io(&self, error: io::Error) -> Error {
        Error::io(Path::new(&self.origin), "read")(error)
    }

    /// Fills `bytes` with those from `at` on.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::UnexpectedEof`] for bytes that are not there.
    pub fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if !self.has(at, bytes.len() as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &self.place {
            Place::Memory(memory) => {
                bytes.copy_from_slice(&memory[at as usize..][..bytes.len()]);
                Ok(())
            }
            // A window is replaced as a whole, so that one whose thread has panicked is as good as another.
            Place::File(window) => window.lock().unwrap_or_else(PoisonError::into_inner).read(at, bytes, self.len),
        }
    }

    /// So many bytes from `at` on; nothing is allocated for more than there are.
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

    /// So many bytes from `at` on, where they are in memory already.
    pub fn held(&self, at: u64, len: usize) -> Option<&[u8]> {
        match &self.place {
            Place::Memory(memory) => memory.get(usize::try_from(at).ok()?..)?.get(..len),
            Place::File(_) => None,
        }
    }

    /// The first bytes: so many, or all there are.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn beginning(&self, len: usize) -> io::Result<Cow<'_, [u8]>> {
        self.bytes(0, usize::try_from(self.len).unwrap_or(len).min(len))
    }

    /// So many bytes from `at` on, to be read in turn.
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
        let place = at.checked_sub(self.start).and_then(|place| usize::try_from(place).ok());
        let mut place = place.unwrap_or(usize::MAX);
        if place.checked_add(bytes.len()).is_none_or(|end| end > self.bytes.len()) {
            let mut read = std::mem::take(&mut self.bytes);
            read.resize((total - at).min(WINDOW as u64) as usize, 0);
            self.file.seek(SeekFrom::Start(at))?;
            self.file.read_exact(&mut read)?;
            (self.start, self.bytes, place) = (at, read, 0);
        }
        bytes.copy_from_slice(&self.bytes[place..][..bytes.len()]);
        Ok(())
    }
}

/// Bytes of a [`Contents`] that are read one after the other.
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
