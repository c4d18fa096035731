//! A prediction may have a second program, for blocks of images in the lanes: a copy of its graph in which values have that layout as
//! far as their operations have kernels for it, and in which what lies between two layouts is a node.

use netwright_abi::{Activation, LANES, Layout};

use crate::cost;
use crate::graph::{Extent, Graph, Head, Node, Value, ValueId};
use crate::ops::{InLanes, Relayout, relayout_cost};
use crate::selection::{Direction, Selected};
use crate::shape::Shape;

/// The graph of a prediction of blocks of images.
#[derive(Clone, Debug)]
pub struct ImageBlocks {
    /// The graph.
    pub graph: Graph,
    /// The fewest images for which a block is estimated to be faster than they are one by one.
    pub fewest: usize,
}

/// More images than this make a block pay too seldom.
const FEWEST: usize = 12;

/// The most elements that a block may take between two nodes: half of a second cache of single precision.
const HOT: usize = 1 << 17;

/// What a function costs for each element, in multiply-adds of a full-speed kernel.
const FUNCTION: f64 = 20.0;

/// The graph for blocks of images, where it pays; `graph` is that of a prediction, complete.
#[must_use]
pub fn assign_layouts(graph: &Graph) -> Option<ImageBlocks> {
    let mut assignment = Assignment::new(graph);
    for node in &graph.nodes {
        assignment.take(node)?;
    }
    assignment.finish()
}

/// A graph while its nodes are given layouts, in their order.
struct Assignment<'a> {
    from: &'a Graph,
    graph: Graph,
    /// For each value of `from`, the same in the other layout.
    other: Vec<Option<ValueId>>,
    /// Estimated time for one image, channels last and in the lanes.
    costs: [f64; 2],
}

impl<'a> Assignment<'a> {
    fn new(from: &'a Graph) -> Self {
        let graph = Graph { nodes: Vec::with_capacity(from.nodes.len()), ..from.clone() };
        Self { from, graph, other: vec![None; from.values.len()], costs: [0.0; 2] }
    }

    /// Adds a node in the layout that it gets, behind those that lay out anew what it reads. None where it would read images as
    /// they come: they may fill no block.
    fn take(&mut self, node: &Node) -> Option<()> {
        let mut node = node.clone();
        let is_prepared = |value: ValueId| matches!(self.from.values[value.0].extent, Extent::Prepared(_));
        if is_prepared(node.output) {
            self.graph.nodes.push(node);
            return Some(());
        }
        let shapes: Vec<Shape> = node.inputs.iter().map(|&input| self.from.shape(input)).collect();
        let output = self.from.shape(node.output);
        let found = node.op.in_lanes(&shapes, output).filter(|found| self.suits(&node, found));
        let to = match found {
            Some(found) => {
                self.add_costs(found.costs);
                if found.by_own_kernel {
                    node.selected = vec![selected(found.costs)];
                }
                Layout::ImagesInLanes
            }
            None => Layout::ChannelsLast,
        };
        let is_function = |&function: &Activation| function != Activation::Relu;
        let function = if node.epilogue.activation.as_ref().is_some_and(is_function) { FUNCTION } else { 0.0 };
        self.add_costs([function * output.len() as f64; 2]);
        let images = node.inputs.iter_mut().filter(|input| !is_prepared(**input));
        for input in images.chain(&mut node.epilogue.sum) {
            if to == Layout::ChannelsLast && *input == self.from.input {
                return None;
            }
            *input = self.laid_out(*input, to, &node.layer);
        }
        self.graph.values[node.output.0].layout = to;
        let elements: usize =
            node.inputs.iter().chain([&node.output]).map(|value| self.graph.values[value.0].unit()).sum();
        (to == Layout::ChannelsLast || elements <= HOT).then(|| self.graph.nodes.push(node))
    }

    /// Whether a node is computed in the lanes: where what it reads is there, or comes in. What a head reads, and what it makes of it,
    /// are the caller's.
    fn suits(&self, node: &Node, found: &InLanes) -> bool {
        let is_there = |&input: &ValueId| input == self.from.input || self.graph.layout(input) == Layout::ImagesInLanes;
        let is_head = node.output == self.from.output && self.from.head() != Head::Linear;
        // Scales and shifts of channels are not those of a block.
        let fits = found.by_own_kernel || node.epilogue.affine.is_none();
        fits && !is_head && node.inputs.iter().any(is_there)
    }

    fn add_costs(&mut self, costs: [f64; 2]) {
        self.costs.iter_mut().zip(costs).for_each(|(sum, cost)| *sum += cost);
    }

    /// A value in a layout, laid out anew for a node of `layer` where it has another.
    fn laid_out(&mut self, value: ValueId, to: Layout, layer: &crate::ids::LayerId) -> ValueId {
        if self.graph.layout(value) == to {
            return value;
        }
        if let Some(other) = self.other[value.0] {
            return other;
        }
        let shape = self.graph.shape(value);
        let output = ValueId(self.graph.values.len());
        self.graph.values.push(Value { layout: to, ..Value::of_images(shape) });
        self.other[value.0] = Some(output);
        self.graph.nodes.push(Node::new(Relayout { to }.into(), vec![value], output, Vec::new(), *layer));
        self.add_costs([0.0, relayout_cost(shape)]);
        output
    }

    fn finish(mut self) -> Option<ImageBlocks> {
        let layer = self.graph.nodes.last()?.layer;
        self.graph.output = self.laid_out(self.from.output, Layout::ChannelsLast, &layer);
        let [channels_last, lanes] = self.costs;
        let fewest = (LANES as f64 * lanes / channels_last).ceil() as usize;
        (channels_last > 0.0 && fewest <= FEWEST).then_some(ImageBlocks { graph: self.graph, fewest: fewest.max(2) })
    }
}

/// The kernel for images in the lanes, with the reason and what one image takes channels last.
fn selected([channels_last, lanes]: [f64; 2]) -> Selected {
    let by = |lanes: f64| cost::text_of_time(cost::nanoseconds(&cost::Work { lanes, ..cost::Work::default() }));
    let why = format!(
        "a vector holds sixteen images, and is full whatever the number of channels: {} an image, channels last {}",
        by(lanes),
        by(channels_last)
    );
    Selected { direction: Direction::Predicting, name: InLanes::KERNEL, why, prepared: None }
}
