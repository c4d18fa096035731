//! An activation, and when predicting a sum, becomes the epilogue of the kernel before it: its elements are then still in registers or in
//! the first cache.

use netwright_abi::Activation;

use super::merging::Merging;
use crate::graph::{Graph, Head, ValueId};
use crate::ops::{EpiloguePart, Phase};

/// Fuses what can be fused, in the graph of a prediction or of a training step.
///
/// A value that someone else reads stays, and so does what goes into the network's head, which a loss may see. While training, so do the
/// output of each row of the table, which an observer may see, and what a gradient needs: an activation is fused where its slope can be
/// told from its output, and the gradient of what is before it does not read that.
#[must_use]
pub fn fuse(graph: Graph, phase: Phase) -> Graph {
    let mut seen = vec![false; graph.values.len()];
    if phase == Phase::Training {
        graph.layers.iter().for_each(|layer| seen[layer.output.0] = true);
    }
    seen[graph.logits().0] |= graph.head() != Head::Linear;
    let mut merging = Merging::new(graph);
    for place in 0..merging.places() {
        let Some(node) = merging.node(place) else { continue };
        match (node.op.as_epilogue(), &node.inputs[..]) {
            (Some(EpiloguePart::Activation(function)), &[input])
                if !seen[input.0] && takes_activation(&merging, input, function, phase) =>
            {
                merging.merge(input, place, None, |epilogue| epilogue.activation = Some(function));
            }
            (Some(EpiloguePart::Sum), &[left, right]) if phase == Phase::Predicting && left != right => {
                // The later of the two: the earlier would have to wait, and what it reads to stay in memory.
                let is_later = merging.place_of(left) > merging.place_of(right);
                let [term, other] = if is_later { [left, right] } else { [right, left] };
                if takes_sum(&merging, term) {
                    merging.merge(term, place, None, |epilogue| epilogue.sum = Some(other));
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
