//! The header of a NumPy array (NEP 1): a Python literal with its element type, order and shape.

use netwright_runtime::foreign::Dtype;

use crate::shortened;
use crate::strided::{MAX_AXES, Strided};

/// The number of bytes that contain the length of the header.
pub(crate) const START: usize = 12;

/// The longest header that is read: those of plain element types with the most axes and the largest sizes have half this length.
pub(crate) const MAX_LEN: usize = 1 << 12;

/// A parsed header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) dtype: Dtype,
    /// The size of an element in bytes.
    pub(crate) size: usize,
    pub(crate) is_big_endian: bool,
    pub(crate) layout: Strided,
    /// The offset of the elements.
    pub(crate) data: usize,
}

impl Header {
    /// Returns the total length of the header that begins with these bytes.
    ///
    /// # Errors
    /// A description of the problem.
    pub(crate) fn len(bytes: &[u8]) -> Result<usize, String> {
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("no array of NumPy")?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or("a header that is cut short")?;
        let (start, len) = match version[0] {
            1 => (10, rest.first_chunk().map(|len| u16::from_le_bytes(*len).into())),
            2 | 3 => (12, rest.first_chunk().map(|len| u32::from_le_bytes(*len) as usize)),
            other => return Err(format!("an array of NumPy's version {other}")),
        };
        let len = len.ok_or("a header that is cut short")?;
        if len > MAX_LEN - start { Err(format!("a header of {len} bytes")) } else { Ok(start + len) }
    }

    /// Parses the header at the beginning of `bytes`.
    ///
    /// # Errors
    /// A description of the problem.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let data = Self::len(bytes)?;
        let start = if bytes[6] == 1 { 10 } else { 12 };
        let text = bytes.get(start..data).ok_or("a header that is cut short")?;
        let text = std::str::from_utf8(text).map_err(|_| "a header that is no text")?;
        let mut literal = Literal(text);
        let (mut descr, mut is_fortran, mut shape) = (None, None, None);
        literal.sign('{')?;
        while !literal.is_next('}') {
            let key = literal.string()?;
            literal.sign(':')?;
            match key {
                "descr" => descr = Some(literal.string()?),
                "fortran_order" => is_fortran = Some(literal.truth()?),
                "shape" => shape = Some(literal.sizes()?),
                other => return Err(format!("the key `{}`", shortened(other))),
            }
            if !literal.is_next('}') {
                literal.sign(',')?;
            }
        }
        let (Some(descr), Some(is_fortran), Some(shape)) = (descr, is_fortran, shape) else {
            return Err("a header without a kind, an order or sizes".to_owned());
        };
        let (dtype, size, is_big_endian) =
            kind(descr).ok_or_else(|| format!("elements of the kind `{}`", shortened(descr)))?;
        let layout = if is_fortran { Strided::columns(shape) } else { Strided::rows(shape) };
        let layout = layout.filter(|layout| layout.len().and_then(|len| len.checked_mul(size)).is_some());
        Ok(Self { dtype, size, is_big_endian, layout: layout.ok_or("sizes that overflow")?, data })
    }
}

/// Parses a type such as `<f4`: the element type, the size of an element, and whether it is big-endian.
fn kind(descr: &str) -> Option<(Dtype, usize, bool)> {
    let order = descr.chars().next().filter(|order| matches!(order, '<' | '>' | '|' | '='))?;
    let dtype = match &descr[1..] {
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        "i1" => Dtype::I8,
        "i2" => Dtype::I16,
        "i4" => Dtype::I32,
        "i8" => Dtype::I64,
        "u1" => Dtype::U8,
        "u2" => Dtype::U16,
        "u4" => Dtype::U32,
        "u8" => Dtype::U64,
        "b1" => Dtype::BOOL,
        _ => return None,
    };
    Some((dtype, descr[2..].parse().ok()?, order == '>'))
}

/// A parser of the Python literals that occur in a header.
struct Literal<'t>(&'t str);

impl<'t> Literal<'t> {
    fn is_next(&mut self, sign: char) -> bool {
        self.0 = self.0.trim_start();
        self.0.starts_with(sign)
    }

    fn sign(&mut self, sign: char) -> Result<(), String> {
        self.0 = self.0.trim_start();
        self.0 = self.0.strip_prefix(sign).ok_or_else(|| format!("a header without `{sign}` where it belongs"))?;
        Ok(())
    }

    fn string(&mut self) -> Result<&'t str, String> {
        self.0 = self.0.trim_start();
        let quote = self.0.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
        let quote = quote.ok_or("a header with no text where one belongs: are its elements records?")?;
        let (text, rest) = self.0[1..].split_once(quote).ok_or("a text without an end")?;
        self.0 = rest;
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool, String> {
        self.0 = self.0.trim_start();
        for (word, truth) in [("True", true), ("False", false)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Ok(truth);
            }
        }
        Err("an order that is neither True nor False".to_owned())
    }

    fn sizes(&mut self) -> Result<Vec<usize>, String> {
        self.sign('(')?;
        let mut sizes = Vec::new();
        while !self.is_next(')') {
            if sizes.len() == MAX_AXES {
                return Err(format!("more than {MAX_AXES} axes"));
            }
            let end = self.0.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(self.0.len());
            let (digits, rest) = self.0.split_at(end);
            sizes.push(digits.parse().map_err(|_| "a size that is none")?);
            // NumPy on Python 2 wrote `3L`.
            self.0 = rest.strip_prefix('L').unwrap_or(rest);
            if !self.is_next(')') {
                self.sign(',')?;
            }
        }
        self.sign(')')?;
        Ok(sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(dictionary: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\0".to_vec();
        bytes.extend((dictionary.len() as u16).to_le_bytes());
        bytes.extend(dictionary.as_bytes());
        bytes
    }

    #[test]
    fn headers_of_numpy_are_read() {
        let header = Header::parse(&array("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n")).unwrap();
        assert_eq!((header.dtype, header.size, header.is_big_endian), (Dtype::F32, 4, false));
        assert_eq!((header.layout.shape, header.layout.strides), (vec![3, 4], vec![4, 1]));
        assert_eq!(header.data, 73);
        let header = Header::parse(&array("{\"shape\": (3,4), 'fortran_order':True,'descr':'>f8'}")).unwrap();
        assert_eq!((header.dtype, header.is_big_endian, header.layout.strides), (Dtype::F64, true, vec![1, 3]));
        for (shape, expected) in [("()", vec![]), ("(7,)", vec![7]), ("(3L, 2L)", vec![3, 2])] {
            let header = Header::parse(&array(&format!("{{'descr':'|b1','fortran_order':False,'shape':{shape}}}")));
            assert_eq!(header.unwrap().layout.shape, expected);
        }
    }

    #[test]
    fn what_is_no_header_says_why() {
        let dictionary =
            |descr: &str, shape: &str| format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}");
        for (text, reason) in [
            (dictionary("[('a', '<f4')]", "(1,)"), "records"),
            (dictionary("'<c8'", "(1,)"), "`<c8`"),
            (dictionary("'<f4'", "(-1,)"), "a size that is none"),
            (dictionary("'<f4'", "(18446744073709551615, 2)"), "overflow"),
            (dictionary("'<f8'", "(4611686018427387904,)"), "overflow"),
            (dictionary("'<f4'", "(99999999999999999999999,)"), "a size that is none"),
            ("{'descr': '<f4'}".to_owned(), "without"),
            ("{'x': 1}".to_owned(), "`x`"),
            ("{".to_owned(), "text"),
            ("".to_owned(), "`{`"),
            (dictionary("'é'", "()"), "kind"),
            (dictionary("'<f4'", &format!("({})", "1,".repeat(65))), "more than 64 axes"),
        ] {
            let found = Header::parse(&array(&text)).unwrap_err();
            assert!(found.contains(reason), "{found} for {text}");
        }
        for bytes in [
            &b""[..],
            b"\x93NUMPY",
            b"\x93NUMPY\x01\0\xff\xff",
            b"\x93NUMPY\x09\0\0\0",
            b"\x93NUMPY\x02\0\xff\xff\xff\xff{",
        ] {
            assert!(Header::parse(bytes).is_err());
        }
    }
}
