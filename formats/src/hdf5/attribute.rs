//! Attributes with a single text.

use super::header::Message;
use super::{Fields, UNDEFINED, View};

/// The datatype classes of texts: fixed-length strings and variable-length sequences.
const FIXED: u8 = 3;
const VARIABLE: u8 = 9;

impl<'f> View<'f> {
    /// Returns the text of the attribute `name`; `None` for another attribute, or for one that is not a text.
    pub(super) fn text_of(&self, message: &Message<'f>, name: &str) -> Option<String> {
        let mut fields = message.body;
        let version = fields.byte().ok()?;
        fields.take(1).ok()?;
        let lens = [fields.count(2).ok()?, fields.count(2).ok()?, fields.count(2).ok()?];
        // The character set of the name.
        fields.take((version == 3).into()).ok()?;
        // Version 1 pads each part to eight bytes.
        let padded = |len: usize| if version == 1 { len.next_multiple_of(8) } else { len };
        let found = fields.take(padded(lens[0])).ok()?;
        if until_zero(found).as_deref() != Some(name) {
            return None;
        }
        let mut kind = fields.take(padded(lens[1])).ok()?;
        fields.take(padded(lens[2])).ok()?;
        let classes = (kind.byte().ok()? & 0x0f, kind.byte().ok()? & 0x0f);
        let text = match classes {
            (FIXED, _) => {
                kind.take(2).ok()?;
                let len = kind.count(4).ok()?;
                fields.take(len).ok()?
            }
            // A sequence of characters.
            (VARIABLE, 1) => {
                let len = fields.count(4).ok()?;
                let (heap, index) = (fields.address().ok()?, fields.number(4).ok()?);
                self.in_heap(heap, index)?.take(len).ok()?
            }
            _ => return None,
        };
        until_zero(text).filter(|text| !text.is_empty())
    }

    /// Returns an object of a global heap.
    fn in_heap(&self, address: u64, index: u64) -> Option<Fields<'f>> {
        if address == UNDEFINED {
            return None;
        }
        let before = 8 + self.length;
        let len = {
            let mut fields = self.signed(address, before, *b"GCOL").ok()?;
            fields.take(4).ok()?;
            usize::try_from(fields.len().ok()?).ok()?
        };
        let mut fields = self.part(address, len).ok()?;
        fields.take(before).ok()?;
        loop {
            let found = fields.number(2).ok()?;
            fields.take(6).ok()?;
            let len = fields.count(self.length).ok()?;
            let mut object = fields.take(len.checked_next_multiple_of(8)?).ok()?;
            // Index 0 is the free space at the end.
            match found {
                0 => return None,
                found if found == index => return object.take(len).ok(),
                _ => {}
            }
        }
    }
}

/// Returns a text, up to a zero byte if there is one; `None` if it is not text, or too long for a name.
fn until_zero(fields: Fields<'_>) -> Option<String> {
    fields.name(true).or_else(|_| fields.name(false)).ok()
}
