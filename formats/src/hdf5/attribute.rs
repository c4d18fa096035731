//! Attributes, as far as they are one text.

use super::header::Message;
use super::{Fields, NOWHERE, View};

/// How a text is kept.
const FIXED: u8 = 3;
const VARIABLE: u8 = 9;

impl<'f> View<'f> {
    /// The text of an attribute that is called so; nothing where it is another one, or something else than a text.
    pub(super) fn text_of(&self, message: &Message<'f>, name: &str) -> Option<String> {
        let mut fields = message.body;
        let version = fields.byte().ok()?;
        fields.take(1).ok()?;
        let lens = [fields.count(2).ok()?, fields.count(2).ok()?, fields.count(2).ok()?];
        // Which letters a name has.
        fields.take((version == 3).into()).ok()?;
        // The first version fills each part up to eight bytes.
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
            // A sequence of letters, not of other things.
            (VARIABLE, 1) => {
                let len = fields.count(4).ok()?;
                let (heap, index) = (fields.place().ok()?, fields.number(4).ok()?);
                self.in_heap(heap, index)?.take(len).ok()?
            }
            _ => return None,
        };
        until_zero(text).filter(|text| !text.is_empty())
    }

    /// An object of a heap for the whole file.
    fn in_heap(&self, place: u64, index: u64) -> Option<Fields<'f>> {
        if place == NOWHERE {
            return None;
        }
        let before = 8 + self.length;
        let len = {
            let mut fields = self.signed(place, before, *b"GCOL").ok()?;
            fields.take(4).ok()?;
            usize::try_from(fields.len().ok()?).ok()?
        };
        let mut fields = self.part(place, len).ok()?;
        fields.take(before).ok()?;
        loop {
            let found = fields.number(2).ok()?;
            fields.take(6).ok()?;
            let len = fields.count(self.length).ok()?;
            let mut object = fields.take(len.checked_next_multiple_of(8)?).ok()?;
            // The last one is what is free.
            match found {
                0 => return None,
                found if found == index => return object.take(len).ok(),
                _ => {}
            }
        }
    }
}

/// A text, up to a zero where there is one; nothing where it is none, or too long for a name.
fn until_zero(fields: Fields<'_>) -> Option<String> {
    fields.name(true).or_else(|_| fields.name(false)).ok()
}
