//! The ONNX front end: each node of a file becomes calls of the [`Builder`](crate::builder::Builder), as each word of a text does. The
//! export is the reverse: a graph becomes the bytes of a model ([`written_as_onnx`]).
//!
//! The `layout` of a value maps the file's axes to memory, so that reshaping, transposing and shape arithmetic add no operations.

mod arrange;
mod attributes;
mod blocks;
mod channels;
mod constant;
mod ends;
mod export;
mod layer_norm_pattern;
mod layout;
mod normalise;
mod of_lenet;
mod operators;
mod patterns;
mod pointwise;
mod printed;
mod problem;
mod reading;
mod shapes;
mod stage;
mod weighted;
mod windows;
mod written;

use std::path::Path;

use netwright_onnx::Model;
use netwright_onnx::source::Change;

use crate::graph::Graph;
pub use export::{Export, ExportedTensor, written_as_onnx};
pub use printed::printed;
pub use problem::Problem;
use reading::Reading;

/// An imported model.
#[derive(Debug)]
pub struct Read {
    /// Its graph.
    pub graph: Graph,
    /// The source of each of the graph's tensors.
    pub sources: Vec<Source>,
}

/// The source of a tensor's elements: see [`netwright_onnx::source::Source`].
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A tensor of the file.
    Tensor {
        /// Its name.
        name: String,
        /// Its sizes in the file.
        dims: Vec<usize>,
        /// Lengths and strides.
        axes: Vec<[usize; 2]>,
        /// The change applied to each element.
        change: Change,
    },
    /// One value for all elements.
    Filled(f64),
}

/// Options of the import.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The name of the output, for a model with several.
    pub output: Option<&'a str>,
    /// A function to add after the output.
    pub end: Option<End>,
    /// The folder of the model's external files.
    pub folder: Option<&'a Path>,
}

/// The function that turns logits into probabilities. Exporters omit it where it is part of the loss, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum End {
    Softmax,
    LogSoftmax,
    Sigmoid,
}

impl End {
    /// The function with this name.
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "softmax" => Some(Self::Softmax),
            "logsoftmax" => Some(Self::LogSoftmax),
            "sigmoid" => Some(Self::Sigmoid),
            _ => None,
        }
    }
}

/// Imports the graph of a model. `output` is the name of the output, for a model with several.
///
/// # Errors
/// If a node is not supported: the node, its input shapes, and a suggestion.
pub fn read(model: &Model<'_>, output: Option<&str>) -> Result<Read, Problem> {
    read_as(model, Asked { output, ..Asked::default() })
}

/// Like [`read`], with all options.
///
/// # Errors
/// As [`read`].
pub fn read_as(model: &Model<'_>, asked: Asked<'_>) -> Result<Read, Problem> {
    // Only the use of the input image shows whether its channels are first or last, so both are tried.
    let read = |channels_last| Reading::of(model, asked, channels_last)?.run();
    let further = |first: Problem, last: Problem| if last.node_index > first.node_index { last } else { first };
    read(false).or_else(|first| read(true).map_err(|last| further(first, last)))
}
