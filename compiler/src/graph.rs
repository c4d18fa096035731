//! The typed graph: values with shapes, nodes that compute them, tensors of weights, and the rows of the layer table.

use std::fmt;
use std::ops::Range;

use netwright_abi::{Activation, Axes, micro_batch_size};

pub use netwright_abi::{Init, Layout, ParameterKind};

use crate::cost::BATCH;
pub use crate::ids::{LayerId, TensorId, ValueId};
use crate::ops::{EpiloguePart, Op, Pool};
use crate::selection::{Direction, Objective, Selected};
use crate::shape::Shape;

/// A network with every shape known. The nodes are in topological order.
#[derive(Clone, Debug)]
pub struct Graph {
    /// All values, the input first.
    pub values: Vec<Value>,
    /// The operations that compute them.
    pub nodes: Vec<Node>,
    /// Trained tensors and statistics, in the order of their offsets.
    pub tensors: Vec<Tensor>,
    /// The rows of the layer table.
    pub layers: Vec<Layer>,
    /// The input image.
    pub input: ValueId,
    /// The network's output.
    pub output: ValueId,
    /// The number of words on the longest path from the input to the output, including the input.
    pub depth: usize,
    /// The objective of predictions, where the text specifies one.
    pub objective: Option<Objective>,
}

/// A value of the graph: one per image, or one per batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The number of elements.
    pub extent: Extent,
    /// The shape; a fixed value is flat.
    pub shape: Shape,
    /// The memory layout.
    pub layout: Layout,
}

impl Value {
    /// A value with one image's elements per image of the batch, channels last.
    pub fn of_images(shape: Shape) -> Self {
        Self { extent: Extent::PerImage(shape.len()), shape, layout: Layout::ChannelsLast }
    }

    /// The number of elements of one unit of the layout: of an image, or of a block of images with interleaved elements.
    pub fn unit(&self) -> usize {
        self.layout.images() * self.extent.len()
    }
}

/// How the size of a value depends on the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The number of elements per image.
    PerImage(usize),
    /// A number of elements that does not depend on the batch: for example the statistics that a batch normalisation saves.
    Fixed(usize),
    /// A number of elements that depend only on the weights: they are computed when a network is prepared, never in a pass.
    Prepared(usize),
}

impl Extent {
    /// The number of elements, per image where it grows with the batch.
    pub fn len(self) -> usize {
        let (Self::PerImage(len) | Self::Fixed(len) | Self::Prepared(len)) = self;
        len
    }

    /// Whether the number of elements grows with the batch.
    pub fn grows(self) -> bool {
        matches!(self, Self::PerImage(_))
    }

    /// Always false: a value has at least one element.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// One operation with its operands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The operation.
    pub op: Op,
    /// The values it reads.
    pub inputs: Vec<ValueId>,
    /// The value it computes.
    pub output: ValueId,
    /// The values besides inputs and output that the forward pass saves for the backward pass.
    pub saved: Vec<ValueId>,
    /// Its weights, in the order of [`Op::tensors`].
    pub tensors: Vec<TensorId>,
    /// The table row it belongs to.
    pub layer: LayerId,
    /// The kernels selected for it, one for each direction of the graph's phase; empty for an operation with a single kernel.
    pub selected: Vec<Selected>,
    /// The operations applied to the computed elements before they leave the cache.
    pub epilogue: Epilogue,
    /// The fused producer of its only input: the kernel computes that value itself, some rows at a time, and never stores it as a
    /// whole.
    pub before: Option<Box<Node>>,
}

/// The operations that a node applies to the elements z of its result before it stores them, or a pool of them: `f(scale · z + shift +
/// sum)`. [`Op::takes_epilogue`] returns whether an operation supports a part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Epilogue {
    /// Prepared values with one element per channel: the scale and the shift. The shift includes the node's own bias.
    pub affine: Option<[ValueId; 2]>,
    /// A value of the output's shape that is added.
    pub sum: Option<ValueId>,
    /// The function applied last.
    pub activation: Option<Activation>,
    /// The pool applied to the result; only the pooled values are stored.
    pub pool: Option<Pool>,
    /// The rows of the nodes that were merged before the last one: [`Node::layer`] is the row of the last.
    pub rows: Vec<LayerId>,
}

impl Node {
    /// A node without saved values, selected kernels and epilogue.
    pub fn new(op: Op, inputs: Vec<ValueId>, output: ValueId, tensors: Vec<TensorId>, layer: LayerId) -> Self {
        let (saved, selected, epilogue) = (Vec::new(), Vec::new(), Epilogue::default());
        Self { op, inputs, output, saved, tensors, layer, selected, epilogue, before: None }
    }

    /// The kernel selected for a direction; `None` where the operation has a single kernel.
    pub fn selected(&self, direction: Direction) -> Option<&Selected> {
        self.selected.iter().find(|selected| selected.direction == direction)
    }

    /// Its prepared weights for a direction, where that kernel reads prepared weights.
    pub fn prepared(&self, direction: Direction) -> Option<ValueId> {
        self.selected(direction)?.prepared
    }

    /// All values it reads.
    pub fn reads(&self) -> impl Iterator<Item = ValueId> + '_ {
        let first = self.before.as_deref().unwrap_or(self);
        let before = self.before.iter().flat_map(|before| before.reads_besides_inputs());
        first.inputs.iter().copied().chain(before).chain(self.reads_besides_inputs())
    }

    fn reads_besides_inputs(&self) -> impl Iterator<Item = ValueId> + '_ {
        let Epilogue { affine, sum, .. } = &self.epilogue;
        let prepared = self.selected.iter().filter_map(|selected| selected.prepared);
        affine.iter().flatten().copied().chain(*sum).chain(prepared)
    }
}

/// One tensor of weights or statistics.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// `kernel`, `bias`, …
    pub name: &'static str,
    /// Its role.
    pub kind: ParameterKind,
    /// Sizes, slowest first.
    pub shape: Vec<usize>,
    /// The meaning of the axes.
    pub axes: Axes,
    /// The images that are flattened along the input axis: see [`netwright_abi::WeightLayout`].
    pub inputs: Vec<Shape>,
    /// The images that are flattened along the output or channel axis.
    pub outputs: Vec<Shape>,
    /// The number of inputs of one output.
    pub fan_in: usize,
    /// The number of outputs that one input contributes to.
    pub fan_out: usize,
    /// Its initialisation, where the text or the tensor's kind determines one.
    pub init: Option<Init>,
    /// Its offset among the parameters, or among the statistics.
    pub offset: usize,
    /// The table row that owns it.
    pub layer: LayerId,
}

impl Tensor {
    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Always false: sizes are at least 1.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The origin of a layer, as a number that only the front end interprets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(pub usize);

/// One row of the layer table.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The name, unique in the network.
    pub name: String,
    /// The text as written, with a block's parameters replaced by their values.
    pub text: String,
    /// The input.
    pub input: ValueId,
    /// The output, after the activations in the same row.
    pub output: ValueId,
    /// The layer's name in another library.
    pub foreign: Option<String>,
    /// The origin, for diagnostics.
    pub origin: Origin,
    /// Whether the text freezes the layer: training does not change its weights and statistics.
    pub frozen: bool,
}

impl Graph {
    /// The shape of a value.
    pub fn shape(&self, value: ValueId) -> Shape {
        self.values[value.0].shape
    }

    /// The tensors of one row. They are contiguous, as its nodes are, because rows are built one at a time.
    pub fn tensors_of(&self, layer: LayerId) -> &[Tensor] {
        &self.tensors[range_of(&self.tensors, layer, |tensor| tensor.layer)]
    }

    /// The indices of the tensors of one row.
    pub fn tensor_ids_of(&self, layer: LayerId) -> impl Iterator<Item = TensorId> {
        range_of(&self.tensors, layer, |tensor| tensor.layer).map(TensorId)
    }

    /// The multiply-adds of one row for one image.
    pub fn macs_of(&self, layer: LayerId) -> u64 {
        self.nodes[range_of(&self.nodes, layer, |node| node.layer)].iter().map(|node| self.macs(node)).sum()
    }

    /// The activation of one row, where its last node is an activation.
    pub fn activation_of(&self, layer: LayerId) -> Option<Activation> {
        let nodes = &self.nodes[range_of(&self.nodes, layer, |node| node.layer)];
        match nodes.last()?.op.as_epilogue()? {
            EpiloguePart::Activation(kind) => Some(kind),
            EpiloguePart::Affine(_) | EpiloguePart::Sum => None,
        }
    }

    /// The shape of a node's result before the pool of its epilogue; without such a pool, the shape of its output.
    pub fn computed_shape(&self, node: &Node) -> Shape {
        let output = self.shape(node.output);
        if node.epilogue.pool.is_none() {
            return output;
        }
        let inputs: Vec<Shape> = node.inputs.iter().map(|&input| self.shape(input)).collect();
        node.op.infer(&inputs).unwrap_or(output)
    }

    /// The multiply-adds of one node for one image, without those of a producer fused into it.
    pub fn macs(&self, node: &Node) -> u64 {
        let inputs: Vec<Shape> = node.inputs.iter().map(|&input| self.shape(input)).collect();
        node.op.macs(&inputs, self.computed_shape(node))
    }

    /// The total number of elements of the trained tensors, or of the statistics: the end of the last one.
    pub fn count(&self, trained: bool) -> usize {
        let last = self.tensors.iter().rfind(|tensor| (tensor.kind != ParameterKind::Statistic) == trained);
        last.map_or(0, |tensor| tensor.offset + tensor.len())
    }

    /// Whether training leaves a tensor unchanged because its row is frozen.
    pub fn is_frozen(&self, tensor: TensorId) -> bool {
        self.layers[self.tensors[tensor.0].layer.0].frozen
    }

    /// The row that owns a node's weights or statistics: its own row before any merging, or another row where the weights are shared.
    pub fn owner_of(&self, node: &Node) -> Option<LayerId> {
        node.tensors.last().map(|tensor| self.tensors[tensor.0].layer)
    }

    /// Whether the result for one image depends on the other images of the batch in training.
    pub fn couples_batch(&self) -> bool {
        let frozen = |node: &Node| self.owner_of(node).is_some_and(|row| self.layers[row.0].frozen);
        self.nodes.iter().any(|node| node.op.couples_batch() && !frozen(node))
    }

    /// The number of micro-batches of a typical training batch. The weights do not change between their passes.
    pub fn passes_of_a_step(&self) -> usize {
        let macs = self.nodes.iter().map(|node| self.macs(node)).sum();
        BATCH.div_ceil(micro_batch_size(self.count(true), macs, self.couples_batch(), BATCH))
    }

    /// For each value, whether it depends on weights that are not frozen. Training needs only the gradients of these values.
    pub fn trained_values(&self) -> Vec<bool> {
        let mut trained = vec![false; self.values.len()];
        for node in &self.nodes {
            let mut tensors = node.tensors.iter().filter(|tensor| !self.is_frozen(**tensor));
            let has_weights = tensors.any(|tensor| self.tensors[tensor.0].kind != ParameterKind::Statistic);
            trained[node.output.0] |= has_weights || node.inputs.iter().any(|input| trained[input.0]);
        }
        trained
    }

    /// The rows that compute a variance over a batch although each image has a single value. Frozen rows compute none.
    pub fn normalise_one_value(&self) -> Vec<LayerId> {
        let one = |node: &&Node| {
            let inputs: Vec<Shape> = node.inputs.iter().map(|&input| self.shape(input)).collect();
            node.op.normalised_together(&inputs) == Some(1)
        };
        let rows = self.nodes.iter().filter(one).filter_map(|node| self.owner_of(node));
        rows.filter(|row| !self.layers[row.0].frozen).collect()
    }

    /// The weights of a node that another node computes from its tensors: the input that does not grow with the batch.
    pub fn expanded_weights(&self, node: &Node) -> Option<ValueId> {
        node.inputs.iter().copied().find(|input| !self.values[input.0].extent.grows())
    }

    /// The node that computes `value`; `None` for the input.
    pub fn producer(&self, value: ValueId) -> Option<&Node> {
        self.nodes.iter().rfind(|node| node.output == value)
    }

    /// The memory layout of a value.
    pub fn layout(&self, value: ValueId) -> Layout {
        self.values[value.0].layout
    }

    /// For each value, the indices of the nodes that read it.
    pub fn readers(&self) -> Vec<Vec<usize>> {
        let mut readers = vec![Vec::new(); self.values.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for value in node.reads() {
                let readers: &mut Vec<usize> = &mut readers[value.0];
                if readers.last() != Some(&index) {
                    readers.push(index);
                }
            }
        }
        readers
    }

    /// The function that computes the output: a final softmax or sigmoid, or any other.
    pub fn head(&self) -> Head {
        match self.producer(self.output) {
            Some(node) => node.op.head(),
            None => Head::Linear,
        }
    }

    /// The inputs of the final softmax or sigmoid; the output where there is neither.
    pub fn logits(&self) -> ValueId {
        match (self.head(), self.producer(self.output)) {
            (Head::Softmax | Head::LogSoftmax | Head::Sigmoid, Some(node)) => node.inputs[0],
            _ => self.output,
        }
    }
}

/// The range of one row's entries in `all`, which is sorted by rows.
fn range_of<T>(all: &[T], layer: LayerId, of: fn(&T) -> LayerId) -> Range<usize> {
    all.partition_point(|entry| of(entry) < layer)..all.partition_point(|entry| of(entry) <= layer)
}

/// The last function of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Softmax.
    Softmax,
    /// Logarithm of the softmax.
    LogSoftmax,
    /// Sigmoid.
    Sigmoid,
    /// Any other function.
    Linear,
}

/// A readable dump, one line per node.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "%{} = input {}", self.input.0, self.shape(self.input))?;
        for node in &self.nodes {
            write!(f, "%{} = ", node.output.0)?;
            if let Some(before) = &node.before {
                write!(f, "{} %{}, then ", before.op.name(), before.inputs[0].0)?;
            }
            write!(f, "{}", node.op.name())?;
            for input in &node.inputs {
                write!(f, " %{}", input.0)?;
            }
            for tensor in &node.tensors {
                let tensor = &self.tensors[tensor.0];
                write!(f, " {}.{}", self.layers[tensor.layer.0].name, tensor.name)?;
            }
            write!(f, " : {}", self.shape(node.output))?;
            if self.layout(node.output) == Layout::ImagesInLanes {
                write!(f, " in the lanes")?;
            }
            for selected in &node.selected {
                write!(f, ", {:?} by {}", selected.direction, selected.name)?;
            }
            let Epilogue { affine, sum, activation, pool, .. } = &node.epilogue;
            if let Some([scale, shift]) = affine {
                write!(f, ", times %{} plus %{}", scale.0, shift.0)?;
            }
            if let Some(sum) = sum {
                write!(f, ", plus %{}", sum.0)?;
            }
            if let Some(activation) = activation {
                write!(f, ", {}", activation.name())?;
            }
            if let Some(pool) = pool {
                write!(f, ", {pool}")?;
            }
            writeln!(f, "  ({})", self.layers[node.layer.0].name)?;
        }
        writeln!(f, "output %{}", self.output.0)
    }
}
