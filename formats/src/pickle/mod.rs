//! Python's pickles (protocols 0 to 5, without what needs code), read as data: nothing is imported and nothing is called. A global is a
//! name, a call is the callable with its arguments, an object is what was said of it.
//!
//! A pickle may say `N` a million times, or put one value into a million lists. So that what is kept is no longer than what was read, a value is
//! four bytes: what it is, and where in the pickle it is written, or where in a list of values its parts are.

mod machine;
mod written;

use machine::Machine;
use written::Written;

use crate::budget::Budget;
use crate::pages::Pages;

/// A value: what it is in the lower four bits, and above them where it is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Value(u32);

/// What is found where a value says: in the pickle for those that are written there, else among the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    /// Where a container begins on the stack.
    Mark,
    None,
    False,
    True,
    /// A number, or bytes, that no weights are described with.
    Other,
    Int,
    Text,
    /// Two lines of the pickle.
    Global,
    /// Two texts.
    NamedGlobal,
    Tuple,
    List,
    /// Keys and values in turn.
    Dict,
    /// A callable and its arguments.
    Call,
    /// What `persistent_load` would be given.
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

/// The longest pickle, and the most parts: what the places of values reach.
const LONGEST: usize = 1 << 28;

impl Value {
    /// The place is below [`LONGEST`].
    fn new(kind: Kind, place: usize) -> Self {
        Self((place as u32) << 4 | kind as u32)
    }

    fn kind(self) -> Kind {
        Kind::ALL.get((self.0 & 15) as usize).copied().unwrap_or(Kind::Other)
    }

    /// Where it is found: where its code stands in the pickle, or which of the parts says how many it has.
    pub(crate) fn place(self) -> usize {
        (self.0 >> 4) as usize
    }

    /// A place among the parts, which stands there as a value does.
    fn of_place(place: usize) -> Self {
        Self(place as u32)
    }

    fn as_place(self) -> usize {
        self.0 as usize
    }
}

/// A value as it is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Seen<'p> {
    Int(i64),
    Text(&'p str),
    /// A class or function by its module and name.
    Global(&'p str, &'p str),
    Tuple,
    List,
    Dict,
    Call,
    Persistent,
    /// None, a truth value, or what no weights are described with.
    Other,
}

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickle {
    /// Of each tuple, call and so on how many parts it has, and the parts. Of a list or dictionary its last piece, and pieces: how many parts, the place
    /// of the next piece or 0, and the parts.
    parts: Pages<Value>,
    /// What was pickled.
    pub(crate) value: Value,
}

/// The parts of a value, in turn.
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
    /// Reads a pickle. What it holds, and what reading takes beside it, is at most what is left of the budget; more is refused.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(bytes: &[u8], budget: Budget) -> Result<Self, String> {
        if bytes.len() > LONGEST {
            return Err(format!("it has {} bytes, of at most {LONGEST}", bytes.len()));
        }
        Machine::new(bytes, budget).run()
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.parts.bytes()
    }

    /// How many values lie in others, with what says so.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Looks at a value of the pickle that was read of these bytes.
    pub(crate) fn see<'p>(&self, bytes: &'p [u8], value: Value) -> Seen<'p> {
        see(bytes, &self.parts, value).unwrap_or(Seen::Other)
    }

    /// What a container holds.
    pub(crate) fn items(&self, value: Value) -> Items<'_> {
        items(&self.parts, value)
    }

    /// The first parts of a container, where it has so many.
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

fn see<'p>(bytes: &'p [u8], parts: &Pages<Value>, value: Value) -> Option<Seen<'p>> {
    let mut written = Written { bytes, at: value.place() };
    Some(match value.kind() {
        Kind::Int => Seen::Int(written.int().ok()??),
        Kind::Text => Seen::Text(written.text().ok()??),
        Kind::Global => {
            written.byte().ok()?;
            Seen::Global(written.line().ok()?, written.line().ok()?)
        }
        Kind::NamedGlobal => {
            let mut names = items(parts, value).map(|name| see(bytes, parts, name));
            match (names.next()??, names.next()??) {
                (Seen::Text(module), Seen::Text(name)) => Seen::Global(module, name),
                _ => return None,
            }
        }
        Kind::Tuple => Seen::Tuple,
        Kind::List => Seen::List,
        Kind::Dict => Seen::Dict,
        Kind::Call => Seen::Call,
        Kind::Persistent => Seen::Persistent,
        Kind::Mark | Kind::None | Kind::False | Kind::True | Kind::Other => Seen::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: usize = 5000;

    fn read(bytes: &[u8]) -> Result<Pickle, String> {
        Pickle::read(bytes, Budget::of(SMALL))
    }

    /// A value in words, with all that is in it.
    fn shown(pickle: &Pickle, bytes: &[u8], value: Value) -> String {
        let items = || pickle.items(value).map(|item| shown(pickle, bytes, item)).collect::<Vec<_>>().join(" ");
        match pickle.see(bytes, value) {
            Seen::Int(number) => number.to_string(),
            Seen::Text(text) => text.to_owned(),
            Seen::Global(module, name) => format!("{module}.{name}"),
            Seen::Tuple => format!("({})", items()),
            Seen::List => format!("[{}]", items()),
            Seen::Dict => format!("{{{}}}", items()),
            Seen::Call => format!("call({})", items()),
            Seen::Persistent => format!("persistent({})", items()),
            Seen::Other => format!("{:?}", value.kind()),
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

    /// Lists and dictionaries that grow while others do, and remember themselves.
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

    /// `pickle.dumps(os.system)` and its call with an argument are names and texts.
    #[test]
    fn what_would_be_called_is_only_read() {
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
            // With room enough it is read, unless a mark is left.
            let read = Pickle::read(&bytes, Budget::of(1 << 20));
            assert!(read.map_or(code == b"(", |pickle| pickle.bytes() < 1 << 16));
        }
        // A list in itself is a loop that nobody follows.
        assert!(read(b"]q\0h\0a.").is_ok());
        // What is remembered under a large number takes room for all before it.
        assert!(read(b"Nq\x07h\x07\x86.").is_ok());
        assert!(read(b"Nq\x07h\x06\x86.").unwrap_err().contains("never told"));
        assert!(read(b"Nr\xff\xff\xff\xff.").unwrap_err().contains("has room for"));
    }
}
