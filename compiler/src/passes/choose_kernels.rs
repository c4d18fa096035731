//! Each node takes the variant of its kernel that is estimated fastest.

use crate::graph::{Graph, Variant};
use crate::shape::Shape;

/// Chooses a variant for every node.
#[must_use]
pub fn choose_kernels(mut graph: Graph) -> Graph {
    let chosen: Vec<Variant> = graph
        .nodes
        .iter()
        .map(|node| {
            let inputs: Vec<Shape> = node.inputs.iter().map(|&input| graph.shape(input)).collect();
            let variants = node.op.variants(&inputs, graph.shape(node.output));
            variants.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost)).unwrap_or(Variant::ONLY)
        })
        .collect();
    for (node, variant) in graph.nodes.iter_mut().zip(chosen) {
        node.variant = variant;
    }
    graph
}
