//! The directory of a zip archive (PKWARE's APPNOTE 6.3.10), which is at its end and locates each file. Supported are uncompressed files, DEFLATE,
//! and lengths of 64 bits; not supported are encryption and archives in several parts, in which no library writes weights.

use std::borrow::Cow;

use netwright_runtime::storage::Contents;

use crate::archive::Entry;
use crate::read_error::ReadError;
use crate::shortened;

/// The length of the end record, without its comment.
const END: usize = 22;
/// The lengths of the end record in 64 bits, as far as it is needed here, and of its locator, which precedes the end record.
const END_64: usize = 56;
const LOCATOR: usize = 20;
/// The length of a directory entry, before its name.
const LISTED: usize = 46;
/// The value of a 32-bit field whose actual value is in a field of 64 bits.
const IN_64_BITS: u64 = u32::MAX as u64;

/// The length of a file's own header, before its name.
const HEADER: usize = 30;

/// The files of an archive, and their names, concatenated.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) names: String,
    pub(crate) entries: Vec<Entry>,
}

impl Directory {
    /// Returns its size in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.names.capacity() + self.entries.capacity() * size_of::<Entry>()
    }
}

/// Returns the name of a file.
pub(crate) fn name<'n>(names: &'n str, entry: &Entry) -> &'n str {
    names.get(entry.name as usize..).and_then(|rest| rest.get(..entry.name_len.into())).unwrap_or_default()
}

/// Reads the directory; files are in its order.
///
/// # Errors
/// A description of the problem.
pub(crate) fn read(contents: &Contents) -> Result<Directory, ReadError> {
    let [start, end] = directory(contents)?;
    let (mut at, mut count, mut named) = (start, 0, 0);
    while at < end {
        let listed = Listed::read(contents, at, end)?;
        (at, count, named) = (listed.end, count + 1, named + usize::from(listed.name_len));
    }
    let mut directory = Directory { names: String::with_capacity(named), entries: Vec::with_capacity(count) };
    at = start;
    while at < end {
        let listed = Listed::read(contents, at, end)?;
        at = listed.end;
        let name = contents.bytes(listed.name, listed.name_len.into())?;
        let name = std::str::from_utf8(&name).map_err(|_| not_utf8(&name))?;
        let offset = u32::try_from(directory.names.len()).map_err(|_| "one with names of gigabytes")?;
        directory.entries.push(Entry { name: offset, ..listed.entry(contents, name)? });
        directory.names.push_str(name);
    }
    let Directory { names, entries } = &mut directory;
    entries.iter_mut().try_for_each(|entry| begin(contents, name(names, entry), entry))?;
    Ok(directory)
}

/// Describes a name that is not UTF-8.
fn not_utf8(name: &[u8]) -> String {
    format!("a file whose name, `{}`, is not UTF-8", shortened(&String::from_utf8_lossy(name)))
}

/// Returns the start and the end of the list of all files.
fn directory(contents: &Contents) -> Result<[u64; 2], ReadError> {
    let at = end(contents)?;
    let record = record::<END>(contents, at)?;
    let (mut parts, mut len, mut start) = (number(&record, 4, 4), number(&record, 12, 4), number(&record, 16, 4));
    let locator = match at.checked_sub(LOCATOR as u64) {
        Some(offset) => Some(self::record::<LOCATOR>(contents, offset)?).filter(|record| is(record, b"PK\x06\x07")),
        None => None,
    };
    if let Some(locator) = locator {
        let offset = number(&locator, 8, 8);
        let record =
            if contents.has(offset, END_64 as u64) { Some(self::record::<END_64>(contents, offset)?) } else { None };
        let record = record.filter(|record| is(record, b"PK\x06\x06"));
        let record = record.ok_or("one whose list of files is not where it says it is")?;
        (parts, len, start) = (number(&record, 16, 8), number(&record, 40, 8), number(&record, 48, 8));
    }
    if parts != 0 {
        return Err("a part of one that is in several".into());
    }
    match start.checked_add(len) {
        Some(end) if end <= at => Ok([start, end]),
        _ => {
            let all = contents.len();
            Err(format!("one whose list of files is said to be {len} bytes at {start}, of {all}").into())
        }
    }
}

/// Returns the offset of the end record. A comment of at most 65535 bytes may follow it.
fn end(contents: &Contents) -> Result<u64, ReadError> {
    let len = contents.len();
    let first = len.saturating_sub(END as u64 + u64::from(u16::MAX));
    let tail = contents.bytes(first, (len - first) as usize)?;
    let records = || (0..(tail.len() + 1).saturating_sub(END)).rev().filter(|&at| is(&tail[at..], b"PK\x05\x06"));
    let behind = |at: usize| tail.len() - at - END;
    let whole = records().find(|&at| number(&tail[at..], 20, 2) == behind(at) as u64);
    whole.map(|at| first + at as u64).ok_or_else(|| match records().next() {
        Some(at) => format!("one with {} bytes behind its end", behind(at)).into(),
        None => format!(
            "one that ends early: the list of its files, which stands at the end, is not within its {len} bytes"
        )
        .into(),
    })
}

/// The directory entry of one file.
struct Listed {
    record: [u8; LISTED],
    name: u64,
    name_len: u16,
    extra: u64,
    extra_len: u16,
    end: u64,
}

impl Listed {
    /// Reads the entry at offset `at` of a list that ends at `end`.
    fn read(contents: &Contents, at: u64, end: u64) -> Result<Self, ReadError> {
        let senseless = || ReadError::from("one whose list of files makes no sense");
        let name = at + LISTED as u64;
        if name > end {
            return Err(senseless());
        }
        let record = record::<LISTED>(contents, at)?;
        let [name_len, extra_len, comment] = [28, 30, 32].map(|offset| number(&record, offset, 2) as u16);
        let extra = name + u64::from(name_len);
        let listed =
            Self { record, name, name_len, extra, extra_len, end: extra + u64::from(extra_len) + u64::from(comment) };
        if is(&record, b"PK\x01\x02") && listed.end <= end { Ok(listed) } else { Err(senseless()) }
    }

    /// Converts it to the location of the file's header and its length.
    fn entry(&self, contents: &Contents, name: &str) -> Result<Entry, ReadError> {
        let name = shortened(name);
        if number(&self.record, 8, 2) & 1 != 0 {
            return Err(format!("`{name}` encrypted").into());
        }
        let is_packed = match number(&self.record, 10, 2) {
            0 => false,
            8 => true,
            other => {
                let known = [(9, "Deflate64"), (12, "bzip2"), (14, "LZMA"), (93, "Zstandard"), (95, "xz"), (99, "AES")];
                let known = known.iter().find(|(method, _)| *method == other).map(|(_, name)| *name);
                return Err(format!("`{name}` packed by {}", known.unwrap_or("a method that is not read")).into());
            }
        };
        let Some([len, packed, header]) = self.sizes(contents)? else {
            return Err(format!("`{name}` without its sizes").into());
        };
        if !is_packed && len != packed {
            return Err(format!("`{name}` of {len} bytes in {packed}").into());
        }
        Ok(Entry { name: 0, name_len: self.name_len, is_packed, header, start: header, packed, len })
    }

    /// Returns the length of the file, its compressed length, and the offset of its header, each from the field of 64 bits if the entry says so.
    fn sizes(&self, contents: &Contents) -> Result<Option<[u64; 3]>, ReadError> {
        let mut sizes = [(24, 4), (20, 4), (42, 4)].map(|(offset, len)| number(&self.record, offset, len));
        if !sizes.contains(&IN_64_BITS) {
            return Ok(Some(sizes));
        }
        let extra = contents.bytes(self.extra, self.extra_len.into())?;
        let mut in_64_bits = in_64_bits(&extra);
        for size in sizes.iter_mut().filter(|size| **size == IN_64_BITS) {
            let Some((first, rest)) = in_64_bits.split_first_chunk::<8>() else { return Ok(None) };
            *size = u64::from_le_bytes(*first);
            in_64_bits = rest;
        }
        Ok(Some(sizes))
    }
}

/// Returns the extra field with lengths of 64 bits; empty if there is none.
fn in_64_bits(extra: &[u8]) -> &[u8] {
    let mut rest = extra;
    while let Some((head, behind)) = rest.split_first_chunk::<4>() {
        let len = number(head, 2, 2) as usize;
        let Some((field, behind)) = behind.split_at_checked(len) else { break };
        if number(head, 0, 2) == 1 {
            return field;
        }
        rest = behind;
    }
    &[]
}

/// Finds the offset of a file's bytes, which follow its own header.
fn begin(contents: &Contents, listed: &str, entry: &mut Entry) -> Result<(), ReadError> {
    let name = shortened(listed);
    let outside = || ReadError::from(format!("`{name}` outside of the file"));
    if !contents.has(entry.header, HEADER as u64) {
        return Err(outside());
    }
    let own = record::<HEADER>(contents, entry.header)?;
    if !is(&own, b"PK\x03\x04") {
        return Err(format!("`{name}` outside of the file, or where another thing is").into());
    }
    let at = entry.header + HEADER as u64;
    let [name_len, extra] = [26, 28].map(|offset| number(&own, offset, 2));
    entry.start = at + name_len + extra;
    if !contents.has(entry.start, entry.packed) {
        return Err(outside());
    }
    let called: Cow<'_, [u8]> = contents.bytes(at, name_len as usize)?;
    if *called != *listed.as_bytes() {
        let called = String::from_utf8_lossy(&called).into_owned();
        return Err(format!("`{name}` under another name, `{}`", shortened(&called)).into());
    }
    Ok(())
}

/// Reads `LEN` bytes at offset `at`.
fn record<const LEN: usize>(contents: &Contents, at: u64) -> Result<[u8; LEN], ReadError> {
    let mut record = [0; LEN];
    contents.read(at, &mut record)?;
    Ok(record)
}

fn is(record: &[u8], signature: &[u8; 4]) -> bool {
    record.starts_with(signature)
}

/// Returns a little-endian number of `len` bytes, at most eight, in the record.
fn number(record: &[u8], offset: usize, len: usize) -> u64 {
    record[offset..offset + len].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
