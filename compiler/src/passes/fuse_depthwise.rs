//! When predicting, a depthwise convolution becomes a part of the kernel behind it where that has been selected and can do it: some rows of its
//! output at a time stay in a cache until they have been read, and are never stored.

use super::merging::Merging;
use crate::graph::Graph;
use crate::ops::{LoweringContext, Phase};

/// Fuses what can be fused, in the graph of a prediction whose kernels have been selected.
#[must_use]
pub fn fuse_depthwise(graph: Graph) -> Graph {
    let mut merging = Merging::new(graph);
    for place in 0..merging.places() {
        let Some(node) = merging.node(place) else { continue };
        let &[input] = &node.inputs[..] else { continue };
        let Some(before) = merging.only_read_once(input) else { continue };
        let [before, node] =
            [before, node].map(|node| LoweringContext { graph: &merging.graph, node, phase: Phase::Predicting });
        // A sum of two layers has to lie somewhere, and so has a pool.
        let is_stored = before.node.epilogue.sum.is_some()
            || [before.node, node.node].iter().any(|node| node.epilogue.pool.is_some());
        if !is_stored && before.node.op.depthwise(&before).is_some() && node.node.op.can_follow_depthwise(&node) {
            merging.absorb(input, place);
        }
    }
    merging.finish()
}
