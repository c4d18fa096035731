//! Which images are flattened in each vector of features. A library with channels first stores their elements in another order.

use netwright_abi::Axes;

use crate::graph::{Graph, Node, ValueId};
use crate::ops::Op;
use crate::shape::Shape;

/// The shapes that are concatenated in a vector of features; empty where none of them is an image.
type Parts = Vec<Shape>;

/// Sets for each tensor the images that are flattened along its axes.
pub(crate) fn mark(graph: &mut Graph) {
    let rows = flattened_shapes(graph);
    for node in &graph.nodes {
        let of = |value: Option<&ValueId>| value.map(|value| rows[value.0].clone()).unwrap_or_default();
        for id in &node.tensors {
            let tensor = &mut graph.tensors[id.0];
            // The weights of a tied layer follow the layout of their owner.
            if tensor.layer != node.layer {
                continue;
            }
            if tensor.axes == Axes::Dense {
                tensor.inputs = of(node.inputs.first());
            }
            // A single slope for all channels has no channel axis.
            if tensor.axes == Axes::Dense || tensor.len() == graph.values[node.output.0].shape.channels() {
                tensor.outputs = of(Some(&node.output));
            }
        }
    }
}

/// For each value, the shapes it consists of: derived from its inputs where they determine them, otherwise from its consumers.
fn flattened_shapes(graph: &Graph) -> Vec<Parts> {
    let mut rows = vec![Parts::new(); graph.values.len()];
    forward(graph, &mut rows);
    for node in graph.nodes.iter().rev() {
        let input = node.inputs[0];
        if !rows[input.0].is_empty() || !matches!(graph.shape(input), Shape::Flat(_)) {
            continue;
        }
        rows[input.0] = match node.op {
            Op::Reshape(_) => parts(graph.shape(node.output)),
            _ if keeps_elements(node) => rows[node.output.0].clone(),
            _ => continue,
        };
    }
    forward(graph, &mut rows);
    rows
}

fn forward(graph: &Graph, rows: &mut [Parts]) {
    for node in &graph.nodes {
        if !rows[node.output.0].is_empty() || !matches!(graph.shape(node.output), Shape::Flat(_)) {
            continue;
        }
        let known = |value: &ValueId| match &rows[value.0] {
            parts if parts.is_empty() => vec![graph.shape(*value)],
            parts => parts.clone(),
        };
        let input = node.inputs[0];
        let shapes = match (&node.op, graph.shape(input)) {
            (Op::Reshape(_), Shape::Flat(_)) => rows[input.0].clone(),
            (Op::Reshape(_), image) => parts(image),
            (Op::Concat(_), _) => node.inputs.iter().flat_map(known).collect(),
            _ if keeps_elements(node) => node
                .inputs
                .iter()
                .map(|value| &rows[value.0])
                .find(|parts| !parts.is_empty())
                .cloned()
                .unwrap_or_default(),
            _ => continue,
        };
        if shapes.iter().any(|part| !matches!(part, Shape::Flat(_))) {
            rows[node.output.0] = shapes;
        }
    }
}

/// Whether each element of the output depends on the input element with the same index.
fn keeps_elements(node: &Node) -> bool {
    !matches!(node.op, Op::Dense(_) | Op::Distance(_) | Op::Reshape(_) | Op::Concat(_) | Op::Slice(_) | Op::Shuffle(_))
}

/// The shape, if it has several positions and several channels, so that their order matters; empty otherwise.
fn parts(shape: Shape) -> Parts {
    if shape.positions() > 1 && shape.channels() > 1 { vec![shape] } else { Vec::new() }
}
