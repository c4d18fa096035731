//! Access to the fields of an HDF5 file; numbers are little-endian.

use std::borrow::Cow;

use netwright_runtime::storage::Contents;

use super::UNDEFINED;
use crate::read_error::ReadError;

/// The contents of a file, and the sizes of its addresses and lengths.
#[derive(Clone, Copy)]
pub(crate) struct View<'f> {
    pub(super) contents: &'f Contents,
    /// The size of an address in bytes.
    pub(super) address: usize,
    /// The size of a length in bytes.
    pub(super) length: usize,
}

/// A range of a file with a read position.
#[derive(Clone, Copy)]
pub(super) struct Fields<'f> {
    pub(super) view: View<'f>,
    at: u64,
    end: u64,
}

impl<'f> View<'f> {
    /// Returns the range of `len` bytes at an address.
    pub(super) fn part(&self, address: u64, len: usize) -> Result<Fields<'f>, ReadError> {
        if !self.contents.has(address, len as u64) {
            let all = self.contents.len();
            return Err(format!("{len} bytes at {address}, outside of its {all} bytes").into());
        }
        Ok(Fields { view: *self, at: address, end: address + len as u64 })
    }

    /// Returns the range of `len` bytes at an address, after its signature of four characters.
    pub(super) fn signed(&self, address: u64, len: usize, signature: [u8; 4]) -> Result<Fields<'f>, ReadError> {
        let mut part = self.part(address, len.max(4))?;
        if !part.skip_if(&signature)? {
            return Err(format!("no {} at {address}", signature.escape_ascii()).into());
        }
        Ok(part)
    }
}

impl<'f> Fields<'f> {
    /// Returns how many bytes are left.
    pub(super) fn left(&self) -> u64 {
        self.end - self.at
    }

    /// Returns the offset of the next byte in the file.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Splits off the next `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> Result<Self, ReadError> {
        if len as u64 > self.left() {
            return Err("a header that ends early".into());
        }
        let taken = Self { end: self.at + len as u64, ..*self };
        self.at = taken.end;
        Ok(taken)
    }

    /// Returns all bytes that are left.
    pub(super) fn bytes(&self) -> Result<Cow<'f, [u8]>, ReadError> {
        let len = usize::try_from(self.left()).map_err(|_| "a size that overflows")?;
        Ok(self.view.contents.bytes(self.at, len)?)
    }

    /// Skips these bytes if they come next; returns whether they do.
    pub(super) fn skip_if<const LEN: usize>(&mut self, expected: &[u8; LEN]) -> Result<bool, ReadError> {
        let mut found = [0; LEN];
        if self.left() < LEN as u64 {
            return Ok(false);
        }
        self.view.contents.read(self.at, &mut found)?;
        let is_there = found == *expected;
        self.at += if is_there { LEN as u64 } else { 0 };
        Ok(is_there)
    }

    /// Reads a number of at most eight bytes.
    pub(super) fn number(&mut self, len: usize) -> Result<u64, ReadError> {
        let field = self.take(len)?;
        let mut bytes = [0; 8];
        self.view.contents.read(field.at, &mut bytes[..len])?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(super) fn byte(&mut self) -> Result<u8, ReadError> {
        Ok(self.number(1)? as u8)
    }

    /// Reads a count of bytes or elements, which must fit into memory.
    pub(super) fn count(&mut self, len: usize) -> Result<usize, ReadError> {
        usize::try_from(self.number(len)?).map_err(|_| "a size that overflows".into())
    }

    /// Reads an address, or [`UNDEFINED`].
    pub(super) fn address(&mut self) -> Result<u64, ReadError> {
        let address = self.number(self.view.address)?;
        let undefined = UNDEFINED >> (64 - 8 * self.view.address);
        Ok(if address == undefined { UNDEFINED } else { address })
    }

    pub(super) fn len(&mut self) -> Result<u64, ReadError> {
        self.number(self.view.length)
    }

    /// Returns a name: all bytes that are left, or those before a zero byte.
    pub(super) fn name(&self, ends_with_zero: bool) -> Result<String, ReadError> {
        let mut name = Vec::new();
        let mut rest = *self;
        loop {
            let mut some = [0; 32];
            let len = rest.left().min(32) as usize;
            rest.view.contents.read(rest.at, &mut some[..len])?;
            let some = &some[..len];
            let end = if ends_with_zero { some.iter().position(|&byte| byte == 0) } else { None };
            name.extend_from_slice(&some[..end.unwrap_or(len)]);
            if name.len() > MAX_NAME_LEN {
                return Err(format!("a name of more than {MAX_NAME_LEN} bytes").into());
            }
            rest.at += len as u64;
            match (end, rest.left()) {
                (None, 0) if ends_with_zero => return Err("a name without an end".into()),
                (Some(_), _) | (None, 0) => break,
                _ => {}
            }
        }
        String::from_utf8(name).map_err(|error| {
            let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
            format!("a name, `{}`, that is no text", crate::shortened(&shown)).into()
        })
    }
}

/// The longest name in bytes.
const MAX_NAME_LEN: usize = 1 << 10;
