//! Replaces a layer with a sparse form of ordinary weights by the ordinary layer, preceded by a node that computes the ordinary
//! weights. Selection, preparation and differentiation then see only ordinary layers.

use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Phase, fixed, prepared};
use crate::shape::Shape;

/// Expands weights in the fused graph of a phase: once for all predictions, or in each training pass.
#[must_use]
pub fn expand(mut graph: Graph, phase: Phase) -> Graph {
    for mut node in std::mem::take(&mut graph.nodes) {
        let inputs: Vec<Shape> = node.inputs.iter().map(|&input| graph.shape(input)).collect();
        if let Some([expand, ordinary]) = node.op.expanded(&inputs) {
            let Ok(weights) = expand.infer(&[]) else { unreachable!("a layer that fits its input has weights") };
            let output = ValueId(graph.values.len());
            graph.values.push(match phase {
                Phase::Predicting => prepared(weights.len()),
                Phase::Training => fixed(weights.len()),
            });
            graph.nodes.push(Node::new(expand, Vec::new(), output, node.tensors.clone(), node.layer));
            node.op = ordinary;
            node.inputs.push(output);
        }
        graph.nodes.push(node);
    }
    graph
}
