//! JSON (RFC 8259) as headers of files use it: a parser that does not trust its input, and a writer of strings. A crate for JSON would take longer
//! to build than all other code that reads files.

use super::by_name::ByName;

/// The largest depth of nested arrays and objects; netwright's headers have two levels.
const MAX_DEPTH: usize = 128;

/// The largest length of an array; in netwright's headers, arrays are the shapes of tensors. A parsed value takes more memory than its text.
const MAX_ARRAY_LEN: usize = 1 << 10;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    /// An object. For a key that occurs several times, the last value is kept.
    Object(ByName<Json>),
    Array(Vec<Json>),
    Text(String),
    Whole(u64),
    /// `null`, a boolean, or a number that is not a `u64`: netwright's headers do not use them.
    Other,
}

impl Json {
    /// Parses a text that consists of one value, with white space around it.
    ///
    /// # Errors
    /// A description of the error with its byte offset.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|error| {
            let valid = String::from_utf8_lossy(&text[..error.valid_up_to()]);
            format!("expected UTF-8 at byte {}{}", valid.len(), behind(&valid))
        })?;
        let mut reader = Parser { text, at: 0 };
        let value = reader.value(0)?;
        if reader.next_after_space().is_some() { Err(reader.expected("the end")) } else { Ok(value) }
    }

    /// Returns the value of a key, if this is an object that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    pub(super) fn as_object(&self) -> Option<&ByName<Self>> {
        if let Self::Object(values) = self { Some(values) } else { None }
    }

    pub(super) fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(values) = self { Some(values) } else { None }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn as_whole(&self) -> Option<u64> {
        if let Self::Whole(number) = self { Some(*number) } else { None }
    }
}

/// Describes a position by the last characters before it.
fn behind(before: &str) -> String {
    let Some((start, _)) = before.char_indices().rev().take(24).last() else { return String::new() };
    format!(", behind `{}`", before[start..].replace(char::is_control, "\u{fffd}"))
}

/// A text and the offset of the next byte to parse, which is always at a character boundary.
struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn expected(&self, what: &str) -> String {
        format!("expected {what} at byte {}{}", self.at, behind(&self.text[..self.at]))
    }

    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next_after_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.next() {
            self.at += 1;
        }
        self.next()
    }

    /// Consumes `byte`, with white space before it, if it comes next; returns whether it does.
    fn consumes(&mut self, byte: u8) -> bool {
        let found = self.next_after_space() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > MAX_DEPTH {
            return Err(self.expected("no more than 128 values around it"));
        }
        match self.next_after_space() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        let mut values = Vec::new();
        self.at += 1;
        if self.consumes(b'}') {
            return Ok(Json::Object(ByName::default()));
        }
        loop {
            if self.next_after_space() != Some(b'"') {
                return Err(self.expected("a key"));
            }
            let key = self.string()?;
            if !self.consumes(b':') {
                return Err(self.expected("`:`"));
            }
            values.push((key, self.value(depth + 1)?));
            if self.consumes(b'}') {
                return Ok(Json::Object(ByName::last_of_each(values)));
            }
            if !self.consumes(b',') {
                return Err(self.expected("`,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, String> {
        let mut values = Vec::new();
        self.at += 1;
        if self.consumes(b']') {
            return Ok(Json::Array(values));
        }
        loop {
            if values.len() == MAX_ARRAY_LEN {
                return Err(self.expected("no more than 1024 elements"));
            }
            values.push(self.value(depth + 1)?);
            if self.consumes(b']') {
                return Ok(Json::Array(values));
            }
            if !self.consumes(b',') {
                return Err(self.expected("`,` or `]`"));
            }
        }
    }

    fn word(&mut self) -> Result<Json, String> {
        let rest = &self.text[self.at..];
        let word = ["null", "true", "false"].into_iter().find(|word| rest.starts_with(word));
        self.at += word.ok_or_else(|| self.expected("a value"))?.len();
        Ok(Json::Other)
    }

    /// Consumes one or more digits.
    fn digits(&mut self) -> Result<(), String> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.next() {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Json, String> {
        let start = self.at;
        self.at += usize::from(self.next() == Some(b'-'));
        // A number that starts with 0 has no further digits before its decimal point.
        if self.next() == Some(b'0') {
            self.at += 1
        } else {
            self.digits()?
        }
        if self.next() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.next() {
            self.at += 1;
            self.at += usize::from(matches!(self.next(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(self.text[start..self.at].parse().map_or(Json::Other, Json::Whole))
    }

    /// Parses the string that starts at the current offset with a quotation mark.
    fn string(&mut self) -> Result<String, String> {
        let mut string = String::new();
        self.at += 1;
        loop {
            let start = self.at;
            while self.next().is_some_and(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            string += &self.text[start..self.at];
            match self.next() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => {
                    self.at += 1;
                    string.push(self.escaped()?);
                }
                _ => return Err(self.expected("the end of a string")),
            }
        }
    }

    /// Parses the character after a backslash.
    fn escaped(&mut self) -> Result<char, String> {
        let letter = self.next().ok_or_else(|| self.expected("an escape"))?;
        let character = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(self.expected("an escape")),
        };
        self.at += 1;
        Ok(character)
    }

    /// Parses the character of `u0041`, or of a pair of surrogates: `ud83d\ude00`.
    fn unicode(&mut self) -> Result<char, String> {
        let first = self.unit()?;
        let mut units = [first, 0];
        let mut count = 1;
        if (0xd800..0xdc00).contains(&first) && self.next() == Some(b'\\') {
            self.at += 1;
            (units[1], count) = (self.unit()?, 2);
        }
        match char::decode_utf16(units[..count].iter().copied()).next() {
            Some(Ok(character)) => Ok(character),
            _ => Err(self.expected("a pair of surrogates")),
        }
    }

    /// Parses `u` and four hexadecimal digits.
    fn unit(&mut self) -> Result<u16, String> {
        let digits = self.text.as_bytes().get(self.at..self.at + 5).and_then(|unit| unit.strip_prefix(b"u"));
        let digits = digits.ok_or_else(|| self.expected("`u` and four digits"))?;
        let unit = digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)? as u16));
        let unit = unit.ok_or_else(|| self.expected("`u` and four digits"))?;
        self.at += 5;
        Ok(unit)
    }
}

/// Returns a text as a JSON string in quotation marks; only required escapes are used.
pub fn quoted(text: &str) -> String {
    let mut string = String::with_capacity(text.len() + 2);
    string.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => string.extend(['\\', character]),
            '\u{8}' => string += "\\b",
            '\u{c}' => string += "\\f",
            '\n' => string += "\\n",
            '\r' => string += "\\r",
            '\t' => string += "\\t",
            '\0'..' ' => string += &format!("\\u{:04x}", u32::from(character)),
            _ => string.push(character),
        }
    }
    string.push('"');
    string
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Returns what the reference implementation parses.
    fn of_reference(value: Value) -> Json {
        match value {
            Value::Object(values) => {
                let values = values.into_iter().map(|(key, value)| (key, of_reference(value)));
                Json::Object(ByName::last_of_each(values.collect()))
            }
            Value::Array(values) => Json::Array(values.into_iter().map(of_reference).collect()),
            Value::String(text) => Json::Text(text),
            Value::Number(number) => number.as_u64().map_or(Json::Other, Json::Whole),
            Value::Null | Value::Bool(_) => Json::Other,
        }
    }

    fn assert_as_reference(text: &[u8]) {
        let expected = serde_json::from_slice(text).map(of_reference);
        // The reference also refuses numbers that exceed `f64`.
        if expected.as_ref().is_err_and(|error| error.to_string().starts_with("number out of range")) {
            return;
        }
        let shown = String::from_utf8_lossy(text);
        match (Json::parse(text), expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value, expected, "{shown}"),
            (Err(_), Err(_)) => {}
            (value, expected) => panic!("{shown}: {value:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn what_is_read_and_what_is_refused_is_that_of_another_implementation() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        for text in [
            "",
            " ",
            "{}",
            "[ ]",
            "[1,]",
            "[,1]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "{\"a\":1,\"a\":[2]}",
            "{} {}",
            "0",
            "-0",
            "00",
            "01",
            "-1",
            "1.",
            ".5",
            "1.5",
            "1e",
            "1e5",
            "1E+5",
            "1e-",
            "+1",
            "-",
            "18446744073709551615",
            "18446744073709551616",
            "nul",
            "nulll",
            "true",
            "[true,false,null]",
            "\"",
            "\"\\",
            "\"\\\"",
            "\"\\x\"",
            "\"\\b\\f\\n\\r\\t\\/\\\\\"",
            "\"\\u0041\"",
            "\"\\u004\"",
            "\"\\u00g1\"",
            "\"\\u+041\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\\ud83dx\"",
            "\"\\ud83d\\n\"",
            "\"\\ud83d\\u0041\"",
            "\"\u{1f600}é\"",
            "\"\n\"",
            "\"\u{7f}\"",
            "\u{feff}1",
            "[1\u{a0}]",
            &deep(127),
            &deep(100_000),
        ] {
            assert_as_reference(text.as_bytes());
        }
        assert_as_reference(b"\"\xff\"");
    }

    #[test]
    fn errors_have_a_position() {
        assert_eq!(Json::parse(b"{\"a\": tru}").unwrap_err(), "expected a value at byte 6, behind `{\"a\": `");
        assert_eq!(Json::parse(b"[1 2]").unwrap_err(), "expected `,` or `]` at byte 3, behind `[1 `");
        assert_eq!(Json::parse(b"\"\xff").unwrap_err(), "expected UTF-8 at byte 1, behind `\"`");
    }

    #[test]
    fn arrays_longer_than_a_header_has_are_refused() {
        let ones = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        assert!(Json::parse(ones(1024).as_bytes()).is_ok());
        assert_eq!(
            Json::parse(ones(1025).as_bytes()).unwrap_err(),
            "expected no more than 1024 elements at byte 2049, behind `1,1,1,1,1,1,1,1,1,1,1,1,`"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_by_another_implementation(text in "[\\[\\]{},:\"\\\\ u0-9a-f.e+-]{0,24}") {
            assert_as_reference(text.as_bytes());
        }

        #[test]
        fn a_string_is_written_as_by_another_implementation_and_read_back(text in any::<String>(), control in "[\\x00-\\x1f\"\\\\]{0,4}") {
            let text = text + &control;
            prop_assert_eq!(quoted(&text), Value::from(text.as_str()).to_string());
            prop_assert_eq!(Json::parse(quoted(&text).as_bytes()), Ok(Json::Text(text)));
        }
    }
}
