//! The header of an object: messages, in one piece or in several.

use super::{Budget, Fields, Trouble, View};

/// A message: what it is about, and its bytes.
#[derive(Clone, Copy)]
pub(super) struct Message<'f> {
    pub(super) kind: u8,
    pub(super) body: Fields<'f>,
    is_shared: bool,
}

/// What messages are about.
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
    /// Its bytes, where they stand in it and not in another object.
    pub(super) fn own(&self) -> Result<Fields<'f>, Trouble> {
        if self.is_shared { Err("says that another object has its type".into()) } else { Ok(self.body) }
    }
}

/// How the messages of a header are written.
enum Version {
    /// With eight bytes before each.
    First,
    /// With four bytes before each, or six where their order of creation is kept.
    Second { is_ordered: bool },
}

/// A piece of a header: where it begins, and how long it is.
type HeaderBlock = (u64, usize);

impl<'f> View<'f> {
    /// Shows each message of the object at `place` to `see`.
    pub(super) fn messages(
        &self,
        place: u64,
        budget: &mut Budget,
        see: &mut impl FnMut(Message<'f>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let (version, block) =
            if self.part(place, 4)?.skip_if(b"OHDR")? { self.second(place)? } else { self.first(place)? };
        // Each names its place in a message of 16 bytes or more, so that the list is no longer than the file.
        let mut blocks = vec![block];
        let mut next = 0;
        while let Some(&(place, len)) = blocks.get(next) {
            next += 1;
            budget.spend(len.max(16))?;
            let mut fields = self.part(place, len)?;
            while let Some(message) = message(&mut fields, &version)? {
                if message.kind == kind::CONTINUATION {
                    blocks.push(self.continued(message.body, &version)?);
                } else {
                    see(message)?;
                }
            }
        }
        Ok(())
    }

    fn first(&self, place: u64) -> Result<(Version, HeaderBlock), Trouble> {
        let mut fields = self.part(place, 16)?;
        let version = fields.byte()?;
        if version != 1 {
            return Err(format!("no header of an object at {place}").into());
        }
        fields.take(7)?;
        let len = fields.count(4)?;
        self.part(place + 16, len)?;
        Ok((Version::First, (place + 16, len)))
    }

    fn second(&self, place: u64) -> Result<(Version, HeaderBlock), Trouble> {
        let mut fields = self.signed(place, 6, *b"OHDR")?;
        let (version, flags) = (fields.byte()?, fields.byte()?);
        if version != 2 {
            return Err(format!("a header of version {version}").into());
        }
        // Four times, and how many attributes lie in a header.
        let before = 6 + if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 };
        let width = 1 << (flags & 3);
        let len = self.part(place + before, width)?.count(width)?;
        let start = place + before + width as u64;
        self.part(start, len)?;
        Ok((Version::Second { is_ordered: flags & 4 != 0 }, (start, len)))
    }

    fn continued(&self, mut fields: Fields<'f>, version: &Version) -> Result<HeaderBlock, Trouble> {
        let (place, len) = (fields.place()?, fields.len()?);
        let len = usize::try_from(len).map_err(|_| "a size that overflows")?;
        match version {
            Version::First => self.part(place, len).map(|_| (place, len)),
            Version::Second { .. } => {
                let mut block = self.part(place, len)?;
                // Its letters before, a checksum behind.
                let inner = if block.skip_if(b"OCHK")? { len.checked_sub(8) } else { None };
                let inner = inner.ok_or_else(|| format!("no OCHK at {place}"))?;
                Ok((block.at(), inner))
            }
        }
    }
}

/// The next message, where there is room for one.
fn message<'f>(fields: &mut Fields<'f>, version: &Version) -> Result<Option<Message<'f>>, Trouble> {
    let (before, wide) = match version {
        Version::First => (8, 2),
        Version::Second { is_ordered } => (if *is_ordered { 6 } else { 4 }, 1),
    };
    if fields.left() < before as u64 {
        return Ok(None);
    }
    let mut beginning = fields.take(before)?;
    // No message has a kind beyond a byte.
    let kind = u8::try_from(beginning.number(wide)?).unwrap_or(u8::MAX);
    let len = beginning.count(2)?;
    let is_shared = beginning.byte()? & 2 != 0;
    Ok(Some(Message { kind, body: fields.take(len)?, is_shared }))
}
