//! A network as a graph of ONNX: channels first, its weights to be put behind it by whoever has them.

use std::collections::{HashMap, HashSet};

use netwright_onnx::write::{self, Attribute as Value, Message};

use crate::graph::{Graph, Node, ValueId};
use crate::shape::Shape;

/// The version of the operators that are written: the first with `Gelu`.
const OPSET: i64 = 20;

/// A graph as the bytes of a model, apart from the weights.
#[derive(Clone, Debug)]
pub struct Export {
    /// What stands before the graph.
    pub before: Vec<u8>,
    /// The graph's own bytes, without the tensors that are trained.
    pub graph: Vec<u8>,
    /// Those, in the order in which they are to be written.
    pub tensors: Vec<ExportedTensor>,
}

/// A tensor of the file that is made of one of the network's.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportedTensor {
    /// Its name in the file.
    pub name: String,
    /// The network's, by its number.
    pub tensor: usize,
    /// Its sizes in the file.
    pub dims: Vec<usize>,
    /// How the network's elements are walked in the file's order: lengths and distances, slowest first.
    pub axes: Vec<[usize; 2]>,
}

/// A graph while it is written.
pub(super) struct Writing<'g> {
    pub(super) graph: &'g Graph,
    message: Message,
    tensors: Vec<ExportedTensor>,
    names: HashMap<ValueId, String>,
    used: HashSet<String>,
    /// The layer that is written.
    layer: String,
}

/// The sizes of a value in the file, behind that of the batch.
pub(super) fn dims(shape: Shape) -> Vec<usize> {
    match shape {
        Shape::Image { height, width, channels } => vec![channels, height, width],
        Shape::Series { length, channels } => vec![channels, length],
        Shape::Flat(features) => vec![features],
    }
}

/// The graph of a network called `name`.
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
    // The answer has a name of its own, whatever computes it.
    let last = writing.name_of(graph.output);
    writing.message.message(write::NODE, &write::node("output", "Identity", &[&last], &["output"], &[]));
    let Writing { message, tensors, .. } = writing;
    Export { before: write::model(OPSET).into_bytes(), graph: message.into_bytes(), tensors }
}

impl Writing<'_> {
    pub(super) fn name_of(&self, value: ValueId) -> String {
        self.names.get(&value).cloned().unwrap_or_default()
    }

    /// The input number `index`.
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

    /// Adds a node; the name of what it computes.
    pub(super) fn push(&mut self, op: &str, inputs: &[&str], attributes: &[(&str, Value)]) -> String {
        let output = self.free_name(&op.to_lowercase());
        self.message.message(write::NODE, &write::node(&output, op, inputs, &[&output], attributes));
        output
    }

    /// A constant of whole numbers.
    pub(super) fn integers(&mut self, wanted: &str, values: &[i64]) -> String {
        let name = self.free_name(wanted);
        self.message.message(write::INITIALIZER, &write::integers(&name, values));
        name
    }

    /// A constant of fractions.
    pub(super) fn floats(&mut self, wanted: &str, dims: &[usize], values: impl IntoIterator<Item = f64>) -> String {
        let name = self.free_name(wanted);
        let values = values.into_iter().map(|value| value as f32);
        self.message.message(write::INITIALIZER, &write::floats(&name, dims, values));
        name
    }

    /// The node's tensor called `tensor`, walked along these axes; `None` where it has none.
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

    /// A row of weights, one for each channel; `otherwise` for all where the node has none.
    pub(super) fn vector(&mut self, node: &Node, tensor: &str, len: usize, otherwise: f64) -> String {
        match self.weights(node, tensor, &[len], &[[len, 1]]) {
            Some(name) => name,
            None => self.floats(tensor, &[len], std::iter::repeat_n(otherwise, len)),
        }
    }

    /// The value with its channels last, as our memory has it.
    pub(super) fn channels_last(&mut self, x: &str, shape: Shape) -> String {
        let order = match shape {
            Shape::Image { .. } => vec![0, 2, 3, 1],
            Shape::Series { .. } => vec![0, 2, 1],
            Shape::Flat(_) => return x.to_owned(),
        };
        self.push("Transpose", &[x], &[("perm", Value::Ints(order))])
    }

    /// The value with its channels first again.
    pub(super) fn channels_first(&mut self, x: &str, shape: Shape) -> String {
        let order = match shape {
            Shape::Image { .. } => vec![0, 3, 1, 2],
            Shape::Series { .. } => vec![0, 2, 1],
            Shape::Flat(_) => return x.to_owned(),
        };
        self.push("Transpose", &[x], &[("perm", Value::Ints(order))])
    }
}
