//! The type's documentation: the table of layers as rustdoc.

use std::fmt::Write;

use super::Planned;
use crate::graph::{Graph, LayerId, ParameterKind, Tensor};
use crate::lower::shortened;

/// The documentation of the type: its table of layers.
pub(super) fn table(planned: &Planned<'_>) -> String {
    let graph = planned.graph;
    let mut text = String::from("\n\n| layer | | output | parameters | multiply-adds |\n|---|---|---|---:|---:|\n");
    let _ = writeln!(text, "| | input | {} | | |", graph.shape(graph.input));
    for (index, layer) in graph.layers.iter().enumerate() {
        let id = LayerId(index);
        let trained = graph
            .tensors_of(id)
            .iter()
            .filter(|tensor| tensor.kind != ParameterKind::Statistic)
            .map(Tensor::len)
            .sum::<usize>();
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} | {} |",
            layer.name,
            shortened(&layer.text),
            graph.shape(layer.output),
            grouped(trained as u64),
            grouped(graph.macs_of(id)),
        );
    }
    let macs: u64 = graph.nodes.iter().map(|node| graph.macs(node)).sum();
    let statistics = graph.count(false);
    let _ = write!(text, "\n{} parameters", grouped(graph.count(true) as u64));
    if statistics > 0 {
        let _ = write!(text, " and {} statistics", grouped(statistics as u64));
    }
    let _ = write!(text, ", {} multiply-adds for one image.", grouped(macs));
    text
}

/// The output of `{:?}`: the name and the counts, without the weights.
pub(super) fn debug_text(graph: &Graph, name: &str) -> String {
    let (input, output) = (graph.shape(graph.input), graph.shape(graph.output));
    format!("{name}({input} → {output}, {} parameters)", graph.count(true))
}

/// 61706 as `61,706`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
