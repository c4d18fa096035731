//! Trained weights on disk, as safetensors: each tensor is named `layer.tensor`.

use std::path::Path;

use crate::error::{Error, WeightDifference};
use crate::layer::ParameterTensor;
use crate::network::{Network, Weights};
use crate::scalar::Scalar;
use crate::storage::safetensors::{Reader, Writer};

/// Saves and loads a network's weights: trained parameters and statistics.
///
/// A file is written under a temporary name and then renamed, so that the old one stays whole until the new one is. A file is
/// checked in full before a single weight changes.
pub trait SaveWeights: Network {
    /// Writes the weights to a file.
    ///
    /// # Errors
    /// [`Error::Io`] where the system refuses; an older file of that name is as it was.
    fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        crate::storage::replace_file(path.as_ref(), &self.to_bytes())
    }

    /// Takes the weights from a file that [`Self::save`] wrote, or another program with the same names.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`] with every tensor that is missing, unknown, of another shape or of other numbers;
    /// and those of [`Reader::from_bytes`] for a file that is no safetensors file, or damaged. The network is unchanged then.
    fn load(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        take(self, &Reader::read(path.as_ref())?, false)
    }

    /// [`Self::load`], and F32 becomes F64 or F64 is rounded to F32 where the file holds the other.
    ///
    /// # Errors
    /// As [`Self::load`].
    fn load_converted(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        take(self, &Reader::read(path.as_ref())?, true)
    }

    /// A network with the weights of a file.
    ///
    /// # Errors
    /// As [`Self::load`].
    fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let mut network = Self::from_weights(Weights::zeros(Self::PARAMETERS, Self::STATISTICS));
        network.load(path)?;
        Ok(network)
    }

    /// The bytes that [`Self::save`] writes.
    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.metadata("network", Self::NAME);
        add_weights(&mut writer, self);
        writer.to_bytes()
    }

    /// [`Self::load`] from bytes, as of `include_bytes!`.
    ///
    /// # Errors
    /// As [`Self::load`], without [`Error::Io`].
    fn load_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        take(self, &Reader::from_bytes(bytes.to_vec(), "the bytes")?, false)
    }
}

impl<N: Network> SaveWeights for N {}

/// Each tensor's name, place and whether it is trained.
fn tensors<N: Network>() -> impl Iterator<Item = (String, &'static ParameterTensor)> {
    N::LAYERS
        .iter()
        .flat_map(|layer| layer.tensors.iter().map(|tensor| (format!("{}.{}", layer.name, tensor.name), tensor)))
}

/// Adds all tensors of a network to a file.
pub(crate) fn add_weights<N: Network>(writer: &mut Writer, network: &N) {
    for (name, tensor) in tensors::<N>() {
        let numbers = if tensor.role.is_trained() { network.parameters() } else { network.statistics() };
        writer.tensor(&name, tensor.shape, &numbers[tensor.offset..tensor.offset + tensor.len]);
    }
}

/// Takes all tensors of a network from a file that has these and no others, or changes nothing.
fn take<N: Network>(network: &mut N, file: &Reader, convert: bool) -> Result<(), Error> {
    let found = file.tensors().collect::<Vec<_>>();
    take_weights(network, file, &found.iter().map(|tensor| tensor.name).collect::<Vec<_>>(), convert)
}

/// As [`take`], from those of the file's tensors that `names` lists: a checkpoint holds others too.
pub(crate) fn take_weights<N: Network>(
    network: &mut N,
    file: &Reader,
    names: &[&str],
    convert: bool,
) -> Result<(), Error> {
    compare_weights::<N>(file, names, convert)?;
    for (name, tensor) in tensors::<N>() {
        let numbers = file.tensor(&name).and_then(|found| found.scalars::<N::Scalar>()).unwrap_or_default();
        let place = if tensor.role.is_trained() { network.parameters_mut() } else { network.statistics_mut() };
        place[tensor.offset..tensor.offset + tensor.len].copy_from_slice(&numbers);
    }
    Ok(())
}

/// Whether [`take_weights`] would take them.
pub(crate) fn compare_weights<N: Network>(file: &Reader, names: &[&str], convert: bool) -> Result<(), Error> {
    let mut differences = Vec::new();
    let mut known = Vec::new();
    for (name, expected) in tensors::<N>() {
        let tensor = name.clone();
        match file.tensor(&name).filter(|found| names.contains(&found.name)) {
            None => differences.push(WeightDifference::Missing { tensor, expected: expected.shape.to_vec() }),
            Some(found) => {
                let readable = matches!(found.numbers, "F32" | "F64");
                if found.numbers != N::Scalar::NAME && !(convert && readable) {
                    let (expected, found) = (N::Scalar::NAME, found.numbers.to_owned());
                    differences.push(WeightDifference::Numbers { tensor: tensor.clone(), expected, found });
                }
                if found.shape != expected.shape {
                    let (expected, found) = (expected.shape.to_vec(), found.shape.to_vec());
                    differences.push(WeightDifference::Shape { tensor, expected, found });
                }
            }
        }
        known.push(name);
    }
    for found in file.tensors().filter(|found| names.contains(&found.name)) {
        if !known.iter().any(|known| known == found.name) {
            let (tensor, found) = (found.name.to_owned(), found.shape.to_vec());
            differences.push(WeightDifference::Extra { tensor, found });
        }
    }
    if !differences.is_empty() {
        return Err(Error::Weights { origin: file.origin().to_owned(), network: N::NAME, differences });
    }
    Ok(())
}
