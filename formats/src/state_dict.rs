//! The tensors of a `state_dict`, as the pickle of an archive describes them.

use netwright_runtime::foreign::{Dtype, TensorInfo};

use crate::archive::{Archive, Entry};
use crate::budget::Budget;
use crate::pages::Pages;
use crate::pickle::{Pickle, Seen, Value};
use crate::shortened;
use crate::strided::{MOST_AXES, Strided};

/// An archive and its pickle.
#[derive(Clone, Copy)]
pub(crate) struct StateDict<'a> {
    pub(crate) archive: &'a Archive,
    /// What the names of its files begin with.
    pub(crate) root: &'a str,
    /// The bytes of the pickle, and what they are.
    pub(crate) bytes: &'a [u8],
    pub(crate) pickle: &'a Pickle,
}

/// The tensors in it, in the order of their names: where the pickle has them.
#[derive(Debug)]
pub(crate) struct Tensors {
    /// The dictionaries; the first is all of it.
    dicts: Pages<Named>,
    tensors: Vec<Named>,
}

/// What stands in a dictionary.
#[derive(Clone, Copy, Debug, Default)]
struct Named {
    /// The number of the dictionary.
    within: u32,
    key: Value,
    value: Value,
}

/// What the pickle says of a tensor.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) kind: Kind,
    pub(crate) place: Strided,
    /// The file of its elements, and how many it has.
    pub(crate) entry: Entry,
    pub(crate) elements: usize,
}

/// Of what kind elements are, and how many bytes one has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) dtype: Dtype,
    pub(crate) size: usize,
}

/// How deep dictionaries may lie in dictionaries.
const DEEPEST: usize = 16;

/// How many bytes a name may have.
const LONGEST: usize = 1 << 10;

/// Dictionaries and what was found in them, on the way.
struct Walk {
    /// A bit for each place of the pickle's parts: whether a dictionary that is there was met.
    met: Vec<u8>,
    dicts: Pages<Named>,
    tensors: Pages<Named>,
    /// What a file without tensors holds instead: the first object, or the first of whatever else there is.
    other: Option<Named>,
    budget: Budget,
}

impl Tensors {
    pub(crate) fn len(&self) -> usize {
        self.tensors.len()
    }
}

impl<'a> StateDict<'a> {
    /// Finds the tensors. What is kept of them is at most what is left of the budget, and a list of them at most as long as the file.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn tensors(&self, budget: Budget) -> Result<Tensors, String> {
        match self.see(self.pickle.value) {
            Seen::Dict => {}
            Seen::Call => {
                let object = self.told(self.pickle.value);
                return Err(format!("{object}, not what is in it: save its `state_dict()`"));
            }
            _ => return Err(format!("a pickle of {}", self.told(self.pickle.value))),
        }
        let mut left = budget.clone();
        let met = vec![0; self.pickle.len() / 8 + 1];
        let mut walk = Walk { met, dicts: Pages::new(), tensors: Pages::new(), other: None, budget };
        walk.budget.spend(walk.met.len())?;
        walk.dicts.push(Named { value: self.pickle.value, ..Named::default() }, &mut walk.budget)?;
        self.walk(&mut walk, 0, 0, 0)?;
        let Walk { dicts, tensors: found, other, .. } = walk;
        if let (0, Some(other)) = (found.len(), other) {
            let (name, told) = (self.name(&dicts, other), self.told(other.value));
            return Err(format!("a dictionary without a tensor that is read: `{}` is {told}", shortened(&name)));
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
            list.spend(size_of::<TensorInfo>() + name.len() + size_of_val(&described.place.shape[..]))?;
            last = Some(name);
        }
        Ok(tensors)
    }

    fn see(&self, value: Value) -> Seen<'a> {
        self.pickle.see(self.bytes, value)
    }

    /// What a value is, in words.
    fn told(&self, value: Value) -> String {
        match self.see(value) {
            Seen::Call => match self.pickle.items(value).next().map(|class| self.see(class)) {
                Some(Seen::Global(module, name)) => {
                    format!("an object of `{}.{}`", shortened(module), shortened(name))
                }
                _ => "an object".to_owned(),
            },
            Seen::Int(number) => format!("the number {number}"),
            Seen::Text(text) => format!("the text `{}`", shortened(text)),
            Seen::Global(module, name) => format!("`{}.{}`", shortened(module), shortened(name)),
            Seen::Tuple => "a tuple".to_owned(),
            Seen::List => "a list".to_owned(),
            Seen::Dict => "a dictionary".to_owned(),
            Seen::Persistent => "elements without a shape".to_owned(),
            Seen::Other => "another value".to_owned(),
        }
    }

    /// The first parts of a container, looked at, where it has so many.
    fn first<const COUNT: usize>(&self, value: Value) -> Option<[(Value, Seen<'a>); COUNT]> {
        Some(self.pickle.first::<COUNT>(value)?.map(|part| (part, self.see(part))))
    }

    /// Finds the tensors in the dictionary of a number, whose name has so many bytes, and in those that are in it.
    fn walk(&self, walk: &mut Walk, number: usize, before: usize, depth: usize) -> Result<(), String> {
        let dict = walk.dicts.get(number).unwrap_or_default();
        let name = |walk: &Walk| shortened(&self.name(&walk.dicts, dict)).into_owned();
        if depth > DEEPEST {
            return Err(format!("dictionaries more than {DEEPEST} deep"));
        }
        let (byte, bit) = (dict.value.place() / 8, 1 << (dict.value.place() % 8));
        if walk.met[byte] & bit != 0 {
            return Err(format!("the dictionary `{}` in two places", name(walk)));
        }
        walk.met[byte] |= bit;
        let within = u32::try_from(number).map_err(|_| "more dictionaries than are read")?;
        let mut items = self.pickle.items(dict.value);
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let len = match self.see(key) {
                Seen::Text(text) => text.len(),
                Seen::Int(_) => 20,
                _ => continue,
            };
            let (len, named) = (before + len + 1, Named { within, key, value });
            let seen = self.see(value);
            let is_tensor = seen == Seen::Call && self.is_tensor(value);
            if len > LONGEST && (is_tensor || seen == Seen::Dict) {
                return Err(format!("a name of more than {LONGEST} bytes in `{}`", name(walk)));
            }
            if seen == Seen::Dict {
                walk.dicts.push(named, &mut walk.budget)?;
                self.walk(walk, walk.dicts.len() - 1, len, depth + 1)?;
            } else if is_tensor {
                walk.tensors.push(named, &mut walk.budget)?;
            } else if walk.other.is_none_or(|other| seen == Seen::Call && self.see(other.value) != Seen::Call) {
                walk.other = Some(named);
            }
        }
        Ok(())
    }

    /// The name of what stands in a dictionary: its key behind those of the dictionaries around it.
    fn name(&self, dicts: &Pages<Named>, named: Named) -> String {
        let mut name = match dicts.get(named.within as usize) {
            // The first is all of it, and has none.
            Some(dict) if named.within > 0 => self.name(dicts, dict) + ".",
            _ => String::new(),
        };
        match self.see(named.key) {
            Seen::Text(text) => name += text,
            Seen::Int(number) => name += &number.to_string(),
            _ => {}
        }
        name
    }

    /// Whether a call makes a tensor.
    fn is_tensor(&self, call: Value) -> bool {
        matches!(self.first(call), Some([(_, Seen::Global("torch._utils" | "torch._tensor", _)), _]))
    }

    /// The name of a tensor, and what is said of it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn tensor(&self, tensors: &Tensors, index: usize) -> Result<(String, Described), String> {
        let named = tensors.tensors.get(index).copied().unwrap_or_default();
        let name = self.name(&tensors.dicts, named);
        match self.made(named.value, 0) {
            Ok(described) => Ok((name, described)),
            Err(reason) => Err(format!("the tensor `{}` {reason}", shortened(&name))),
        }
    }

    /// What a call makes.
    fn made(&self, call: Value, depth: usize) -> Result<Described, String> {
        let Some([(_, Seen::Global(_, function)), (arguments, _)]) = self.first(call) else {
            return Err("made by nothing".to_owned());
        };
        self.made_by(function, arguments, depth)
    }

    /// What a function makes of its arguments.
    fn made_by(&self, function: &str, arguments: Value, depth: usize) -> Result<Described, String> {
        match function {
            // A tensor of a class of its own: what makes the tensor, the class, and the arguments.
            "_rebuild_from_type_v2" => match self.first(arguments) {
                Some([(_, Seen::Global("torch._utils", function)), _, (arguments, Seen::Tuple)]) if depth == 0 => {
                    self.made_by(function, arguments, 1)
                }
                _ => Err("of a class whose tensors are not read".to_owned()),
            },
            "_rebuild_parameter" | "_rebuild_parameter_with_state" => match self.first(arguments) {
                // A parameter of a parameter is none.
                Some([(tensor, Seen::Call)]) if depth == 0 => self.made(tensor, 1),
                _ => Err("that is a parameter of something else than a tensor".to_owned()),
            },
            "_rebuild_tensor" | "_rebuild_tensor_v2" => match self.first(arguments) {
                Some([(storage, Seen::Persistent), (_, Seen::Int(first)), (sizes, _), (steps, _)]) => {
                    self.described(storage, first, [sizes, steps])
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
                (_, Seen::Text("storage")),
                (_, Seen::Global(_, class)),
                (_, Seen::Text(key)),
                _,
                (_, Seen::Int(elements)),
            ],
        ) = storage
        else {
            return Err("without a storage".to_owned());
        };
        let kind = kind(class).ok_or_else(|| format!("of {}, which is not read", shortened(class)))?;
        let ([Some(shape), Some(steps)], Ok(first)) = (axes.map(|axes| self.numbers(axes)), usize::try_from(first))
        else {
            return Err("with sizes that are none".to_owned());
        };
        let place = Strided { shape, steps, first };
        let entry = self.archive.entry(&[self.root, "data/", key]);
        let entry = entry.ok_or_else(|| format!("in `{}`, which is not there", shortened(key)))?;
        let elements = usize::try_from(elements)
            .ok()
            .filter(|elements| elements.checked_mul(kind.size).is_some_and(|len| len as u64 == entry.len));
        let elements = elements.ok_or_else(|| format!("in `{}` of another length", shortened(key)))?;
        let is_inside = place.shape.len() == place.steps.len()
            && place.len().and_then(|len| len.checked_mul(kind.size)).is_some()
            && place.end().is_some_and(|end| end <= elements);
        if !is_inside {
            return Err(format!("outside of its {elements} elements"));
        }
        Ok(Described { kind, place, entry: *entry, elements })
    }

    /// Sizes or steps.
    fn numbers(&self, axes: Value) -> Option<Vec<usize>> {
        let count = self.pickle.items(axes).take(MOST_AXES + 1).count();
        if count > MOST_AXES || !matches!(self.see(axes), Seen::Tuple | Seen::List) {
            return None;
        }
        let mut numbers = Vec::with_capacity(count);
        for item in self.pickle.items(axes) {
            match self.see(item) {
                Seen::Int(number) => numbers.push(usize::try_from(number).ok()?),
                _ => return None,
            }
        }
        Some(numbers)
    }
}

/// The elements of a storage.
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
