//! Graph construction by method calls, for any front end: opens layers, adds operations, infers shapes, and keeps rows and names. It
//! knows no text: the origin of a layer is a number that only the front end interprets.

use std::collections::BTreeMap;
use std::fmt;

use crate::graph::{Graph, Init, Layer, LayerId, Node, Origin, ParameterKind, Tensor, TensorId, Value, ValueId};
use crate::ops::{Op, ShapeError, TensorSpec, fixed};
use crate::shape::Shape;

/// The maximum number of operations of a network; a larger number is most likely an error in a repeat.
pub const MOST_OPERATIONS: usize = 5_000;

/// The options for the weights of a layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WeightOptions {
    /// The initialisation of its weights.
    pub init: Option<Init>,
    /// The initialisation of its biases.
    pub bias: Option<Init>,
    /// The name of the layer whose weights it shares; it has its own bias.
    pub tied: Option<String>,
}

/// A layer to be opened.
#[derive(Clone, Debug, Default)]
pub struct NewLayer<'a> {
    /// Its word. Without a name, it is named after the word, with a number.
    pub word: &'a str,
    /// Its name.
    pub name: Option<&'a str>,
    /// Its name in another library.
    pub foreign: Option<&'a str>,
    /// Its text in the table of layers.
    pub text: String,
    /// Its origin.
    pub origin: Origin,
    /// The options for its weights.
    pub weights: WeightOptions,
}

/// The reason why a layer or an operation cannot be added.
#[derive(Clone, Debug, PartialEq)]
pub enum BuildError {
    /// The operation does not fit its inputs.
    Shape(ShapeError),
    /// The network has more than [`MOST_OPERATIONS`].
    TooManyOperations,
    /// The network would have more than 2^31 parameters.
    TooManyParameters,
    /// A layer of another origin has the same name.
    NameTaken {
        /// The name, including the names of enclosing blocks.
        name: String,
        /// The first layer of that name.
        first: LayerId,
    },
    /// An earlier layer has the same name in another library.
    ForeignNameTaken {
        /// The name in that library.
        name: String,
        /// The first layer of that name.
        first: LayerId,
    },
    /// No earlier layer has the name whose weights are to be shared.
    UnknownLayer(String),
    /// The layer whose weights are to be shared has no tensor of this name.
    NothingToShare {
        /// That layer.
        layer: String,
        /// The tensor's name.
        tensor: &'static str,
    },
    /// The weights to be shared have another shape.
    OtherSizes {
        /// The layer that owns them.
        layer: String,
        /// Their sizes.
        found: Vec<usize>,
        /// The required sizes.
        expected: Vec<usize>,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(error) => f.write_str(&error.message),
            Self::TooManyOperations => write!(f, "the network has more than {MOST_OPERATIONS} operations"),
            Self::TooManyParameters => f.write_str("the network would have more than 2^31 parameters"),
            Self::NameTaken { name, .. } => write!(f, "two layers are called `{name}`"),
            Self::ForeignNameTaken { name, .. } => write!(f, "two layers take their weights from `{name}`"),
            Self::UnknownLayer(name) => write!(f, "no layer before this one is called `{name}`"),
            Self::NothingToShare { layer, tensor } => write!(f, "`{layer}` has no {tensor} to share"),
            Self::OtherSizes { layer, found, expected } => {
                write!(f, "the weights of `{layer}` are {}, and this layer needs {}", joined(found), joined(expected))
            }
        }
    }
}

impl std::error::Error for BuildError {}

/// Builds the graph of one network.
#[derive(Debug)]
pub struct Builder {
    graph: Graph,
    /// For each value, the number of layers on the longest path to it, including the input.
    depths: Vec<usize>,
    layer: Option<LayerId>,
    weights: WeightOptions,
    is_frozen: bool,
    ordinals: BTreeMap<String, usize>,
    names: BTreeMap<String, LayerId>,
    /// The layers by their names in another library.
    foreign: BTreeMap<String, LayerId>,
    /// The names of the enclosing blocks, with numbers, as in layer names.
    blocks: Vec<String>,
}

impl Builder {
    /// A network with an input and no layers.
    #[must_use]
    pub fn new(input: Shape) -> Self {
        let graph = Graph {
            values: vec![Value::of_images(input)],
            nodes: Vec::new(),
            tensors: Vec::new(),
            layers: Vec::new(),
            input: ValueId(0),
            output: ValueId(0),
            depth: 1,
            objective: None,
        };
        Self {
            graph,
            depths: vec![1],
            layer: None,
            weights: WeightOptions::default(),
            is_frozen: false,
            ordinals: BTreeMap::new(),
            names: BTreeMap::new(),
            foreign: BTreeMap::new(),
            blocks: Vec::new(),
        }
    }

    /// Returns the finished graph with the output `output`.
    #[must_use]
    pub fn finish(mut self, output: ValueId) -> Graph {
        self.graph.output = output;
        self.graph.depth = self.depths[output.0];
        crate::flattened::mark(&mut self.graph);
        for tensor in &self.graph.tensors {
            let row = &mut self.graph.layers[tensor.layer.0];
            if row.frozen && !row.text.ends_with(" frozen") {
                row.text.push_str(" frozen");
            }
        }
        self.graph
    }

    /// The unfinished graph; its output and depth are not meaningful yet.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The network's input.
    pub fn input(&self) -> ValueId {
        self.graph.input
    }

    /// The shape of a value.
    pub fn shape(&self, value: ValueId) -> Shape {
        self.graph.shape(value)
    }

    /// Sets whether subsequently opened layers are frozen; returns the previous setting.
    pub fn freeze(&mut self, frozen: bool) -> bool {
        std::mem::replace(&mut self.is_frozen, frozen)
    }

    /// Starts a block: the names of its layers begin with the block's name, as in `cell1.conv1`.
    pub fn enter_block(&mut self, name: &str) {
        let ordinal = self.ordinal(name);
        self.blocks.push(format!("{name}{ordinal}"));
    }

    /// Ends the innermost block.
    pub fn leave_block(&mut self) {
        self.blocks.pop();
    }

    /// The prefix of layer names in the enclosing blocks: `cell1.`
    pub(crate) fn prefix(&self) -> String {
        self.blocks.iter().map(|name| format!("{name}.")).collect()
    }

    /// The layers by name.
    pub(crate) fn names(&self) -> &BTreeMap<String, LayerId> {
        &self.names
    }

    /// The layer that is currently open.
    pub(crate) fn open_layer(&self) -> Option<LayerId> {
        self.layer
    }

    fn ordinal(&mut self, word: &str) -> usize {
        let key = format!("{}{word}", self.prefix());
        let ordinal = self.ordinals.entry(key).or_default();
        *ordinal += 1;
        *ordinal
    }

    /// `first`, the separator, and the next number that makes the name unique.
    fn free_name(&mut self, first: &str, separator: &str) -> String {
        loop {
            let name = format!("{}{first}{separator}{}", self.prefix(), self.ordinal(first));
            if !self.names.contains_key(&name) {
                return name;
            }
        }
    }

    /// Opens a layer, which is a row of the table, with the input `input`. Layers with one name and one origin are numbered.
    ///
    /// # Errors
    /// [`BuildError::NameTaken`], [`BuildError::ForeignNameTaken`]; the layer is opened nevertheless, with a unique name.
    pub fn open(&mut self, layer: NewLayer<'_>, input: ValueId) -> Result<(), BuildError> {
        let mut name = match layer.name {
            Some(name) => format!("{}{name}", self.prefix()),
            None => self.free_name(layer.word, ""),
        };
        let mut result = Ok(());
        if let Some(&first) = self.names.get(&name) {
            let taken = std::mem::take(&mut name);
            name = self.free_name(&taken[self.prefix().len()..], "_");
            if self.graph.layers[first.0].origin != layer.origin {
                result = Err(BuildError::NameTaken { name: taken, first });
            }
        }
        let id = LayerId(self.graph.layers.len());
        self.names.insert(name.clone(), id);
        let NewLayer { text, origin, weights, .. } = layer;
        let foreign = layer.foreign.map(str::to_owned);
        if let Some(taken) = foreign.as_ref().and_then(|name| self.foreign.insert(name.clone(), id)) {
            let name = foreign.clone().unwrap_or_default();
            result = result.and(Err(BuildError::ForeignNameTaken { name, first: taken }));
        }
        self.graph.layers.push(Layer { name, text, input, output: input, foreign, origin, frozen: self.is_frozen });
        (self.layer, self.weights) = (Some(id), weights);
        result
    }

    /// Extends the text of the open layer, for an activation: the next operations belong to this layer. Returns `false` if no layer is
    /// open.
    pub fn extend(&mut self, text: &str, weights: WeightOptions) -> bool {
        self.weights = weights;
        let Some(layer) = self.layer else { return false };
        let row = &mut self.graph.layers[layer.0];
        row.text = format!("{} {text}", row.text);
        true
    }

    /// Closes a layer, or an extension of it, with its input and its output.
    pub fn close(&mut self, input: ValueId, output: ValueId) {
        if output != input {
            self.depths[output.0] += 1;
        }
        if let Some(layer) = self.layer {
            self.graph.layers[layer.0].output = output;
        }
    }

    /// Adds an operation to the open layer.
    ///
    /// # Errors
    /// If the operation does not fit its inputs, its weights cannot be shared as requested, or the network is too large.
    pub fn push(&mut self, op: impl Into<Op>, inputs: &[ValueId]) -> Result<ValueId, BuildError> {
        let op = op.into();
        let shapes: Vec<Shape> = inputs.iter().map(|&input| self.shape(input)).collect();
        let output = op.infer(&shapes).map_err(BuildError::Shape)?;
        if self.graph.nodes.len() >= MOST_OPERATIONS {
            return Err(BuildError::TooManyOperations);
        }
        let layer = self.layer.unwrap_or(LayerId(0));
        let specs = op.tensors(&shapes, output);
        let tensors = match self.weights.tied.clone() {
            Some(name) if !specs.is_empty() => self.tie(&name, &specs)?,
            _ => self.add_tensors(specs, layer)?,
        };
        let saved = op.saved(&shapes).into_iter().map(|len| self.add_value(fixed(len))).collect();
        let output = self.add_value(Value::of_images(output));
        self.depths[output.0] = inputs.iter().map(|input| self.depths[input.0]).max().unwrap_or(0);
        self.graph.nodes.push(Node { saved, ..Node::new(op, inputs.to_vec(), output, tensors, layer) });
        Ok(output)
    }

    fn add_value(&mut self, value: Value) -> ValueId {
        self.graph.values.push(value);
        self.depths.push(0);
        ValueId(self.graph.values.len() - 1)
    }

    fn add_tensors(&mut self, specs: Vec<TensorSpec>, layer: LayerId) -> Result<Vec<TensorId>, BuildError> {
        let WeightOptions { init, bias, .. } = self.weights;
        let mut ids = Vec::new();
        for mut spec in specs {
            if let (ParameterKind::Weight, Some(init)) = (spec.kind, init) {
                spec.init = Some(init);
            }
            if let (ParameterKind::Bias, Some(init)) = (spec.kind, bias) {
                spec.init = Some(init);
            }
            let trained = spec.kind != ParameterKind::Statistic;
            let tensor = Tensor {
                name: spec.name,
                kind: spec.kind,
                offset: self.graph.count(trained),
                shape: spec.shape,
                axes: spec.axes,
                inputs: Vec::new(),
                outputs: Vec::new(),
                fan_in: spec.fan_in,
                fan_out: spec.fan_out,
                init: spec.init,
                layer,
            };
            if self.graph.count(trained) as u64 + tensor.len() as u64 > crate::shape::LARGEST_VALUE {
                return Err(BuildError::TooManyParameters);
            }
            ids.push(TensorId(self.graph.tensors.len()));
            self.graph.tensors.push(tensor);
        }
        Ok(ids)
    }

    /// The weights of the layer called `name`, in the current block or outside of all blocks.
    pub(crate) fn weights_of(&self, name: &str) -> Option<Vec<TensorId>> {
        let before = |name: &str| self.names.get(name).filter(|layer| Some(**layer) != self.layer);
        let layer = before(&format!("{}{name}", self.prefix())).or_else(|| before(name))?;
        Some(self.graph.tensor_ids_of(*layer).collect())
    }

    /// Shares the weights of the layer called `name`; biases are not shared.
    fn tie(&mut self, name: &str, specs: &[TensorSpec]) -> Result<Vec<TensorId>, BuildError> {
        let theirs = self.weights_of(name).ok_or_else(|| BuildError::UnknownLayer(name.to_owned()))?;
        let mut ids = Vec::new();
        let layer = self.layer.unwrap_or(LayerId(0));
        for spec in specs {
            if spec.kind != ParameterKind::Weight {
                ids.extend(self.add_tensors(vec![spec.clone()], layer)?);
                continue;
            }
            let Some(id) = theirs.iter().copied().find(|id| self.graph.tensors[id.0].name == spec.name) else {
                return Err(BuildError::NothingToShare { layer: name.to_owned(), tensor: spec.name });
            };
            let found = &self.graph.tensors[id.0].shape;
            if *found != spec.shape {
                let (found, expected) = (found.clone(), spec.shape.clone());
                return Err(BuildError::OtherSizes { layer: name.to_owned(), found, expected });
            }
            ids.push(id);
        }
        Ok(ids)
    }
}

/// `3x3x16`
fn joined(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    sizes.join("x")
}
