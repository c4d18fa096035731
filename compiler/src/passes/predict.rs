//! The calls that predict: every node forward, with dropout absent and statistics frozen. Those that depend on weights alone make a
//! program of their own, which runs once for all predictions.

use crate::graph::{Extent, Graph};
use crate::kernel_call::{Access, KernelCall};
use crate::ops::{LoweringContext, Phase};
use crate::program::{Outside, Prediction, Program, Step};

/// The programs of a prediction.
#[must_use]
pub fn predict(graph: &Graph) -> Prediction {
    let logits = graph.logits();
    let (mut prepare, mut predict) = (Vec::new(), Vec::new());
    for node in &graph.nodes {
        if node.output == graph.output && logits != graph.output {
            predict.push(Step::Outside { what: Outside::Logits, values: vec![(logits, Access::Read)] });
        }
        for call in node.op.forward(&LoweringContext { graph, node, phase: Phase::Predicting }) {
            let steps = if depends_on_weights(graph, &call) { &mut prepare } else { &mut predict };
            steps.push(Step::Call(call));
        }
    }
    predict.push(Step::Outside { what: Outside::Answer, values: vec![(graph.output, Access::Read)] });
    let program = |steps| Program { values: graph.values.clone(), steps, input: graph.input };
    Prediction { prepare: program(prepare), predict: program(predict) }
}

/// Whether a call reads and writes nothing but weights and what was prepared of them.
fn depends_on_weights(graph: &Graph, call: &KernelCall) -> bool {
    let mut values = call.values().peekable();
    let has_any = values.peek().is_some();
    has_any && values.all(|(value, _)| matches!(graph.values[value.0].extent, Extent::Prepared(_)))
}
