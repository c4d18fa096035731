//! Derives a second program of a prediction, for blocks of images in the lanes: a copy of its graph in which values have that layout
//! where their operations have kernels for it. A node converts between two layouts.

use netwright_abi::{Activation, LANES, Layout};

use crate::cost;
use crate::graph::{Extent, Graph, Head, Node, Value, ValueId};
use crate::ops::{InLanes, Relayout, relayout_cost};
use crate::selection::{Direction, Selected};
use crate::shape::Shape;

/// The graph of a prediction over blocks of images.
#[derive(Clone, Debug)]
pub struct ImageBlocks {
    /// The graph.
    pub graph: Graph,
    /// The number of images from which a block is estimated to be faster than one image at a time.
    pub fewest: usize,
}

/// The largest such number for which the second program is worth having: larger ones pay off too rarely.
const LIMIT: usize = 12;

/// The largest number of elements of a node's operands for one block: half of an L2 cache in single precision.
const MAX_BLOCK: usize = 1 << 17;

/// The cost of an activation function per element, in multiply-adds of a full-speed kernel.
const ACTIVATION: f64 = 20.0;

/// Returns the graph for blocks of images, where it pays off; `graph` is the complete graph of a prediction.
#[must_use]
pub fn assign_layouts(graph: &Graph) -> Option<ImageBlocks> {
    let mut assignment = Assignment::new(graph);
    for node in &graph.nodes {
        assignment.add(node)?;
    }
    assignment.finish()
}

/// A graph whose nodes are assigned layouts one by one, in order.
struct Assignment<'a> {
    from: &'a Graph,
    graph: Graph,
    /// For each value of `from`, the same value in the other layout.
    other: Vec<Option<ValueId>>,
    /// Estimated time of one image: channels last, and in the lanes.
    costs: [f64; 2],
}

impl<'a> Assignment<'a> {
    fn new(from: &'a Graph) -> Self {
        let graph = Graph { nodes: Vec::with_capacity(from.nodes.len()), ..from.clone() };
        Self { from, graph, other: vec![None; from.values.len()], costs: [0.0; 2] }
    }

    /// Adds a node in its layout, after the nodes that convert its inputs. Returns `None` where the node would read the caller's
    /// images channels last, since their number need not fill a block.
    fn add(&mut self, node: &Node) -> Option<()> {
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
        let function = if node.epilogue.activation.as_ref().is_some_and(is_function) { ACTIVATION } else { 0.0 };
        self.add_costs([function * output.len() as f64; 2]);
        let images = node.inputs.iter_mut().filter(|input| !is_prepared(**input));
        for input in images.chain(&mut node.epilogue.sum) {
            if to == Layout::ChannelsLast && *input == self.from.input {
                return None;
            }
            *input = self.converted(*input, to, &node.layer);
        }
        self.graph.values[node.output.0].layout = to;
        let elements: usize =
            node.inputs.iter().chain([&node.output]).map(|value| self.graph.values[value.0].unit()).sum();
        (to == Layout::ChannelsLast || elements <= MAX_BLOCK).then(|| self.graph.nodes.push(node))
    }

    /// Whether a node is computed in the lanes: at least one input is in the lanes or is the caller's. The input and output of a head
    /// are read by the caller and stay channels last.
    fn suits(&self, node: &Node, found: &InLanes) -> bool {
        let in_lanes = |&input: &ValueId| input == self.from.input || self.graph.layout(input) == Layout::ImagesInLanes;
        let is_head = node.output == self.from.output && self.from.head() != Head::Linear;
        // Scales and shifts are per channel, and only an operation's own kernel for blocks applies them.
        let fits = found.by_own_kernel || node.epilogue.affine.is_none();
        fits && !is_head && node.inputs.iter().any(in_lanes)
    }

    fn add_costs(&mut self, costs: [f64; 2]) {
        self.costs.iter_mut().zip(costs).for_each(|(sum, cost)| *sum += cost);
    }

    /// Returns the value in a layout; adds a conversion node to the row `layer` where the value has another layout.
    fn converted(&mut self, value: ValueId, to: Layout, layer: &crate::ids::LayerId) -> ValueId {
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
        self.graph.output = self.converted(self.from.output, Layout::ChannelsLast, &layer);
        let [channels_last, lanes] = self.costs;
        let fewest = (LANES as f64 * lanes / channels_last).ceil() as usize;
        (channels_last > 0.0 && fewest <= LIMIT).then_some(ImageBlocks { graph: self.graph, fewest: fewest.max(2) })
    }
}

/// The kernel for images in the lanes, with the reason: the estimated times of one image.
fn selected([channels_last, lanes]: [f64; 2]) -> Selected {
    let by = |lanes: f64| cost::text_of_time(cost::nanoseconds(&cost::Work { lanes, ..cost::Work::default() }));
    let why = format!(
        "a vector holds sixteen images, and is full whatever the number of channels: {} an image, channels last {}",
        by(lanes),
        by(channels_last)
    );
    Selected { direction: Direction::Predicting, name: InLanes::KERNEL, why, prepared: None }
}
