//! The state of importing a model.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use netwright_abi::Activation as Function;
use netwright_onnx::source::Change;
use netwright_onnx::{Model, Node, external};

use super::constant::{Constant, Weights};
use super::ends::{answer, input_shape, only_input};
use super::layout::{Layout, Run};
use super::problem::{Answer, Problem};
use super::{Asked, End, Read, Source};
use crate::builder::{Builder, NewLayer, WeightOptions};
use crate::graph::{Head, Origin, ValueId};
use crate::ops::{Activation, LogSoftmax, Op, Reshape, Softmax};
use crate::shape::Shape;

/// The meaning of a name in the file.
#[derive(Clone, Debug)]
pub(super) enum Known<'m> {
    /// A value computed from the input.
    Value(Value),
    /// A constant.
    Constant(Constant<'m>),
}

/// A value of the graph, with the mapping of the file's axes to its memory.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) id: ValueId,
    pub(super) layout: Layout,
}

/// The order of an image's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    ChannelsFirst,
    ChannelsLast,
}

/// The reader index that stands for the graph's output.
const OUTSIDE: usize = usize::MAX;

/// A model that is being imported.
pub(super) struct Reading<'m> {
    pub(super) model: &'m Model<'m>,
    /// The folder of external files.
    pub(super) folder: Option<&'m Path>,
    end: Option<End>,
    pub(super) builder: Builder,
    pub(super) known: HashMap<&'m str, Known<'m>>,
    /// The indices of the nodes that read each name.
    readers: HashMap<&'m str, Vec<usize>>,
    /// Nodes that are part of the pattern of an earlier node.
    absorbed: BTreeSet<usize>,
    /// Values whose batch is flattened to one axis, until a `Gather` splits it again.
    pub(super) flattened_batches: BTreeSet<&'m str>,
    sources: BTreeMap<usize, Source>,
    /// The name of the layer that owns each kernel of the file.
    kernels: HashMap<(&'m str, Vec<usize>), String>,
    /// The output of the row that an activation may extend.
    row: Option<ValueId>,
    /// The index of the current node.
    pub(super) at: usize,
    /// The name of the current node's output, after the nodes it has absorbed.
    result: &'m str,
    output: &'m str,
    /// The batch size, if the file fixes it.
    pub(super) batch: Option<usize>,
}

impl<'m> Reading<'m> {
    /// Starts the import of a model whose input has its channels last or first.
    pub(super) fn of(model: &'m Model<'m>, asked: Asked<'m>, channels_last: bool) -> Answer<Self> {
        if model.has_functions {
            return Err(Problem::new("it defines operators of its own, as functions")
                .help("let its exporter write them out: `onnx.inliner.inline_local_functions`"));
        }
        let graph = &model.graph;
        let input = only_input(graph)?;
        let (shape, batch) = input_shape(input, channels_last)?;
        let layout = if channels_last { Layout::channels_last(shape) } else { Layout::channels_first(shape) };
        let builder = Builder::new(shape);
        let value = Value { id: builder.input(), layout };
        let mut known: HashMap<_, _> = graph
            .initializers
            .iter()
            .map(|tensor| (tensor.name, Known::Constant(Constant::Weights(Weights::of(tensor.name, tensor, false)))))
            .collect();
        known.insert(input.name, Known::Value(value));
        let output = answer(model, asked.output)?;
        let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|input| readers.entry(input).or_default().push(index));
        }
        readers.entry(output).or_default().push(OUTSIDE);
        Ok(Self {
            model,
            folder: asked.folder,
            end: asked.end,
            builder,
            known,
            readers,
            absorbed: BTreeSet::new(),
            flattened_batches: BTreeSet::new(),
            sources: BTreeMap::new(),
            kernels: HashMap::new(),
            row: None,
            at: 0,
            result: "",
            output,
            batch,
        })
    }

    /// Imports all nodes that the output depends on.
    pub(super) fn run(mut self) -> Answer<Read> {
        let needed = self.needed();
        // Patterns look ahead, and a constant may be defined after the start of a pattern: read constants first.
        for node in needed.iter().map(|index| &self.model.graph.nodes[*index]).filter(|node| node.op == "Constant") {
            if let (Some(name), Ok(constant)) = (node.outputs.first(), Constant::of_node(node)) {
                self.known.insert(name, Known::Constant(constant));
            }
        }
        for index in needed {
            if self.absorbed.contains(&index) {
                continue;
            }
            let node = &self.model.graph.nodes[index];
            self.at = index;
            self.result = node.outputs.first().copied().unwrap_or_default();
            let known = self.node(node).map_err(|problem| Problem {
                node: self.describe(node),
                node_index: index,
                ..problem
            })?;
            self.known.insert(self.result, known);
        }
        let Some(Known::Value(answer)) = self.known.get(self.output).cloned() else {
            return Err(Problem::new(format!("its output `{}` does not depend on its input", self.output)));
        };
        let answer = self.in_memory_order(&answer)?;
        if answer == self.builder.input() {
            return Err(Problem::new("it has no layers"));
        }
        let answer = self.with_end(answer)?;
        let graph = self.builder.finish(answer);
        let sources =
            (0..graph.tensors.len()).map(|tensor| self.sources.remove(&tensor).unwrap_or(Source::Filled(0.0)));
        Ok(Read { sources: sources.collect(), graph })
    }

    /// The output after the function requested at the end.
    fn with_end(&mut self, answer: ValueId) -> Answer<ValueId> {
        let (word, op): (_, Op) = match self.end {
            None => return Ok(answer),
            Some(End::Softmax) => ("softmax", Softmax.into()),
            Some(End::LogSoftmax) => ("logsoftmax", LogSoftmax.into()),
            Some(End::Sigmoid) => ("sigmoid", Activation(Function::Sigmoid).into()),
        };
        let last = self.builder.graph().nodes.iter().rfind(|node| node.output == answer);
        if last.is_some_and(|node| node.op.head() != Head::Linear) {
            return Err(Problem::new("its answer is no row of logits: the file ends in a softmax or sigmoid already")
                .help(format!("leave `{word}` out")));
        }
        self.row(word, word.to_owned(), vec![op], &[answer], WeightOptions::default())
    }

    /// The output in the order of our memory: an image or a series, or a flat value.
    fn in_memory_order(&mut self, answer: &Value) -> Answer<ValueId> {
        let axes: Vec<&Vec<Run>> = answer.layout.0.iter().filter(|axis| !axis.is_empty()).collect();
        let shape = self.builder.shape(answer.id);
        let is_row =
            axes.len() <= 1 && axes.iter().all(|axis| ***axis == [Run { len: answer.layout.len(), stride: 1 }]);
        if self.order(answer).is_some() || is_row && matches!(shape, Shape::Flat(_)) {
            return Ok(answer.id);
        }
        if is_row && answer.layout.0.len() == 1 {
            return self.shaped(answer.id, Shape::Flat(answer.layout.len()));
        }
        if let Some(row) = self.row_in_order(answer)? {
            return Ok(row.id);
        }
        self.image(answer).map(|(id, _)| id).map_err(|_| {
            Problem::new(format!(
                "its output `{}` is an image that was flattened with its channels first, and here they are last",
                self.output
            ))
            .help("export the model without the last `Flatten`, or with a layer behind it")
        })
    }

    /// The nodes that the output depends on, in the file's order.
    fn needed(&self) -> Vec<usize> {
        let nodes = &self.model.graph.nodes;
        let mut wanted: BTreeSet<&str> = BTreeSet::from([self.output]);
        let mut needed = Vec::new();
        for (index, node) in nodes.iter().enumerate().rev() {
            if node.outputs.iter().any(|output| !output.is_empty() && wanted.contains(output)) {
                wanted.extend(node.inputs.iter().filter(|input| !input.is_empty()));
                needed.push(index);
            }
        }
        needed.reverse();
        needed
    }

    /// A description of a node, with the shapes of its inputs.
    fn describe(&self, node: &Node<'_>) -> String {
        let shapes: Vec<String> = node
            .inputs
            .iter()
            .filter_map(|input| self.known.get(input))
            .map(|known| match known {
                Known::Value(value) => {
                    let sizes = value.layout.sizes();
                    std::iter::once("N".to_owned())
                        .chain(sizes.iter().map(usize::to_string))
                        .collect::<Vec<_>>()
                        .join("x")
                }
                Known::Constant(constant) => match constant.sizes().as_slice() {
                    [] => "a number".to_owned(),
                    sizes => sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("x"),
                },
            })
            .collect();
        let name =
            [node.name, node.outputs.first().copied().unwrap_or_default()].into_iter().find(|name| !name.is_empty());
        let name = name.unwrap_or("without a name");
        let of = if shapes.is_empty() { String::new() } else { format!(" of {}", shapes.join(", ")) };
        format!("the node `{name}`, {}{of}", node.op)
    }

    /// The meaning of a name.
    pub(super) fn known(&self, name: &str) -> Answer<Known<'m>> {
        self.known.get(name).cloned().ok_or_else(|| {
            let nodes = &self.model.graph.nodes;
            match nodes.iter().position(|node| node.outputs.contains(&name)) {
                Some(later) if later >= self.at => {
                    Problem::new(format!("it reads `{name}`, which is computed behind it, or of its own output"))
                }
                Some(_) => {
                    Problem::new(format!("it reads `{name}`, a further output of its node, which is not read here"))
                }
                None => Problem::new(format!("it reads `{name}`, which nothing in the file computes")),
            }
        })
    }

    /// The input with this index, if it exists.
    pub(super) fn operand(&self, node: &'m Node<'m>, index: usize) -> Answer<Option<Known<'m>>> {
        match node.inputs.get(index) {
            Some(name) if !name.is_empty() => self.known(name).map(Some),
            _ => Ok(None),
        }
    }

    /// The input with this index, which must be a value.
    pub(super) fn value(&self, node: &'m Node<'m>, index: usize) -> Answer<Value> {
        match self.operand(node, index)? {
            Some(Known::Value(value)) => Ok(value),
            Some(Known::Constant(_)) => Err(Problem::new(format!("its input {index} is a constant"))),
            None => Err(Problem::new(format!("it has no input {index}"))),
        }
    }

    /// The input with this index, which must be a constant, if it exists.
    pub(super) fn constant(&self, node: &'m Node<'m>, index: usize, what: &str) -> Answer<Option<Constant<'m>>> {
        match self.operand(node, index)? {
            Some(Known::Constant(constant)) => Ok(Some(constant)),
            Some(Known::Value(_)) => Err(Problem::new(format!("its {what} depend on what comes in"))
                .help("only what the file holds can be weights: export the model for prediction")),
            None => Ok(None),
        }
    }

    /// The weights at the input with this index.
    pub(super) fn weights(&self, node: &'m Node<'m>, index: usize, what: &str) -> Answer<Weights<'m>> {
        match self.constant(node, index, what)? {
            Some(Constant::Weights(weights)) if weights.tensor.is_empty() => {
                Err(Problem::new(format!("its {what} are empty")))
            }
            Some(Constant::Weights(weights)) if !weights.tensor.kind.is_float() => {
                Err(Problem::new(format!("its {what} are of {}, and weights are fractions", weights.tensor.kind))
                    .help("export the model before it is quantised, in single precision"))
            }
            Some(Constant::Weights(weights)) => {
                if weights.tensor.is_external {
                    external::check(weights.tensor)?;
                } else {
                    weights.tensor.elements()?;
                }
                Ok(weights)
            }
            Some(Constant::Numbers(_) | Constant::OfImages(_)) => {
                Err(Problem::new(format!("its {what} are computed of shapes")))
            }
            None => Err(Problem::new(format!("it has no {what}"))),
        }
    }

    /// The only node that reads a value.
    pub(super) fn only_reader(&self, name: &str) -> Option<(usize, &'m Node<'m>)> {
        match self.readers.get(name)?.as_slice() {
            [reader] => {
                let node = self.model.graph.nodes.get(*reader).filter(|node| !node.outputs.is_empty())?;
                Some((*reader, node))
            }
            _ => None,
        }
    }

    /// The nodes that read a value.
    pub(super) fn readers_of(&self, name: &str) -> &[usize] {
        self.readers.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether anything reads a value.
    pub(super) fn is_read(&self, name: &str) -> bool {
        self.readers.contains_key(name)
    }

    /// The name of the current node's output, after the nodes it has absorbed.
    pub(super) fn result(&self) -> &'m str {
        self.result
    }

    /// Makes a node part of the current node's pattern; its output becomes the result.
    pub(super) fn absorb(&mut self, (index, node): (usize, &'m Node<'m>)) {
        self.absorbed.insert(index);
        self.result = node.outputs.first().copied().unwrap_or_default();
    }

    /// The order of the axes of an image or a series; `None` for any other order.
    pub(super) fn order(&self, value: &Value) -> Option<Order> {
        let shape = self.builder.shape(value.id);
        if matches!(shape, Shape::Flat(_)) {
            return None;
        }
        if value.layout == Layout::channels_first(shape) {
            Some(Order::ChannelsFirst)
        } else if value.layout == Layout::channels_last(shape) {
            Some(Order::ChannelsLast)
        } else {
            None
        }
    }

    /// The value as an image or a series that has its channels first in the file.
    pub(super) fn image(&mut self, value: &Value) -> Answer<(ValueId, [usize; 3])> {
        let sizes = value.layout.sizes();
        let shape = match sizes.as_slice() {
            [channels, height, width] => Shape::Image { height: *height, width: *width, channels: *channels },
            [channels, length] => Shape::Series { length: *length, channels: *channels },
            _ => {
                return Err(Problem::new("what comes in is neither an image (N x C x H x W) nor a series (N x C x L)"));
            }
        };
        if value.layout != Layout::channels_first(shape) {
            return Err(Problem::new(
                "the axes of the image that comes in do not lie in memory as those of an image do",
            )
            .help("a reshaping or transposing before it changes what channels are; it would have to move elements"));
        }
        let id = self.shaped(value.id, shape)?;
        match shape.as_image() {
            Shape::Image { height, width, channels } => Ok((id, [height, width, channels])),
            _ => Err(Problem::new("what comes in is no image")),
        }
    }

    /// The value with another shape.
    pub(super) fn shaped(&mut self, id: ValueId, shape: Shape) -> Answer<ValueId> {
        if self.builder.shape(id) == shape {
            return Ok(id);
        }
        let (to, text) = match shape {
            Shape::Flat(_) => (None, "flatten".to_owned()),
            shape => (Some(shape), format!("reshape {shape}")),
        };
        let word = if to.is_none() { "flatten" } else { "reshape" };
        self.row(word, text, vec![Reshape { to }.into()], &[id], WeightOptions::default())
    }

    /// Adds a layer with a sequence of operations.
    pub(super) fn row(
        &mut self,
        word: &str,
        text: String,
        ops: Vec<Op>,
        inputs: &[ValueId],
        weights: WeightOptions,
    ) -> Answer<ValueId> {
        self.builder.open(
            NewLayer { word, name: None, text, origin: Origin(self.at), weights, ..NewLayer::default() },
            inputs[0],
        )?;
        let mut values = inputs.to_vec();
        for op in ops {
            values = vec![self.builder.push(op, &values)?];
        }
        self.builder.close(inputs[0], values[0]);
        self.row = Some(values[0]);
        Ok(values[0])
    }

    /// Whether an operation on `id`, called `name` in the file, may extend its row: only the current pattern reads it.
    pub(super) fn may_extend_row(&self, id: ValueId, name: &str) -> bool {
        let is_now = |reader: &usize| *reader == self.at || self.absorbed.contains(reader);
        self.row == Some(id) && self.readers.get(name).is_some_and(|readers| readers.iter().all(is_now))
    }

    /// Sets the output of the open row.
    pub(super) fn set_row_output(&mut self, id: ValueId) {
        self.row = Some(id);
    }

    /// Sets a tensor of the file as the source of the tensor called `tensor` of the last operation.
    pub(super) fn source(&mut self, tensor: &str, weights: &Weights<'_>, axes: Vec<Run>, change: Change) {
        let axes = axes.into_iter().filter(|run| run.len > 1).map(|run| [run.len, run.stride]).collect();
        let (name, dims) = (weights.name.to_owned(), weights.tensor.dims.clone());
        self.set_source(tensor, Source::Tensor { name, dims, axes, change });
    }

    /// Sets a constant as the source of the tensor called `tensor` of the last operation.
    pub(super) fn filled(&mut self, tensor: &str, value: f64) {
        self.set_source(tensor, Source::Filled(value));
    }

    fn set_source(&mut self, tensor: &str, source: Source) {
        let graph = self.builder.graph();
        let ids = graph.nodes.last().map(|node| node.tensors.as_slice()).unwrap_or_default();
        if let Some(id) = ids.iter().find(|id| graph.tensors[id.0].name == tensor) {
            self.sources.entry(id.0).or_insert(source);
        }
    }

    /// The layer that already has this kernel with these axes.
    pub(super) fn tied(&self, weights: &Weights<'m>, form: &[usize]) -> Option<String> {
        self.kernels.get(&(weights.name, form.to_vec())).cloned()
    }

    /// Records that the last layer has this kernel.
    pub(super) fn has_kernel(&mut self, weights: &Weights<'m>, form: Vec<usize>) {
        if let Some(layer) = self.builder.graph().layers.last() {
            let name = layer.name.clone();
            self.kernels.entry((weights.name, form)).or_insert(name);
        }
    }
}
