//! ONNX at run time: weights for networks that were compiled from a file, and files of any network.

use std::collections::HashMap;
use std::path::Path;

pub use netwright_onnx::Error as OnnxError;
use netwright_onnx::source::places;
pub use netwright_onnx::source::{Change, Source};
use netwright_onnx::write::{self, Message};
use netwright_onnx::{Elements, Model, external};

use crate::error::{Error, WeightDifference};
use crate::layer::ParameterTensor;
use crate::network::{Network, Weights};
use crate::once::Facts;
use crate::scalar::Scalar;
use crate::suggest::nearest;

/// A network that was compiled from an ONNX file: `network! { pub Model = onnx "model.onnx"; }`.
pub trait FromOnnx: Network {
    /// The source in a file of each tensor of [`LAYERS`](crate::Architecture::LAYERS), in their order.
    const SOURCES: &'static [Source<'static>];

    /// Loads the weights from a file with the same tensors. Files with external data are read from the same folder.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Onnx`] for a file that is truncated or no model; [`Error::Weights`] with every tensor that is missing, of
    /// another shape, or of integers. The network is unchanged then.
    fn load_onnx(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Error::io(path, "read"))?;
        let origin = path.display().to_string();
        load(self, &File { bytes: &bytes, beside: Beside::Folder(path.parent()), origin: &origin })
    }

    /// Loads weights as [`Self::load_onnx`] does, from the bytes of a model without external files.
    ///
    /// # Errors
    /// As [`Self::load_onnx`], without [`Error::Io`].
    fn load_onnx_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.load_onnx_held(bytes, &[])
    }

    /// Loads weights as [`Self::load_onnx`] does, from the bytes of a model and of its external files, each with its name in the model:
    /// `model.onnx.data`.
    ///
    /// # Errors
    /// As [`Self::load_onnx_bytes`].
    fn load_onnx_held(&mut self, bytes: &[u8], files: &[(&str, &[u8])]) -> Result<(), Error> {
        load(self, &File { bytes, beside: Beside::Held(files), origin: "the bytes" })
    }

    /// Creates a network with the weights of a model and of its external files, as [`Self::load_onnx_held`] takes them.
    ///
    /// # Errors
    /// As [`Self::load_onnx_bytes`].
    fn from_onnx_held(bytes: &[u8], files: &[(&str, &[u8])]) -> Result<Self, Error> {
        let mut network = Self::from_weights(Weights::zeros(Self::PARAMETERS, Self::STATISTICS));
        network.load_onnx_held(bytes, files)?;
        Ok(network)
    }

    /// Creates a network with the weights of a model without external files.
    ///
    /// # Errors
    /// As [`Self::load_onnx_bytes`].
    fn from_onnx_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_onnx_held(bytes, &[])
    }

    /// Creates a network with the weights of a file.
    ///
    /// # Errors
    /// As [`Self::load_onnx`].
    fn from_onnx(path: impl AsRef<Path>) -> Result<Self, Error> {
        let mut network = Self::from_weights(Weights::zeros(Self::PARAMETERS, Self::STATISTICS));
        network.load_onnx(path)?;
        Ok(network)
    }
}

/// The location of the external files of a model.
#[derive(Clone, Copy)]
enum Beside<'f> {
    Folder(Option<&'f Path>),
    Held(&'f [(&'f str, &'f [u8])]),
}

struct File<'f> {
    bytes: &'f [u8],
    beside: Beside<'f>,
    origin: &'f str,
}

fn load<N: FromOnnx>(network: &mut N, file: &File<'_>) -> Result<(), Error> {
    let mut loaded: Weights<N::Scalar> = Weights::zeros(N::PARAMETERS, N::STATISTICS);
    let (parameters, statistics) = loaded.buffers_mut();
    read(Facts::of::<N>(), N::SOURCES, file, &mut |is_trained, index, element| {
        let elements = if is_trained { &mut *parameters } else { &mut *statistics };
        if let Some(slot) = elements.get_mut(index) {
            *slot = N::Scalar::from_f64(element);
        }
    })?;
    network.weights_mut().take_buffers(loaded);
    Ok(())
}

fn tensors(facts: Facts) -> impl Iterator<Item = (String, &'static ParameterTensor)> {
    facts
        .layers
        .iter()
        .flat_map(|layer| layer.tensors.iter().map(|tensor| (format!("{}.{}", layer.name, tensor.name), tensor)))
}

/// Passes every element to `take`, in the order of the network's tensors: whether it is trained, its index, and its value.
fn read(
    facts: Facts,
    sources: &[Source<'_>],
    file: &File<'_>,
    take: &mut dyn FnMut(bool, usize, f64),
) -> Result<(), Error> {
    let wrong = |problem| Error::Onnx { origin: file.origin.to_owned(), problem };
    let model = Model::read(file.bytes).map_err(wrong)?;
    let known: HashMap<&str, _> = model.graph.constants().collect();
    let mut differences = Vec::new();
    for source in sources {
        let Source::Tensor { name, dims, .. } = source else { continue };
        match known.get(name) {
            None => differences.push(WeightDifference::Missing {
                tensor: (*name).to_owned(),
                expected: dims.to_vec(),
                nearest: nearest(name, known.keys().copied()).map(str::to_owned),
            }),
            Some(tensor) if tensor.dims != *dims => differences.push(WeightDifference::Shape {
                tensor: (*name).to_owned(),
                expected: dims.to_vec(),
                found: tensor.dims.clone(),
            }),
            Some(tensor) if !tensor.kind.is_float() => differences.push(WeightDifference::Numbers {
                tensor: (*name).to_owned(),
                expected: "Float16, BFloat16, Float or Double",
                found: tensor.kind.to_string(),
            }),
            Some(_) => {}
        }
    }
    if !differences.is_empty() {
        return Err(Error::Weights { origin: file.origin.to_owned(), network: facts.name, differences });
    }
    for ((_, own), source) in tensors(facts).zip(sources) {
        let range = own.offset..own.offset + own.len;
        let is_trained = own.kind.is_trained();
        match source {
            Source::Filled(value) => range.for_each(|index| take(is_trained, index, *value)),
            Source::Tensor { name, axes, change, .. } => {
                let Some(tensor) = known.get(name) else { continue };
                let elements: Result<Elements<'_>, OnnxError> = match file.beside {
                    Beside::Folder(folder) => external::elements(tensor, folder),
                    Beside::Held(files) => external::held(tensor, files),
                };
                let elements = elements.map_err(wrong)?;
                for (index, offset) in range.zip(places(axes)) {
                    let element = elements.get(offset).unwrap_or_default();
                    take(is_trained, index, change.of(element));
                }
            }
        }
    }
    Ok(())
}

/// A network as a graph of ONNX, without its weights.
#[derive(Clone, Copy, Debug)]
pub struct Exported {
    /// The bytes before the graph.
    pub before: &'static [u8],
    /// The bytes of the graph, without the tensors.
    pub graph: &'static [u8],
    /// The tensors.
    pub tensors: &'static [Written],
}

/// A tensor in an exported file.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// Its name in the file.
    pub name: &'static str,
    /// The index of the network's tensor among all of [`LAYERS`](crate::Architecture::LAYERS).
    pub tensor: usize,
    /// Its shape in the file.
    pub dims: &'static [usize],
    /// The sizes and strides by which the network's elements are traversed in the file's order.
    pub axes: &'static [[usize; 2]],
}

/// A network that can be written as an ONNX model: every network, with the feature `onnx`. In the model, images are channels first, as in other
/// libraries, the batch size is open, and elements are in single precision.
pub trait ToOnnx: Network {
    /// Its graph.
    const EXPORTED: Exported;

    /// Writes the network with its weights to one file, under a temporary name that is then renamed.
    ///
    /// # Errors
    /// [`Error::Io`] where the system cannot write; an older file of that name stays unchanged. [`Error::Oversized`] for more than 2 GB of
    /// weights: see [`Self::to_onnx_beside`].
    fn to_onnx(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let facts = Facts::of::<Self>();
        let elements = elements_of(self);
        let bytes = whole(facts, &Self::EXPORTED, path.as_ref(), &elements)?;
        crate::storage::replace_file(path.as_ref(), &bytes)
    }

    /// Writes the network to a model and its weights to a second file beside it, `NAME.data`: for weights that exceed the limit of a model, or
    /// to replace one file and keep the other.
    ///
    /// # Errors
    /// [`Error::Io`] where the system cannot write.
    fn to_onnx_beside(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let facts = Facts::of::<Self>();
        let elements = elements_of(self);
        let path = path.as_ref();
        let data = path.with_extension("onnx.data");
        let name = data.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (model, weights) = beside(facts, &Self::EXPORTED, &name, &elements);
        crate::storage::replace_file(&data, &weights)?;
        crate::storage::replace_file(path, &model)
    }
}

/// Returns a function that reads an element of the parameters (`true`) or of the statistics by its index.
fn elements_of<N: Network>(network: &N) -> impl Fn(bool, usize) -> f32 {
    let weights = network.weights_ref();
    move |is_trained, index| {
        let elements = if is_trained { weights.parameters() } else { weights.statistics() };
        elements.get(index).map_or(0.0, |element| element.to_f64() as f32)
    }
}

/// Returns the bytes of a tensor in the file.
fn bytes_of(own: &ParameterTensor, axes: &[[usize; 2]], elements: &dyn Fn(bool, usize) -> f32) -> Vec<u8> {
    let is_trained = own.kind.is_trained();
    places(axes).flat_map(|offset| elements(is_trained, own.offset + offset).to_le_bytes()).collect()
}

fn model(exported: &Exported, tensors: &[Message]) -> Vec<u8> {
    let mut graph = Message::new();
    tensors.iter().for_each(|tensor| {
        graph.message(write::INITIALIZER, tensor);
    });
    let tensors = graph.into_bytes();
    let mut bytes = exported.before.to_vec();
    let mut header = Message::new();
    header.header(write::GRAPH, exported.graph.len() + tensors.len());
    bytes.extend(header.into_bytes());
    bytes.extend(exported.graph);
    bytes.extend(tensors);
    bytes
}

/// Returns the bytes of a model that contains its weights.
fn whole(
    facts: Facts,
    exported: &Exported,
    path: &Path,
    elements: &dyn Fn(bool, usize) -> f32,
) -> Result<Vec<u8>, Error> {
    // The limit of a protobuf message is 2 GiB; this leaves room for the graph.
    const LIMIT: u64 = 0x7000_0000;
    let own: Vec<_> = tensors(facts).collect();
    let promised: u64 = exported.tensors.iter().map(|tensor| 4 * tensor.dims.iter().product::<usize>() as u64).sum();
    if promised > LIMIT {
        return Err(Error::Oversized { origin: path.display().to_string(), promised, limit: LIMIT });
    }
    let messages = exported.tensors.iter().filter_map(|tensor| {
        let (_, own) = own.get(tensor.tensor)?;
        Some(write::raw(tensor.name, tensor.dims, &bytes_of(own, tensor.axes, elements)))
    });
    Ok(model(exported, &messages.collect::<Vec<_>>()))
}

/// Returns the bytes of a model and of its weights, which belong in a file called `location`.
fn beside(
    facts: Facts,
    exported: &Exported,
    location: &str,
    elements: &dyn Fn(bool, usize) -> f32,
) -> (Vec<u8>, Vec<u8>) {
    let own: Vec<_> = tensors(facts).collect();
    let (mut messages, mut data) = (Vec::new(), Vec::new());
    for tensor in exported.tensors {
        let Some((_, own)) = own.get(tensor.tensor) else { continue };
        let bytes = bytes_of(own, tensor.axes, elements);
        messages.push(write::external(tensor.name, tensor.dims, location, data.len(), bytes.len()));
        data.extend(bytes);
    }
    (model(exported, &messages), data)
}
