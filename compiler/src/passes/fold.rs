//! In predictions, a batch normalisation or a constant factor becomes the scale and shift of the layer before it, and is applied while
//! the layer's result z is in registers: `y = γ/√(σ² + ε) · z + …`. The weights themselves do not change, so that a prediction always
//! agrees with them and they may be in flash memory: the scale and shift of each channel are computed when the network is prepared.

use super::merging::Merging;
use crate::graph::{Epilogue, Graph, LayerId, Node, ParameterKind, TensorId, ValueId};
use crate::ops::{EpiloguePart, Fold, Foldable, prepared};

/// Folds all such nodes in the graph of a prediction.
#[must_use]
pub fn fold(graph: Graph) -> Graph {
    let mut merging = Merging::new(graph);
    for index in 0..merging.len() {
        let Some(node) = merging.node(index) else { continue };
        let (Some(part @ EpiloguePart::Affine(of)), &[input]) = (node.op.as_epilogue(), &node.inputs[..]) else {
            continue;
        };
        let Some(before) = merging.only_read_once(input) else { continue };
        if before.epilogue == Epilogue::default() && before.op.takes_epilogue(part) {
            let bias = before.tensors.iter().find(|tensor| merging.graph.tensors[tensor.0].kind == ParameterKind::Bias);
            let tensors = node.tensors.iter().chain(bias).copied().collect();
            let (values, preparing) = {
                let layer = node.layer;
                scale_and_shift(&mut merging.graph, of, input, tensors, layer)
            };
            merging.merge(input, index, Some(preparing), |epilogue| epilogue.affine = Some(values));
        }
    }
    merging.finish()
}

/// The values of the scale and shift applied to `input`, and the node that computes them.
fn scale_and_shift(
    graph: &mut Graph,
    of: Foldable,
    input: ValueId,
    tensors: Vec<TensorId>,
    layer: LayerId,
) -> ([ValueId; 2], Node) {
    let behind = graph.shape(input);
    let values = [0, 1].map(|index| ValueId(graph.values.len() + index));
    graph.values.extend([prepared(behind.channels()); 2]);
    let fold = Node::new(Fold { of, behind }.into(), Vec::new(), values[0], tensors, layer);
    let node = Node { saved: vec![values[1]], ..fold };
    (values, node)
}
