//! The directory of a zip archive (PKWARE's APPNOTE 6.3.10): what stands at its end and says where each of its files lies. Files that are packed by
//! DEFLATE and files that are not, lengths of 64 bits; nothing encrypted and nothing in several parts, which no library writes weights as.

use crate::archive::Entry;
use crate::shortened;

/// The record that ends an archive, before its comment.
const END: usize = 22;
/// The record with the same in 64 bits, as far as it is needed here, and the one that says where that is, which lies before the end.
const END_64: usize = 56;
const LOCATOR: usize = 20;
/// What the directory has of a file, before its name.
const LISTED: usize = 46;
/// What stands where 32 bits do not do.
const IN_64_BITS: u64 = u32::MAX as u64;

/// Where everything lies, in the order of the directory.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    let directory = directory(bytes)?;
    let mut rest = directory;
    let mut count = 0;
    while !rest.is_empty() {
        rest = Listed::read(rest)?.1;
        count += 1;
    }
    let mut entries = Vec::with_capacity(count);
    rest = directory;
    while !rest.is_empty() {
        let (listed, behind) = Listed::read(rest)?;
        entries.push(listed.entry(bytes)?);
        rest = behind;
    }
    Ok(entries)
}

/// The bytes of the list of all files.
fn directory(bytes: &[u8]) -> Result<&[u8], String> {
    let at = end(bytes)?;
    let record = &bytes[at..];
    let (mut parts, mut len, mut start) = (number(record, 4, 4), number(record, 12, 4), number(record, 16, 4));
    let locator = at.checked_sub(LOCATOR).map(|place| &bytes[place..at]).filter(|record| is(record, b"PK\x06\x07"));
    if let Some(locator) = locator {
        let record = usize::try_from(number(locator, 8, 8)).ok().and_then(|place| bytes.get(place..)?.get(..END_64));
        let record = record.filter(|record| is(record, b"PK\x06\x06"));
        let record = record.ok_or("one whose list of files is not where it says it is")?;
        (parts, len, start) = (number(record, 16, 8), number(record, 40, 8), number(record, 48, 8));
    }
    if parts != 0 {
        return Err("a part of one that is in several".to_owned());
    }
    let place = usize::try_from(start).ok().zip(usize::try_from(len).ok());
    let list = place.and_then(|(start, len)| bytes[..at].get(start..)?.get(..len));
    list.ok_or_else(|| format!("one whose list of files is said to be {len} bytes at {start}, of {}", bytes.len()))
}

/// Where the last record begins. A comment of at most 65535 bytes may follow it.
fn end(bytes: &[u8]) -> Result<usize, String> {
    let last = bytes.len().saturating_sub(END + usize::from(u16::MAX));
    let records = || (last..(bytes.len() + 1).saturating_sub(END)).rev().filter(|&at| is(&bytes[at..], b"PK\x05\x06"));
    let behind = |at: usize| bytes.len() - at - END;
    let whole = records().find(|&at| number(&bytes[at..], 20, 2) == behind(at) as u64);
    whole.ok_or_else(|| match records().next() {
        Some(at) => format!("one with {} bytes behind its end", behind(at)),
        None => format!(
            "one that ends early: the list of its files, which stands at the end, is not within its {} bytes",
            bytes.len()
        ),
    })
}

/// What the directory says of one file.
struct Listed<'b> {
    record: &'b [u8],
    name: &'b [u8],
    extra: &'b [u8],
}

impl<'b> Listed<'b> {
    /// The first of a list, and the others.
    fn read(list: &'b [u8]) -> Result<(Self, &'b [u8]), String> {
        let split = || {
            let (record, rest) = list.split_at_checked(LISTED).filter(|(record, _)| is(record, b"PK\x01\x02"))?;
            let [name, extra, comment] = [28, 30, 32].map(|place| number(record, place, 2) as usize);
            let (name, rest) = rest.split_at_checked(name)?;
            let (extra, rest) = rest.split_at_checked(extra)?;
            Some((Self { record, name, extra }, rest.get(comment..)?))
        };
        split().ok_or_else(|| "one whose list of files makes no sense".to_owned())
    }

    /// Where the file lies.
    fn entry(&self, bytes: &[u8]) -> Result<Entry, String> {
        let name = std::str::from_utf8(self.name).map_err(|_| "a file whose name is not UTF-8")?;
        let name = shortened(name);
        if number(self.record, 8, 2) & 1 != 0 {
            return Err(format!("`{name}` encrypted"));
        }
        let is_packed = match number(self.record, 10, 2) {
            0 => false,
            8 => true,
            other => {
                let known = [(9, "Deflate64"), (12, "bzip2"), (14, "LZMA"), (93, "Zstandard"), (95, "xz"), (99, "AES")];
                let known = known.iter().find(|(method, _)| *method == other).map(|(_, name)| *name);
                return Err(format!("`{name}` packed by {}", known.unwrap_or("a method that is not read")));
            }
        };
        let outside = || format!("`{name}` outside of the file");
        let [len, packed, header] = self.sizes().ok_or_else(|| format!("`{name}` without its sizes"))?;
        let header = usize::try_from(header).map_err(|_| outside())?;
        let packed = usize::try_from(packed).map_err(|_| outside())?;
        let own = bytes.get(header..).and_then(|rest| rest.get(..Entry::HEADER)).ok_or_else(outside)?;
        if !is(own, b"PK\x03\x04") {
            return Err(format!("`{name}` outside of the file, or where another thing is"));
        }
        let at = header + Entry::HEADER;
        let [name_len, extra] = [26, 28].map(|place| number(own, place, 2) as usize);
        let start = at + name_len + extra;
        if start.checked_add(packed).is_none_or(|end| end > bytes.len()) {
            return Err(outside());
        }
        if bytes[at..at + name_len] != *self.name {
            return Err(format!("`{name}` under another name"));
        }
        if !is_packed && len != packed as u64 {
            return Err(format!("`{name}` of {len} bytes in {packed}"));
        }
        Ok(Entry { name: at, name_len: name_len as u16, is_packed, start, packed, len })
    }

    /// How long the file is, how long it is packed, and where its header is: each in 64 bits where it says so, in this order.
    fn sizes(&self) -> Option<[u64; 3]> {
        let mut sizes = [(24, 4), (20, 4), (42, 4)].map(|(place, len)| number(self.record, place, len));
        let mut in_64_bits = self.in_64_bits();
        for size in sizes.iter_mut().filter(|size| **size == IN_64_BITS) {
            let (first, rest) = in_64_bits.split_first_chunk::<8>()?;
            *size = u64::from_le_bytes(*first);
            in_64_bits = rest;
        }
        Some(sizes)
    }

    /// The field of lengths of 64 bits; nothing where there is none.
    fn in_64_bits(&self) -> &'b [u8] {
        let mut rest = self.extra;
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
}

fn is(record: &[u8], signature: &[u8; 4]) -> bool {
    record.starts_with(signature)
}

/// A number of `len` bytes, at most eight, that lie in the record.
fn number(record: &[u8], place: usize, len: usize) -> u64 {
    record[place..place + len].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
