//! Export of a network as an ONNX graph, channels first. The caller appends the weights.

use std::collections::{HashMap, HashSet};

use netwright_onnx::write::{self, Attribute as Value, Message};

use crate::graph::{Graph, Node, ValueId};
use crate::shape::Shape;

/// The version of the operator set: the first with `Gelu`.
const OPSET: i64 = 20;

/// A graph as the bytes of a model, without the weights.
#[derive(Clone, Debug)]
pub struct Export {
    /// The bytes before the graph.
    pub before: Vec<u8>,
    /// The graph's bytes, without the trained tensors.
    pub graph: Vec<u8>,
    /// The trained tensors, in the order in which they are to be written.
    pub tensors: Vec<ExportedTensor>,
}

/// A tensor of the file that is written from a tensor of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportedTensor {
    /// Its name in the file.
    pub name: String,
    /// The index of the network's tensor.
    pub tensor: usize,
    /// Its sizes in the file.
    pub dims: Vec<usize>,
    /// The traversal of the network's elements in the file's order: lengths and strides, slowest first.
    pub axes: Vec<[usize; 2]>,
}

/// A graph that is being exported.
pub(super) struct Writing<'g> {
    pub(super) graph: &'g Graph,
    message: Message,
    tensors: Vec<ExportedTensor>,
    names: HashMap<ValueId, String>,
    used: HashSet<String>,
    /// The name of the current layer.
    layer: String,
}

/// The sizes of a value in the file, without the batch.
pub(super) fn dims(shape: Shape) -> Vec<usize> {
    match shape {
        Shape::Image { height, width, channels } => vec![channels, height, width],
        Shape::Series { length, channels } => vec![channels, length],
        Shape::Flat(features) => vec![features],
    }
}

/// Exports the graph of a network called `name`.
pub fn written_as_onnx(graph: &Graph, name: &str) -> Export {
    let mut message = Message::new();
    message.bytes(write::NAME, name);
    message.message(write::INPUT, &write::value("input", &dims(graph.shape(graph.input))));
    message.message(write::OUTPUT, &write::value("output", &dims(graph.shape(graph.output))));
    let mut writing = Writing {
        graph,
        message,
        tensors: Vec::new(),
        names: HashMap::from([(graph.input, "input".to_owned())]),
        used: HashSet::from(["input".to_owned(), "output".to_owned()]),
        layer: String::new(),
    };
    for node in &graph.nodes {
        writing.layer.clone_from(&graph.layers[node.layer.0].name);
        let output = writing.node(node);
        writing.names.insert(node.output, output);
    }
    // The output has a fixed name, whatever the name of the value.
    let last = writing.name_of(graph.output);
    writing.message.message(write::NODE, &write::node("output", "Identity", &[&last], &["output"], &[]));
    let Writing { message, tensors, .. } = writing;
    Export { before: write::model(OPSET).into_bytes(), graph: message.into_bytes(), tensors }
}

impl Writing<'_> {
    pub(super) fn name_of(&self, value: ValueId) -> String {
        self.names.get(&value).cloned().unwrap_or_default()
    }

    /// The name of the input with this index.
    pub(super) fn x(&self, node: &Node, index: usize) -> String {
        self.name_of(node.inputs[index])
    }

    fn free_name(&mut self, wanted: &str) -> String {
        let mut name = format!("{}.{wanted}", self.layer);
        let mut number = 1;
        while !self.used.insert(name.clone()) {
            number += 1;
            name = format!("{}.{wanted}_{number}", self.layer);
        }
        name
    }

    /// Adds a node, and returns the name of its output.
    pub(super) fn push(&mut self, op: &str, inputs: &[&str], attributes: &[(&str, Value)]) -> String {
        let output = self.free_name(&op.to_lowercase());
        self.message.message(write::NODE, &write::node(&output, op, inputs, &[&output], attributes));
        output
    }

    /// A constant tensor of integers.
    pub(super) fn integers(&mut self, wanted: &str, values: &[i64]) -> String {
        let name = self.free_name(wanted);
        self.message.message(write::INITIALIZER, &write::integers(&name, values));
        name
    }

    /// A constant tensor of floating-point values.
    pub(super) fn floats(&mut self, wanted: &str, dims: &[usize], values: impl IntoIterator<Item = f64>) -> String {
        let name = self.free_name(wanted);
        let values = values.into_iter().map(|value| value as f32);
        self.message.message(write::INITIALIZER, &write::floats(&name, dims, values));
        name
    }

    /// The node's tensor called `tensor`, traversed along these axes; `None` if the node has no such tensor.
    pub(super) fn weights(&mut self, node: &Node, tensor: &str, dims: &[usize], axes: &[[usize; 2]]) -> Option<String> {
        let id = node.tensors.iter().find(|id| self.graph.tensors[id.0].name == tensor)?;
        let known = |known: &&ExportedTensor| known.tensor == id.0 && known.axes == axes && known.dims == dims;
        if let Some(known) = self.tensors.iter().find(known) {
            return Some(known.name.clone());
        }
        let name = self.free_name(tensor);
        let (dims, axes) = (dims.to_vec(), axes.to_vec());
        self.tensors.push(ExportedTensor { name: name.clone(), tensor: id.0, dims, axes });
        Some(name)
    }

    /// A vector of weights, one per channel; if the node has none, a constant vector of `otherwise`.
    pub(super) fn vector(&mut self, node: &Node, tensor: &str, len: usize, otherwise: f64) -> String {
        match self.weights(node, tensor, &[len], &[[len, 1]]) {
            Some(name) => name,
            None => self.floats(tensor, &[len], std::iter::repeat_n(otherwise, len)),
        }
    }

    /// Transposes a value to channels last, the order of our memory.
    pub(super) fn channels_last(&mut self, x: &str, shape: Shape) -> String {
        let order = match shape {
            Shape::Image { .. } => vec![0, 2, 3, 1],
            Shape::Series { .. } => vec![0, 2, 1],
            Shape::Flat(_) => return x.to_owned(),
        };
        self.push("Transpose", &[x], &[("perm", Value::Ints(order))])
    }

    /// Transposes a value back to channels first.
    pub(super) fn channels_first(&mut self, x: &str, shape: Shape) -> String {
        let order = match shape {
            Shape::Image { .. } => vec![0, 3, 1, 2],
            Shape::Series { .. } => vec![0, 2, 1],
            Shape::Flat(_) => return x.to_owned(),
        };
        self.push("Transpose", &[x], &[("perm", Value::Ints(order))])
    }
}
