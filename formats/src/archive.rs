//! Zip archives: the location of each file. Decompression is limited to the length that the caller requests, whatever the archive says.

use std::borrow::Cow;
use std::io::{BufReader, ErrorKind, Read as _};
use std::ops::Range;

use flate2::bufread::DeflateDecoder;
use netwright_runtime::Error;
use netwright_runtime::storage::{Contents, kind};

use crate::budget::Budget;
use crate::directory::{self, Directory};
use crate::{format, shortened};

/// An archive with its files.
#[derive(Debug)]
pub(crate) struct Archive {
    pub(crate) contents: Contents,
    /// The files, sorted by name.
    directory: Directory,
}

/// A file in an archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The offset and length of its name in the string of all names.
    pub(crate) name: u32,
    pub(crate) name_len: u16,
    pub(crate) is_packed: bool,
    /// The offset of its header.
    pub(crate) header: u64,
    /// The offset of its bytes, and how many there are.
    pub(crate) start: u64,
    pub(crate) packed: u64,
    /// The length of the decompressed file, according to the directory.
    pub(crate) len: u64,
}

/// The memory that is allowed in addition to the length of a file: the first pages of lists.
const OVERHEAD: usize = 6 << 10;

/// How many bytes of a compressed file are read at a time.
const READ_LEN: usize = 1 << 10;

impl Entry {
    /// Returns the range that its header and its bytes occupy.
    fn extent(&self) -> (u64, u64) {
        (self.header, self.start + self.packed)
    }
}

impl Archive {
    /// Reads the directory of an archive.
    pub(crate) fn new(contents: Contents) -> Result<Self, Error> {
        const EXPECTED: &str = "a zip archive";
        let start = crate::beginning(&contents)?;
        let wrong = |found: String| format(contents.origin(), EXPECTED, found);
        if !start.starts_with(b"PK") {
            return Err(wrong(kind::found(&start, contents.len())));
        }
        drop(start);
        let Directory { names, mut entries } =
            directory::read(&contents).map_err(|error| error.of(&contents, EXPECTED))?;
        let name = |entry: &Entry| directory::name(&names, entry);
        let shown = |entry: &Entry| shortened(name(entry)).into_owned();
        entries.sort_unstable_by_key(Entry::extent);
        if let Some(pair) = entries.windows(2).find(|pair| pair[1].extent().0 < pair[0].extent().1) {
            return Err(wrong(format!("`{}` inside of `{}`", shown(&pair[1]), shown(&pair[0]))));
        }
        entries.sort_unstable_by(|one, other| name(one).cmp(name(other)));
        if let Some(pair) = entries.windows(2).find(|pair| name(&pair[0]) == name(&pair[1])) {
            return Err(wrong(format!("`{}` twice", shown(&pair[0]))));
        }
        Ok(Self { directory: Directory { names, entries }, contents })
    }

    /// Returns its name in errors.
    pub(crate) fn origin(&self) -> &str {
        self.contents.origin()
    }

    /// Returns the budget for data from its files' headers, without the memory of its directory.
    pub(crate) fn budget(&self) -> Budget {
        Budget::of((self.len() + OVERHEAD).saturating_sub(self.directory.bytes()))
    }

    /// Returns the budget for a list of its tensors.
    #[cfg(feature = "pytorch")]
    pub(crate) fn list_budget(&self) -> Budget {
        Budget::of(self.len())
    }

    /// Returns the length of the archive.
    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.contents.len()).unwrap_or(usize::MAX / 2)
    }

    /// Returns the files, sorted by name.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = (&str, &Entry)> {
        self.directory.entries.iter().map(|entry| (self.name(entry), entry))
    }

    /// Returns the file whose name is the concatenation of `name`.
    #[cfg(feature = "pytorch")]
    pub(crate) fn entry(&self, name: &[&str]) -> Option<&Entry> {
        let name = || name.iter().flat_map(|part| part.bytes());
        let entries = &self.directory.entries;
        let found = entries.binary_search_by(|entry| self.name(entry).bytes().cmp(name()));
        found.ok().map(|index| &entries[index])
    }

    /// Returns the name of a file.
    pub(crate) fn name(&self, entry: &Entry) -> &str {
        directory::name(&self.directory.names, entry)
    }

    /// Returns the stored bytes of a file, if they are in memory.
    #[cfg(feature = "pytorch")]
    pub(crate) fn held(&self, entry: &Entry) -> Option<&[u8]> {
        self.contents.held(entry.start, usize::try_from(entry.packed).ok()?)
    }

    /// Returns the first `len` bytes of a file, or all bytes if there are fewer.
    pub(crate) fn beginning(&self, entry: &Entry, len: usize) -> Result<Cow<'_, [u8]>, Error> {
        if !entry.is_packed {
            let len = usize::try_from(entry.packed).unwrap_or(len).min(len);
            return self.contents.bytes(entry.start, len).map_err(|error| self.contents.io(error));
        }
        let wrong = |error: std::io::Error| match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                let expected = format!("`{}` packed by DEFLATE", shortened(self.name(entry)));
                format(self.origin(), &expected, error.to_string())
            }
            _ => self.contents.io(error),
        };
        let mut unpacked = vec![0; len];
        let packed = BufReader::with_capacity(READ_LEN, self.contents.part(entry.start, entry.packed));
        let (mut decoder, mut filled) = (DeflateDecoder::new(packed), 0);
        while filled < len {
            match decoder.read(&mut unpacked[filled..]).map_err(wrong)? {
                0 => break,
                more => filled += more,
            }
        }
        unpacked.truncate(filled);
        Ok(unpacked.into())
    }

    /// Returns a whole file, which must have exactly `len` bytes.
    pub(crate) fn exactly(&self, entry: &Entry, len: usize) -> Result<Cow<'_, [u8]>, Error> {
        let wrong = |found: String| {
            let expected = format!("`{}` of {len} bytes", shortened(self.name(entry)));
            format(self.origin(), &expected, format!("one of {found}"))
        };
        if entry.len != len as u64 {
            return Err(wrong(entry.len.to_string()));
        }
        // One byte more is requested, to detect a longer file.
        let bytes = self.beginning(entry, len.saturating_add(1))?;
        if bytes.len() == len { Ok(bytes) } else { Err(wrong(bytes.len().to_string())) }
    }

    /// Returns a range of a file that has `len` bytes. If it is not compressed, only the range is read.
    pub(crate) fn within(&self, entry: &Entry, len: usize, range: Range<usize>) -> Result<Cow<'_, [u8]>, Error> {
        if !entry.is_packed && entry.len == len as u64 && range.end <= len {
            let read = self.contents.bytes(entry.start + range.start as u64, range.len());
            return read.map_err(|error| self.contents.io(error));
        }
        let mut whole = self.exactly(entry, len)?.into_owned();
        whole.truncate(range.end);
        whole.drain(..range.start.min(whole.len()));
        Ok(whole.into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{Cursor, Read as _, Write as _};

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipArchive, ZipWriter};

    use super::*;

    /// Reads an archive by the crate `zip`: the decompressed bytes of each file by name.
    fn by_the_crate(bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
        let mut files = BTreeMap::new();
        for index in 0..archive.len() {
            let file = archive.by_index(index).ok()?;
            let name = file.name().ok()?.into_owned();
            let mut unpacked = Vec::new();
            file.take(1 << 20).read_to_end(&mut unpacked).ok()?;
            files.insert(name, unpacked);
        }
        Some(files)
    }

    /// Reads the same by the reader in this module.
    fn by_ours(bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
        let archive = Archive::new(Contents::of(bytes.to_vec(), "made up")).ok()?;
        let unpacked = |entry: &Entry| {
            let len = usize::try_from(entry.len).ok().filter(|&len| len < 1 << 20)?;
            Some(archive.exactly(entry, len).ok()?.into_owned())
        };
        archive.entries().map(|(name, entry)| Some((name.to_owned(), unpacked(entry)?))).collect()
    }

    /// Draws a number below `below` by SplitMix64.
    fn random(state: &mut u64, below: u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % below
    }

    /// Creates an archive of a few files, with all options of the crate `zip`.
    fn made(state: &mut u64) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for number in 0..random(state, 6) {
            let method = [CompressionMethod::Stored, CompressionMethod::Deflated][random(state, 2) as usize];
            let options = SimpleFileOptions::default().compression_method(method);
            let options = options.large_file(random(state, 2) == 0).with_alignment(1 << random(state, 7));
            let name = format!("{}{number}/é", "n".repeat(random(state, 40) as usize));
            writer.start_file(name, options).unwrap();
            let (len, kinds) = (random(state, 3000), 1 + random(state, 256));
            let bytes: Vec<u8> = (0..len).map(|_| random(state, kinds) as u8).collect();
            writer.write_all(&bytes).unwrap();
        }
        if random(state, 3) == 0 {
            writer.set_comment("PK\x05\x06 is no end").unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn an_archive_holds_what_the_crate_finds_in_it() {
        let mut state = 1;
        for _ in 0..200 {
            let bytes = made(&mut state);
            let ours = by_ours(&bytes).expect("it is whole");
            assert_eq!(Some(ours), by_the_crate(&bytes));
        }
    }

    /// For a damaged archive, the files that both can read are the same.
    #[test]
    fn a_changed_archive_holds_what_the_crate_finds_in_it_or_is_refused() {
        let mut state = 2;
        let mut read = 0;
        for _ in 0..40 {
            let bytes = made(&mut state);
            // The directory, its end record, and the header of each file.
            for _ in 0..50 {
                let mut damaged = bytes.clone();
                let place = damaged.len() - 1 - random(&mut state, (damaged.len() as u64).min(300)) as usize;
                damaged[place] ^= 1 << random(&mut state, 8);
                if let (Some(ours), Some(theirs)) = (by_ours(&damaged), by_the_crate(&damaged)) {
                    // The crate decodes names in an old code page if a bit says so.
                    if ours.keys().eq(theirs.keys()) {
                        assert_eq!(ours, theirs);
                        read += 1;
                    }
                }
            }
        }
        assert!(read > 100, "{read}");
    }

    #[test]
    fn numbers_of_64_bits_are_read() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("a", SimpleFileOptions::default().compression_method(CompressionMethod::Stored)).unwrap();
        writer.write_all(b"some bytes").unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        let at = bytes.windows(4).position(|mark| mark == b"PK\x01\x02").unwrap();
        let end = bytes.windows(4).position(|mark| mark == b"PK\x05\x06").unwrap();
        // The directory again, with its sizes in the fields of 64 bits, and the records that locate it.
        let mut listed = bytes[at..end].to_vec();
        listed[20..28].fill(0xff);
        listed[30] = 28;
        listed[42..46].fill(0xff);
        listed.extend([1, 0, 24, 0]);
        listed.extend([10_u64, 10, 0].iter().flat_map(|number| number.to_le_bytes()));
        let len = listed.len() as u64;
        let mut whole = [&bytes[..at], &listed].concat();
        let record = whole.len() as u64;
        whole.extend(b"PK\x06\x06");
        whole.extend(44_u64.to_le_bytes());
        whole.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        whole.extend([1, 1, len, at as u64].iter().flat_map(|number: &u64| number.to_le_bytes()));
        whole.extend(b"PK\x06\x07\0\0\0\0");
        whole.extend(record.to_le_bytes());
        whole.extend([1, 0, 0, 0]);
        whole.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
        let files = by_ours(&whole).expect("it is whole");
        assert_eq!(files.into_iter().collect::<Vec<_>>(), [("a".to_owned(), b"some bytes".to_vec())]);
        assert_eq!(by_the_crate(&whole), by_ours(&whole));
        // The record elsewhere, the directory elsewhere, one part of several.
        for (place, value) in [(8, 1), (56 + 8, 1), (48, 0xff), (16, 1)] {
            let mut changed = whole.clone();
            changed[record as usize + place] = value;
            assert!(Archive::new(Contents::of(changed, "changed")).is_err() == (place != 8), "{place}");
        }
    }
}
