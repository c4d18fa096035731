//! The typed graph: values with shapes, nodes that compute them, tensors of weights, and the rows of the table of layers.

use std::fmt;
use std::ops::Range;

use netwright_abi::{Activation, Axes, micro_batch_size};

pub use netwright_abi::{Init, Layout, ParameterKind};

use crate::cost::BATCH;
pub use crate::ids::{LayerId, TensorId, ValueId};
use crate::ops::{EpiloguePart, Op, Pool};
use crate::selection::{Direction, Objective, Selected};
use crate::shape::Shape;

/// A network with every shape known: nodes in an order in which each comes after its inputs.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Everything computed, the input first.
    pub values: Vec<Value>,
    /// What computes it.
    pub nodes: Vec<Node>,
    /// Trained tensors and statistics, in the order of their offsets.
    pub tensors: Vec<Tensor>,
    /// The rows of the table.
    pub layers: Vec<Layer>,
    /// The image that comes in.
    pub input: ValueId,
    /// The answer.
    pub output: ValueId,
    /// The words on the longest way from the input to the output, the input counted too.
    pub depth: usize,
    /// What its predictions are planned for, where the text says it.
    pub objective: Option<Objective>,
}

/// Something computed for each image, or once for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// How many elements.
    pub extent: Extent,
    /// Their shape; a fixed value is flat.
    pub shape: Shape,
    /// How they lie in memory.
    pub layout: Layout,
}

impl Value {
    /// A value that grows with the batch, channels last.
    pub fn of_images(shape: Shape) -> Self {
        Self { extent: Extent::PerImage(shape.len()), shape, layout: Layout::ChannelsLast }
    }

    /// Elements that lie in one another's midst: those of an image, or of a block of images.
    pub fn unit(&self) -> usize {
        self.layout.images() * self.extent.len()
    }
}

/// How a value grows with the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// So many elements for each image.
    PerImage(usize),
    /// So many elements, whatever the batch: the statistics that a batch normalisation saves.
    Fixed(usize),
    /// So many elements that follow from the weights alone: computed when a network is prepared, never in a pass.
    Prepared(usize),
}

impl Extent {
    /// How many elements, for one image where they grow with the batch.
    pub fn len(self) -> usize {
        let (Self::PerImage(len) | Self::Fixed(len) | Self::Prepared(len)) = self;
        len
    }

    /// Whether there are as many again for each image of a batch.
    pub fn grows(self) -> bool {
        matches!(self, Self::PerImage(_))
    }

    /// Never: a value holds something.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// One operation with its operands.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// What it computes.
    pub output: ValueId,
    /// What its backward pass finds again besides inputs and output.
    pub saved: Vec<ValueId>,
    /// Its weights, in the order of [`Op::tensors`].
    pub tensors: Vec<TensorId>,
    /// The row it belongs to.
    pub layer: LayerId,
    /// The kernels selected for it, where there is a choice: one for each direction of the graph's phase.
    pub selected: Vec<Selected>,
    /// What it does to the elements it has computed before they leave the cache.
    pub epilogue: Epilogue,
    /// The node that makes its only input, where its kernel computes that itself, some rows at a time: it is stored nowhere else.
    pub before: Option<Box<Node>>,
}

/// What a node does to the elements z that its operation computes, before it stores them, or a pool of them: `f(scale · z + shift + sum)`.
/// Whether an operation can do so, it says itself: [`Op::takes_epilogue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Epilogue {
    /// Fixed values with a number for each channel, the scale and the shift. The node's own bias is in the shift.
    pub affine: Option<[ValueId; 2]>,
    /// A value of the output's shape, which is added.
    pub sum: Option<ValueId>,
    /// The function applied last.
    pub activation: Option<Activation>,
    /// The pool behind it, where nothing but what that makes of the values is stored.
    pub pool: Option<Pool>,
    /// The rows that the node stood in before it took over those of what comes behind it: [`Node::layer`] is the last of these.
    pub rows: Vec<LayerId>,
}

impl Node {
    /// A node that saves nothing, for which nothing is selected, and which stores what its operation computes.
    pub fn new(op: Op, inputs: Vec<ValueId>, output: ValueId, tensors: Vec<TensorId>, layer: LayerId) -> Self {
        let (saved, selected, epilogue) = (Vec::new(), Vec::new(), Epilogue::default());
        Self { op, inputs, output, saved, tensors, layer, selected, epilogue, before: None }
    }

    /// What was selected for a direction; none where the operation has one kernel.
    pub fn selected(&self, direction: Direction) -> Option<&Selected> {
        self.selected.iter().find(|selected| selected.direction == direction)
    }

    /// Its weights in the form that its kernel for a direction reads, where they are prepared.
    pub fn prepared(&self, direction: Direction) -> Option<ValueId> {
        self.selected(direction)?.prepared
    }

    /// Every value it reads.
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
    /// What it is for.
    pub kind: ParameterKind,
    /// Sizes, slowest first.
    pub shape: Vec<usize>,
    /// What these are sizes of.
    pub axes: Axes,
    /// The images that lie flattened along its inputs: see [`netwright_abi::WeightLayout`].
    pub inputs: Vec<Shape>,
    /// Those along its outputs or channels.
    pub outputs: Vec<Shape>,
    /// Inputs that meet in one output.
    pub fan_in: usize,
    /// Outputs that one input reaches.
    pub fan_out: usize,
    /// How it starts, where that was said or follows from its kind.
    pub init: Option<Init>,
    /// Where it starts among the parameters, or among the statistics.
    pub offset: usize,
    /// The row that owns it.
    pub layer: LayerId,
}

impl Tensor {
    /// How many elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Never: sizes are at least 1.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where a layer comes from, by a number that means something to the front end alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(pub usize);

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Unique in the network.
    pub name: String,
    /// As written, with the values of a block's parameters.
    pub text: String,
    /// The value that comes in.
    pub input: ValueId,
    /// The value that goes out, activations in the same row included.
    pub output: ValueId,
    /// What another library calls it.
    pub foreign: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether the text freezes it: training leaves its weights and statistics as they are.
    pub frozen: bool,
}

impl Graph {
    /// The shape of a value.
    pub fn shape(&self, value: ValueId) -> Shape {
        self.values[value.0].shape
    }

    /// The tensors of one row. They lie side by side, as its nodes do: rows are finished one by one.
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

    /// The function that the outputs of one row come from, where its last node is one.
    pub fn activation_of(&self, layer: LayerId) -> Option<Activation> {
        let nodes = &self.nodes[range_of(&self.nodes, layer, |node| node.layer)];
        match nodes.last()?.op.as_epilogue()? {
            EpiloguePart::Activation(kind) => Some(kind),
            EpiloguePart::Affine(_) | EpiloguePart::Sum => None,
        }
    }

    /// The shape of what a node computes: that of its output, but where only a pool of that is stored.
    pub fn computed_shape(&self, node: &Node) -> Shape {
        let output = self.shape(node.output);
        if node.epilogue.pool.is_none() {
            return output;
        }
        let inputs: Vec<Shape> = node.inputs.iter().map(|&input| self.shape(input)).collect();
        node.op.infer(&inputs).unwrap_or(output)
    }

    /// The multiply-adds of one node for one image, without those of what it computes before.
    pub fn macs(&self, node: &Node) -> u64 {
        let inputs: Vec<Shape> = node.inputs.iter().map(|&input| self.shape(input)).collect();
        node.op.macs(&inputs, self.computed_shape(node))
    }

    /// How many elements the tensors of a kind have: where the last of them ends.
    pub fn count(&self, trained: bool) -> usize {
        let last = self.tensors.iter().rfind(|tensor| (tensor.kind != ParameterKind::Statistic) == trained);
        last.map_or(0, |tensor| tensor.offset + tensor.len())
    }

    /// Whether training leaves a tensor as it is: that of a frozen row.
    pub fn is_frozen(&self, tensor: TensorId) -> bool {
        self.layers[self.tensors[tensor.0].layer.0].frozen
    }

    /// The row whose weights or statistics a node has: its own, whatever it was merged with since. Those that are shared are another's.
    pub fn owner_of(&self, node: &Node) -> Option<LayerId> {
        node.tensors.last().map(|tensor| self.tensors[tensor.0].layer)
    }

    /// Whether the images of a batch meet in it while training.
    pub fn couples_batch(&self) -> bool {
        let frozen = |node: &Node| self.owner_of(node).is_some_and(|row| self.layers[row.0].frozen);
        self.nodes.iter().any(|node| node.op.couples_batch() && !frozen(node))
    }

    /// In how many micro-batches a typical training batch is cut: its passes read the same weights.
    pub fn passes_of_a_step(&self) -> usize {
        let macs = self.nodes.iter().map(|node| self.macs(node)).sum();
        BATCH.div_ceil(micro_batch_size(self.count(true), macs, self.couples_batch(), BATCH))
    }

    /// For each value, whether it depends on weights that are not frozen: only the gradients of such values are needed to train.
    pub fn trained_values(&self) -> Vec<bool> {
        let mut trained = vec![false; self.values.len()];
        for node in &self.nodes {
            let mut tensors = node.tensors.iter().filter(|tensor| !self.is_frozen(**tensor));
            let has_weights = tensors.any(|tensor| self.tensors[tensor.0].kind != ParameterKind::Statistic);
            trained[node.output.0] |= has_weights || node.inputs.iter().any(|input| trained[input.0]);
        }
        trained
    }

    /// The rows that take a variance over a batch in which an image has a single value; frozen rows take none.
    pub fn normalise_one_value(&self) -> Vec<LayerId> {
        let one = |node: &&Node| {
            let inputs: Vec<Shape> = node.inputs.iter().map(|&input| self.shape(input)).collect();
            node.op.normalised_together(&inputs) == Some(1)
        };
        let rows = self.nodes.iter().filter(one).filter_map(|node| self.owner_of(node));
        rows.filter(|row| !self.layers[row.0].frozen).collect()
    }

    /// The weights of a node that another one computes from its tensors: its input that does not grow with the batch.
    pub fn expanded_weights(&self, node: &Node) -> Option<ValueId> {
        node.inputs.iter().copied().find(|input| !self.values[input.0].extent.grows())
    }

    /// The node that computes `value`; none computes the input.
    pub fn producer(&self, value: ValueId) -> Option<&Node> {
        self.nodes.iter().rfind(|node| node.output == value)
    }

    /// How a value lies in memory.
    pub fn layout(&self, value: ValueId) -> Layout {
        self.values[value.0].layout
    }

    /// For each value, the nodes that read it, by their index.
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

    /// Where the answer comes from a final softmax or sigmoid, what goes into that.
    pub fn head(&self) -> Head {
        match self.producer(self.output) {
            Some(node) => node.op.head(),
            None => Head::Linear,
        }
    }

    /// The values that go into the final softmax or sigmoid; the answer where there is neither.
    pub fn logits(&self) -> ValueId {
        match (self.head(), self.producer(self.output)) {
            (Head::Softmax | Head::LogSoftmax | Head::Sigmoid, Some(node)) => node.inputs[0],
            _ => self.output,
        }
    }
}

/// Where the entries of one row stand among `all`, which are in the order of rows.
fn range_of<T>(all: &[T], layer: LayerId, of: fn(&T) -> LayerId) -> Range<usize> {
    all.partition_point(|entry| of(entry) < layer)..all.partition_point(|entry| of(entry) <= layer)
}

/// How a network ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// In a softmax.
    Softmax,
    /// In the logarithm of a softmax.
    LogSoftmax,
    /// In a sigmoid.
    Sigmoid,
    /// In anything else.
    Linear,
}

/// A readable dump: a line for each node.
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
