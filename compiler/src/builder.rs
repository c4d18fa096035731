//! The graph under construction, as any front end builds it by calls: layers are opened, operations pushed, shapes checked, rows and
//! names kept. It knows no text: what a layer comes from is a number that the front end gives and finds again.

use std::collections::BTreeMap;
use std::fmt;

use crate::graph::{Graph, Init, Layer, LayerId, Node, Origin, ParameterKind, Tensor, TensorId, Value, ValueId};
use crate::ops::{Op, ShapeError, TensorSpec, fixed};
use crate::shape::Shape;

/// The most operations a network may have: more is a mistake in a repeat.
pub const MOST_OPERATIONS: usize = 5_000;

/// What is said of the weights of a layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WeightOptions {
    /// How its weights start.
    pub init: Option<Init>,
    /// What its biases start at.
    pub bias: Option<Init>,
    /// The name of the layer whose weights it shares; a bias stays its own.
    pub tied: Option<String>,
}

/// A layer that is opened.
#[derive(Clone, Debug, Default)]
pub struct NewLayer<'a> {
    /// Its word: with the next number its name, unless it has one.
    pub word: &'a str,
    /// Its name.
    pub name: Option<&'a str>,
    /// What another library calls it.
    pub foreign: Option<&'a str>,
    /// What the table of layers shows of it.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What is said of its weights.
    pub weights: WeightOptions,
}

/// Why a layer or an operation cannot be added.
#[derive(Clone, Debug, PartialEq)]
pub enum BuildError {
    /// It does not fit its inputs.
    Shape(ShapeError),
    /// The network has more than [`MOST_OPERATIONS`].
    TooManyOperations,
    /// It would have more than 2^31 parameters.
    TooManyParameters,
    /// A layer of another origin has this name.
    NameTaken {
        /// The name, with those of the blocks around.
        name: String,
        /// The layer that has it.
        first: LayerId,
    },
    /// A layer before has this name in another library.
    ForeignNameTaken {
        /// The name there.
        name: String,
        /// The layer that has it.
        first: LayerId,
    },
    /// No layer before has the name whose weights are to be shared.
    UnknownLayer(String),
    /// The layer whose weights are to be shared has none of this name.
    NothingToShare {
        /// That layer.
        layer: String,
        /// The tensor's name.
        tensor: &'static str,
    },
    /// The weights that are to be shared have other sizes.
    OtherSizes {
        /// The layer that has them.
        layer: String,
        /// Their sizes.
        found: Vec<usize>,
        /// The sizes that are needed.
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
    /// For each value, the layers on the longest way to it, the input counted too.
    depths: Vec<usize>,
    layer: Option<LayerId>,
    weights: WeightOptions,
    is_frozen: bool,
    ordinals: BTreeMap<String, usize>,
    names: BTreeMap<String, LayerId>,
    /// By what another library calls them.
    foreign: BTreeMap<String, LayerId>,
    /// The names of the blocks around what is added now, as layers have them.
    blocks: Vec<String>,
}

impl Builder {
    /// A network without layers behind its input.
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

    /// The finished graph, whose answer is `output`.
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

    /// What has been built so far; its output and depth are those of no network yet.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What comes in.
    pub fn input(&self) -> ValueId {
        self.graph.input
    }

    /// The shape of a value.
    pub fn shape(&self, value: ValueId) -> Shape {
        self.graph.shape(value)
    }

    /// Freezes the layers that are opened from here on, or no longer; returns what was said before.
    pub fn freeze(&mut self, frozen: bool) -> bool {
        std::mem::replace(&mut self.is_frozen, frozen)
    }

    /// Layers are those of a block: `cell1.conv1`.
    pub fn enter_block(&mut self, name: &str) {
        let ordinal = self.ordinal(name);
        self.blocks.push(format!("{name}{ordinal}"));
    }

    /// The block ends.
    pub fn leave_block(&mut self) {
        self.blocks.pop();
    }

    /// The names of the blocks around, as the names of layers begin: `cell1.`
    pub(crate) fn prefix(&self) -> String {
        self.blocks.iter().map(|name| format!("{name}.")).collect()
    }

    /// The layers by name.
    pub(crate) fn names(&self) -> &BTreeMap<String, LayerId> {
        &self.names
    }

    /// The layer that is open.
    pub(crate) fn open_layer(&self) -> Option<LayerId> {
        self.layer
    }

    fn ordinal(&mut self, word: &str) -> usize {
        let key = format!("{}{word}", self.prefix());
        let ordinal = self.ordinals.entry(key).or_default();
        *ordinal += 1;
        *ordinal
    }

    /// `first`, a separator and the next number with which no layer is called so.
    fn free_name(&mut self, first: &str, separator: &str) -> String {
        loop {
            let name = format!("{}{first}{separator}{}", self.prefix(), self.ordinal(first));
            if !self.names.contains_key(&name) {
                return name;
            }
        }
    }

    /// Opens a layer, a row of the table, behind `input`. Layers of one name and one origin are numbered.
    ///
    /// # Errors
    /// [`BuildError::NameTaken`], [`BuildError::ForeignNameTaken`]; the layer is open all the same, under a name that is free.
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

    /// What is pushed next belongs to the layer that is open, whose text goes on: an activation. `false` where none is open.
    pub fn extend(&mut self, text: &str, weights: WeightOptions) -> bool {
        self.weights = weights;
        let Some(layer) = self.layer else { return false };
        let row = &mut self.graph.layers[layer.0];
        row.text = format!("{} {text}", row.text);
        true
    }

    /// Ends a layer, or what it was extended by, from `input` to `output`.
    pub fn close(&mut self, input: ValueId, output: ValueId) {
        if output != input {
            self.depths[output.0] += 1;
        }
        if let Some(layer) = self.layer {
            self.graph.layers[layer.0].output = output;
        }
    }

    /// Adds an operation of the layer that is open.
    ///
    /// # Errors
    /// Where it does not fit its inputs, its weights cannot be shared as the layer says, or the network becomes too large.
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

    /// The weights of the layer called `name`, in the block under way or outside of all blocks.
    pub(crate) fn weights_of(&self, name: &str) -> Option<Vec<TensorId>> {
        let before = |name: &str| self.names.get(name).filter(|layer| Some(**layer) != self.layer);
        let layer = before(&format!("{}{name}", self.prefix())).or_else(|| before(name))?;
        Some(self.graph.tensor_ids_of(*layer).collect())
    }

    /// Shares the weights of the layer called `name`; a bias stays the layer's own.
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
