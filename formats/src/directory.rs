//! The directory of a zip archive (PKWARE's APPNOTE 6.3.10): what stands at its end and says where each of its files lies. Files that are packed by
//! DEFLATE and files that are not, lengths of 64 bits; nothing encrypted and nothing in several parts, which no library writes weights as.

use std::borrow::Cow;

use netwright_runtime::storage::Contents;

use crate::archive::Entry;
use crate::shortened;
use crate::trouble::Trouble;

/// The record that ends an archive, before its comment.
const END: usize = 22;
/// The record with the same in 64 bits, as far as it is needed here, and the one that says where that is, which lies before the end.
const END_64: usize = 56;
const LOCATOR: usize = 20;
/// What the directory has of a file, before its name.
const LISTED: usize = 46;
/// What stands where 32 bits do not do.
const IN_64_BITS: u64 = u32::MAX as u64;

/// What a file's own header has before its name.
const HEADER: usize = 30;

/// The files of an archive, and their names, contiguous.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) names: String,
    pub(crate) entries: Vec<Entry>,
}

impl Directory {
    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.names.capacity() + self.entries.capacity() * size_of::<Entry>()
    }
}

/// What a file is called.
pub(crate) fn name<'n>(names: &'n str, entry: &Entry) -> &'n str {
    names.get(entry.name as usize..).and_then(|rest| rest.get(..entry.name_len.into())).unwrap_or_default()
}

/// Where everything lies, in the order of the directory.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(contents: &Contents) -> Result<Directory, Trouble> {
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
        let place = u32::try_from(directory.names.len()).map_err(|_| "one with names of gigabytes")?;
        directory.entries.push(Entry { name: place, ..listed.entry(contents, name)? });
        directory.names.push_str(name);
    }
    let Directory { names, entries } = &mut directory;
    entries.iter_mut().try_for_each(|entry| begin(contents, name(names, entry), entry))?;
    Ok(directory)
}

/// That a name is none, with as much of it as is text.
fn not_utf8(name: &[u8]) -> String {
    format!("a file whose name, `{}`, is not UTF-8", shortened(&String::from_utf8_lossy(name)))
}

/// Where the list of all files begins, and where it ends.
fn directory(contents: &Contents) -> Result<[u64; 2], Trouble> {
    let at = end(contents)?;
    let record = record::<END>(contents, at)?;
    let (mut parts, mut len, mut start) = (number(&record, 4, 4), number(&record, 12, 4), number(&record, 16, 4));
    let locator = match at.checked_sub(LOCATOR as u64) {
        Some(place) => Some(self::record::<LOCATOR>(contents, place)?).filter(|record| is(record, b"PK\x06\x07")),
        None => None,
    };
    if let Some(locator) = locator {
        let place = number(&locator, 8, 8);
        let record =
            if contents.has(place, END_64 as u64) { Some(self::record::<END_64>(contents, place)?) } else { None };
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

/// Where the last record begins. A comment of at most 65535 bytes may follow it.
fn end(contents: &Contents) -> Result<u64, Trouble> {
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

/// What the directory says of one file.
struct Listed {
    record: [u8; LISTED],
    name: u64,
    name_len: u16,
    extra: u64,
    extra_len: u16,
    end: u64,
}

impl Listed {
    /// The one that stands there, in a list that ends at `end`.
    fn read(contents: &Contents, at: u64, end: u64) -> Result<Self, Trouble> {
        let senseless = || Trouble::from("one whose list of files makes no sense");
        let name = at + LISTED as u64;
        if name > end {
            return Err(senseless());
        }
        let record = record::<LISTED>(contents, at)?;
        let [name_len, extra_len, comment] = [28, 30, 32].map(|place| number(&record, place, 2) as u16);
        let extra = name + u64::from(name_len);
        let listed =
            Self { record, name, name_len, extra, extra_len, end: extra + u64::from(extra_len) + u64::from(comment) };
        if is(&record, b"PK\x01\x02") && listed.end <= end { Ok(listed) } else { Err(senseless()) }
    }

    /// What it says of the file: where its own header is, and how long it is.
    fn entry(&self, contents: &Contents, name: &str) -> Result<Entry, Trouble> {
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

    /// How long the file is, how long it is packed, and where its header is: each in 64 bits where it says so, in this order.
    fn sizes(&self, contents: &Contents) -> Result<Option<[u64; 3]>, Trouble> {
        let mut sizes = [(24, 4), (20, 4), (42, 4)].map(|(place, len)| number(&self.record, place, len));
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

/// The field of lengths of 64 bits; nothing where there is none.
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

/// Finds where the bytes of a file begin: behind its own header.
fn begin(contents: &Contents, listed: &str, entry: &mut Entry) -> Result<(), Trouble> {
    let name = shortened(listed);
    let outside = || Trouble::from(format!("`{name}` outside of the file"));
    if !contents.has(entry.header, HEADER as u64) {
        return Err(outside());
    }
    let own = record::<HEADER>(contents, entry.header)?;
    if !is(&own, b"PK\x03\x04") {
        return Err(format!("`{name}` outside of the file, or where another thing is").into());
    }
    let at = entry.header + HEADER as u64;
    let [name_len, extra] = [26, 28].map(|place| number(&own, place, 2));
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

/// So many bytes from there on.
fn record<const LEN: usize>(contents: &Contents, at: u64) -> Result<[u8; LEN], Trouble> {
    let mut record = [0; LEN];
    contents.read(at, &mut record)?;
    Ok(record)
}

fn is(record: &[u8], signature: &[u8; 4]) -> bool {
    record.starts_with(signature)
}

/// A number of `len` bytes, at most eight, that lie in the record.
fn number(record: &[u8], place: usize, len: usize) -> u64 {
    record[place..place + len].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
