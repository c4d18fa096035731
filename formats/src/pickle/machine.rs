//! The stack machine that executes pickles.

use super::written::Written;
use super::{Decoded, Kind, MAX_LEN, Pickle, Value, decode, items};
use crate::budget::Budget;
use crate::pages::Pages;

/// The state of the machine: its stack and its memo.
pub(super) struct Machine<'p> {
    bytes: &'p [u8],
    at: usize,
    stack: Pages<Value>,
    memo: Pages<Value>,
    parts: Pages<Value>,
    budget: Budget,
}

impl<'p> Machine<'p> {
    pub(super) fn new(bytes: &'p [u8], budget: Budget) -> Self {
        Self { bytes, at: 0, stack: Pages::new(), memo: Pages::new(), parts: Pages::new(), budget }
    }

    pub(super) fn run(mut self) -> Result<Pickle, String> {
        loop {
            let start = self.at;
            let code = self.read(Written::byte)?;
            if code == b'.' {
                let value = self.pop()?;
                return Ok(Pickle { parts: self.parts, value });
            }
            self.step(code, start).map_err(|reason| format!("{reason}, at byte {}", self.at))?;
        }
    }

    /// Reads at the current offset, and moves behind what was read.
    fn read<T>(&mut self, read: impl FnOnce(&mut Written<'p>) -> Result<T, String>) -> Result<T, String> {
        let mut written = Written { bytes: self.bytes, at: self.at };
        let found = read(&mut written);
        self.at = written.at;
        found
    }

    /// Executes the opcode at `start`.
    fn step(&mut self, code: u8, start: usize) -> Result<(), String> {
        match code {
            // PROTO, FRAME
            0x80 => self.skip(1),
            0x95 => self.skip(8),
            b'N' => self.push(Value::new(Kind::None, 0)),
            0x88 => self.push(Value::new(Kind::True, 0)),
            0x89 => self.push(Value::new(Kind::False, 0)),
            // BININT, BININT1, BININT2, LONG1, LONG4, INT, LONG
            b'J' | b'K' | b'M' | 0x8a | 0x8b | b'I' | b'L' => {
                self.at = start;
                let number = self.read(Written::int)?;
                let kind = match &self.bytes[start..self.at] {
                    b"I00\n" => Kind::False,
                    b"I01\n" => Kind::True,
                    _ if number.is_none() => Kind::Other,
                    _ => Kind::Int,
                };
                self.push(Value::new(kind, start))
            }
            // FLOAT, BINFLOAT
            b'F' => self.read(Written::line).and_then(|_| self.other(0)),
            b'G' => self.other(8),
            // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8, UNICODE; the texts of Python 2
            b'X' | 0x8c | 0x8d | b'V' | b'U' | b'T' => {
                self.at = start;
                let kind = if self.read(Written::text)?.is_some() { Kind::Text } else { Kind::Other };
                self.push(Value::new(kind, start))
            }
            // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8
            b'B' => self.read(Written::u32).and_then(|len| self.other(len)),
            b'C' => self.read(Written::byte).and_then(|len| self.other(len.into())),
            0x8e | 0x96 => self.read(Written::u64).and_then(|len| self.other(len)),
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                self.read(Written::line)?;
                self.read(Written::line)?;
                self.push(Value::new(Kind::Global, start))
            }
            0x93 => {
                let first = self.operands(2)?;
                if (first..first + 2).any(|place| self.kind_at(place) != Kind::Text) {
                    return Err("a global without a name".to_owned());
                }
                self.container(first, Kind::NamedGlobal)
            }
            b'(' => self.push(Value::new(Kind::Mark, 0)),
            // Tuples, lists, dictionaries, sets.
            b')' => self.container(self.stack.len(), Kind::Tuple),
            0x85..=0x87 => {
                let first = self.operands(usize::from(code - 0x84))?;
                self.container(first, Kind::Tuple)
            }
            b't' => {
                let first = self.to_mark()?;
                self.container_at_mark(first, Kind::Tuple)
            }
            b']' | 0x8f => self.container(self.stack.len(), Kind::List),
            b'l' | 0x91 => {
                let first = self.to_mark()?;
                self.container_at_mark(first, Kind::List)
            }
            b'}' => self.container(self.stack.len(), Kind::Dict),
            b'd' => {
                let first = self.to_mark()?;
                self.container_at_mark(first, Kind::Dict)
            }
            // APPEND, APPENDS, ADDITEMS, SETITEM, SETITEMS
            b'a' => {
                let first = self.operands(1)?;
                self.extend(first, first, Kind::List)
            }
            b'e' | 0x90 => {
                let first = self.to_mark()?;
                self.extend(first - 1, first, Kind::List)
            }
            b's' => {
                let first = self.operands(2)?;
                self.extend(first, first, Kind::Dict)
            }
            b'u' => {
                let first = self.to_mark()?;
                self.extend(first - 1, first, Kind::Dict)
            }
            // POP, POP_MARK, DUP
            b'0' => self.pop().map(drop),
            b'1' => {
                let first = self.to_mark()?;
                self.stack.truncate(first - 1);
                Ok(())
            }
            b'2' => {
                let value = self.last()?;
                self.push(value)
            }
            // PUT, BINPUT, LONG_BINPUT, MEMOIZE; GET, BINGET, LONG_BINGET
            b'p' => self.read(Written::index).and_then(|index| self.put(index)),
            b'q' => self.read(Written::byte).and_then(|index| self.put(index.into())),
            b'r' => self.read(Written::u32).and_then(|index| self.put(index)),
            0x94 => self.put(self.memo.len()),
            b'g' => self.read(Written::index).and_then(|index| self.get(index)),
            b'h' => self.read(Written::byte).and_then(|index| self.get(index.into())),
            b'j' => self.read(Written::u32).and_then(|index| self.get(index)),
            // REDUCE, NEWOBJ; NEWOBJ_EX has named arguments too.
            b'R' | 0x81 => self.call(2),
            0x92 => self.call(3),
            // BUILD sets the state of an object, which contains no weights.
            b'b' => self.pop().map(drop),
            // BINPERSID
            b'Q' => {
                let first = self.operands(1)?;
                self.container(first, Kind::Persistent)
            }
            other => Err(format!("the code {other:#04x}, which is not read")),
        }
    }

    fn skip(&mut self, len: usize) -> Result<(), String> {
        self.read(|written| written.take(len)).map(drop)
    }

    /// Pushes a value without meaning for weights, whose encoding has `len` bytes.
    fn other(&mut self, len: usize) -> Result<(), String> {
        self.skip(len)?;
        self.push(Value::new(Kind::Other, 0))
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        self.stack.push(value, &mut self.budget)
    }

    fn kind_at(&self, place: usize) -> Kind {
        self.stack.get(place).map_or(Kind::Mark, Value::kind)
    }

    fn last(&self) -> Result<Value, String> {
        let first = self.operands(1)?;
        self.stack.get(first).ok_or_else(|| "it takes from an empty stack".to_owned())
    }

    fn pop(&mut self) -> Result<Value, String> {
        let value = self.last()?;
        self.stack.truncate(self.stack.len() - 1);
        Ok(value)
    }

    /// Returns the index of the first of the top `count` values of the stack, which must all be above the last mark.
    fn operands(&self, count: usize) -> Result<usize, String> {
        let first = self.stack.len().checked_sub(count);
        let first = first.filter(|&first| (first..self.stack.len()).all(|place| self.kind_at(place) != Kind::Mark));
        first.ok_or_else(|| "it takes from an empty stack".to_owned())
    }

    /// Returns the index of the first value above the last mark.
    fn to_mark(&self) -> Result<usize, String> {
        let mark = (0..self.stack.len()).rev().find(|&place| self.kind_at(place) == Kind::Mark);
        mark.map(|mark| mark + 1).ok_or_else(|| "it goes back to a mark that is not there".to_owned())
    }

    fn part(&mut self, value: Value) -> Result<(), String> {
        if self.parts.len() >= MAX_LEN {
            return Err(format!("it holds more than {MAX_LEN} values"));
        }
        self.parts.push(value, &mut self.budget)
    }

    /// Moves the values from index `first` on from the stack to the parts, preceded by their number.
    fn parts(&mut self, first: usize, is_piece: bool) -> Result<(), String> {
        self.part(Value::of_place(self.stack.len() - first))?;
        if is_piece {
            self.part(Value::of_place(0))?;
        }
        for place in first..self.stack.len() {
            self.part(self.stack.get(place).unwrap_or_default())?;
        }
        self.stack.truncate(first);
        Ok(())
    }

    /// Creates a container from the values from index `first` on.
    fn container(&mut self, first: usize, kind: Kind) -> Result<(), String> {
        let place = self.parts.len();
        let has_pieces = matches!(kind, Kind::List | Kind::Dict);
        if kind == Kind::Dict && !(self.stack.len() - first).is_multiple_of(2) {
            return Err("a key without a value".to_owned());
        }
        if has_pieces {
            self.part(Value::of_place(place + 1))?;
        }
        self.parts(first, has_pieces)?;
        self.push(Value::new(kind, place))
    }

    /// Creates a container in the same way, and removes the mark below the values.
    fn container_at_mark(&mut self, first: usize, kind: Kind) -> Result<(), String> {
        self.container(first, kind)?;
        let value = self.pop()?;
        self.stack.truncate(first - 1);
        self.push(value)
    }

    /// Adds the values from index `first` on to the container below index `end`; they are dropped if it is of another kind.
    fn extend(&mut self, end: usize, first: usize, kind: Kind) -> Result<(), String> {
        if kind == Kind::Dict && !(self.stack.len() - first).is_multiple_of(2) {
            return Err("a key without a value".to_owned());
        }
        let container = end.checked_sub(1).and_then(|place| self.stack.get(place)).unwrap_or_default();
        match container.kind() {
            Kind::Mark => return Err("it takes from an empty stack".to_owned()),
            found if found == kind => {
                let (place, piece) = (container.place(), self.parts.len());
                let before = self.parts.get(place).unwrap_or_default().as_place();
                self.parts(first, true)?;
                self.parts.set(before + 1, Value::of_place(piece));
                self.parts.set(place, Value::of_place(piece));
            }
            _ => {}
        }
        self.stack.truncate(end);
        Ok(())
    }

    /// Stores the top value in the memo. Python numbers memo entries in sequence, so the memo has hardly any gaps.
    fn put(&mut self, index: usize) -> Result<(), String> {
        let value = self.last()?;
        while self.memo.len() <= index {
            self.memo.push(Value::new(Kind::Mark, 0), &mut self.budget)?;
        }
        self.memo.set(index, value);
        Ok(())
    }

    fn get(&mut self, index: usize) -> Result<(), String> {
        let value = self.memo.get(index).filter(|value| value.kind() != Kind::Mark);
        self.push(value.ok_or("it remembers what it was never told")?)
    }

    /// Creates a call from a callable and its arguments; an ordered dictionary becomes a dictionary.
    fn call(&mut self, operands: usize) -> Result<(), String> {
        let first = self.operands(operands)?;
        let decoded = |place: usize| {
            let value = self.stack.get(place).unwrap_or_default();
            (decode(self.bytes, &self.parts, value), items(&self.parts, value).next())
        };
        match (decoded(first), decoded(first + 1)) {
            ((Some(Decoded::Global("collections", "OrderedDict")), _), (Some(Decoded::Tuple), None))
                if operands == 2 =>
            {
                self.stack.truncate(first);
                self.container(first, Kind::Dict)
            }
            _ => self.container(first, Kind::Call),
        }
    }
}
