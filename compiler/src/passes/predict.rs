//! The calls of a prediction: every node forward, without dropout and with frozen statistics. Calls that depend only on weights form a
//! program of their own, which runs once for all predictions.

use crate::graph::Graph;
use crate::kernel_call::Access;
use crate::ops::{LoweringContext, Phase};
use crate::program::{Forward, Outside, Prediction, Program, Step};

/// Returns the programs of a prediction.
#[must_use]
pub fn predict(graph: &Graph) -> Prediction {
    let logits = graph.logits();
    let mut forward = Forward::default();
    for node in &graph.nodes {
        if node.output == graph.output && logits != graph.output {
            forward.pass.push(Step::Outside { what: Outside::Logits, values: vec![(logits, Access::Read)] });
        }
        forward.extend(graph, node.op.forward(&LoweringContext { graph, node, phase: Phase::Predicting }));
    }
    let Forward { prepare, pass: mut predict } = forward;
    predict.push(Step::Outside { what: Outside::Answer, values: vec![(graph.output, Access::Read)] });
    let program = |steps| Program { values: graph.values.clone(), steps, input: graph.input };
    Prediction { prepare: program(prepare), predict: program(predict) }
}
