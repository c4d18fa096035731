//! The names that another library gives to the tensors of a network.

use std::vec::IntoIter;

use super::file::TensorInfo;
use super::layout::Theirs;
use crate::Shape;
use crate::error::{Error, WeightDifference};
use crate::layer::{Axes, Layer, ParameterTensor};
use crate::once::Facts;
use crate::order::{sort_places, sorted_places};

/// The convention by which a library names the tensors of a layer and orders their axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// `conv1.weight`, `bn1.running_var`: axes of channels before height and width, outputs before inputs.
    PyTorch,
    /// `conv1/kernel`, `bn1/moving_variance`, or `conv1/0`, as `.weights.h5` numbers them: axes in netwright's order.
    Keras,
}

/// The names that another library gives to the layers of a network. Names set here take precedence over those given by `from` in the network's text.
///
/// ```
/// use netwright_runtime::foreign::Map;
///
/// let map = Map::pytorch().layer("conv1", "features.0").layer("dense1", "classifier").ignoring("auxiliary");
/// # let _ = map;
/// ```
#[derive(Clone, Debug)]
pub struct Map {
    convention: Convention,
    layers: Vec<(String, String)>,
    tensors: Vec<(String, String)>,
    ignored: Vec<String>,
    below: String,
    is_numbered: bool,
}

/// The largest number of prefixes in a file that are tried.
const MAX_CANDIDATES: usize = 64;

/// A tensor that a library keeps for a layer.
#[derive(Debug)]
pub(super) struct Expected {
    /// Its names there: any of them is accepted, and the first one is written.
    pub(super) names: Vec<String>,
    /// The corresponding tensor here.
    pub(super) ours: Ours,
}

/// The counterpart of another library's tensor.
#[derive(Debug)]
pub(super) enum Ours {
    /// A tensor, with its name and its layout in the other library.
    Tensor(String, &'static ParameterTensor, Theirs),
    /// No tensor: the value that all elements must have, and their number.
    Constant(f64, usize),
    /// No tensor: a count of batches, which may be missing.
    Count,
}

impl Map {
    /// Creates a map for PyTorch: the names of modules in a `state_dict`, without `.weight` and the like. A separable convolution is two modules
    /// there, `depthwise` and `pointwise`, unless [`Self::tensor`] sets other names.
    pub fn pytorch() -> Self {
        Self::of(Convention::PyTorch)
    }

    /// Creates a map for Keras: the names of layers.
    pub fn keras() -> Self {
        Self::of(Convention::Keras)
    }

    fn of(convention: Convention) -> Self {
        let (layers, tensors, ignored) = (Vec::new(), Vec::new(), Vec::new());
        Self { convention, layers, tensors, ignored, below: String::new(), is_numbered: false }
    }

    /// Returns the convention of the other library.
    pub fn convention(&self) -> Convention {
        self.convention
    }

    /// Maps the layer `ours` of the network (`conv1`, `cell2.conv1`) to `theirs`.
    #[must_use]
    pub fn layer(mut self, ours: impl Into<String>, theirs: impl Into<String>) -> Self {
        self.layers.push((ours.into(), theirs.into()));
        self
    }

    /// Maps several layers at once.
    #[must_use]
    pub fn layers<O: Into<String>, T: Into<String>>(mut self, names: impl IntoIterator<Item = (O, T)>) -> Self {
        self.layers.extend(names.into_iter().map(|(ours, theirs)| (ours.into(), theirs.into())));
        self
    }

    /// Maps one tensor of the network (`sepconv1.depthwise_kernel`) to the full name `theirs`: `block.conv1.weight`.
    #[must_use]
    pub fn tensor(mut self, ours: impl Into<String>, theirs: impl Into<String>) -> Self {
        self.tensors.push((ours.into(), theirs.into()));
        self
    }

    /// Ignores a part of the file: a module or layer of this name, and everything inside it.
    #[must_use]
    pub fn ignoring(mut self, part: impl Into<String>) -> Self {
        self.ignored.push(part.into());
        self
    }

    /// Puts a prefix before all names: `module`, as `DataParallel` does.
    #[must_use]
    pub fn below(mut self, name: impl Into<String>) -> Self {
        self.below = name.into();
        self
    }

    /// Names layers without a name as Keras does by default: `conv2d`, `conv2d_1`, `batch_normalization`, each kind counted in the order of the
    /// network's text. Keras counts on from one model of a program to the next, `conv2d_94`: if a file has as many layers of a kind as the
    /// network, they are matched in order.
    #[must_use]
    pub fn numbered(mut self) -> Self {
        self.is_numbered = true;
        self
    }

    /// Returns whether a tensor of a file is to be ignored.
    pub(super) fn ignores(&self, name: &str) -> bool {
        let inside = |part: &String| {
            name.strip_prefix(part.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
        };
        self.ignored.iter().any(inside)
    }

    /// Returns a map with the prefix under which the file has more than half of the tensors, and the difference that reports it. All other
    /// parts of the file are ignored.
    pub(super) fn moved(&self, facts: Facts, infos: &[TensorInfo]) -> Option<(Self, WeightDifference)> {
        let bare = self.clone().below("");
        let expected = bare.expected(facts, "", &[]).ok()?;
        let theirs = in_order(infos.iter().map(|info| info.name.as_str()).collect());
        let sign = match self.convention {
            Convention::PyTorch => '.',
            Convention::Keras => '/',
        };
        let is_below = |name: &str, entry: &Expected| {
            entry.names.iter().any(|own| theirs.binary_search(&format!("{name}{sign}{own}").as_str()).is_ok())
        };
        let candidates = expected.iter().find_map(|entry| {
            let endings: Vec<String> = entry.names.iter().map(|own| format!("{sign}{own}")).collect();
            let mut found = Vec::new();
            for info in infos {
                found.extend(endings.iter().find_map(|ending| info.name.strip_suffix(ending.as_str())));
            }
            (!found.is_empty()).then(|| in_order(found))
        });
        let count = |name: &str| expected.iter().filter(|entry| is_below(name, entry)).count();
        // If all names of a file end alike, there are as many candidates as tensors.
        let (count, name) = candidates?.into_iter().take(MAX_CANDIDATES).map(|name| (count(name), name)).max()?;
        if 2 * count <= expected.len() {
            return None;
        }
        let is_elsewhere =
            |own: &&str| !own.strip_prefix(name).is_some_and(|rest| rest.starts_with(sign)) && !self.ignores(own);
        let parts = theirs.iter().copied().filter(is_elsewhere).filter_map(|own| own.split(sign).next());
        let beside: Vec<String> = in_order(parts.collect()).into_iter().map(str::to_owned).collect();
        let map = beside.iter().fold(bare.below(name), |map, part| map.ignoring(part));
        Some((map, WeightDifference::Below { name: name.to_owned(), beside }))
    }

    /// Returns the map of the other library, and the difference that reports it, if more than half of the tensors have that library's names.
    pub(super) fn of_other_library(&self, facts: Facts, infos: &[TensorInfo]) -> Option<(Self, WeightDifference)> {
        let (convention, library, map) = match self.convention {
            Convention::PyTorch => (Convention::Keras, "Keras", "Map::keras()"),
            Convention::Keras => (Convention::PyTorch, "PyTorch", "Map::pytorch()"),
        };
        let other = Self { convention, ..self.clone() };
        let expected = other.expected(facts, "", infos).ok()?;
        let theirs = in_order(infos.iter().map(|info| info.name.as_str()).collect());
        let is_there = |entry: &&Expected| entry.names.iter().any(|name| theirs.binary_search(&name.as_str()).is_ok());
        let count = expected.iter().filter(is_there).count();
        (2 * count > expected.len()).then_some((other, WeightDifference::Library { library, map }))
    }

    /// Returns every tensor that the library keeps for a network, in the network's order; `infos` are the tensors of a file, for numbered layers.
    ///
    /// # Errors
    /// [`Error::NoSuchLayer`] or [`Error::UnknownTensor`] for a name that the network does not have; [`Error::Weights`] with every layer
    /// for which the map has no name.
    pub(super) fn expected(&self, facts: Facts, origin: &str, infos: &[TensorInfo]) -> Result<Vec<Expected>, Error> {
        self.check(facts)?;
        let (mut expected, mut differences) = (Vec::new(), Vec::new());
        let layers = || facts.layers.iter().filter(|layer| !layer.tensors.is_empty());
        let named = |layer: &Layer| {
            let said = self.layers.iter().rfind(|(ours, _)| ours == layer.name).map(|(_, theirs)| theirs.clone());
            said.or_else(|| layer.foreign.map(str::to_owned))
        };
        let counted = layers().filter(|layer| self.is_numbered && named(layer).is_none()).map(kind);
        let mut numbers = self.numbers(counted, infos);
        for layer in layers() {
            let name = named(layer).or_else(|| {
                let kind = kind(layer);
                let number = numbers.iter_mut().find(|(each, _)| *each == kind)?.1.next()?;
                Some(if number == 0 { kind.to_owned() } else { format!("{kind}_{number}") })
            });
            let before = expected.len();
            self.layer_tensors(layer, name.as_deref(), &mut expected);
            if expected.len() - before < layer.tensors.len() {
                differences.push(WeightDifference::Unnamed { layer: layer.name.to_owned() });
            }
        }
        if differences.is_empty() {
            return Ok(expected);
        }
        Err(Error::Weights { origin: origin.to_owned(), network: facts.name, differences })
    }

    /// Returns the numbers of the layers of each kind: those in the file if it has as many layers, otherwise counted from 0.
    fn numbers(
        &self,
        kinds: impl Iterator<Item = &'static str>,
        infos: &[TensorInfo],
    ) -> Vec<(&'static str, IntoIter<usize>)> {
        let mut counts: Vec<(&'static str, usize)> = Vec::new();
        for kind in kinds {
            match counts.iter_mut().find(|(each, _)| *each == kind) {
                Some((_, count)) => *count += 1,
                None => counts.push((kind, 1)),
            }
        }
        let of = |kind: &str, info: &TensorInfo| {
            let name = info.name.strip_prefix(self.below.as_str())?.trim_start_matches('/');
            let (layer, _) = name.split_once('/')?;
            match layer.strip_prefix(kind)? {
                "" => Some(0),
                number => number.strip_prefix('_')?.parse().ok(),
            }
        };
        let numbers = counts.into_iter().map(|(kind, count)| {
            let mut numbers: Vec<usize> = infos.iter().filter_map(|info| of(kind, info)).collect();
            sort_places(&mut numbers, &|one, other| one.cmp(&other));
            numbers.dedup();
            if numbers.len() != count {
                numbers = (0..count).collect();
            }
            (kind, numbers.into_iter())
        });
        numbers.collect()
    }

    /// Adds the tensors of one layer for which there are names.
    fn layer_tensors(&self, layer: &Layer, name: Option<&str>, expected: &mut Vec<Expected>) {
        let is_series = matches!(layer.input, Shape::Series { .. });
        let has = |name: &str| layer.tensors.iter().any(|tensor| tensor.name == name);
        for (index, tensor) in layer.tensors.iter().enumerate() {
            let ours = format!("{}.{}", layer.name, tensor.name);
            let said = self.tensors.iter().rfind(|(name, _)| *name == ours).map(|(_, theirs)| vec![theirs.clone()]);
            let names = said.or_else(|| Some(self.names(name?, layer, tensor, index)));
            let theirs = match self.convention {
                Convention::PyTorch => Theirs::channels_first(tensor, is_series),
                Convention::Keras => Theirs::as_ours(tensor, is_series),
            };
            expected.extend(names.map(|names| Expected { names, ours: Ours::Tensor(ours, tensor, theirs) }));
        }
        if self.convention != Convention::PyTorch {
            return;
        }
        // In PyTorch a normalisation has both a scale and a shift, or neither.
        let Some(name) = name else { return };
        let mut beside =
            |suffix: &str, ours| expected.push(Expected { names: vec![self.whole(name, '.', suffix)], ours });
        let channels = layer.tensors[0].len;
        match (has("gamma"), has("beta")) {
            (false, true) => beside("weight", Ours::Constant(1.0, channels)),
            (true, false) => beside("bias", Ours::Constant(0.0, channels)),
            _ => {}
        }
        if has("moving_mean") {
            beside("num_batches_tracked", Ours::Count);
        }
    }

    fn whole(&self, layer: &str, sign: char, tensor: &str) -> String {
        let below = if self.below.is_empty() { String::new() } else { format!("{}{sign}", self.below) };
        format!("{below}{layer}{sign}{tensor}")
    }

    /// Returns the library's names for a tensor of the layer that it calls `name`.
    fn names(&self, name: &str, layer: &Layer, tensor: &ParameterTensor, index: usize) -> Vec<String> {
        match self.convention {
            Convention::PyTorch => {
                let is_separable = layer.tensors.iter().any(|tensor| tensor.name == "pointwise_kernel");
                let suffix = match tensor.name {
                    "kernel" | "gamma" | "slope" => "weight",
                    "depthwise_kernel" => "depthwise.weight",
                    "pointwise_kernel" => "pointwise.weight",
                    "bias" if is_separable => "pointwise.bias",
                    "beta" => "bias",
                    "moving_mean" => "running_mean",
                    "moving_variance" => "running_var",
                    other => other,
                };
                vec![self.whole(name, '.', suffix)]
            }
            Convention::Keras => {
                let suffix = if tensor.name == "slope" { "alpha" } else { tensor.name };
                let mut names = vec![self.whole(name, '/', suffix), self.whole(name, '/', &index.to_string())];
                // Keras 2 gives another name to the kernel of a depthwise convolution.
                if tensor.layout.axes == Axes::Depthwise && tensor.name == "kernel" {
                    names.push(self.whole(name, '/', "depthwise_kernel"));
                }
                names
            }
        }
    }

    /// Returns an error for names that the network does not have.
    fn check(&self, facts: Facts) -> Result<(), Error> {
        let layers = || facts.layers.iter().filter(|layer| !layer.tensors.is_empty());
        if let Some((unknown, _)) = self.layers.iter().find(|(ours, _)| !layers().any(|layer| layer.name == ours)) {
            let known = layers().map(|layer| layer.name).collect::<Vec<_>>().join(", ");
            return Err(Error::NoSuchLayer { layer: unknown.clone(), wanted: "layer with weights", known });
        }
        for (ours, _) in &self.tensors {
            let (layer, tensor) = ours.rsplit_once('.').unwrap_or((ours, ""));
            let known = layers().find(|entry| entry.name == layer).map_or(&[][..], |layer| layer.tensors);
            if !known.iter().any(|known| known.name == tensor) {
                let known =
                    known.iter().map(|tensor| format!("{layer}.{}", tensor.name)).collect::<Vec<_>>().join(", ");
                let (layer, tensor) = (layer.to_owned(), tensor.to_owned());
                return Err(Error::UnknownTensor { layer, tensor, known });
            }
        }
        Ok(())
    }
}

/// Sorts names and removes duplicates.
fn in_order(names: Vec<&str>) -> Vec<&str> {
    let order = sorted_places(names.len(), &|one, other| names[one].cmp(names[other]));
    let mut names: Vec<&str> = order.into_iter().map(|index| names[index]).collect();
    names.dedup();
    names
}

/// Returns the default name in Keras of a layer of this kind.
fn kind(layer: &Layer) -> &'static str {
    let has = |name: &str| layer.tensors.iter().any(|tensor| tensor.name == name);
    let is_series = matches!(layer.input, Shape::Series { .. });
    let of = |image: &'static str, series: &'static str| if is_series { series } else { image };
    match layer.tensors[0].layout.axes {
        _ if has("pointwise_kernel") => of("separable_conv2d", "separable_conv1d"),
        Axes::Conv => of("conv2d", "conv1d"),
        Axes::Depthwise => of("depthwise_conv2d", "depthwise_conv1d"),
        Axes::Deconv => of("conv2d_transpose", "conv1d_transpose"),
        Axes::Dense => "dense",
        _ if has("moving_mean") => "batch_normalization",
        _ if has("slope") => "p_re_lu",
        _ => "layer_normalization",
    }
}
