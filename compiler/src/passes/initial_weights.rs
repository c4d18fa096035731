//! The default initialisation of weights: N(0, 1/D) as in the lecture (slide 12), He's for weights that feed a rectifier.

use crate::graph::{Graph, Init, Node, ParameterKind};
use crate::ops::Op;

/// Sets the initialisation of every weight without one.
#[must_use]
pub fn initial_weights(mut graph: Graph) -> Graph {
    let readers = graph.readers();
    let chosen: Vec<(usize, Init)> = graph
        .nodes
        .iter()
        .flat_map(|node| node.tensors.iter().map(move |tensor| (node, tensor.0)))
        .filter(|(_, tensor)| {
            graph.tensors[*tensor].init.is_none() && graph.tensors[*tensor].kind == ParameterKind::Weight
        })
        .map(|(node, tensor)| {
            (tensor, if feeds_rectifier(&graph, &readers, node) { Init::HeNormal } else { Init::LecunNormal })
        })
        .collect();
    for (tensor, init) in chosen {
        graph.tensors[tensor].init.get_or_insert(init);
    }
    graph
}

/// Whether the first activation after a node is a rectifier, ignoring operations in between that preserve signs.
fn feeds_rectifier(graph: &Graph, readers: &[Vec<usize>], node: &Node) -> bool {
    let mut value = node.output;
    loop {
        let [consumer] = readers[value.0][..] else { return false };
        let consumer = &graph.nodes[consumer];
        match &consumer.op {
            Op::Activation(activation) => return activation.0.is_rectifier_family(),
            Op::Prelu(_) => return true,
            op if op.passes_sign() => value = consumer.output,
            _ => return false,
        }
    }
}
