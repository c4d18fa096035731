//! In predictions, a pool is fused into the preceding kernel, where the selected kernel supports that: the unpooled values are then
//! never stored.

use super::merging::Merging;
use crate::graph::{Epilogue, Graph};
use crate::ops::Op;
use crate::selection::Direction;

/// Fuses pools in the graph of a prediction, after kernel selection.
#[must_use]
pub fn fuse_pools(graph: Graph) -> Graph {
    let mut merging = Merging::new(graph);
    for index in 0..merging.len() {
        let Some(node) = merging.node(index) else { continue };
        let (&Op::Pool(pool), &[input]) = (&node.op, &node.inputs[..]) else { continue };
        let Some(before) = merging.only_read_once(input) else { continue };
        let can_pool = before
            .selected(Direction::Predicting)
            .is_some_and(|selected| before.op.can_pool(selected.name, &before.epilogue, &pool));
        if can_pool && before.epilogue.pool.is_none() && node.epilogue == Epilogue::default() {
            merging.merge(input, index, None, |epilogue| epilogue.pool = Some(pool));
        }
    }
    merging.finish()
}
