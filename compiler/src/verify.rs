//! The invariants of a graph; debug builds check them after each pass.

use std::collections::BTreeSet;

use crate::graph::{Extent, Graph, ParameterKind, ValueId};
use crate::ops::{Op, Pool};
use crate::shape::Shape;

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

/// Checks that nodes come after their inputs, shapes are what operations infer, rows are contiguous, and tensors have no gaps between
/// them.
///
/// # Errors
/// The first invariant that does not hold.
pub fn verify(graph: &Graph) -> Result<(), Broken> {
    let mut known: BTreeSet<ValueId> = BTreeSet::from([graph.input]);
    for node in &graph.nodes {
        let name = node.op.name();
        if let Some(early) = node.reads().find(|value| !known.contains(value)) {
            return Err(Broken(format!("{name} reads %{} before it is computed", early.0)));
        }
        for value in node.saved.iter().chain([&node.output]) {
            if !known.insert(*value) {
                return Err(Broken(format!("%{} is computed twice", value.0)));
            }
        }
        if let Some(sum) = node.epilogue.sum.filter(|sum| graph.shape(*sum) != graph.shape(node.output)) {
            return Err(Broken(format!("{name} is added to %{}, which has another shape", sum.0)));
        }
        for value in node.epilogue.affine.into_iter().flatten() {
            if graph.values[value.0].extent != Extent::Prepared(graph.shape(node.output).channels()) {
                return Err(Broken(format!("%{} has not a number for each channel of {name}", value.0)));
            }
        }
        let inputs: Vec<Shape> = node.inputs.iter().map(|&input| graph.shape(input)).collect();
        let infer = |shape: Result<Shape, _>, pool: &Pool| shape.and_then(|shape| Op::from(*pool).infer(&[shape]));
        let inferred = node.op.infer(&inputs);
        match node.epilogue.pool.iter().fold(inferred, infer) {
            Ok(shape) if shape == graph.shape(node.output) => {}
            Ok(shape) => {
                return Err(Broken(format!("{name} makes {shape}, and its value is {}", graph.shape(node.output))));
            }
            Err(error) => return Err(Broken(format!("{name} does not fit: {}", error.message))),
        }
        if node.layer.0 >= graph.layers.len() {
            return Err(Broken(format!("{name} belongs to no row")));
        }
    }
    if !known.contains(&graph.output) {
        return Err(Broken("the output is never computed".to_owned()));
    }
    if !graph.nodes.is_sorted_by_key(|node| node.layer) || !graph.tensors.is_sorted_by_key(|tensor| tensor.layer) {
        return Err(Broken("the nodes or the tensors of a row do not lie side by side".to_owned()));
    }
    for trained in [true, false] {
        let mut end = 0;
        for tensor in graph.tensors.iter().filter(|tensor| (tensor.kind != ParameterKind::Statistic) == trained) {
            if tensor.offset != end {
                return Err(Broken(format!("{} starts at {} and not at {end}", tensor.name, tensor.offset)));
            }
            end += tensor.len();
        }
    }
    Ok(())
}
