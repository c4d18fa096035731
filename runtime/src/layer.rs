//! The facts about a network that the macro knows at compile time: its layers and their tensors.

pub use netwright_abi::{Axes, ParameterKind, WeightLayout};

use crate::Shape;
use crate::init::Init;
use crate::kernels::activation::Activation;

/// One row of a network's table of layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// The name, unique in the network: the one after `as`, else the word and its number, `conv1`.
    pub name: &'static str,
    /// The stage as written, with the values of a block's parameters and without its `as`: `conv 5x5x6 same`, `dense 9 tied encode`.
    pub text: &'static str,
    /// The shape of its input.
    pub input: Shape,
    /// The shape of its output.
    pub output: Shape,
    /// The activation that computes its output, if an activation is its last operation: `Relu` for `conv 5x5x6 relu`.
    pub activation: Option<Activation>,
    /// Its trained tensors, then its statistics. Empty for a layer that uses the weights of another layer.
    pub tensors: &'static [ParameterTensor],
    /// Multiply-adds for one image.
    pub macs: u64,
    /// Whether the network's text freezes it: training leaves its weights and statistics unchanged.
    pub frozen: bool,
    /// Its name in another library, given by `from`.
    pub foreign: Option<&'static str>,
}

impl Layer {
    /// Returns whether the layer is, or is inside, the part of its network with this name. A part is a layer (`conv1`), a call of a block
    /// (`pair1`), or either without its number, which means all of them (`conv`, `pair`). The empty name means the whole network.
    ///
    /// ```
    /// use netwright_runtime::layer::is_part;
    ///
    /// assert!(is_part("pair1", "pair1.conv2") && is_part("pair", "pair1.conv2") && is_part("pair1.conv", "pair1.conv2"));
    /// assert!(!is_part("pair1", "pair10.conv2") && !is_part("con", "conv2"));
    /// ```
    pub fn is_in(&self, part: &str) -> bool {
        is_part(part, self.name)
    }

    /// Returns the number of trained elements.
    pub const fn parameters(&self) -> usize {
        let (mut sum, mut i) = (0, 0);
        while i < self.tensors.len() {
            if self.tensors[i].kind.is_trained() {
                sum += self.tensors[i].len;
            }
            i += 1;
        }
        sum
    }
}

/// Returns the number of elements that training changes by gradients: those of all layers that are not frozen.
pub const fn trainable(layers: &[Layer]) -> usize {
    let (mut sum, mut i) = (0, 0);
    while i < layers.len() {
        if !layers[i].frozen {
            sum += layers[i].parameters();
        }
        i += 1;
    }
    sum
}

/// Returns the names of all parts of a network that have weights, blocks and layers, separated by commas.
#[cfg(feature = "std")]
pub fn parts(layers: &[Layer]) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for layer in layers.iter().filter(|layer| !layer.tensors.is_empty()) {
        let ends = layer.name.match_indices('.').map(|(end, _)| end).chain([layer.name.len()]);
        for part in ends.map(|end| &layer.name[..end]) {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    parts.join(", ")
}

/// Returns whether the layer `name` is, or is inside, the part `part`: see [`Layer::is_in`].
pub fn is_part(part: &str, name: &str) -> bool {
    if part.is_empty() {
        return true;
    }
    let Some(rest) = name.strip_prefix(part) else { return false };
    let ends = |rest: &str| rest.is_empty() || rest.starts_with('.');
    let numbered = !part.ends_with(|last: char| last.is_ascii_digit());
    ends(rest) || numbered && ends(rest.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

/// One tensor of weights or of statistics, and its position in the flat buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParameterTensor {
    /// `kernel`, `bias`, `gamma`, …: unique in its layer.
    pub name: &'static str,
    /// Its role.
    pub kind: ParameterKind,
    /// The shape, slowest axis first: `[height, width, input channels / groups, filters]` for a convolution, `[height, width, channels,
    /// multiplier]` for a depthwise one, `[height, width, filters, input channels]` for a transposed one, `[inputs, outputs]` for a dense
    /// layer. The pages of the facade's `words` show the tensors of every layer.
    pub shape: &'static [usize],
    /// Its offset in elements in the buffer of parameters (or of statistics, by its kind).
    pub offset: usize,
    /// The number of elements.
    pub len: usize,
    /// The number of inputs that one output depends on.
    pub fan_in: usize,
    /// The number of outputs that depend on one input.
    pub fan_out: usize,
    /// How it is initialised.
    pub init: Init,
    /// The meaning of its axes.
    pub layout: WeightLayout,
}
