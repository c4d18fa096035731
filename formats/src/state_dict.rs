//! The tensors of a `state_dict`, as the pickle in an archive describes them.

use netwright_runtime::foreign::{Dtype, TensorInfo};

use crate::archive::{Archive, Entry};
use crate::budget::Budget;
use crate::pages::Pages;
use crate::pickle::{Decoded, Pickle, Value};
use crate::shortened;
use crate::strided::{MAX_AXES, Strided};

/// An archive and its pickle.
#[derive(Clone, Copy)]
pub(crate) struct StateDict<'a> {
    pub(crate) archive: &'a Archive,
    /// The common prefix of the names of its files.
    pub(crate) root: &'a str,
    /// The bytes of the pickle, and the parsed pickle.
    pub(crate) bytes: &'a [u8],
    pub(crate) pickle: &'a Pickle,
}

/// The tensors, sorted by name, as references into the pickle.
#[derive(Debug)]
pub(crate) struct Tensors {
    /// The dictionaries; the first one is the root.
    dicts: Pages<Named>,
    tensors: Vec<Named>,
}

/// An entry of a dictionary.
#[derive(Clone, Copy, Debug, Default)]
struct Named {
    /// The index of the dictionary.
    within: u32,
    key: Value,
    value: Value,
}

/// The pickle's description of a tensor.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) kind: Kind,
    pub(crate) layout: Strided,
    /// The file with the elements of its storage, and how many there are.
    pub(crate) entry: Entry,
    pub(crate) elements: usize,
}

/// The element type of a storage, and the size of an element in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) dtype: Dtype,
    pub(crate) size: usize,
}

/// The largest depth of nested dictionaries.
const MAX_DEPTH: usize = 16;

/// The longest name in bytes.
const MAX_NAME_LEN: usize = 1 << 10;

/// The state of the search for tensors.
struct Search {
    /// A bit for each position of the pickle's parts: whether the dictionary there was visited.
    met: Vec<u8>,
    dicts: Pages<Named>,
    tensors: Pages<Named>,
    /// What a file without tensors contains instead, for the error: the first object, or else the first other value.
    other: Option<Named>,
    budget: Budget,
}

impl Tensors {
    pub(crate) fn len(&self) -> usize {
        self.tensors.len()
    }
}

impl<'a> StateDict<'a> {
    /// Finds the tensors. The memory for them is limited by the budget, and a list of them by the length of the file.
    ///
    /// # Errors
    /// A description of the problem.
    pub(crate) fn tensors(&self, budget: Budget) -> Result<Tensors, String> {
        match self.decode(self.pickle.value) {
            Decoded::Dict => {}
            Decoded::Call => {
                let object = self.describe(self.pickle.value);
                return Err(format!("{object}, not what is in it: save its `state_dict()`"));
            }
            _ => return Err(format!("a pickle of {}", self.describe(self.pickle.value))),
        }
        let mut left = budget.clone();
        let met = vec![0; self.pickle.len() / 8 + 1];
        let mut search = Search { met, dicts: Pages::new(), tensors: Pages::new(), other: None, budget };
        search.budget.spend(search.met.len())?;
        search.dicts.push(Named { value: self.pickle.value, ..Named::default() }, &mut search.budget)?;
        self.search(&mut search, 0, 0, 0)?;
        let Search { dicts, tensors: found, other, .. } = search;
        if let (0, Some(other)) = (found.len(), other) {
            let (name, description) = (self.name(&dicts, other), self.describe(other.value));
            return Err(format!("a dictionary without a tensor that is read: `{}` is {description}", shortened(&name)));
        }
        left.spend(dicts.bytes() + found.len() * size_of::<Named>())?;
        let mut tensors = Vec::with_capacity(found.len());
        tensors.extend((0..found.len()).filter_map(|index| found.get(index)));
        drop(found);
        tensors.sort_unstable_by_key(|named| self.name(&dicts, *named));
        let tensors = Tensors { dicts, tensors };
        let (mut list, mut last) = (self.archive.list_budget(), None);
        for index in 0..tensors.len() {
            let (name, described) = self.tensor(&tensors, index)?;
            if last.as_ref() == Some(&name) {
                return Err(format!("the tensor `{}` twice", shortened(&name)));
            }
            list.spend(size_of::<TensorInfo>() + name.len() + size_of_val(&described.layout.shape[..]))?;
            last = Some(name);
        }
        Ok(tensors)
    }

    fn decode(&self, value: Value) -> Decoded<'a> {
        self.pickle.decode(self.bytes, value)
    }

    /// Describes a value.
    fn describe(&self, value: Value) -> String {
        match self.decode(value) {
            Decoded::Call => match self.pickle.items(value).next().map(|class| self.decode(class)) {
                Some(Decoded::Global(module, name)) => {
                    format!("an object of `{}.{}`", shortened(module), shortened(name))
                }
                _ => "an object".to_owned(),
            },
            Decoded::Int(number) => format!("the number {number}"),
            Decoded::Text(text) => format!("the text `{}`", shortened(text)),
            Decoded::Global(module, name) => format!("`{}.{}`", shortened(module), shortened(name)),
            Decoded::Tuple => "a tuple".to_owned(),
            Decoded::List => "a list".to_owned(),
            Decoded::Dict => "a dictionary".to_owned(),
            Decoded::Persistent => "elements without a shape".to_owned(),
            Decoded::Other => "another value".to_owned(),
        }
    }

    /// Returns the first parts of a container, decoded; `None` if it has fewer.
    fn first<const COUNT: usize>(&self, value: Value) -> Option<[(Value, Decoded<'a>); COUNT]> {
        Some(self.pickle.first::<COUNT>(value)?.map(|part| (part, self.decode(part))))
    }

    /// Finds the tensors in the dictionary with the index `number`, whose name has `before` bytes, and in those nested in it.
    fn search(&self, search: &mut Search, number: usize, before: usize, depth: usize) -> Result<(), String> {
        let dict = search.dicts.get(number).unwrap_or_default();
        let name = |search: &Search| shortened(&self.name(&search.dicts, dict)).into_owned();
        if depth > MAX_DEPTH {
            return Err(format!("dictionaries more than {MAX_DEPTH} deep"));
        }
        let (byte, bit) = (dict.value.place() / 8, 1 << (dict.value.place() % 8));
        if search.met[byte] & bit != 0 {
            return Err(format!("the dictionary `{}` in two places", name(search)));
        }
        search.met[byte] |= bit;
        let within = u32::try_from(number).map_err(|_| "more dictionaries than are read")?;
        let mut items = self.pickle.items(dict.value);
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let len = match self.decode(key) {
                Decoded::Text(text) => text.len(),
                Decoded::Int(_) => 20,
                _ => continue,
            };
            let (len, named) = (before + len + 1, Named { within, key, value });
            let decoded = self.decode(value);
            let is_tensor = decoded == Decoded::Call && self.is_tensor(value);
            if len > MAX_NAME_LEN && (is_tensor || decoded == Decoded::Dict) {
                return Err(format!("a name of more than {MAX_NAME_LEN} bytes in `{}`", name(search)));
            }
            if decoded == Decoded::Dict {
                search.dicts.push(named, &mut search.budget)?;
                self.search(search, search.dicts.len() - 1, len, depth + 1)?;
            } else if is_tensor {
                search.tensors.push(named, &mut search.budget)?;
            } else if search
                .other
                .is_none_or(|other| decoded == Decoded::Call && self.decode(other.value) != Decoded::Call)
            {
                search.other = Some(named);
            }
        }
        Ok(())
    }

    /// Returns the name of an entry: the keys of the enclosing dictionaries and its own, joined by dots.
    fn name(&self, dicts: &Pages<Named>, named: Named) -> String {
        let mut name = match dicts.get(named.within as usize) {
            // The root has no name.
            Some(dict) if named.within > 0 => self.name(dicts, dict) + ".",
            _ => String::new(),
        };
        match self.decode(named.key) {
            Decoded::Text(text) => name += text,
            Decoded::Int(number) => name += &number.to_string(),
            _ => {}
        }
        name
    }

    /// Returns whether a call creates a tensor.
    fn is_tensor(&self, call: Value) -> bool {
        matches!(self.first(call), Some([(_, Decoded::Global("torch._utils" | "torch._tensor", _)), _]))
    }

    /// Returns the name of a tensor, and its description.
    ///
    /// # Errors
    /// A description of the problem.
    pub(crate) fn tensor(&self, tensors: &Tensors, index: usize) -> Result<(String, Described), String> {
        let named = tensors.tensors.get(index).copied().unwrap_or_default();
        let name = self.name(&tensors.dicts, named);
        match self.made(named.value, 0) {
            Ok(described) => Ok((name, described)),
            Err(reason) => Err(format!("the tensor `{}` {reason}", shortened(&name))),
        }
    }

    /// Returns the description of the tensor that a call creates.
    fn made(&self, call: Value, depth: usize) -> Result<Described, String> {
        let Some([(_, Decoded::Global(_, function)), (arguments, _)]) = self.first(call) else {
            return Err("made by nothing".to_owned());
        };
        self.made_by(function, arguments, depth)
    }

    /// Returns the description of the tensor that a function creates from its arguments.
    fn made_by(&self, function: &str, arguments: Value, depth: usize) -> Result<Described, String> {
        match function {
            // A tensor of a subclass: the function that creates the tensor, the class, and the arguments.
            "_rebuild_from_type_v2" => match self.first(arguments) {
                Some([(_, Decoded::Global("torch._utils", function)), _, (arguments, Decoded::Tuple)])
                    if depth == 0 =>
                {
                    self.made_by(function, arguments, 1)
                }
                _ => Err("of a class whose tensors are not read".to_owned()),
            },
            "_rebuild_parameter" | "_rebuild_parameter_with_state" => match self.first(arguments) {
                // Nested parameters are not valid.
                Some([(tensor, Decoded::Call)]) if depth == 0 => self.made(tensor, 1),
                _ => Err("that is a parameter of something else than a tensor".to_owned()),
            },
            "_rebuild_tensor" | "_rebuild_tensor_v2" => match self.first(arguments) {
                Some([(storage, Decoded::Persistent), (_, Decoded::Int(first)), (sizes, _), (strides, _)]) => {
                    self.described(storage, first, [sizes, strides])
                }
                _ => Err("without a storage".to_owned()),
            },
            other => Err(format!("made by `{}`, which is not read", shortened(other))),
        }
    }

    fn described(&self, storage: Value, first: i64, axes: [Value; 2]) -> Result<Described, String> {
        let storage = self.first(storage).and_then(|[(described, _)]| self.first(described));
        let Some(
            [
                (_, Decoded::Text("storage")),
                (_, Decoded::Global(_, class)),
                (_, Decoded::Text(key)),
                _,
                (_, Decoded::Int(elements)),
            ],
        ) = storage
        else {
            return Err("without a storage".to_owned());
        };
        let kind = kind(class).ok_or_else(|| format!("of {}, which is not read", shortened(class)))?;
        let ([Some(shape), Some(strides)], Ok(first)) = (axes.map(|axes| self.numbers(axes)), usize::try_from(first))
        else {
            return Err("with sizes that are none".to_owned());
        };
        let layout = Strided { shape, strides, first };
        let entry = self.archive.entry(&[self.root, "data/", key]);
        let entry = entry.ok_or_else(|| format!("in `{}`, which is not there", shortened(key)))?;
        let elements = usize::try_from(elements)
            .ok()
            .filter(|elements| elements.checked_mul(kind.size).is_some_and(|len| len as u64 == entry.len));
        let elements = elements.ok_or_else(|| format!("in `{}` of another length", shortened(key)))?;
        let is_inside = layout.shape.len() == layout.strides.len()
            && layout.len().and_then(|len| len.checked_mul(kind.size)).is_some()
            && layout.end().is_some_and(|end| end <= elements);
        if !is_inside {
            return Err(format!("outside of its {elements} elements"));
        }
        Ok(Described { kind, layout, entry: *entry, elements })
    }

    /// Returns sizes or strides.
    fn numbers(&self, axes: Value) -> Option<Vec<usize>> {
        let count = self.pickle.items(axes).take(MAX_AXES + 1).count();
        if count > MAX_AXES || !matches!(self.decode(axes), Decoded::Tuple | Decoded::List) {
            return None;
        }
        let mut numbers = Vec::with_capacity(count);
        for item in self.pickle.items(axes) {
            match self.decode(item) {
                Decoded::Int(number) => numbers.push(usize::try_from(number).ok()?),
                _ => return None,
            }
        }
        Some(numbers)
    }
}

/// Returns the element type of a storage class.
fn kind(class: &str) -> Option<Kind> {
    let (dtype, size) = match class {
        "FloatStorage" => (Dtype::F32, 4),
        "DoubleStorage" => (Dtype::F64, 8),
        "HalfStorage" => (Dtype::F16, 2),
        "BFloat16Storage" => (Dtype::BF16, 2),
        "LongStorage" => (Dtype::I64, 8),
        "IntStorage" => (Dtype::I32, 4),
        "ShortStorage" => (Dtype::I16, 2),
        "CharStorage" => (Dtype::I8, 1),
        "ByteStorage" => (Dtype::U8, 1),
        "BoolStorage" => (Dtype::BOOL, 1),
        _ => return None,
    };
    Some(Kind { dtype, size })
}
