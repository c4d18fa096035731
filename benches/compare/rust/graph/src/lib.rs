//! A model as a list of nodes, for engines that do not read ONNX. Each engine defines a function for each operator. The same as `engines/graph.py`.

use std::collections::BTreeMap;

use netwright_onnx::{Attribute, Model};
use speak::{Failure, Job};

/// An operator with the names of its operands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The operator, such as `Conv`.
    pub op: String,
    /// The names of its inputs.
    pub inputs: Vec<String>,
    /// The name of its output.
    pub output: String,
    integers: BTreeMap<String, Vec<i64>>,
    floats: BTreeMap<String, f64>,
}

impl Node {
    /// Returns the integers of an attribute.
    pub fn sizes(&self, name: &str) -> Vec<usize> {
        self.integers.get(name).into_iter().flatten().map(|size| *size as usize).collect()
    }

    /// Returns the integer of an attribute.
    pub fn size(&self, name: &str) -> Option<usize> {
        self.sizes(name).first().copied()
    }

    /// Returns the two sizes of an attribute, by default 1.
    pub fn pair(&self, name: &str) -> [usize; 2] {
        self.sizes(name).try_into().unwrap_or([1, 1])
    }

    /// Returns the floating-point value of an attribute.
    pub fn fraction(&self, name: &str) -> Option<f64> {
        self.floats.get(name).copied()
    }

    /// Returns the padding of rows and of columns, before and after.
    pub fn pads(&self) -> [[usize; 2]; 2] {
        match self.sizes("pads")[..] {
            [top, left, bottom, right] => [[top, bottom], [left, right]],
            _ => [[0, 0], [0, 0]],
        }
    }
}

/// A tensor of the model.
#[derive(Clone, Debug)]
pub struct Weight {
    /// Its sizes.
    pub dims: Vec<usize>,
    /// Its elements.
    pub elements: Vec<f32>,
}

/// A network: nodes in order, and weights by name. Its outputs are the logits, without the softmax.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The tensors.
    pub weights: BTreeMap<String, Weight>,
    /// The name of the input.
    pub input: String,
    /// The name of the logits.
    pub output: String,
}

impl Graph {
    /// Reads the model of a job.
    pub fn read(job: &Job) -> Result<Self, Failure> {
        let bytes = std::fs::read(job.onnx())?;
        let graph = Model::read(&bytes)?.graph;
        let mut weights = BTreeMap::new();
        for tensor in graph.initializers.iter() {
            let elements = netwright_onnx::external::elements(tensor, Some(&job.folder))?;
            let elements = (0..elements.len()).filter_map(|index| elements.get(index)).map(|element| element as f32);
            weights.insert(tensor.name.to_owned(), Weight { dims: tensor.dims.clone(), elements: elements.collect() });
        }
        let (mut nodes, mut renamed) = (Vec::new(), BTreeMap::new());
        for node in graph.nodes.iter() {
            let inputs = node.inputs.iter().map(|name| renamed.get(name).unwrap_or(name).to_string());
            let inputs: Vec<String> = inputs.collect();
            let output = node.outputs.first().ok_or("a node without an output")?;
            // Both do nothing in predictions.
            if let "Identity" | "Dropout" = node.op {
                renamed.insert(output, node.inputs[0]);
                continue;
            }
            let (mut integers, mut floats) = (BTreeMap::new(), BTreeMap::new());
            for (name, attribute) in &node.attributes {
                match attribute {
                    Attribute::Int(size) => drop(integers.insert((*name).to_owned(), vec![*size])),
                    Attribute::Ints(sizes) => drop(integers.insert((*name).to_owned(), sizes.clone())),
                    Attribute::Float(fraction) => drop(floats.insert((*name).to_owned(), f64::from(*fraction))),
                    _ => {}
                }
            }
            nodes.push(Node { op: node.op.to_owned(), inputs, output: (*output).to_owned(), integers, floats });
        }
        let softmax =
            nodes.pop().filter(|node| node.op == "Softmax").ok_or("a network that does not end in a softmax")?;
        let input = graph.inputs.iter().find(|value| !weights.contains_key(value.name)).ok_or("no input")?;
        Ok(Self { nodes, weights, input: input.name.to_owned(), output: softmax.inputs[0].clone() })
    }

    /// Returns the names of the trained weights: neither statistics nor the bounds of a clip.
    pub fn trained(&self) -> Vec<&str> {
        let layers =
            self.nodes.iter().filter(|node| matches!(node.op.as_str(), "Conv" | "Gemm" | "BatchNormalization"));
        let mut names: Vec<&str> =
            layers.flat_map(|node| node.inputs.iter().skip(1).take(2)).map(String::as_str).collect();
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        names
    }
}
