//! `.h5`: HDF5, as Keras writes it. Read by the crate `hdf5-pure`; here is what Keras calls the tensors.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use hdf5_pure::{AttrValue, Dataset, Datatype, DatatypeByteOrder, File, Group};
use netwright_runtime::Error;
use netwright_runtime::foreign::{Dtype, TensorFile, TensorInfo};

use crate::format;

/// What Keras 3 writes by `model.save_weights("model.weights.h5")`, and Keras 2 and 3 by `save_weights("model.h5")` or `save("model.h5")`. Tensors are
/// called by their layer and their number in it, `block1_conv1/0`, or their name, `block1_conv1/kernel`, as the file has it; both are what
/// [`Map::keras`](netwright_runtime::foreign::Map::keras) looks for. Where two tensors would have one name, as layers inside of layers may,
/// each has its whole path. The optimiser's are left out.
pub struct KerasFile {
    origin: String,
    tensors: Vec<Tensor>,
}

struct Tensor {
    info: TensorInfo,
    is_big_endian: bool,
    data: Dataset,
}

impl std::fmt::Debug for KerasFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KerasFile").field("origin", &self.origin).field("tensors", &self.tensors()).finish()
    }
}

const EXPECTED: &str = "an HDF5 file that Keras wrote";

/// How deep groups may lie in groups.
const DEEPEST: usize = 32;

/// The most objects of a file: groups that are linked in many places could be walked without end.
const MOST: usize = 1 << 16;

/// What an optimiser keeps.
const OPTIMIZER: [&str; 2] = ["optimizer", "optimizer_weights"];

impl KerasFile {
    /// Reads the headers of a file.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Self::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let (bytes, origin) = crate::contents(path.as_ref())?;
        Self::from_bytes(bytes, &origin)
    }

    /// Reads the headers of the bytes of a file, which `origin` names in errors.
    ///
    /// # Errors
    /// [`Error::Format`] for what is no HDF5 file, or does not hold together.
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        let wrong = |error: hdf5_pure::Error| format(origin, EXPECTED, error.to_string());
        let file = File::from_bytes(bytes).map_err(wrong)?;
        let mut walk = Walk { found: Vec::new(), left: MOST };
        let root = file.root();
        walk.group(&root, &mut Vec::new(), None).map_err(|found| format(origin, EXPECTED, found))?;
        Ok(Self { origin: origin.to_owned(), tensors: named(walk.found) })
    }
}

/// A data set with its path, and what its layer calls itself.
struct Found {
    path: Vec<String>,
    layer: Option<String>,
    tensor: Tensor,
}

struct Walk {
    found: Vec<Found>,
    left: usize,
}

impl Walk {
    fn group(&mut self, group: &Group, path: &mut Vec<String>, layer: Option<&str>) -> Result<(), String> {
        if path.len() > DEEPEST {
            return Err(format!("groups more than {DEEPEST} deep"));
        }
        for (name, data) in group.iter_datasets().map_err(|error| error.to_string())? {
            self.count()?;
            path.push(name);
            if let Some(tensor) = tensor(data).map_err(|reason| format!("`{}` {reason}", path.join("/")))? {
                self.found.push(Found { path: path.clone(), layer: layer.map(str::to_owned), tensor });
            }
            path.pop();
        }
        for (name, inner) in group.iter_groups().map_err(|error| error.to_string())? {
            self.count()?;
            if path.is_empty() && OPTIMIZER.contains(&name.as_str()) {
                continue;
            }
            // Keras 3 notes what a layer is called beside its variables.
            let layer =
                if name == "vars" { inner.attrs().ok().and_then(|attributes| name_in(&attributes)) } else { None };
            path.push(name);
            self.group(&inner, path, layer.as_deref())?;
            path.pop();
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), String> {
        self.left = self.left.checked_sub(1).ok_or("more objects than a model has")?;
        Ok(())
    }
}

fn name_in(attributes: &std::collections::HashMap<String, AttrValue>) -> Option<String> {
    match attributes.get("name")? {
        AttrValue::VarLenString(name)
        | AttrValue::VarLenAsciiString(name)
        | AttrValue::String(name)
        | AttrValue::AsciiString(name) => Some(name.clone()).filter(|name| !name.is_empty()),
        _ => None,
    }
}

/// What a data set is as a tensor; nothing where it holds something else than numbers.
fn tensor(data: Dataset) -> Result<Option<Tensor>, String> {
    let datatype = data.datatype().map_err(|error| error.to_string())?;
    let Some((dtype, is_big_endian)) = kind(&datatype) else { return Ok(None) };
    let shape = data.shape().map_err(|error| error.to_string())?;
    let shape: Option<Vec<usize>> = shape.into_iter().map(|size| usize::try_from(size).ok()).collect();
    let is_countable =
        |shape: &Vec<usize>| shape.iter().try_fold(8_usize, |len, &size| len.checked_mul(size)).is_some();
    let shape = shape.filter(is_countable).ok_or("has sizes that overflow")?;
    let info = TensorInfo { name: String::new(), dtype, shape };
    Ok(Some(Tensor { info, is_big_endian, data }))
}

/// The element type, and whether its first byte is the highest.
fn kind(datatype: &Datatype) -> Option<(Dtype, bool)> {
    let (dtype, order) = match datatype {
        Datatype::FloatingPoint { size, byte_order, layout } => {
            let dtype = match (size, layout.exponent_size) {
                (2, 5) => Dtype::F16,
                (2, 8) => Dtype::BF16,
                (4, 8) => Dtype::F32,
                (8, 11) => Dtype::F64,
                _ => return None,
            };
            (dtype, byte_order)
        }
        Datatype::FixedPoint { size, byte_order, layout } => {
            let dtype = match (size, layout.signed) {
                (1, true) => Dtype::I8,
                (2, true) => Dtype::I16,
                (4, true) => Dtype::I32,
                (8, true) => Dtype::I64,
                (1, false) => Dtype::U8,
                (2, false) => Dtype::U16,
                (4, false) => Dtype::U32,
                (8, false) => Dtype::U64,
                _ => return None,
            };
            (dtype, byte_order)
        }
        _ => return None,
    };
    match order {
        DatatypeByteOrder::LittleEndian => Some((dtype, false)),
        DatatypeByteOrder::BigEndian => Some((dtype, true)),
        DatatypeByteOrder::Vax => None,
    }
}

/// The tensors by name: `layer/0`, `layer/kernel`, or the whole path where that is no tensor's alone.
fn named(found: Vec<Found>) -> Vec<Tensor> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for found in &found {
        *counts.entry(found.name()).or_default() += 1;
    }
    let name = |found: Found| {
        let short = found.name();
        let name = if counts[&short] == 1 { short } else { found.path.join("/") };
        let mut tensor = found.tensor;
        tensor.info.name = name;
        tensor
    };
    found.into_iter().map(name).collect()
}

impl Found {
    fn name(&self) -> String {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match path[..] {
            [.., layer, "vars", variable] => format!("{}/{variable}", self.layer.as_deref().unwrap_or(layer)),
            ["vars", variable] => format!("{}/{variable}", self.layer.as_deref().unwrap_or("vars")),
            // `model_weights/block1_conv1/block1_conv1/kernel:0`
            ["model_weights", layer, .., variable] | [layer, .., variable] => {
                format!("{layer}/{}", variable.strip_suffix(":0").unwrap_or(variable))
            }
            _ => path.join("/"),
        }
    }
}

impl TensorFile for KerasFile {
    fn origin(&self) -> &str {
        &self.origin
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        self.tensors.iter().map(|tensor| tensor.info.clone()).collect()
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let Some(Tensor { info, is_big_endian, data }) = self.tensors.get(index) else { return Ok(Cow::default()) };
        let expected = || format!("the tensor `{}`", info.name);
        let mut bytes = data.read_raw().map_err(|error| format(&self.origin, &expected(), error.to_string()))?;
        let len: usize = info.shape.iter().product();
        if *is_big_endian && len > 0 {
            let size = bytes.len() / len;
            bytes.chunks_exact_mut(size.max(1)).for_each(<[u8]>::reverse);
        }
        Ok(bytes.into())
    }
}
