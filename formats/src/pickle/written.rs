//! The encoding of values in a pickle: opcodes and their operands.

/// A cursor over the bytes of a pickle.
#[derive(Clone, Copy)]
pub(super) struct Written<'p> {
    pub(super) bytes: &'p [u8],
    pub(super) at: usize,
}

impl<'p> Written<'p> {
    /// Reads an integer with its opcode; `None` if it is longer than 64 bits.
    pub(super) fn int(&mut self) -> Result<Option<i64>, String> {
        // BININT, BININT1, BININT2, LONG1, LONG4, INT, LONG
        Ok(match self.byte()? {
            b'J' => Some(i32::from_le_bytes(self.array()?).into()),
            b'K' => Some(self.byte()?.into()),
            b'M' => Some(u16::from_le_bytes(self.array()?).into()),
            0x8a => {
                let len = self.byte()?.into();
                self.long(len)?
            }
            0x8b => {
                let len = self.u32()?;
                self.long(len)?
            }
            _ => self.line()?.trim_end_matches('L').parse().ok(),
        })
    }

    /// Reads a text with its opcode; `None` if it is not UTF-8.
    pub(super) fn text(&mut self) -> Result<Option<&'p str>, String> {
        // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8, UNICODE; the texts of Python 2
        let len = match self.byte()? {
            b'X' | b'T' => self.u32()?,
            0x8c | b'U' => self.byte()?.into(),
            0x8d => self.u64()?,
            _ => return self.line().map(Some),
        };
        // Python also writes lone surrogates, which do not occur in names.
        Ok(std::str::from_utf8(self.take(len)?).ok())
    }

    fn long(&mut self, len: usize) -> Result<Option<i64>, String> {
        let bytes = self.take(len)?;
        let mut filled = [if bytes.last().is_some_and(|&last| last >= 0x80) { 0xff } else { 0 }; 8];
        let value = filled.get_mut(..len).map(|low| low.copy_from_slice(bytes));
        Ok(value.map(|()| i64::from_le_bytes(filled)))
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'p [u8], String> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| "it is cut short".to_owned())?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub(super) fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], String> {
        self.take(SIZE)?.try_into().map_err(|_| "it is cut short".to_owned())
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<usize, String> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    pub(super) fn u64(&mut self) -> Result<usize, String> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| "it is cut short".to_owned())
    }

    pub(super) fn line(&mut self) -> Result<&'p str, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or("a line without an end")?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_| "a line that is no text".to_owned())
    }

    pub(super) fn index(&mut self) -> Result<usize, String> {
        self.line()?.parse().map_err(|_| "a memo without a number".to_owned())
    }
}
