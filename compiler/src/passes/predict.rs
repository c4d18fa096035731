//! The calls that predict: every node forward, with dropout absent and statistics frozen.

use crate::graph::Graph;
use crate::kernel_call::Access;
use crate::ops::{Phase, Site};
use crate::program::{Outside, Program, Step};

/// The program of a prediction.
#[must_use]
pub fn predict(graph: &Graph) -> Program {
    let logits = graph.logits();
    let mut steps = Vec::new();
    for node in &graph.nodes {
        if node.output == graph.output && logits != graph.output {
            steps.push(Step::Outside { what: Outside::Logits, values: vec![(logits, Access::Read)] });
        }
        let calls = node.op.forward(&Site { graph, node, phase: Phase::Predicting });
        steps.extend(calls.into_iter().map(Step::Call));
    }
    steps.push(Step::Outside { what: Outside::Answer, values: vec![(graph.output, Access::Read)] });
    Program { values: graph.values.clone(), steps, input: graph.input }
}
