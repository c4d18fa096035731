//! When predicting, weights are packed once for all passes, in the form that their kernels read.

use crate::graph::{Epilogue, Graph, Node, ValueId, Variant};
use crate::ops::prepared;
use crate::shape::Shape;

/// Puts the packing of its weights before every node that can do with packed ones.
#[must_use]
pub fn pack(mut graph: Graph) -> Graph {
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes) {
        let inputs: Vec<Shape> = node.inputs.iter().map(|&input| graph.shape(input)).collect();
        if let Some((pack, variant)) = node.op.packing(&node.variant, &inputs, graph.shape(node.output)) {
            let output = ValueId(graph.values.len());
            graph.values.push(prepared(pack.len()));
            nodes.push(Node {
                op: pack.into(),
                inputs: Vec::new(),
                output,
                saved: Vec::new(),
                tensors: node.tensors.clone(),
                layer: node.layer,
                variant: Variant::ONLY,
                epilogue: Epilogue::default(),
                prepared: None,
            });
            (node.prepared, node.variant) = (Some(output), variant);
        }
        nodes.push(node);
    }
    graph.nodes = nodes;
    graph
}
