//! An activation, and in predictions a sum, becomes the epilogue of the preceding kernel: its elements are then still in registers or
//! in the L1 cache.

use netwright_abi::Activation;

use super::merging::Merging;
use crate::graph::{Graph, Head, ValueId};
use crate::ops::{EpiloguePart, Phase};

/// Fuses epilogues in the graph of a prediction or of a training step.
///
/// A value with another reader is stored, and so is the input of the network's head, which a loss may read. In training, the output of
/// each table row is stored too, because an observer may read it, and so are the values that a gradient needs: an activation is fused
/// only where its derivative follows from its output and the gradient of the operation before it does not read that operation's own
/// output.
#[must_use]
pub fn fuse(graph: Graph, phase: Phase) -> Graph {
    let mut seen = vec![false; graph.values.len()];
    if phase == Phase::Training {
        graph.layers.iter().for_each(|layer| seen[layer.output.0] = true);
    }
    seen[graph.logits().0] |= graph.head() != Head::Linear;
    let mut merging = Merging::new(graph);
    for index in 0..merging.len() {
        let Some(node) = merging.node(index) else { continue };
        match (node.op.as_epilogue(), &node.inputs[..]) {
            (Some(EpiloguePart::Activation(function)), &[input])
                if !seen[input.0] && takes_activation(&merging, input, function, phase) =>
            {
                merging.merge(input, index, None, |epilogue| epilogue.activation = Some(function));
            }
            (Some(EpiloguePart::Sum), &[left, right]) if phase == Phase::Predicting && left != right => {
                // Fuse into the later of the two: the earlier would have to wait, and its operands would stay in memory.
                let is_later = merging.index_of(left) > merging.index_of(right);
                let [term, other] = if is_later { [left, right] } else { [right, left] };
                if takes_sum(&merging, term) {
                    merging.merge(term, index, None, |epilogue| epilogue.sum = Some(other));
                }
            }
            _ => {}
        }
    }
    merging.finish()
}

fn takes_activation(merging: &Merging, input: ValueId, function: Activation, phase: Phase) -> bool {
    merging.only_read_once(input).is_some_and(|before| {
        let known = function.has_gradient_from_output() && !before.op.gradient_reads_output();
        (known || phase == Phase::Predicting)
            && before.epilogue.activation.is_none()
            && before.op.takes_epilogue(EpiloguePart::Activation(function))
    })
}

fn takes_sum(merging: &Merging, term: ValueId) -> bool {
    merging.only_read_once(term).is_some_and(|before| {
        before.epilogue.activation.is_none()
            && before.epilogue.sum.is_none()
            && before.op.takes_epilogue(EpiloguePart::Sum)
    })
}
