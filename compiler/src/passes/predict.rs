//! The calls that predict: every node forward, with dropout absent and statistics frozen.

use crate::graph::Graph;
use crate::kernel_call::Access;
use crate::ops::{Phase, Site};
use crate::program::{Outside, Program, Step};

/// The program of a prediction.
#[must_use]
pub fn predict(graph: &Graph) -> Program {
    let mut steps: Vec<Step> = graph
        .nodes
        .iter()
        .flat_map(|node| node.op.forward(&Site { graph, node, phase: Phase::Predicting }))
        .map(Step::Call)
        .collect();
    steps.push(Step::Outside { what: Outside::Answer, values: vec![(graph.output, Access::Read)] });
    Program { values: graph.values.clone(), steps, input: graph.input }
}
