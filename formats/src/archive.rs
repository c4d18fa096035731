//! A zip archive in memory: where each file lies in it. What is packed is unpacked to the length that is asked for, not to what it says.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use flate2::bufread::DeflateDecoder;
use netwright_runtime::Error;
use zip::{CompressionMethod, ZipArchive};

use crate::format;

/// The files in an archive.
#[derive(Debug)]
pub(crate) struct Archive {
    pub(crate) origin: String,
    bytes: Vec<u8>,
    entries: BTreeMap<String, Entry>,
}

/// A file in an archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    start: usize,
    packed: usize,
    is_packed: bool,
    /// How long it says it is.
    pub(crate) len: u64,
}

const EXPECTED: &str = "a zip archive";

/// Whether the record is there that ends an archive and says where the list of its files is. A comment of at most 65535 bytes may follow.
fn has_directory(bytes: &[u8]) -> bool {
    let last = &bytes[bytes.len().saturating_sub(22 + usize::from(u16::MAX))..];
    last.windows(4).any(|mark| mark == b"PK\x05\x06")
}

impl Archive {
    /// Reads where everything lies.
    pub(crate) fn new(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        let wrong = |found: String| format(origin, EXPECTED, found);
        let mut archive = ZipArchive::new(Cursor::new(&bytes[..])).map_err(|error| match has_directory(&bytes) {
            true => wrong(error.to_string()),
            false => wrong(format!(
                "one that ends early: the list of its files, which stands at the end, is not within its {} bytes",
                bytes.len()
            )),
        })?;
        let mut entries = BTreeMap::new();
        for index in 0..archive.len() {
            let file = archive.by_index_raw(index).map_err(|error| wrong(error.to_string()))?;
            let name = file.name().map_err(|error| wrong(error.to_string()))?.into_owned();
            let is_packed = match file.compression() {
                CompressionMethod::Stored => false,
                CompressionMethod::Deflated => true,
                other => return Err(wrong(format!("`{name}` packed by {other}"))),
            };
            if file.encrypted() {
                return Err(wrong(format!("`{name}` encrypted")));
            }
            let place = file.data_start().zip(Some(file.compressed_size()));
            let place = place.and_then(|(start, len)| Some((usize::try_from(start).ok()?, usize::try_from(len).ok()?)));
            let inside = |(start, len): &(usize, usize)| start.checked_add(*len).is_some_and(|end| end <= bytes.len());
            let Some((start, packed)) = place.filter(inside) else {
                return Err(wrong(format!("`{name}` outside of the file")));
            };
            let len = file.size();
            if !is_packed && len != packed as u64 {
                return Err(wrong(format!("`{name}` of {len} bytes in {packed}")));
            }
            entries.insert(name, Entry { start, packed, is_packed, len });
        }
        let mut places: Vec<(usize, usize, &str)> =
            entries.iter().map(|(name, entry)| (entry.start, entry.start + entry.packed, name.as_str())).collect();
        places.sort_unstable();
        if let Some(pair) = places.windows(2).find(|pair| pair[1].0 < pair[0].1) {
            return Err(wrong(format!("`{}` inside of `{}`", pair[1].2, pair[0].2)));
        }
        Ok(Self { origin: origin.to_owned(), bytes, entries })
    }

    /// How long the archive is.
    #[cfg(feature = "pytorch")]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The files by name.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// The file called `name`.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// The first bytes of a file, so many or all there are.
    pub(crate) fn beginning(&self, entry: &Entry, len: usize) -> Result<Cow<'_, [u8]>, Error> {
        let stored = &self.bytes[entry.start..entry.start + entry.packed];
        if !entry.is_packed {
            return Ok(stored[..len.min(stored.len())].into());
        }
        let mut unpacked = Vec::new();
        DeflateDecoder::new(stored)
            .take(len as u64)
            .read_to_end(&mut unpacked)
            .map_err(|error| format(&self.origin, "packed bytes", error.to_string()))?;
        Ok(unpacked.into())
    }

    /// A whole file, which has exactly so many bytes.
    pub(crate) fn exactly(&self, name: &str, entry: &Entry, len: usize) -> Result<Cow<'_, [u8]>, Error> {
        let wrong = |found: u64| format(&self.origin, &format!("`{name}` of {len} bytes"), format!("one of {found}"));
        if entry.len != len as u64 {
            return Err(wrong(entry.len));
        }
        // A longer one gives one byte more.
        let bytes = self.beginning(entry, len.saturating_add(1))?;
        if bytes.len() == len { Ok(bytes) } else { Err(wrong(bytes.len() as u64)) }
    }
}
