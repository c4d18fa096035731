//! The header of a safetensors file: JSON of a fixed form, read by a reader that knows this form and no other, so that no
//! nesting and no size in a file can exhaust the stack or the memory.

/// A tensor as the header tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) numbers: String,
    pub(super) shape: Vec<usize>,
    pub(super) range: [usize; 2],
}

/// All that a header tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) metadata: Vec<(String, String)>,
    pub(super) entries: Vec<Entry>,
}

/// What is wrong, and at which byte of the header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) at: usize,
    pub(super) expected: &'static str,
}

pub(super) fn parse(text: &str) -> Result<Header, Malformed> {
    let mut reader = Reader { text, at: 0 };
    let mut header = Header::default();
    reader.object(|reader, key| {
        if key == "__metadata__" {
            reader.object(|reader, key| {
                let value = reader.string()?;
                header.metadata.push((key, value));
                Ok(())
            })
        } else {
            let entry = reader.entry(key)?;
            header.entries.push(entry);
            Ok(())
        }
    })?;
    reader.space();
    if reader.at < text.len() { Err(reader.expected("the end of the header")) } else { Ok(header) }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn expected(&self, expected: &'static str) -> Malformed {
        Malformed { at: self.at, expected }
    }

    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Whether `token` comes next, which is then passed.
    fn passes(&mut self, token: char) -> bool {
        self.space();
        let found = self.text[self.at..].starts_with(token);
        self.at += if found { token.len_utf8() } else { 0 };
        found
    }

    fn pass(&mut self, token: char, expected: &'static str) -> Result<(), Malformed> {
        if self.passes(token) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn object(&mut self, mut value: impl FnMut(&mut Self, String) -> Result<(), Malformed>) -> Result<(), Malformed> {
        self.pass('{', "`{`")?;
        if self.passes('}') {
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.pass(':', "`:`")?;
            value(self, key)?;
            if self.passes('}') {
                return Ok(());
            }
            self.pass(',', "`,` or `}`")?;
        }
    }

    fn entry(&mut self, name: String) -> Result<Entry, Malformed> {
        let start = self.at;
        let (mut numbers, mut shape, mut range) = (None, None, None);
        self.object(|reader, key| {
            match key.as_str() {
                "dtype" => numbers = Some(reader.string()?),
                "shape" => shape = Some(reader.integers()?),
                "data_offsets" => range = Some(reader.integers()?),
                _ => return Err(reader.expected("`dtype`, `shape` or `data_offsets`")),
            }
            Ok(())
        })?;
        let range = range.and_then(|range| <[usize; 2]>::try_from(range).ok());
        match (numbers, shape, range) {
            (Some(numbers), Some(shape), Some(range)) => Ok(Entry { name, numbers, shape, range }),
            _ => Err(Malformed { at: start, expected: "a tensor with `dtype`, `shape` and two `data_offsets`" }),
        }
    }

    fn integers(&mut self) -> Result<Vec<usize>, Malformed> {
        self.pass('[', "`[`")?;
        let mut integers = Vec::new();
        if self.passes(']') {
            return Ok(integers);
        }
        loop {
            self.space();
            let rest = &self.text[self.at..];
            let digits = &rest[..rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len()];
            integers.push(digits.parse().map_err(|_| self.expected("a whole number"))?);
            self.at += digits.len();
            if self.passes(']') {
                return Ok(integers);
            }
            self.pass(',', "`,` or `]`")?;
        }
    }

    fn string(&mut self) -> Result<String, Malformed> {
        self.pass('"', "a string")?;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(character) = rest.chars().next() else { return Err(self.expected("`\"`")) };
            self.at += character.len_utf8();
            match character {
                '"' => return Ok(string),
                '\\' => string.push(self.escape()?),
                '\0'..='\u{1f}' => return Err(self.expected("no control character")),
                _ => string.push(character),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Malformed> {
        let malformed = self.expected("an escape of JSON");
        let Some(character) = self.text[self.at..].chars().next() else { return Err(malformed) };
        self.at += character.len_utf8();
        Ok(match character {
            '"' | '\\' | '/' => character,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = self.hexadecimal()?;
                let code = if (0xd800..0xdc00).contains(&high) {
                    // The first half of a surrogate pair.
                    if !self.text[self.at..].starts_with("\\u") {
                        return Err(malformed);
                    }
                    self.at += 2;
                    let low = self.hexadecimal()?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(malformed);
                    }
                    0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    high
                };
                char::from_u32(code).ok_or(malformed)?
            }
            _ => return Err(malformed),
        })
    }

    fn hexadecimal(&mut self) -> Result<u32, Malformed> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.expected("four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }
}

/// Writes a string as JSON.
pub(crate) fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\0'..='\u{1f}' => text.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => text.push(character),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tensors_and_metadata_in_any_spacing() {
        let text = r#"{"__metadata__":{"a":"\u0041\n\ud83d\ude00"} ,
            "w" : {"shape": [ 2 ,3], "dtype":"F32","data_offsets":[0,24]}}  "#;
        let header = parse(text).unwrap();
        assert_eq!(header.metadata, [("a".to_owned(), "A\n😀".to_owned())]);
        let entry = Entry { name: "w".into(), numbers: "F32".into(), shape: vec![2, 3], range: [0, 24] };
        assert_eq!(header.entries, [entry]);
    }

    #[test]
    fn what_it_writes_it_reads() {
        let string = "a\"b\\c\n\u{1}ü😀";
        let mut text = "{\"__metadata__\":{".to_owned();
        write_string(&mut text, string);
        text.push_str(":\"\"}}");
        assert_eq!(parse(&text).unwrap().metadata[0].0, string);
    }

    #[test]
    fn malformed_headers_are_errors_at_their_byte() {
        for (text, at) in [
            ("", 0),
            ("[]", 0),
            ("{\"a\"}", 4),
            ("{\"a\":1}", 5),
            ("{\"a\":{\"dtype\":\"F32\"}}", 5),
            ("{\"a\":{\"other\":1}}", 14),
            ("{\"a\":{\"shape\":[-1]}}", 15),
            ("{\"a\":{\"shape\":[99999999999999999999999]}}", 15),
            ("{\"a\":{\"shape\":[[[[[[", 15),
            ("{} {}", 3),
            ("{\"\\ud800\":", 3),
            ("{\"\\uzzzz\":", 4),
        ] {
            assert_eq!(parse(text).unwrap_err().at, at, "{text}");
        }
    }
}
