//! A file as HDF5 reads it, field by field, little end first.

use std::borrow::Cow;

use netwright_runtime::storage::Contents;

use super::NOWHERE;
use crate::trouble::Trouble;

/// The contents of a file, and how wide its addresses and lengths are.
#[derive(Clone, Copy)]
pub(crate) struct View<'f> {
    pub(super) contents: &'f Contents,
    /// Bytes of an address.
    pub(super) address: usize,
    /// Bytes of a length.
    pub(super) length: usize,
}

/// A part of a file that is read from its beginning.
#[derive(Clone, Copy)]
pub(super) struct Fields<'f> {
    pub(super) view: View<'f>,
    at: u64,
    end: u64,
}

impl<'f> View<'f> {
    /// The part that begins there.
    pub(super) fn part(&self, place: u64, len: usize) -> Result<Fields<'f>, Trouble> {
        if !self.contents.has(place, len as u64) {
            let all = self.contents.len();
            return Err(format!("{len} bytes at {place}, outside of its {all} bytes").into());
        }
        Ok(Fields { view: *self, at: place, end: place + len as u64 })
    }

    /// A part that begins with these four letters, behind them.
    pub(super) fn signed(&self, place: u64, len: usize, signature: [u8; 4]) -> Result<Fields<'f>, Trouble> {
        let mut part = self.part(place, len.max(4))?;
        if !part.skip_if(&signature)? {
            return Err(format!("no {} at {place}", signature.escape_ascii()).into());
        }
        Ok(part)
    }
}

impl<'f> Fields<'f> {
    /// How many bytes are left.
    pub(super) fn left(&self) -> u64 {
        self.end - self.at
    }

    /// Where the next byte lies in the file.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The next bytes, to be read by themselves.
    pub(super) fn take(&mut self, len: usize) -> Result<Self, Trouble> {
        if len as u64 > self.left() {
            return Err("a header that ends early".into());
        }
        let taken = Self { end: self.at + len as u64, ..*self };
        self.at = taken.end;
        Ok(taken)
    }

    /// All that is left.
    pub(super) fn bytes(&self) -> Result<Cow<'f, [u8]>, Trouble> {
        let len = usize::try_from(self.left()).map_err(|_| "a size that overflows")?;
        Ok(self.view.contents.bytes(self.at, len)?)
    }

    /// Whether these come next, which are passed over then.
    pub(super) fn skip_if<const LEN: usize>(&mut self, expected: &[u8; LEN]) -> Result<bool, Trouble> {
        let mut found = [0; LEN];
        if self.left() < LEN as u64 {
            return Ok(false);
        }
        self.view.contents.read(self.at, &mut found)?;
        let is_there = found == *expected;
        self.at += if is_there { LEN as u64 } else { 0 };
        Ok(is_there)
    }

    /// A number of at most eight bytes.
    pub(super) fn number(&mut self, len: usize) -> Result<u64, Trouble> {
        let field = self.take(len)?;
        let mut bytes = [0; 8];
        self.view.contents.read(field.at, &mut bytes[..len])?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(super) fn byte(&mut self) -> Result<u8, Trouble> {
        Ok(self.number(1)? as u8)
    }

    /// A number that counts bytes or elements in memory.
    pub(super) fn count(&mut self, len: usize) -> Result<usize, Trouble> {
        usize::try_from(self.number(len)?).map_err(|_| "a size that overflows".into())
    }

    /// Where something lies, or [`NOWHERE`].
    pub(super) fn place(&mut self) -> Result<u64, Trouble> {
        let place = self.number(self.view.address)?;
        let nowhere = NOWHERE >> (64 - 8 * self.view.address);
        Ok(if place == nowhere { NOWHERE } else { place })
    }

    pub(super) fn len(&mut self) -> Result<u64, Trouble> {
        self.number(self.view.length)
    }

    /// A name: all that is left, or what of it stands before a zero.
    pub(super) fn name(&self, ends_with_zero: bool) -> Result<String, Trouble> {
        let mut name = Vec::new();
        let mut rest = *self;
        loop {
            let mut some = [0; 32];
            let len = rest.left().min(32) as usize;
            rest.view.contents.read(rest.at, &mut some[..len])?;
            let some = &some[..len];
            let end = if ends_with_zero { some.iter().position(|&byte| byte == 0) } else { None };
            name.extend_from_slice(&some[..end.unwrap_or(len)]);
            if name.len() > LONGEST {
                return Err(format!("a name of more than {LONGEST} bytes").into());
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

/// How long a name may be.
const LONGEST: usize = 1 << 10;
