//! The calls that predict: every node forward, with dropout absent and statistics frozen. Those that depend on weights alone make a
//! program of their own, which runs once for all predictions.

use crate::graph::{Extent, Graph};
use crate::kernel_call::{Access, KernelCall};
use crate::ops::{Phase, Site};
use crate::program::{Outside, Prediction, Program, Step};

/// The programs of a prediction.
#[must_use]
pub fn predict(graph: &Graph) -> Prediction {
    let calls = graph.nodes.iter().flat_map(|node| node.op.forward(&Site { graph, node, phase: Phase::Predicting }));
    let (prepare, predict): (Vec<KernelCall>, Vec<KernelCall>) =
        calls.partition(|call| depends_on_weights(graph, call));
    let program = |calls: Vec<KernelCall>| Program {
        values: graph.values.clone(),
        steps: calls.into_iter().map(Step::Call).collect(),
        input: graph.input,
    };
    let mut prediction = Prediction { prepare: program(prepare), predict: program(predict) };
    prediction.predict.steps.push(Step::Outside { what: Outside::Answer, values: vec![(graph.output, Access::Read)] });
    prediction
}

/// Whether a call reads and writes nothing but weights and what was prepared of them.
fn depends_on_weights(graph: &Graph, call: &KernelCall) -> bool {
    let mut values = call.values().peekable();
    let has_any = values.peek().is_some();
    has_any && values.all(|(value, _)| matches!(graph.values[value.0].extent, Extent::Prepared(_)))
}
