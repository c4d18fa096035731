//! Trained weights on disk, as safetensors, and copies between networks: each tensor is named `layer.tensor`.

use core::fmt;
use std::path::Path;

use crate::error::{Error, WeightDifference, counted};
use crate::layer::{ParameterTensor, is_part};
use crate::network::{Network, Weights};
use crate::once::{Facts, Once};
use crate::prediction_weights::Stretch;
use crate::scalar::{Precision, Scalar};
use crate::storage::Safetensors;
pub use crate::storage::safetensors::Checksum;
use crate::storage::safetensors::{View, WeightFile, Writer};
use crate::suggest::nearest;

/// The text `kind` of a checkpoint of a training run.
pub const CHECKPOINT: &str = "netwright checkpoint";

/// Saves and loads a network's weights: trained parameters and statistics.
///
/// A file is written under a temporary name and then renamed, so that the old file stays intact until the new one is complete. A file is
/// checked completely before any weight changes. A file that another program has rewritten is read like any other whose tensors fit:
/// [`Loaded`] reports whether the tensors have changed since they were written.
pub trait SaveWeights: Network {
    /// Writes the weights to a file.
    ///
    /// # Errors
    /// [`Error::Io`] where the system cannot write; an older file of that name stays unchanged.
    fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        crate::storage::replace_file(path.as_ref(), &self.to_bytes())
    }

    /// Loads the weights from a file that [`Self::save`] or another program with the same tensor names wrote.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`] with every tensor that is missing, unknown, or of another shape or dtype; [`Error::Format`] for a
    /// checkpoint of a training run, whose weights [`Self::load_matching`] loads; and those of [`WeightFile::from_bytes`] for a file that is
    /// truncated or no safetensors file. The network is unchanged then.
    fn load(&mut self, path: impl AsRef<Path>) -> Result<Loaded, Error> {
        Self::Scalar::load_weights(Facts::of::<Self>(), self.weights_mut(), path.as_ref(), false)
    }

    /// Loads weights as [`Self::load`] does, and converts elements of another floating-point type: F16, BF16, F32 or F64, widened or rounded.
    ///
    /// # Errors
    /// As [`Self::load`].
    fn load_converted(&mut self, path: impl AsRef<Path>) -> Result<Loaded, Error> {
        Self::Scalar::load_weights(Facts::of::<Self>(), self.weights_mut(), path.as_ref(), true)
    }

    /// Loads those tensors of a file whose names and shapes match the network's, converted as in [`Self::load_converted`], and leaves the
    /// others unchanged: for a network that shares some of its layers with the saved one. The result lists the tensors that were loaded, and
    /// those that were not, with the reason.
    ///
    /// ```
    /// use netwright_runtime::{Error, network::Network, weights::SaveWeights};
    ///
    /// /// Everything but the head, which has other classes.
    /// fn start<N: Network>(path: &str) -> Result<N, Error> {
    ///     let mut network = N::init(1);
    ///     let loaded = network.load_matching(path)?;
    ///     if loaded.taken.is_empty() {
    ///         return Err(Error::other(loaded.to_string()));
    ///     }
    ///     Ok(network)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`WeightFile::from_bytes`] for a file that is truncated or no safetensors file.
    fn load_matching(&mut self, path: impl AsRef<Path>) -> Result<Loaded, Error> {
        Self::Scalar::load_matching(Facts::of::<Self>(), self.weights_mut(), path.as_ref())
    }

    /// Creates a network with the weights of a file, which is read tensor by tensor: the whole file is never in memory.
    ///
    /// # Errors
    /// As [`Self::load`].
    fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self::from_weights(Self::Scalar::read_weights(Facts::of::<Self>(), path.as_ref())?))
    }

    /// Returns the bytes that [`Self::save`] writes.
    fn to_bytes(&self) -> Vec<u8> {
        Self::Scalar::weights_to_bytes(Facts::of::<Self>(), self.weights_ref())
    }

    /// Loads weights as [`Self::load`] does, from bytes, such as those of `include_bytes!`.
    ///
    /// # Errors
    /// As [`Self::load`], without [`Error::Io`].
    fn load_bytes(&mut self, bytes: &[u8]) -> Result<Loaded, Error> {
        Self::Scalar::load_bytes(Facts::of::<Self>(), self.weights_mut(), bytes)
    }

    /// Copies the weights of a part of another network, of any type. A part is a layer (`conv1`), a call of a block (`pair1`), either without
    /// its number (`conv`: all of them), or the whole network (`""`); see [`Layer::is_in`](crate::layer::Layer::is_in). Elements are rounded
    /// where the other network's are wider.
    ///
    /// ```
    /// use netwright_runtime::{Error, network::Network, weights::SaveWeights};
    ///
    /// fn transfer(digits: &impl Network, letters: &mut impl Network) -> Result<(), Error> {
    ///     letters.copy_from(digits, "conv")?;
    ///     letters.copy_from(digits, "features").map(drop)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchLayer`] where this network has no such part, [`Error::Weights`] with every tensor of the part that only one of the
    /// two networks has, or that has another shape. The network is unchanged then.
    fn copy_from<O: Network>(&mut self, other: &O, part: &str) -> Result<Loaded, Error> {
        if !Self::LAYERS.iter().any(|layer| layer.is_in(part) && !layer.tensors.is_empty()) {
            let known = Self::LAYERS.iter().filter(|layer| !layer.tensors.is_empty()).map(|layer| layer.name);
            let (layer, known) = (part.to_owned(), known.collect::<Vec<_>>().join(", "));
            return Err(Error::NoSuchLayer { layer, wanted: "part with weights", known });
        }
        let offers = of_network(other);
        let facts = Facts::of::<Self>();
        let compared = Compared::new(facts, &offers, part, true);
        compared.check(facts, O::NAME)?;
        compared.take(facts, self.weights_mut(), O::NAME, Checksum::None)
    }

    /// Copies all tensors of another network whose names and shapes match this one's, and leaves the others unchanged.
    fn copy_matching<O: Network>(&mut self, other: &O) -> Loaded {
        let facts = Facts::of::<Self>();
        let offers = of_network(other);
        let taken = Compared::new(facts, &offers, "", true).take(facts, self.weights_mut(), O::NAME, Checksum::None);
        taken.unwrap_or_else(|_| unreachable!("no file is read"))
    }
}

impl<N: Network> SaveWeights for N {}

/// The tensors that a network has loaded from a file or copied from another network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The file, or the other network's name.
    pub origin: String,
    /// The name of the network that loaded them.
    pub network: &'static str,
    /// The loaded tensors, in the network's order.
    pub taken: Vec<String>,
    /// Those of `taken` that were converted from another element type, with that type: `("conv1.kernel", "BF16")`.
    pub converted: Vec<(String, String)>,
    /// The tensors that did not match and were left unchanged; empty where all had to match.
    pub left: Vec<WeightDifference>,
    /// Whether the file's tensors have changed since they were written.
    pub checksum: Checksum,
}

impl Loaded {
    /// Returns whether the tensors have changed since they were written, by another program or by damage. A file without checksum, as other
    /// programs write it, counts as unchanged.
    pub fn has_changed(&self) -> bool {
        matches!(self.checksum, Checksum::Differs { .. })
    }
}

/// Writes a sentence, and a line for each tensor that was left unchanged.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, network, taken, converted, left, .. } = self;
        write!(f, "{origin}: {} taken by {network}", counted(taken.len(), "tensor"))?;
        if let Some((_, kind)) = converted.first() {
            write!(f, ", {} converted from {kind}", converted.len())?;
            let others = converted.iter().any(|(_, other)| other != kind);
            f.write_str(if others { " and others" } else { "" })?;
        }
        if self.has_changed() {
            f.write_str("; they have changed since they were written")?;
        }
        if !left.is_empty() {
            f.write_str("; left:")?;
        }
        left.iter().try_for_each(|difference| write!(f, "\n  {difference}"))
    }
}

/// Returns each tensor of a network with the name of its layer and its full name.
fn tensors(facts: Facts) -> impl Iterator<Item = (&'static str, String, &'static ParameterTensor)> {
    facts.layers.iter().flat_map(|layer| {
        layer.tensors.iter().map(|tensor| (layer.name, format!("{}.{}", layer.name, tensor.name), tensor))
    })
}

fn elements<'w, T: Precision>(weights: &'w Weights<T>, tensor: &ParameterTensor) -> &'w [T] {
    let elements = if tensor.kind.is_trained() { weights.parameters() } else { weights.statistics() };
    &elements[tensor.offset..tensor.offset + tensor.len]
}

/// Adds all tensors of a network to a file.
pub fn add_weights<T: Precision>(writer: &mut Writer, facts: Facts, weights: &Weights<T>) {
    for (_, name, tensor) in tensors(facts) {
        writer.tensor(&name, tensor.shape, elements(weights, tensor));
    }
}

/// A tensor that is offered to a network, by a file or by another network.
pub struct Offer<'o, T> {
    shape: &'o [usize],
    /// Its element type.
    kind: String,
    /// Whether it can be read as `T`, by conversion if necessary.
    is_readable: bool,
    /// Writes its elements to a slice of the same length.
    read: Read<'o, T>,
}

type Read<'o, T> = Box<dyn Fn(&mut [T]) -> Result<(), Error> + 'o>;

impl<T> fmt::Debug for Offer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.shape, self.kind)
    }
}

/// Offered tensors with their names.
pub type Offers<'o, T> = Vec<(String, Offer<'o, T>)>;

/// Offers those tensors of a file that are weights: a checkpoint also holds other tensors.
pub fn of_file<T: Precision>(file: &WeightFile, is_weight: impl Fn(&str) -> bool) -> Offers<'_, T> {
    fn offer<T: Precision>(view: View<'_>) -> Offer<'_, T> {
        let (kind, is_readable) = (view.dtype.to_string(), view.is_readable());
        let read = move |elements: &mut [T]| {
            elements.copy_from_slice(&view.scalars().unwrap_or_default());
            Ok(())
        };
        Offer { shape: view.shape, kind, is_readable, read: Box::new(read) }
    }
    file.tensors().filter(|view| is_weight(view.name)).map(|view| (view.name.to_owned(), offer(view))).collect()
}

/// Offers the tensors of a file that is read tensor by tensor.
fn of_stream<T: Precision>(stream: &Safetensors) -> Offers<'_, T> {
    let offers = stream.entries().map(|(name, dtype, shape)| {
        let (kind, is_readable) = (dtype.to_string(), dtype.is_floating());
        let read = move |elements: &mut [T]| stream.read_to(name, elements);
        (name.to_owned(), Offer { shape, kind, is_readable, read: Box::new(read) })
    });
    offers.collect()
}

fn of_network<T: Precision, O: Network>(network: &O) -> Offers<'_, T> {
    let offers = tensors(Facts::of::<O>()).map(|(_, name, tensor)| {
        let read = move |to: &mut [T]| {
            let from = elements(network.weights_ref(), tensor);
            to.iter_mut().zip(from).for_each(|(to, from)| *to = T::from_f64(from.to_f64()));
            Ok(())
        };
        let kind = O::Scalar::NAME.to_owned();
        (name, Offer { shape: tensor.shape, kind, is_readable: true, read: Box::new(read) })
    });
    offers.collect()
}

/// The result of matching offered tensors against a network's.
#[derive(Debug)]
pub struct Compared<'o, T> {
    fitting: Vec<(String, &'static ParameterTensor, &'o Offer<'o, T>)>,
    differences: Vec<WeightDifference>,
}

impl<'o, T: Precision> Compared<'o, T> {
    /// Compares the offered tensors with those of a part of a network.
    // Not inlined: a function that is generic over the scalar would otherwise be compiled again in each crate that calls it.
    #[inline(never)]
    pub fn new(facts: Facts, offers: &'o Offers<'o, T>, part: &str, convert: bool) -> Self {
        let (mut fitting, mut differences) = (Vec::new(), Vec::new());
        let wanted: Vec<_> = tensors(facts).filter(|(layer, ..)| is_part(part, layer)).collect();
        let is_wanted = |name: &str| wanted.iter().any(|(_, wanted, _)| wanted == name);
        let in_part = |name: &str| is_part(part, name.rsplit_once('.').map_or(name, |(layer, _)| layer));
        let extra: Vec<_> = offers.iter().filter(|(name, _)| in_part(name) && !is_wanted(name)).collect();
        let offered = |wanted: &str| offers.iter().find(|(name, _)| name == wanted).map(|(_, offer)| offer);
        let missing: Vec<_> = wanted.iter().filter(|(_, name, _)| offered(name).is_none()).collect();
        for (_, name, expected) in &wanted {
            let (tensor, shape) = (name.clone(), expected.shape.to_vec());
            let Some(found) = offered(name) else {
                let nearest = nearest(name, extra.iter().map(|(name, _)| name.as_str())).map(str::to_owned);
                differences.push(WeightDifference::Missing { tensor, expected: shape, nearest });
                continue;
            };
            let is_right_kind = found.kind == T::NAME || convert && found.is_readable;
            if !is_right_kind {
                let (expected, found) = (T::NAME, found.kind.clone());
                differences.push(WeightDifference::Numbers { tensor: tensor.clone(), expected, found });
            }
            if found.shape != expected.shape {
                let found = found.shape.to_vec();
                differences.push(WeightDifference::Shape { tensor, expected: shape, found });
            } else if is_right_kind {
                fitting.push((tensor, *expected, found));
            }
        }
        differences.extend(extra.iter().map(|(name, found)| WeightDifference::Extra {
            tensor: (*name).clone(),
            found: found.shape.to_vec(),
            nearest: nearest(name, missing.iter().map(|(_, name, _)| name.as_str())).map(str::to_owned),
        }));
        Self { fitting, differences }
    }

    /// Returns an error with all differences, unless everything matches.
    pub fn check(&self, facts: Facts, origin: &str) -> Result<(), Error> {
        if self.differences.is_empty() {
            return Ok(());
        }
        let (origin, differences) = (origin.to_owned(), self.differences.clone());
        Err(Error::Weights { origin, network: facts.name, differences })
    }

    /// Reads the tensors within ranges of the parameters, or of the statistics, to `elements`, where these ranges are contiguous.
    pub(crate) fn read(&self, trained: bool, ranges: &[Stretch], elements: &mut [T]) -> Result<(), Error> {
        let mut rest = elements;
        for &[first, end] in ranges {
            let (here, others) = rest.split_at_mut(end - first);
            for (_, tensor, offer) in &self.fitting {
                let start = tensor.offset.wrapping_sub(first);
                if tensor.kind.is_trained() == trained && start < here.len() {
                    (offer.read)(&mut here[start..start + tensor.len])?;
                }
            }
            rest = others;
        }
        Ok(())
    }

    /// Loads the matching tensors.
    ///
    /// # Errors
    /// An error of reading the file; some of the weights may have changed then.
    #[inline(never)]
    pub fn take(
        self,
        facts: Facts,
        weights: &mut Weights<T>,
        origin: &str,
        checksum: Checksum,
    ) -> Result<Loaded, Error> {
        let (parameters, statistics) = weights.buffers_mut();
        let (mut taken, mut converted) = (Vec::new(), Vec::new());
        for (name, tensor, offer) in self.fitting {
            let all = if tensor.kind.is_trained() { &mut *parameters } else { &mut *statistics };
            (offer.read)(&mut all[tensor.offset..tensor.offset + tensor.len])?;
            if offer.kind != T::NAME {
                converted.push((name.clone(), offer.kind.clone()));
            }
            taken.push(name);
        }
        let (origin, left) = (origin.to_owned(), self.differences);
        Ok(Loaded { origin, network: facts.name, taken, converted, left, checksum })
    }
}

/// Refuses a checkpoint where a file of weights is expected; `kind` is the text `kind` of the file. A checkpoint has other tensors too.
fn check_kind(kind: Option<&str>, origin: &str) -> Result<(), Error> {
    if kind != Some(CHECKPOINT) {
        return Ok(());
    }
    let found = "a checkpoint of a training run, whose weights `load_matching` of a network loads".to_owned();
    Err(Error::Format { origin: origin.to_owned(), expected: "a file of weights".to_owned(), found })
}

/// Loads all tensors of a network from a file that has exactly these tensors; otherwise changes nothing.
fn take_all<T: Precision>(
    facts: Facts,
    weights: &mut Weights<T>,
    file: &WeightFile,
    convert: bool,
) -> Result<Loaded, Error> {
    check_kind(file.metadata("kind"), file.origin())?;
    let offers = of_file(file, |_| true);
    let compared = Compared::new(facts, &offers, "", convert);
    compared.check(facts, file.origin())?;
    compared.take(facts, weights, file.origin(), file.checksum())
}

/// Implements [`SaveWeights::load`] and [`SaveWeights::load_converted`].
pub(crate) fn load<T: Precision>(
    facts: Facts,
    weights: &mut Weights<T>,
    path: &Path,
    convert: bool,
) -> Result<Loaded, Error> {
    take_all(facts, weights, &WeightFile::read(path)?, convert)
}

/// Implements [`SaveWeights::load_bytes`].
pub(crate) fn load_bytes<T: Precision>(facts: Facts, weights: &mut Weights<T>, bytes: &[u8]) -> Result<Loaded, Error> {
    take_all(facts, weights, &WeightFile::from_bytes(bytes.to_vec(), "the bytes")?, false)
}

/// Implements [`SaveWeights::load_matching`].
pub(crate) fn load_matching<T: Precision>(
    facts: Facts,
    weights: &mut Weights<T>,
    path: &Path,
) -> Result<Loaded, Error> {
    let file = WeightFile::read(path)?;
    let offers = of_file(&file, |_| true);
    let checked = Compared::new(facts, &offers, "", true);
    checked.take(facts, weights, file.origin(), file.checksum())
}

/// Implements [`SaveWeights::from_file`].
pub(crate) fn read<T: Precision>(facts: Facts, path: &Path) -> Result<Weights<T>, Error> {
    let stream = Safetensors::read(path)?;
    with_all(facts, &stream, &|compared| {
        let mut weights = Weights::zeros(facts.parameters, facts.statistics);
        let (parameters, statistics) = weights.buffers_mut();
        compared.read(true, &[[0, facts.parameters]], parameters)?;
        compared.read(false, &[[0, facts.statistics]], statistics)?;
        Ok(weights)
    })
}

/// Calls `take` with the tensors of a file that has exactly the tensors of a network.
pub(crate) fn with_all<T: Precision, R>(
    facts: Facts,
    stream: &Safetensors,
    take: &dyn Fn(&Compared<'_, T>) -> Result<R, Error>,
) -> Result<R, Error> {
    check_kind(stream.metadata("kind"), stream.origin())?;
    let offers = of_stream(stream);
    let compared = Compared::new(facts, &offers, "", false);
    compared.check(facts, stream.origin())?;
    take(&compared)
}

/// Implements [`SaveWeights::to_bytes`].
pub(crate) fn to_bytes<T: Precision>(facts: Facts, weights: &Weights<T>) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.metadata("network", facts.name);
    add_weights(&mut writer, facts, weights);
    writer.to_bytes()
}
