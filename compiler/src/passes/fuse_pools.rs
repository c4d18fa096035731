//! When predicting, a pool becomes a part of the kernel before it where that has been selected and can do it: the values that are pooled are
//! then never stored.

use super::merging::Merging;
use crate::graph::{Epilogue, Graph};
use crate::ops::Op;
use crate::selection::Direction;

/// Fuses what can be fused, in the graph of a prediction whose kernels have been selected.
#[must_use]
pub fn fuse_pools(graph: Graph) -> Graph {
    let mut merging = Merging::new(graph);
    for place in 0..merging.places() {
        let Some(node) = merging.node(place) else { continue };
        let (&Op::Pool(pool), &[input]) = (&node.op, &node.inputs[..]) else { continue };
        let Some(before) = merging.only_read_once(input) else { continue };
        let can_pool = before
            .selected(Direction::Predicting)
            .is_some_and(|selected| before.op.can_pool(selected.name, &before.epilogue, &pool));
        if can_pool && before.epilogue.pool.is_none() && node.epilogue == Epilogue::default() {
            merging.merge(input, place, None, |epilogue| epilogue.pool = Some(pool));
        }
    }
    merging.finish()
}
