//! `.pt`: a zip archive with a pickle of what was saved, and a file for the elements of each tensor.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use netwright_runtime::Error;
use netwright_runtime::foreign::{Dtype, TensorFile, TensorInfo};

use crate::archive::Archive;
use crate::format;
use crate::pickle::{Pickle, Value};
use crate::strided::Strided;

/// What `torch.save(model.state_dict(), "model.pt")` writes, since PyTorch 1.6. A dictionary in a dictionary, as checkpoints have it
/// (`{"model": model.state_dict(), "epoch": 3}`), begins the names in it: `model.conv1.weight`, for
/// [`Map::below`](netwright_runtime::foreign::Map::below). Nothing in the file is executed.
#[derive(Debug)]
pub struct PyTorchFile {
    archive: Archive,
    tensors: Vec<Tensor>,
}

#[derive(Debug)]
struct Tensor {
    name: String,
    dtype: Dtype,
    /// How many bytes an element has.
    size: usize,
    place: Strided,
    /// The file of its elements, and how many it has.
    file: String,
    elements: usize,
}

const EXPECTED: &str = "a `state_dict` that `torch.save` wrote";

/// How deep dictionaries may lie in dictionaries.
const DEEPEST: usize = 16;

/// The pickle of an archive.
fn pickle_of(archive: &Archive) -> Option<&str> {
    archive.entries().map(|(name, _)| name).find(|name| *name == "data.pkl" || name.ends_with("/data.pkl"))
}

/// Whether an archive is one of these.
pub(crate) fn is_written_by_torch(archive: &Archive) -> bool {
    pickle_of(archive).is_some()
}

impl PyTorchFile {
    /// Reads what a file says of its tensors.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Self::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let (bytes, origin) = crate::contents(path.as_ref())?;
        Self::from_bytes(bytes, &origin)
    }

    /// Reads what the bytes of a file say of its tensors; `origin` names them in errors.
    ///
    /// # Errors
    /// [`Error::Format`] for what is no such archive, or whose pickle makes no sense, holds no dictionary of tensors, or describes tensors
    /// that lie outside of what there is.
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        if matches!(bytes[..], [0x80, 2..=5, ..]) {
            let found = "a pickle without an archive, as PyTorch wrote before 1.6: `torch.save(torch.load(path), path)` writes it anew";
            return Err(format(origin, EXPECTED, found));
        }
        Self::of(Archive::new(bytes, origin)?)
    }

    pub(crate) fn of(archive: Archive) -> Result<Self, Error> {
        let tensors = tensors(&archive)?;
        Ok(Self { archive, tensors })
    }
}

/// The tensors of an archive.
fn tensors(archive: &Archive) -> Result<Vec<Tensor>, Error> {
    let wrong = |found: &str| format(&archive.origin, EXPECTED, found);
    let pickled = pickle_of(archive).and_then(|name| Some((name, archive.entry(name)?)));
    let (name, entry) = pickled.ok_or_else(|| wrong("an archive without `data.pkl`"))?;
    let root = name.strip_suffix("data.pkl").unwrap_or_default();
    let len = usize::try_from(entry.len).ok().filter(|&len| len <= archive.len());
    let len = len.ok_or_else(|| wrong("a pickle that unpacks to more than the whole file"))?;
    let pickled = archive.exactly(name, entry, len)?;
    if let Some(order) = archive.entry(&format!("{root}byteorder"))
        && !archive.beginning(order, 8)?.starts_with(b"little")
    {
        return Err(wrong("elements whose first byte is the highest"));
    }
    // What describes a tensor is shorter than its place in the archive; small files have some room beside.
    let most = archive.len() / size_of::<Value<'_>>() + (1 << 16);
    let pickle = Pickle::read(&pickled, most);
    let pickle = pickle.map_err(|reason| wrong(&format!("a pickle that makes no sense: {reason}")))?;
    let room = archive.len() + (1 << 16);
    let mut reader = Reader { archive, root, pickle: &pickle, room, seen: BTreeSet::new(), tensors: Vec::new() };
    match pickle.value {
        Value::Dict(at) => reader.dictionary("", at, 0).map_err(|reason| wrong(&reason))?,
        Value::Call(_) => {
            let class = match pickle.items(pickle.value) {
                [Value::Global(module, name), ..] => format!("an object of `{module}.{name}`"),
                _ => "an object".to_owned(),
            };
            return Err(wrong(&format!("{class}, not what is in it: save its `state_dict()`")));
        }
        _ => return Err(wrong("a pickle of something else than a dictionary")),
    }
    let mut tensors = reader.tensors;
    tensors.sort_by(|first, second| first.name.cmp(&second.name));
    match tensors.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => Err(wrong(&format!("the tensor `{}` twice", pair[0].name))),
        None => Ok(tensors),
    }
}

struct Reader<'a, 'p> {
    archive: &'a Archive,
    root: &'a str,
    pickle: &'a Pickle<'p>,
    /// How many bytes may still be told of tensors: what a pickle mentions in many places is written once in it.
    room: usize,
    /// The dictionaries that were read.
    seen: BTreeSet<usize>,
    tensors: Vec<Tensor>,
}

impl<'p> Reader<'_, 'p> {
    /// Reads the tensors of a dictionary whose names begin with `prefix`.
    fn dictionary(&mut self, prefix: &str, at: usize, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("dictionaries more than {DEEPEST} deep"));
        }
        if !self.seen.insert(at) {
            return Err(format!("the dictionary `{prefix}` in two places"));
        }
        let pickle = self.pickle;
        for pair in pickle.items(Value::Dict(at)).chunks_exact(2) {
            let key = match pair[0] {
                Value::Text(text) => text.to_owned(),
                Value::Int(number) => number.to_string(),
                _ => continue,
            };
            let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            match pair[1] {
                Value::Dict(inner) => self.dictionary(&name, inner, depth + 1)?,
                Value::Call(_) => self.call(name, pair[1])?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads what a call makes, where that is a tensor.
    fn call(&mut self, name: String, call: Value<'p>) -> Result<(), String> {
        let pickle = self.pickle;
        let [Value::Global("torch._utils", function), arguments] = pickle.items(call) else { return Ok(()) };
        match (*function, pickle.items(*arguments)) {
            ("_rebuild_parameter" | "_rebuild_parameter_with_state", [tensor @ Value::Call(_), ..]) => {
                // A parameter of a parameter is none.
                match pickle.items(*tensor) {
                    [Value::Global(_, "_rebuild_tensor_v2"), _] => self.call(name, *tensor),
                    _ => Err(format!("the parameter `{name}` of something else than a tensor")),
                }
            }
            ("_rebuild_tensor" | "_rebuild_tensor_v2", [storage, Value::Int(first), sizes, steps, ..]) => {
                let tensor = self.tensor(name.clone(), *storage, *first, [*sizes, *steps]);
                let tensor = tensor.map_err(|reason| format!("the tensor `{name}` {reason}"))?;
                let told = size_of::<Tensor>() + name.len() + tensor.file.len() + 16 * tensor.place.shape.len();
                self.room = self.room.checked_sub(told).ok_or("more tensors than it can describe")?;
                self.tensors.push(tensor);
                Ok(())
            }
            (other, _) => Err(format!("the tensor `{name}` made by `{other}`, which is not read")),
        }
    }

    fn tensor(&self, name: String, storage: Value<'p>, first: i64, axes: [Value<'p>; 2]) -> Result<Tensor, String> {
        let pickle = self.pickle;
        let persistent = pickle.items(storage).first().copied().filter(|_| matches!(storage, Value::Persistent(_)));
        let described = persistent.map(|described| pickle.items(described)).unwrap_or_default();
        let [Value::Text("storage"), Value::Global(_, class), Value::Text(key), _, Value::Int(elements), ..] =
            described
        else {
            return Err("without a storage".to_owned());
        };
        let (dtype, size) = kind(class).ok_or_else(|| format!("of {class}, which is not read"))?;
        let numbers = |value: Value<'p>| -> Option<Vec<usize>> {
            let whole = |item: &Value<'_>| match item {
                Value::Int(number) => usize::try_from(*number).ok(),
                _ => None,
            };
            matches!(value, Value::Tuple(_) | Value::List(_))
                .then(|| pickle.items(value).iter().map(whole).collect())?
        };
        let numbers = axes.map(numbers);
        let ([Some(shape), Some(steps)], Ok(first)) = (numbers, usize::try_from(first)) else {
            return Err("with sizes that are none".to_owned());
        };
        let file = format!("{}data/{key}", self.root);
        let place = Strided { shape, steps, first };
        let entry = self.archive.entry(&file).ok_or_else(|| format!("in `{file}`, which is not there"))?;
        let elements = usize::try_from(*elements)
            .ok()
            .filter(|elements| elements.checked_mul(size).is_some_and(|len| len as u64 == entry.len));
        let elements = elements.ok_or_else(|| format!("in `{file}` of another length"))?;
        let is_inside = place.shape.len() == place.steps.len()
            && place.len().and_then(|len| len.checked_mul(size)).is_some()
            && place.end().is_some_and(|end| end <= elements);
        if !is_inside {
            return Err(format!("outside of its {elements} elements"));
        }
        Ok(Tensor { name, dtype, size, place, file, elements })
    }
}

/// The element type of a storage, and its bytes.
fn kind(class: &str) -> Option<(Dtype, usize)> {
    Some(match class {
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
    })
}

impl TensorFile for PyTorchFile {
    fn origin(&self) -> &str {
        &self.archive.origin
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        let info = |tensor: &Tensor| TensorInfo {
            name: tensor.name.clone(),
            dtype: tensor.dtype,
            shape: tensor.place.shape.clone(),
        };
        self.tensors.iter().map(info).collect()
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let Some(Tensor { name, size, place, file, elements, .. }) = self.tensors.get(index) else {
            return Ok(Cow::default());
        };
        let wrong = || format(&self.archive.origin, &format!("the tensor `{name}`"), "a part of it");
        let entry = self.archive.entry(file).ok_or_else(wrong)?;
        let data = match self.archive.exactly(file, entry, elements * size)? {
            Cow::Borrowed(storage) => place.gather(storage, *size),
            Cow::Owned(storage) => place.gather(&storage, *size).map(|data| data.into_owned().into()),
        };
        data.ok_or_else(wrong)
    }
}
