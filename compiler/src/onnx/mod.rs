//! ONNX as a front end: a file's nodes become calls of the [`Builder`](crate::builder::Builder), as the words of a text do. And back: a
//! graph as the bytes of a model ([`written_as_onnx`]).
//!
//! What a node computes in the middle of a value's axes is found by its `layout`: reshaping, transposing and the arithmetic with shapes
//! push nothing.

mod arrange;
mod attributes;
mod blocks;
mod channels;
mod constant;
mod ends;
mod export;
mod layout;
mod normalise;
mod of_lenet;
mod operators;
mod patterns;
mod pieces;
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

/// A model that was read.
#[derive(Debug)]
pub struct Read {
    /// Its graph.
    pub graph: Graph,
    /// Where each of the graph's tensors comes from.
    pub sources: Vec<Source>,
}

/// Where a tensor's elements come from: see [`netwright_onnx::source::Source`].
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A tensor of the file.
    Tensor {
        /// Its name.
        name: String,
        /// Its sizes in the file.
        dims: Vec<usize>,
        /// Lengths and distances.
        axes: Vec<[usize; 2]>,
        /// What becomes of an element.
        change: Change,
    },
    /// A number for all.
    Filled(f64),
}

/// What is asked of a model.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The name of the answer, for a model with several.
    pub output: Option<&'a str>,
    /// What the answer goes through besides.
    pub end: Option<End>,
    /// Where files with constants may lie.
    pub folder: Option<&'a Path>,
}

/// What makes shares of logits: exporters leave it to the loss, as PyTorch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum End {
    Softmax,
    LogSoftmax,
    Sigmoid,
}

impl End {
    /// What the word says.
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "softmax" => Some(Self::Softmax),
            "logsoftmax" => Some(Self::LogSoftmax),
            "sigmoid" => Some(Self::Sigmoid),
            _ => None,
        }
    }
}

/// Builds the graph of a model. `output` is the name of the answer, for a model with several.
///
/// # Errors
/// Where a node cannot be had: which, what came in, and what could be done.
pub fn read(model: &Model<'_>, output: Option<&str>) -> Result<Read, Problem> {
    read_as(model, Asked { output, ..Asked::default() })
}

/// As [`read`], by all that is asked.
///
/// # Errors
/// As [`read`].
pub fn read_as(model: &Model<'_>, asked: Asked<'_>) -> Result<Read, Problem> {
    // Whether the image that comes in has its channels first or last shows only in what is done with it.
    let read = |channels_last| Reading::of(model, asked, channels_last)?.run();
    let further = |first: Problem, last: Problem| if last.place > first.place { last } else { first };
    read(false).or_else(|first| read(true).map_err(|last| further(first, last)))
}
