//! In predictions, a depthwise convolution is fused into the kernel after it, where the selected kernel supports that: some rows of
//! its output at a time stay in a cache until they are read, and the output is never stored as a whole.

use super::merging::Merging;
use crate::graph::Graph;
use crate::ops::{LoweringContext, Phase};

/// Fuses depthwise convolutions in the graph of a prediction, after kernel selection.
#[must_use]
pub fn fuse_depthwise(graph: Graph) -> Graph {
    let mut merging = Merging::new(graph);
    for index in 0..merging.len() {
        let Some(node) = merging.node(index) else { continue };
        let &[input] = &node.inputs[..] else { continue };
        let Some(before) = merging.only_read_once(input) else { continue };
        let [before, node] =
            [before, node].map(|node| LoweringContext { graph: &merging.graph, node, phase: Phase::Predicting });
        // A sum must be stored, and so must the values of a pool.
        let is_stored = before.node.epilogue.sum.is_some()
            || [before.node, node.node].iter().any(|node| node.epilogue.pool.is_some());
        if !is_stored && before.node.op.depthwise(&before).is_some() && node.node.op.can_follow_depthwise(&node) {
            merging.absorb(input, index);
        }
    }
    merging.finish()
}
