//! `.h5`: HDF5 as Keras writes it, and Keras' names of tensors.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use netwright_runtime::Error;
use netwright_runtime::foreign::{TensorFile, TensorInfo};
use netwright_runtime::storage::{Contents, kind};

use crate::format;
use crate::hdf5::{self, DataSet};
use crate::read_error::ReadError;

/// A file that Keras 3 writes by `model.save_weights("model.weights.h5")`, or Keras 2 and 3 by `save_weights("model.h5")` or `save("model.h5")`.
/// Tensors are named by their layer and their index in it, `block1_conv1/0`, or their name, `block1_conv1/kernel`, as in the file;
/// [`Map::keras`](netwright_runtime::foreign::Map::keras) looks for both. If two tensors had the same name, as may be for nested layers,
/// each is named by its whole path. Tensors of the optimiser are ignored.
pub struct KerasFile {
    contents: Contents,
    tensors: Vec<Tensor>,
}

/// A tensor and its name. The data set is boxed, so that a list of tensors is no longer than their headers in the file.
struct Tensor {
    name: String,
    data: Box<DataSet>,
}

impl std::fmt::Debug for KerasFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KerasFile").field("origin", &self.contents.origin()).field("tensors", &self.tensors()).finish()
    }
}

const EXPECTED: &str = "an HDF5 file that Keras wrote";

/// The groups with the state of an optimiser.
const OPTIMIZER: [&str; 2] = ["optimizer", "optimizer_weights"];

impl KerasFile {
    /// Reads the headers of a file.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Self::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::of(Contents::open(path.as_ref())?)
    }

    /// Reads the headers from the bytes of a file; `origin` is its name in errors.
    ///
    /// # Errors
    /// [`Error::Format`] for a file that is not HDF5, or is inconsistent.
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        Self::of(Contents::of(bytes, origin))
    }

    pub(crate) fn of(contents: Contents) -> Result<Self, Error> {
        let start = crate::beginning(&contents)?;
        if !start.starts_with(hdf5::SIGNATURE) {
            return Err(format(contents.origin(), EXPECTED, kind::found(&start, contents.len())));
        }
        drop(start);
        let mut found = Collector::default();
        hdf5::traverse(&contents, &mut found).map_err(|error| error.of(&contents, EXPECTED))?;
        Ok(Self { contents, tensors: named(found.found) })
    }
}

/// A data set with its path, and the name of its layer according to an attribute.
struct Found {
    path: String,
    layer: Option<String>,
    data: Box<DataSet>,
}

/// The enclosing groups, each with the layer's name in its attribute, and the data sets found so far.
#[derive(Default)]
struct Collector {
    groups: Vec<(String, Option<String>)>,
    found: Vec<Found>,
}

impl hdf5::Visitor for Collector {
    fn enter(&mut self, name: &str, layer: Option<&str>) -> bool {
        if self.groups.is_empty() && OPTIMIZER.contains(&name) {
            return false;
        }
        // Keras 3 stores the name of a layer in an attribute of the group of its variables.
        let layer = layer.filter(|_| name == "vars").map(str::to_owned);
        self.groups.push((name.to_owned(), layer));
        true
    }

    fn leave(&mut self) {
        self.groups.pop();
    }

    fn data(&mut self, name: &str, data: DataSet) -> Result<(), ReadError> {
        let around = self.groups.iter().map(|(name, _)| name.as_str());
        let path = around.chain([name]).collect::<Vec<&str>>().join("/");
        let layer = self.groups.last().and_then(|(_, layer)| layer.clone());
        self.found.push(Found { path, layer, data: Box::new(data) });
        Ok(())
    }
}

/// Names the tensors: `layer/0`, `layer/kernel`, or the whole path where several tensors would share that name.
fn named(found: Vec<Found>) -> Vec<Tensor> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for found in &found {
        *counts.entry(found.name()).or_default() += 1;
    }
    let tensor = |found: Found| {
        let short = found.name();
        let name = if counts[&short] == 1 { short } else { found.path };
        Tensor { name, data: found.data }
    };
    found.into_iter().map(tensor).collect()
}

impl Found {
    fn name(&self) -> String {
        let path: Vec<&str> = self.path.split('/').collect();
        match path[..] {
            [.., layer, "vars", variable] => format!("{}/{variable}", self.layer.as_deref().unwrap_or(layer)),
            ["vars", variable] => format!("{}/{variable}", self.layer.as_deref().unwrap_or("vars")),
            // `model_weights/block1_conv1/block1_conv1/kernel:0`
            ["model_weights", layer, .., variable] | [layer, .., variable] => {
                format!("{layer}/{}", variable.strip_suffix(":0").unwrap_or(variable))
            }
            _ => self.path.clone(),
        }
    }
}

impl TensorFile for KerasFile {
    fn origin(&self) -> &str {
        self.contents.origin()
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        let info = |Tensor { name, data }: &Tensor| TensorInfo {
            name: name.clone(),
            dtype: data.dtype,
            shape: data.shape.clone(),
        };
        self.tensors.iter().map(info).collect()
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let Some(Tensor { name, data }) = self.tensors.get(index) else { return Ok(Cow::default()) };
        let wrong = |error: ReadError| {
            let said = error.map(|found| format!("one that {found}"));
            said.of(&self.contents, &format!("the elements of `{name}`"))
        };
        let mut bytes = data.elements(&self.contents).map_err(wrong)?;
        let len: usize = data.shape.iter().product();
        if data.is_big_endian && len > 0 {
            let size = bytes.len() / len;
            bytes.to_mut().chunks_exact_mut(size.max(1)).for_each(<[u8]>::reverse);
        }
        Ok(bytes)
    }
}
