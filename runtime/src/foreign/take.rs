//! Conversion between a network's weights and the tensors of another library.

use std::borrow::Cow;

use super::file::{TensorFile, TensorInfo};
use super::map::{Expected, Map, Ours};
use crate::error::{Error, WeightDifference};
use crate::network::Weights;
use crate::once::Facts;
use crate::order::sorted_places;
use crate::scalar::Precision;
use crate::suggest::nearest;
use crate::weights::{Checksum, Loaded};

/// A tensor with the name, shape and order of another library.
#[derive(Clone, Debug, PartialEq)]
pub enum WholeTensor<T> {
    /// Floating-point elements.
    Elements {
        /// Its name in the other library.
        name: String,
        /// Its shape there, slowest axis first.
        shape: Vec<usize>,
        /// Its elements, row by row.
        elements: Vec<T>,
    },
    /// A scalar integer: the number of batches that a normalisation has seen.
    Count {
        /// Its name in the other library.
        name: String,
        /// The value.
        count: i64,
    },
}

/// A tensor of a file that matches an expected one.
struct Found<'e> {
    /// Its index in the file.
    index: usize,
    info: &'e TensorInfo,
    expected: &'e Expected,
}

/// Implements [`super::ForeignWeights::from_foreign`].
pub(crate) fn read<T: Precision>(
    facts: Facts,
    file: &dyn TensorFile,
    map: &Map,
) -> Result<(Weights<T>, Loaded), Error> {
    let origin = file.origin();
    let infos = file.tensors();
    let expected = map.expected(facts, origin, &infos)?;
    let found = matched(facts, origin, map, &expected, &infos)?;
    let mut weights = Weights::zeros(facts.parameters, facts.statistics);
    let (parameters, statistics) = weights.buffers_mut();
    let (mut taken, mut converted, mut differences) = (Vec::new(), Vec::new(), Vec::new());
    for Found { index, info, expected } in &found {
        match &expected.ours {
            Ours::Tensor(ours, tensor, theirs) => {
                let bytes = bytes_of(file, *index, info)?;
                let all = if tensor.kind.is_trained() { &mut *parameters } else { &mut *statistics };
                let mut rest = &mut all[tensor.offset..tensor.offset + tensor.len];
                theirs.rows(&mut |base, last| {
                    let (row, others) = std::mem::take(&mut rest).split_at_mut(last.len());
                    info.dtype.gather(&bytes, base, last, row);
                    rest = others;
                });
                if info.dtype.to_string() != T::NAME {
                    converted.push((ours.clone(), info.dtype.to_string()));
                }
                taken.push(ours.clone());
            }
            Ours::Constant(value, _) => {
                let elements = info.dtype.scalars::<T>(&bytes_of(file, *index, info)?).unwrap_or_default();
                if elements.iter().any(|element| element.to_f64() != *value) {
                    differences
                        .push(WeightDifference::NotConstant { tensor: info.name.clone(), expected: value.to_string() });
                }
            }
            Ours::Count => {}
        }
    }
    refuse(facts, origin, differences)?;
    let (origin, left, checksum) = (origin.to_owned(), Vec::new(), Checksum::None);
    Ok((weights, Loaded { origin, network: facts.name, taken, converted, left, checksum }))
}

/// Returns the bytes of a tensor of a file, and checks that there are as many as its header says.
fn bytes_of<'f>(file: &'f dyn TensorFile, index: usize, info: &TensorInfo) -> Result<Cow<'f, [u8]>, Error> {
    let bytes = file.bytes(index)?;
    let expected = info.shape.iter().product::<usize>() * info.dtype.bits() / 8;
    if bytes.len() == expected {
        return Ok(bytes);
    }
    Err(Error::Format {
        origin: file.origin().to_owned(),
        expected: format!("`{}` of {expected} bytes", info.name),
        found: bytes.len().to_string(),
    })
}

fn refuse(facts: Facts, origin: &str, differences: Vec<WeightDifference>) -> Result<(), Error> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::Weights { origin: origin.to_owned(), network: facts.name, differences })
}

/// Matches the tensors of a file with the expected ones, or returns an error with every difference.
fn matched<'e>(
    facts: Facts,
    origin: &str,
    map: &Map,
    expected: &'e [Expected],
    infos: &'e [TensorInfo],
) -> Result<Vec<Found<'e>>, Error> {
    let (found, mut differences) = compared(map, expected, infos);
    if found.is_empty()
        && let Some((meant, hint)) = map.moved(facts, infos).or_else(|| map.of_other_library(facts, infos))
    {
        // Compare by the corrected map: with the wrong names every tensor would be missing, which hides the other differences.
        let expected = meant.expected(facts, origin, infos)?;
        differences = compared(&meant, &expected, infos).1;
        differences.insert(0, hint);
    }
    refuse(facts, origin, differences)?;
    Ok(found)
}

/// Matches the tensors of a file with the expected ones, and returns the matches and every difference.
fn compared<'e>(
    map: &Map,
    expected: &'e [Expected],
    infos: &'e [TensorInfo],
) -> (Vec<Found<'e>>, Vec<WeightDifference>) {
    let by_name = sorted_places(infos.len(), &|one, other| infos[one].name.cmp(&infos[other].name));
    // If a name occurs twice, the last tensor is used.
    let last = |name: &String| {
        let index = *by_name[..by_name.partition_point(|&each| infos[each].name <= *name)].last()?;
        (infos[index].name == *name).then_some(index)
    };
    let mut is_extra: Vec<bool> = infos.iter().map(|info| !map.ignores(&info.name)).collect();
    let (mut found, mut missing, mut differences) = (Vec::new(), Vec::new(), Vec::new());
    for entry in expected {
        let Some(index) = entry.names.iter().find_map(last) else {
            missing.push(entry);
            continue;
        };
        is_extra[index] = false;
        found.push(Found { index, info: &infos[index], expected: entry });
    }
    let extra: Vec<&TensorInfo> =
        infos.iter().zip(&is_extra).filter(|(_, extra)| **extra).map(|(info, _)| info).collect();
    let missing: Vec<(&str, Vec<usize>)> =
        missing.into_iter().filter_map(|entry| Some((entry.names[0].as_str(), entry.shape()?))).collect();
    for (name, shape) in &missing {
        let nearest = nearest(name, extra.iter().map(|info| info.name.as_str())).map(str::to_owned);
        differences.push(WeightDifference::Missing { tensor: (*name).to_owned(), expected: shape.clone(), nearest });
    }
    for Found { info, expected, .. } in &found {
        let Some(shape) = expected.shape() else { continue };
        if !info.dtype.is_floating() {
            let (tensor, found) = (info.name.clone(), info.dtype.to_string());
            differences.push(WeightDifference::Numbers { tensor, expected: T_NAMES, found });
        }
        let fits = match &expected.ours {
            Ours::Tensor(_, _, theirs) => theirs.fits(&info.shape),
            _ => info.shape == shape,
        };
        if !fits {
            let (tensor, found) = (info.name.clone(), info.shape.clone());
            differences.push(WeightDifference::Shape { tensor, expected: shape, found });
        }
    }
    differences.extend(extra.iter().map(|info| WeightDifference::Extra {
        tensor: info.name.clone(),
        found: info.shape.clone(),
        nearest: nearest(&info.name, missing.iter().map(|(name, _)| *name)).map(str::to_owned),
    }));
    (found, differences)
}

/// The element types that are accepted.
const T_NAMES: &str = "F16, BF16, F32 or F64";

impl Expected {
    /// Returns its shape in the other library; `None` if it may be missing.
    fn shape(&self) -> Option<Vec<usize>> {
        match &self.ours {
            Ours::Tensor(_, _, theirs) => Some(theirs.shape.clone()),
            Ours::Constant(_, len) => Some(vec![*len]),
            Ours::Count => None,
        }
    }
}

/// Implements [`super::ForeignWeights::foreign_tensors`].
pub(crate) fn tensors<T: Precision>(
    facts: Facts,
    weights: &Weights<T>,
    map: &Map,
) -> Result<Vec<WholeTensor<T>>, Error> {
    let mut tensors = Vec::new();
    for Expected { mut names, ours } in map.expected(facts, facts.name, &[])? {
        let name = names.swap_remove(0);
        tensors.push(match ours {
            Ours::Tensor(_, tensor, theirs) => {
                let all = if tensor.kind.is_trained() { weights.parameters() } else { weights.statistics() };
                let mut ours = all[tensor.offset..tensor.offset + tensor.len].iter();
                let mut elements = vec![T::from_f64(0.0); tensor.len];
                theirs.rows(&mut |base, last| {
                    for (offset, element) in last.iter().zip(ours.by_ref()) {
                        elements[base + offset] = *element;
                    }
                });
                WholeTensor::Elements { name, shape: theirs.shape, elements }
            }
            Ours::Constant(value, len) => {
                WholeTensor::Elements { name, shape: vec![len], elements: vec![T::from_f64(value); len] }
            }
            Ours::Count => WholeTensor::Count { name, count: 0 },
        });
    }
    Ok(tensors)
}
