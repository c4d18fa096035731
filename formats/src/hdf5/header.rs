//! The header of an object: messages, in one or several blocks.

use super::{Budget, Fields, ReadError, View};

/// A message: its type and its bytes.
#[derive(Clone, Copy)]
pub(super) struct Message<'f> {
    pub(super) kind: u8,
    pub(super) body: Fields<'f>,
    is_shared: bool,
}

/// The types of messages.
pub(super) mod kind {
    pub(in super::super) const DATASPACE: u8 = 0x01;
    pub(in super::super) const LINK_INFO: u8 = 0x02;
    pub(in super::super) const DATATYPE: u8 = 0x03;
    pub(in super::super) const LINK: u8 = 0x06;
    pub(in super::super) const LAYOUT: u8 = 0x08;
    pub(in super::super) const FILTERS: u8 = 0x0b;
    pub(in super::super) const ATTRIBUTE: u8 = 0x0c;
    pub(in super::super) const CONTINUATION: u8 = 0x10;
    pub(in super::super) const SYMBOL_TABLE: u8 = 0x11;
}

impl<'f> Message<'f> {
    /// Returns its bytes, unless they are shared with another object.
    pub(super) fn own(&self) -> Result<Fields<'f>, ReadError> {
        if self.is_shared { Err("says that another object has its type".into()) } else { Ok(self.body) }
    }
}

/// The version of a header, which determines the form of its messages.
enum Version {
    /// Each message has a prefix of eight bytes.
    First,
    /// Each message has a prefix of four bytes, or six if their creation order is stored.
    Second { is_ordered: bool },
}

/// A block of a header: its address and its length.
type HeaderBlock = (u64, usize);

impl<'f> View<'f> {
    /// Calls `visit` for each message of the object at `address`.
    pub(super) fn messages(
        &self,
        address: u64,
        budget: &mut Budget,
        visit: &mut impl FnMut(Message<'f>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let (version, block) =
            if self.part(address, 4)?.skip_if(b"OHDR")? { self.second(address)? } else { self.first(address)? };
        // Each block is named in a message of 16 bytes or more, so that the list is no longer than the file.
        let mut blocks = vec![block];
        let mut next = 0;
        while let Some(&(address, len)) = blocks.get(next) {
            next += 1;
            budget.spend(len.max(16))?;
            let mut fields = self.part(address, len)?;
            while let Some(message) = message(&mut fields, &version)? {
                if message.kind == kind::CONTINUATION {
                    blocks.push(self.continued(message.body, &version)?);
                } else {
                    visit(message)?;
                }
            }
        }
        Ok(())
    }

    fn first(&self, address: u64) -> Result<(Version, HeaderBlock), ReadError> {
        let mut fields = self.part(address, 16)?;
        let version = fields.byte()?;
        if version != 1 {
            return Err(format!("no header of an object at {address}").into());
        }
        fields.take(7)?;
        let len = fields.count(4)?;
        self.part(address + 16, len)?;
        Ok((Version::First, (address + 16, len)))
    }

    fn second(&self, address: u64) -> Result<(Version, HeaderBlock), ReadError> {
        let mut fields = self.signed(address, 6, *b"OHDR")?;
        let (version, flags) = (fields.byte()?, fields.byte()?);
        if version != 2 {
            return Err(format!("a header of version {version}").into());
        }
        // Four timestamps, and the limits of attributes in the header.
        let before = 6 + if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 };
        let width = 1 << (flags & 3);
        let len = self.part(address + before, width)?.count(width)?;
        let start = address + before + width as u64;
        self.part(start, len)?;
        Ok((Version::Second { is_ordered: flags & 4 != 0 }, (start, len)))
    }

    fn continued(&self, mut fields: Fields<'f>, version: &Version) -> Result<HeaderBlock, ReadError> {
        let (address, len) = (fields.address()?, fields.len()?);
        let len = usize::try_from(len).map_err(|_| "a size that overflows")?;
        match version {
            Version::First => self.part(address, len).map(|_| (address, len)),
            Version::Second { .. } => {
                let mut block = self.part(address, len)?;
                // The block has a signature at its start and a checksum at its end.
                let inner = if block.skip_if(b"OCHK")? { len.checked_sub(8) } else { None };
                let inner = inner.ok_or_else(|| format!("no OCHK at {address}"))?;
                Ok((block.at(), inner))
            }
        }
    }
}

/// Reads the next message; `None` at the end of the block.
fn message<'f>(fields: &mut Fields<'f>, version: &Version) -> Result<Option<Message<'f>>, ReadError> {
    let (before, wide) = match version {
        Version::First => (8, 2),
        Version::Second { is_ordered } => (if *is_ordered { 6 } else { 4 }, 1),
    };
    if fields.left() < before as u64 {
        return Ok(None);
    }
    let mut beginning = fields.take(before)?;
    // All types of messages fit into a byte.
    let kind = u8::try_from(beginning.number(wide)?).unwrap_or(u8::MAX);
    let len = beginning.count(2)?;
    let is_shared = beginning.byte()? & 2 != 0;
    Ok(Some(Message { kind, body: fields.take(len)?, is_shared }))
}
