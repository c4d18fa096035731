//! Bytes of files, compressed by gzip or not, with limits on how many are read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::Error;

/// The magic number of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A source of bytes, and its name in errors.
pub(super) struct Source {
    pub(super) origin: String,
    reader: Box<dyn Read>,
    compressed: bool,
}

impl Source {
    /// Opens a file. Its first bytes, not its name, decide whether it is compressed.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io(path, "open"))?;
        Self::from_reader(Box::new(file), &path.display().to_string())
    }

    /// Wraps a reader in a box, so that reading and decompression are not compiled for each type of reader.
    pub(super) fn from_reader(mut reader: Box<dyn Read>, origin: &str) -> Result<Self, Error> {
        let mut start = Vec::new();
        reader.by_ref().take(2).read_to_end(&mut start).map_err(Error::io(Path::new(origin), "read"))?;
        let compressed = start == GZIP;
        let mut reader: Box<dyn Read> = Box::new(std::io::Cursor::new(start).chain(reader));
        if compressed {
            reader = Box::new(flate2::read::MultiGzDecoder::new(reader));
        }
        Ok(Self { origin: origin.to_owned(), reader, compressed })
    }

    /// Converts an error after `read` bytes: into a damaged gzip file, or into an error of the operating system.
    fn failed(&self, error: std::io::Error, read: u64) -> Error {
        use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        if self.compressed && matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof) {
            let expected = "a whole gzip file".to_owned();
            let found = format!("one that is damaged or cut off after {read} bytes of its contents ({error})");
            return Error::Format { origin: self.origin.clone(), expected, found };
        }
        Error::io(Path::new(&self.origin), "read")(error)
    }

    /// Reads up to `limit` bytes. Memory is allocated as bytes arrive, not as a header promises them.
    pub(super) fn bytes(&mut self, limit: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        match self.reader.by_ref().take(limit).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(self.failed(error, bytes.len() as u64)),
        }
    }

    /// Reads exactly `count` of the `promised` bytes, of which `before` have been read.
    pub(super) fn exactly(&mut self, count: u64, before: u64, promised: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        match self.reader.by_ref().take(count).read_to_end(&mut bytes) {
            // A truncated gzip file ends in `UnexpectedEof`, which is reported below.
            Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                return Err(self.failed(error, before + bytes.len() as u64));
            }
            _ => {}
        }
        let found = bytes.len() as u64;
        if found < count {
            return Err(Error::Truncated { origin: self.origin.clone(), expected: promised, found: before + found });
        }
        Ok(bytes)
    }

    /// Returns an error unless all bytes have been read.
    pub(super) fn end(&mut self, expected: u64) -> Result<(), Error> {
        let more = self.bytes(1)?;
        if more.is_empty() { Ok(()) } else { Err(Error::TrailingBytes { origin: self.origin.clone(), expected }) }
    }
}
