//! A zip archive in memory: where each file lies in it. What is packed is unpacked to the length that is asked for, not to what it says.

use std::borrow::Cow;

use flate2::bufread::DeflateDecoder;
use netwright_runtime::Error;
use netwright_runtime::storage::kind;

use crate::budget::Budget;
use crate::{directory, format, shortened};

/// The files in an archive.
#[derive(Debug)]
pub(crate) struct Archive {
    pub(crate) origin: String,
    bytes: Vec<u8>,
    /// By name.
    entries: Vec<Entry>,
}

/// A file in an archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Where its own header has its name, and how long that is.
    pub(crate) name: usize,
    pub(crate) name_len: u16,
    pub(crate) is_packed: bool,
    /// Where its bytes begin, and how many there are.
    pub(crate) start: usize,
    pub(crate) packed: usize,
    /// How long it says it is.
    pub(crate) len: u64,
}

/// What is allowed beside the length of a file: the first pages of lists.
#[cfg(feature = "pytorch")]
const BESIDE: usize = 6 << 10;

impl Entry {
    /// The length of a header before the name.
    pub(crate) const HEADER: usize = 30;

    /// What its header and its bytes take.
    fn place(&self) -> (usize, usize) {
        (self.name - Self::HEADER, self.start + self.packed)
    }

    fn name<'b>(&self, bytes: &'b [u8]) -> &'b str {
        let name = &bytes[self.name..self.name + usize::from(self.name_len)];
        std::str::from_utf8(name).unwrap_or_default()
    }
}

impl Archive {
    /// Reads where everything lies.
    pub(crate) fn new(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        let wrong = |found: String| format(origin, "a zip archive", found);
        if !bytes.starts_with(b"PK") {
            return Err(wrong(kind::found(&bytes)));
        }
        let mut entries = directory::entries(&bytes).map_err(wrong)?;
        let shown = |entry: &Entry| shortened(entry.name(&bytes)).into_owned();
        entries.sort_unstable_by_key(Entry::place);
        if let Some(pair) = entries.windows(2).find(|pair| pair[1].place().0 < pair[0].place().1) {
            return Err(wrong(format!("`{}` inside of `{}`", shown(&pair[1]), shown(&pair[0]))));
        }
        entries.sort_unstable_by(|one, other| one.name(&bytes).cmp(other.name(&bytes)));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].name(&bytes) == pair[1].name(&bytes)) {
            return Err(wrong(format!("`{}` twice", shown(&pair[0]))));
        }
        Ok(Self { origin: origin.to_owned(), bytes, entries })
    }

    /// What may be kept of what its files say, beside its own list of them.
    #[cfg(feature = "pytorch")]
    pub(crate) fn budget(&self) -> Budget {
        Budget::of((self.bytes.len() + BESIDE).saturating_sub(self.entries.len() * size_of::<Entry>()))
    }

    /// What a list of its tensors may take.
    pub(crate) fn list_budget(&self) -> Budget {
        Budget::of(self.bytes.len())
    }

    /// How long the archive is.
    #[cfg(feature = "pytorch")]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The files, in the order of their names.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|entry| (entry.name(&self.bytes), entry))
    }

    /// The file whose name is these parts, joined.
    #[cfg(feature = "pytorch")]
    pub(crate) fn entry(&self, name: &[&str]) -> Option<&Entry> {
        let name = || name.iter().flat_map(|part| part.bytes());
        let found = self.entries.binary_search_by(|entry| entry.name(&self.bytes).bytes().cmp(name()));
        found.ok().map(|index| &self.entries[index])
    }

    /// What a file is called.
    pub(crate) fn name(&self, entry: &Entry) -> &str {
        entry.name(&self.bytes)
    }

    /// The bytes of a file as they lie there.
    pub(crate) fn stored(&self, entry: &Entry) -> &[u8] {
        &self.bytes[entry.start..entry.start + entry.packed]
    }

    /// The first bytes of a file, so many or all there are.
    pub(crate) fn beginning(&self, entry: &Entry, len: usize) -> Result<Cow<'_, [u8]>, Error> {
        let stored = self.stored(entry);
        if !entry.is_packed {
            return Ok(stored[..len.min(stored.len())].into());
        }
        let wrong = |error: std::io::Error| format(&self.origin, "packed bytes", error.to_string());
        let mut unpacked = vec![0; len];
        let (mut decoder, mut filled) = (DeflateDecoder::new(stored), 0);
        while filled < len {
            match std::io::Read::read(&mut decoder, &mut unpacked[filled..]).map_err(wrong)? {
                0 => break,
                more => filled += more,
            }
        }
        unpacked.truncate(filled);
        Ok(unpacked.into())
    }

    /// A whole file, which has exactly so many bytes.
    pub(crate) fn exactly(&self, entry: &Entry, len: usize) -> Result<Cow<'_, [u8]>, Error> {
        let wrong = |found: String| {
            let expected = format!("`{}` of {len} bytes", shortened(self.name(entry)));
            format(&self.origin, &expected, format!("one of {found}"))
        };
        if entry.len != len as u64 {
            return Err(wrong(entry.len.to_string()));
        }
        // A longer one gives one byte more.
        let bytes = self.beginning(entry, len.saturating_add(1))?;
        if bytes.len() == len { Ok(bytes) } else { Err(wrong(bytes.len().to_string())) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{Cursor, Read as _, Write as _};

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipArchive, ZipWriter};

    use super::*;

    /// What is in an archive by the crate `zip`: of each name, what the file unpacks to.
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

    /// The same by the reader here.
    fn by_ours(bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
        let archive = Archive::new(bytes.to_vec(), "made up").ok()?;
        let unpacked = |entry: &Entry| {
            let len = usize::try_from(entry.len).ok().filter(|&len| len < 1 << 20)?;
            Some(archive.exactly(entry, len).ok()?.into_owned())
        };
        archive.entries().map(|(name, entry)| Some((name.to_owned(), unpacked(entry)?))).collect()
    }

    /// SplitMix64.
    fn random(state: &mut u64, below: u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % below
    }

    /// An archive of a few files, in all the ways that the crate writes them.
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

    /// Of a damaged one what both can read is the same.
    #[test]
    fn a_changed_archive_holds_what_the_crate_finds_in_it_or_is_refused() {
        let mut state = 2;
        let mut read = 0;
        for _ in 0..40 {
            let bytes = made(&mut state);
            // The list of files, its end, and what stands before each file.
            for _ in 0..50 {
                let mut damaged = bytes.clone();
                let place = damaged.len() - 1 - random(&mut state, (damaged.len() as u64).min(300)) as usize;
                damaged[place] ^= 1 << random(&mut state, 8);
                if let (Some(ours), Some(theirs)) = (by_ours(&damaged), by_the_crate(&damaged)) {
                    // They take a name for one of an old code page where a bit says so.
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
        // The list again, with its lengths where those of 64 bits stand, and the records that say where it is.
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
        // The record elsewhere, the list elsewhere, a part of several.
        for (place, value) in [(8, 1), (56 + 8, 1), (48, 0xff), (16, 1)] {
            let mut changed = whole.clone();
            changed[record as usize + place] = value;
            assert!(Archive::new(changed, "changed").is_err() == (place != 8), "{place}");
        }
    }
}
