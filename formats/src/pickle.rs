//! Python's pickles (protocols 0 to 5, without what needs code), read as data: nothing is imported and nothing is called. A global is a
//! name, a call is the callable with its arguments, an object is what was said of it.

use std::collections::HashMap;

/// A value; containers lie in the [`Pickle`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'p> {
    None,
    Bool(bool),
    Int(i64),
    /// A number, or bytes, that no weights are described with.
    Other,
    Text(&'p str),
    /// A class or function by its module and name.
    Global(&'p str, &'p str),
    Tuple(usize),
    List(usize),
    /// Keys and values in turn.
    Dict(usize),
    /// A callable and its arguments.
    Call(usize),
    /// What `persistent_load` would be given.
    Persistent(usize),
}

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickle<'p> {
    containers: Vec<Vec<Value<'p>>>,
    /// What was pickled.
    pub(crate) value: Value<'p>,
}

impl<'p> Pickle<'p> {
    /// Reads a pickle. It may hold so many values in all; more are refused.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(bytes: &'p [u8], most: usize) -> Result<Self, String> {
        Machine {
            bytes,
            at: 0,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            containers: Vec::new(),
            left: most,
        }
        .run()
    }

    /// What a container holds.
    pub(crate) fn items(&self, value: Value<'p>) -> &[Value<'p>] {
        match value {
            Value::Tuple(at) | Value::List(at) | Value::Dict(at) | Value::Call(at) | Value::Persistent(at) => {
                &self.containers[at]
            }
            _ => &[],
        }
    }
}

struct Machine<'p> {
    bytes: &'p [u8],
    at: usize,
    stack: Vec<Value<'p>>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'p>>,
    containers: Vec<Vec<Value<'p>>>,
    /// How many values there is room for.
    left: usize,
}

/// What a container takes beside its values, in values.
const CONTAINER: usize = 2;

/// The deepest stack: `pickle` writes at most a thousand pairs at a time.
const DEEPEST: usize = 1 << 16;

impl<'p> Machine<'p> {
    fn run(mut self) -> Result<Pickle<'p>, String> {
        loop {
            let code = self.byte()?;
            if code == b'.' {
                let value = self.pop()?;
                return Ok(Pickle { containers: self.containers, value });
            }
            self.step(code).map_err(|reason| format!("{reason}, at byte {}", self.at))?;
        }
    }

    fn step(&mut self, code: u8) -> Result<(), String> {
        match code {
            // PROTO, FRAME
            0x80 => self.take(1).map(drop),
            0x95 => self.take(8).map(drop),
            b'N' => self.push(Value::None),
            0x88 | 0x89 => self.push(Value::Bool(code == 0x88)),
            // BININT, BININT1, BININT2, LONG1, LONG4
            b'J' => {
                let value = i32::from_le_bytes(self.array()?);
                self.push(Value::Int(value.into()))
            }
            b'K' => {
                let value = self.byte()?;
                self.push(Value::Int(value.into()))
            }
            b'M' => {
                let value = u16::from_le_bytes(self.array()?);
                self.push(Value::Int(value.into()))
            }
            0x8a => {
                let len = self.byte()?.into();
                self.long(len)
            }
            0x8b => {
                let len = self.u32()?;
                self.long(len)
            }
            // INT, LONG
            b'I' | b'L' => {
                let line = self.line()?.trim_end_matches('L');
                match (code, line) {
                    (b'I', "00" | "01") => self.push(Value::Bool(line == "01")),
                    _ => self.push(line.parse().map_or(Value::Other, Value::Int)),
                }
            }
            // FLOAT, BINFLOAT
            b'F' => self.line().map(drop).and_then(|()| self.push(Value::Other)),
            b'G' => self.take(8).map(drop).and_then(|()| self.push(Value::Other)),
            // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8, UNICODE; the texts of Python 2
            b'X' => {
                let len = self.u32()?;
                self.text(len)
            }
            0x8c => {
                let len = self.byte()?.into();
                self.text(len)
            }
            0x8d => {
                let len = self.u64()?;
                self.text(len)
            }
            b'V' => {
                let line = self.line()?;
                self.push(Value::Text(line))
            }
            b'U' => {
                let len = self.byte()?.into();
                self.text(len)
            }
            b'T' => {
                let len = self.u32()?;
                self.text(len)
            }
            // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8
            b'B' => {
                let len = self.u32()?;
                self.skip(len)
            }
            b'C' => {
                let len = self.byte()?.into();
                self.skip(len)
            }
            0x8e | 0x96 => {
                let len = self.u64()?;
                self.skip(len)
            }
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Global(module, name))
            }
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => self.push(Value::Global(module, name)),
                _ => Err("a global without a name".to_owned()),
            },
            b'(' => {
                self.room(1)?;
                self.marks.push(self.stack.len());
                Ok(())
            }
            // Tuples, lists, dictionaries, sets.
            b')' => self.container(Vec::new(), Value::Tuple),
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(code - 0x84))?;
                self.container(items, Value::Tuple)
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.container(items, Value::Tuple)
            }
            b']' | 0x8f => self.container(Vec::new(), Value::List),
            b'l' | 0x91 => {
                let items = self.pop_to_mark()?;
                self.container(items, Value::List)
            }
            b'}' => self.container(Vec::new(), Value::Dict),
            b'd' => {
                let items = self.pop_to_mark()?;
                self.container(items, Value::Dict)
            }
            // APPEND, APPENDS, ADDITEMS, SETITEM, SETITEMS
            b'a' => {
                let items = self.pop_many(1)?;
                self.extend(items, false)
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.extend(items, false)
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.extend(items, true)
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.extend(items, true)
            }
            // POP, POP_MARK, DUP
            b'0' => self.pop().map(drop),
            b'1' => self.pop_to_mark().map(drop),
            b'2' => {
                let value = self.last()?;
                self.push(value)
            }
            // PUT, BINPUT, LONG_BINPUT, MEMOIZE; GET, BINGET, LONG_BINGET
            b'p' => {
                let index = self.index()?;
                self.put(index)
            }
            b'q' => {
                let index = self.byte()?.into();
                self.put(index)
            }
            b'r' => {
                let index = u32::from_le_bytes(self.array()?);
                self.put(index)
            }
            0x94 => self.put(self.memo.len() as u32),
            b'g' => {
                let index = self.index()?;
                self.get(index)
            }
            b'h' => {
                let index = self.byte()?.into();
                self.get(index)
            }
            b'j' => {
                let index = u32::from_le_bytes(self.array()?);
                self.get(index)
            }
            // REDUCE, NEWOBJ; NEWOBJ_EX has named arguments too.
            b'R' | 0x81 => self.call(2),
            0x92 => self.call(3),
            // BUILD: what is said of an object is no weight.
            b'b' => self.pop().map(drop),
            // BINPERSID
            b'Q' => {
                let items = self.pop_many(1)?;
                self.container(items, Value::Persistent)
            }
            other => Err(format!("the code {other:#04x}, which is not read")),
        }
    }

    fn take(&mut self, len: usize) -> Result<&'p [u8], String> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| "it is cut short".to_owned())?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], String> {
        self.take(SIZE)?.try_into().map_err(|_| "it is cut short".to_owned())
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<usize, String> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn u64(&mut self) -> Result<usize, String> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| "it is cut short".to_owned())
    }

    fn line(&mut self) -> Result<&'p str, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or("a line without an end")?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_| "a line that is no text".to_owned())
    }

    fn index(&mut self) -> Result<u32, String> {
        self.line()?.parse().map_err(|_| "a memo without a number".to_owned())
    }

    fn long(&mut self, len: usize) -> Result<(), String> {
        let bytes = self.take(len)?;
        let mut filled = [if bytes.last().is_some_and(|&last| last >= 0x80) { 0xff } else { 0 }; 8];
        let value = filled.get_mut(..len).map(|low| low.copy_from_slice(bytes));
        self.push(value.map_or(Value::Other, |()| Value::Int(i64::from_le_bytes(filled))))
    }

    fn text(&mut self, len: usize) -> Result<(), String> {
        let bytes = self.take(len)?;
        // Python writes lone surrogates too, which no name has.
        self.push(std::str::from_utf8(bytes).map_or(Value::Other, Value::Text))
    }

    fn skip(&mut self, len: usize) -> Result<(), String> {
        self.take(len)?;
        self.push(Value::Other)
    }

    /// Takes room for so many values.
    fn room(&mut self, values: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(values).ok_or("it holds more than its file can describe")?;
        Ok(())
    }

    fn push(&mut self, value: Value<'p>) -> Result<(), String> {
        if self.stack.len() >= DEEPEST {
            return Err("its stack is too deep".to_owned());
        }
        self.stack.push(value);
        Ok(())
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn last(&self) -> Result<Value<'p>, String> {
        let value = self.stack.last().filter(|_| self.stack.len() > self.floor());
        value.copied().ok_or_else(|| "it takes from an empty stack".to_owned())
    }

    fn pop(&mut self) -> Result<Value<'p>, String> {
        let value = self.last()?;
        self.stack.pop();
        Ok(value)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value<'p>>, String> {
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= self.floor());
        Ok(self.stack.split_off(start.ok_or("it takes from an empty stack")?))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value<'p>>, String> {
        let start = self.marks.pop().ok_or("it goes back to a mark that is not there")?;
        Ok(self.stack.split_off(start))
    }

    fn container(&mut self, items: Vec<Value<'p>>, kind: fn(usize) -> Value<'p>) -> Result<(), String> {
        self.room(items.len() + CONTAINER)?;
        self.containers.push(items);
        self.push(kind(self.containers.len() - 1))
    }

    /// Adds to the container on the stack; what is no container here keeps nothing.
    fn extend(&mut self, items: Vec<Value<'p>>, are_pairs: bool) -> Result<(), String> {
        if are_pairs && !items.len().is_multiple_of(2) {
            return Err("a key without a value".to_owned());
        }
        self.room(items.len())?;
        match (self.last()?, are_pairs) {
            (Value::Dict(at), true) | (Value::List(at), false) => self.containers[at].extend(items),
            _ => {}
        }
        Ok(())
    }

    fn put(&mut self, index: u32) -> Result<(), String> {
        let value = self.last()?;
        self.room(CONTAINER)?;
        self.memo.insert(index, value);
        Ok(())
    }

    fn get(&mut self, index: u32) -> Result<(), String> {
        let value = self.memo.get(&index).copied().ok_or("it remembers what it was never told")?;
        self.push(value)
    }

    /// A callable with its arguments; an ordered dictionary is a dictionary.
    fn call(&mut self, operands: usize) -> Result<(), String> {
        let items = self.pop_many(operands)?;
        match items[..] {
            [Value::Global("collections", "OrderedDict"), Value::Tuple(at)] if self.containers[at].is_empty() => {
                self.container(Vec::new(), Value::Dict)
            }
            _ => self.container(items, Value::Call),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Pickle<'_>, String> {
        Pickle::read(bytes, 1000)
    }

    /// `pickle.dumps({"a": (1, [True, None]), 2: -3, "b": 2**40}, protocol)`
    #[test]
    fn every_protocol_is_read() {
        for bytes in [
            &b"(dp0\nVa\np1\n(I1\n(lp2\nI01\naNatp3\nsI2\nI-3\nsVb\np4\nL1099511627776L\ns."[..],
            b"\x80\x02}q\0(X\x01\0\0\0aq\x01K\x01]q\x02(\x88Ne\x86q\x03K\x02J\xfd\xff\xff\xffX\x01\0\0\0bq\x04\x8a\x06\0\0\0\0\0\x01u.",
            b"\x80\x04\x95\x2d\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94K\x01]\x94(\x88Ne\x86\x94K\x02J\xfd\xff\xff\xff\x8c\x01b\x94\x8a\x06\0\0\0\0\0\x01u.",
        ] {
            let pickle = read(bytes).unwrap();
            let items = pickle.items(pickle.value);
            let [Value::Text("a"), tuple, Value::Int(2), Value::Int(-3), Value::Text("b"), Value::Int(1_099_511_627_776)] = items
            else {
                panic!("{pickle:?}")
            };
            let [Value::Int(1), list] = pickle.items(*tuple) else { panic!("{pickle:?}") };
            assert_eq!(pickle.items(*list), [Value::Bool(true), Value::None]);
        }
    }

    /// `pickle.dumps(os.system)` and its call with an argument are names and texts.
    #[test]
    fn what_would_be_called_is_only_read() {
        let pickle = read(b"cposix\nsystem\n(S'x'\n").unwrap_err();
        assert!(pickle.contains("0x53"), "{pickle}");
        let pickle = read(b"\x80\x02cposix\nsystem\nX\x05\0\0\0touch\x85R.").unwrap();
        let [Value::Global("posix", "system"), arguments] = pickle.items(pickle.value) else { panic!("{pickle:?}") };
        assert_eq!(pickle.items(*arguments), [Value::Text("touch")]);
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
        let lists = [&b"]"[..], &b"]a".repeat(2000), b"."].concat();
        assert!(read(&lists).unwrap_err().contains("more than"));
        let doubling = [&b"K\x01"[..], &b"q\0h\0\x86".repeat(2000), b"."].concat();
        assert!(read(&doubling).unwrap_err().contains("more than"));
        let deep = [&b"N".repeat(DEEPEST + 1)[..], b"."].concat();
        assert!(Pickle::read(&deep, usize::MAX).unwrap_err().contains("deep"));
        // A list in itself is a loop that nobody follows.
        assert!(read(b"]q\0h\0a.").is_ok());
    }
}
