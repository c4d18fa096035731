//! The wire format of protobuf: numbered fields, each a number or a sequence of bytes.

use crate::Error;

/// The value of a field on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// An iterator over the fields of a message.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Fields<'a> {
    /// The fields of `message`; `what` names it in errors.
    pub(crate) fn of(message: &'a [u8], what: &'static str) -> Self {
        Self { rest: message, what }
    }

    fn malformed(&self, problem: &'static str) -> Error {
        Error::Malformed { what: self.what, problem }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.malformed("it ends within a number"))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn field(&mut self) -> Result<(u64, Field<'a>), Error> {
        let key = varint(&mut self.rest).ok_or_else(|| self.malformed("it ends within the number of a field"))?;
        let value = match key & 7 {
            0 => Field::Varint(varint(&mut self.rest).ok_or_else(|| self.malformed("it ends within a number"))?),
            1 => Field::Fixed64(self.take()?),
            2 => {
                let len = varint(&mut self.rest).ok_or_else(|| self.malformed("it ends within a length"))?;
                let taken = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
                let (taken, rest) = taken.ok_or_else(|| self.malformed("a part is longer than the whole"))?;
                self.rest = rest;
                Field::Bytes(taken)
            }
            5 => Field::Fixed32(self.take()?),
            _ => return Err(self.malformed("it holds what no model does")),
        };
        Ok((key >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Reads a number of at most ten bytes, with seven bits in each.
pub(crate) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for (index, &byte) in rest.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            *rest = &rest[index + 1..];
            return Some(value);
        }
    }
    None
}

impl<'a> Field<'a> {
    pub(crate) fn bytes(self, what: &'static str) -> Result<&'a [u8], Error> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(Error::Malformed { what, problem: "a number stands where bytes should" }),
        }
    }

    pub(crate) fn text(self, what: &'static str) -> Result<&'a str, Error> {
        std::str::from_utf8(self.bytes(what)?).map_err(|_| Error::Malformed { what, problem: "a name is not UTF-8" })
    }

    pub(crate) fn int(self, what: &'static str) -> Result<i64, Error> {
        match self {
            Self::Varint(value) => Ok(value.cast_signed()),
            _ => Err(Error::Malformed { what, problem: "bytes stand where a number should" }),
        }
    }

    pub(crate) fn float(self, what: &'static str) -> Result<f32, Error> {
        match self {
            Self::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(Error::Malformed { what, problem: "something else stands where a fraction should" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_kind_are_read() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 2, b'a', b'b', 0x1d, 0, 0, 0x80, 0x3f];
        let fields: Vec<_> = Fields::of(&bytes, "a test").map(|field| field.expect("it is whole")).collect();
        assert_eq!(fields.len(), 3);
        assert_eq!(fields[0].1.int("a test"), Ok(150));
        assert_eq!(fields[1].1.text("a test"), Ok("ab"));
        assert_eq!(fields[2].1.float("a test"), Ok(1.0));
    }

    #[test]
    fn whatever_ends_too_early_is_an_error() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 2, b'a', b'b', 0x1d, 0, 0, 0x80, 0x3f];
        for len in [1, 2, 4, 5, 6, 8, 9, 11] {
            assert!(Fields::of(&bytes[..len], "a test").any(|field| field.is_err()), "{len}");
        }
        assert!(Fields::of(&[0x0b], "a test").any(|field| field.is_err()), "a group");
        assert!(Fields::of(&[0xff; 20], "a test").any(|field| field.is_err()), "a number without end");
    }
}
