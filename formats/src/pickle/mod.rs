//! Python's pickles (protocols 0 to 5, without features that need code), parsed as data: nothing is imported and nothing is called. A global is a
//! name, a call is the callable with its arguments, an object is the call that creates it.
//!
//! A pickle may repeat `N` a million times, or put one value into a million lists. To keep the parsed form no longer than the pickle, a value is
//! four bytes: its kind, and the offset of its encoding in the pickle, or of its parts in a list of values.

mod machine;
mod written;

use machine::Machine;
use written::Written;

use crate::budget::Budget;
use crate::pages::Pages;

/// A value: its kind in the lower four bits, and its offset above them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Value(u32);

/// The kind of a value. The offset refers to the pickle for encoded values, else to the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    /// The start of a container on the stack.
    Mark,
    None,
    False,
    True,
    /// A number, or bytes, with no meaning for weights.
    Other,
    Int,
    Text,
    /// A module and a name, in two lines of the pickle.
    Global,
    /// A module and a name, as two texts.
    NamedGlobal,
    Tuple,
    List,
    /// Keys and values, alternating.
    Dict,
    /// A callable and its arguments.
    Call,
    /// The argument of `persistent_load`.
    Persistent,
}

impl Kind {
    const ALL: [Self; 14] = [
        Self::Mark,
        Self::None,
        Self::False,
        Self::True,
        Self::Other,
        Self::Int,
        Self::Text,
        Self::Global,
        Self::NamedGlobal,
        Self::Tuple,
        Self::List,
        Self::Dict,
        Self::Call,
        Self::Persistent,
    ];
}

/// The largest length of a pickle, and the largest number of parts: the range of offsets in values.
const MAX_LEN: usize = 1 << 28;

impl Value {
    /// Creates a value; `place` is less than [`MAX_LEN`].
    fn new(kind: Kind, place: usize) -> Self {
        Self((place as u32) << 4 | kind as u32)
    }

    fn kind(self) -> Kind {
        Kind::ALL.get((self.0 & 15) as usize).copied().unwrap_or(Kind::Other)
    }

    /// Returns its offset: that of its opcode in the pickle, or the index of its number of parts.
    pub(crate) fn place(self) -> usize {
        (self.0 >> 4) as usize
    }

    /// Creates an index of a part, which is stored among the parts in the form of a value.
    fn of_place(place: usize) -> Self {
        Self(place as u32)
    }

    fn as_place(self) -> usize {
        self.0 as usize
    }
}

/// A decoded value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Decoded<'p> {
    Int(i64),
    Text(&'p str),
    /// A class or function with its module and name.
    Global(&'p str, &'p str),
    Tuple,
    List,
    Dict,
    Call,
    Persistent,
    /// None, a boolean, or a value with no meaning for weights.
    Other,
}

/// A parsed pickle.
#[derive(Debug)]
pub(crate) struct Pickle {
    /// For each tuple, call and so on: the number of its parts, and the parts. For a list or dictionary: the index of its last piece, and its pieces,
    /// each with the number of its parts, the index of the next piece or 0, and the parts.
    parts: Pages<Value>,
    /// The pickled object.
    pub(crate) value: Value,
}

/// An iterator over the parts of a value.
#[derive(Clone, Debug)]
pub(crate) struct Items<'p> {
    parts: &'p Pages<Value>,
    at: usize,
    left: usize,
    next: usize,
}

impl Iterator for Items<'_> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        while self.left == 0 && self.next != 0 {
            let piece = self.next;
            (self.left, self.next) = (self.parts.get(piece)?.as_place(), self.parts.get(piece + 1)?.as_place());
            self.at = piece + 2;
        }
        self.left = self.left.checked_sub(1)?;
        self.at += 1;
        self.parts.get(self.at - 1)
    }
}

impl Pickle {
    /// Parses a pickle. The memory for it, including what parsing needs, is limited by the budget.
    ///
    /// # Errors
    /// A description of the problem.
    pub(crate) fn read(bytes: &[u8], budget: Budget) -> Result<Self, String> {
        if bytes.len() > MAX_LEN {
            return Err(format!("it has {} bytes, of at most {MAX_LEN}", bytes.len()));
        }
        Machine::new(bytes, budget).run()
    }

    /// Returns its size in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.parts.bytes()
    }

    /// Returns the number of stored parts, including their counts and indices.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Decodes a value; `bytes` are those of the pickle.
    pub(crate) fn decode<'p>(&self, bytes: &'p [u8], value: Value) -> Decoded<'p> {
        decode(bytes, &self.parts, value).unwrap_or(Decoded::Other)
    }

    /// Returns the parts of a container.
    pub(crate) fn items(&self, value: Value) -> Items<'_> {
        items(&self.parts, value)
    }

    /// Returns the first parts of a container; `None` if it has fewer.
    pub(crate) fn first<const COUNT: usize>(&self, value: Value) -> Option<[Value; COUNT]> {
        let mut items = self.items(value);
        let mut first = [Value::default(); COUNT];
        for part in &mut first {
            *part = items.next()?;
        }
        Some(first)
    }
}

fn items(parts: &Pages<Value>, value: Value) -> Items<'_> {
    let place = value.place();
    let part = |place: usize| parts.get(place).unwrap_or_default().as_place();
    let (at, left, next) = match value.kind() {
        Kind::Tuple | Kind::Call | Kind::Persistent | Kind::NamedGlobal => (place + 1, part(place), 0),
        Kind::List | Kind::Dict => (0, 0, place + 1),
        _ => (0, 0, 0),
    };
    Items { parts, at, left, next }
}

fn decode<'p>(bytes: &'p [u8], parts: &Pages<Value>, value: Value) -> Option<Decoded<'p>> {
    let mut written = Written { bytes, at: value.place() };
    Some(match value.kind() {
        Kind::Int => Decoded::Int(written.int().ok()??),
        Kind::Text => Decoded::Text(written.text().ok()??),
        Kind::Global => {
            written.byte().ok()?;
            Decoded::Global(written.line().ok()?, written.line().ok()?)
        }
        Kind::NamedGlobal => {
            let mut names = items(parts, value).map(|name| decode(bytes, parts, name));
            match (names.next()??, names.next()??) {
                (Decoded::Text(module), Decoded::Text(name)) => Decoded::Global(module, name),
                _ => return None,
            }
        }
        Kind::Tuple => Decoded::Tuple,
        Kind::List => Decoded::List,
        Kind::Dict => Decoded::Dict,
        Kind::Call => Decoded::Call,
        Kind::Persistent => Decoded::Persistent,
        Kind::Mark | Kind::None | Kind::False | Kind::True | Kind::Other => Decoded::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: usize = 5000;

    fn read(bytes: &[u8]) -> Result<Pickle, String> {
        Pickle::read(bytes, Budget::of(SMALL))
    }

    /// Formats a value with all its parts.
    fn shown(pickle: &Pickle, bytes: &[u8], value: Value) -> String {
        let items = || pickle.items(value).map(|item| shown(pickle, bytes, item)).collect::<Vec<_>>().join(" ");
        match pickle.decode(bytes, value) {
            Decoded::Int(number) => number.to_string(),
            Decoded::Text(text) => text.to_owned(),
            Decoded::Global(module, name) => format!("{module}.{name}"),
            Decoded::Tuple => format!("({})", items()),
            Decoded::List => format!("[{}]", items()),
            Decoded::Dict => format!("{{{}}}", items()),
            Decoded::Call => format!("call({})", items()),
            Decoded::Persistent => format!("persistent({})", items()),
            Decoded::Other => format!("{:?}", value.kind()),
        }
    }

    #[track_caller]
    fn assert_read(bytes: &[u8], expected: &str) {
        let pickle = read(bytes).unwrap();
        assert_eq!(shown(&pickle, bytes, pickle.value), expected);
    }

    /// `pickle.dumps({"a": (1, [True, None]), 2: -3, "b": 2**40}, protocol)`
    #[test]
    fn every_protocol_is_read() {
        for bytes in [
            &b"(dp0\nVa\np1\n(I1\n(lp2\nI01\naNatp3\nsI2\nI-3\nsVb\np4\nL1099511627776L\ns."[..],
            b"\x80\x02}q\0(X\x01\0\0\0aq\x01K\x01]q\x02(\x88Ne\x86q\x03K\x02J\xfd\xff\xff\xffX\x01\0\0\0bq\x04\x8a\x06\0\0\0\0\0\x01u.",
            b"\x80\x04\x95\x2d\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94K\x01]\x94(\x88Ne\x86\x94K\x02J\xfd\xff\xff\xff\x8c\x01b\x94\x8a\x06\0\0\0\0\0\x01u.",
        ] {
            assert_read(bytes, "{a (1 [True None]) 2 -3 b 1099511627776}");
        }
    }

    /// Lists and dictionaries that grow alternately, and contain themselves.
    #[test]
    fn containers_have_what_was_put_in_them_in_this_order() {
        assert_read(b"]q\0(]q\x01K\x01aK\x02eh\x01K\x03a0(K\x04K\x05eh\x01(K\x06K\x07e0.", "[[1 3 6 7] 2 4 5]");
        assert_read(b"(K\x01K\x02l(K\x03K\x04eK\x05a.", "[1 2 3 4 5]");
        assert_read(b"(K\x01K\x02dK\x03K\x04s(K\x05K\x06K\x07K\x08u.", "{1 2 3 4 5 6 7 8}");
        assert_read(b"\x8f(K\x01K\x02\x90(K\x03\x91\x86.", "([1 2] [3])");
        assert_read(b"K\x01(K\x02K\x03K\x04122\x87.", "(1 1 1)");
        assert_read(b"\x8c\x01m\x8c\x01n\x93)R.", "call(m.n ())");
        assert_read(b"ccollections\nOrderedDict\n)RK\x01K\x02s.", "{1 2}");
        assert_read(b"cm\nn\n)}\x92}bQ.", "persistent(call(m.n () {}))");
    }

    /// `pickle.dumps(os.system)` and its call with an argument are parsed as names and texts.
    #[test]
    fn calls_are_parsed_and_not_executed() {
        let pickle = read(b"cposix\nsystem\n(S'x'\n").unwrap_err();
        assert!(pickle.contains("0x53"), "{pickle}");
        assert_read(b"\x80\x02cposix\nsystem\nX\x05\0\0\0touch\x85R.", "call(posix.system (touch))");
    }

    #[test]
    fn pickles_that_make_no_sense_are_refused() {
        for bytes in [
            &b""[..],
            b".",
            b"N",
            b"\x80",
            b"0.",
            b"e.",
            b"(0.",
            b"h\0.",
            b"g-1\n.",
            b"X\xff\xff\xff\xffa.",
            b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffa.",
            b"\x85.",
            b"K\x01\x93.",
            b"}(K\x01u.",
            b"R.",
            b"NR.",
            b"\xff.",
            b"Iabc",
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_pickle_cannot_hold_more_than_it_is_allowed() {
        for (code, times) in
            [(&b"]a"[..], 2000), (b"q\0h\0\x86", 2000), (b"N", 2000), (b"(", 2000), (b"Nq\0\x94", 2000)]
        {
            let bytes = [&b"]"[..], &code.repeat(times), b"."].concat();
            let refused = read(&bytes).unwrap_err();
            assert!(refused.contains("has room for"), "{refused}");
            // With a sufficient budget it is parsed, unless a mark remains.
            let read = Pickle::read(&bytes, Budget::of(1 << 20));
            assert!(read.map_or(code == b"(", |pickle| pickle.bytes() < 1 << 16));
        }
        // A list that contains itself is a cycle, which is not traversed.
        assert!(read(b"]q\0h\0a.").is_ok());
        // A memo entry with a large index needs memory for all before it.
        assert!(read(b"Nq\x07h\x07\x86.").is_ok());
        assert!(read(b"Nq\x07h\x06\x86.").unwrap_err().contains("never told"));
        assert!(read(b"Nr\xff\xff\xff\xff.").unwrap_err().contains("has room for"));
    }
}
