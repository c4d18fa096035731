//! Back-propagation (slide 4): the calls of a training step. Every node forward, then the loss, then every node backward. Where
//! several nodes read a value, their gradients are summed.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Extent, Graph, Head, LayerId, Value, ValueId};
use netwright_abi::kernels::{Accumulate, add_assign};
use netwright_abi::spec::add;

use crate::kernel_call::{Access, Data, FusedGradient, KernelCall, Operand, When};
use crate::ops::{Activation, GradientContext, LoweringContext, Phase};
use crate::program::{Forward, Outside, Program, Step, Training};

/// Returns the program of a training step.
#[must_use]
pub fn differentiate(graph: &Graph) -> Training {
    let mut forward = Forward::default();
    for node in &graph.nodes {
        forward.extend(graph, node.op.forward(&LoweringContext { graph, node, phase: Phase::Training }));
    }
    let Forward { prepare, pass: mut steps } = forward;
    let mut backward = Backward::new(graph);
    let logits = graph.logits();
    let read = backward.logits_in_workspace(logits, &mut steps);
    let loss = steps.len();
    let output_gradient = backward.gradient_like(graph.output);
    let logits_gradient = if logits == graph.output { output_gradient } else { backward.gradient_like(logits) };
    let mut touched = vec![(graph.output, Access::Read), (output_gradient, Access::Write)];
    if logits != graph.output {
        touched.extend([(read, Access::Read), (logits_gradient, Access::Write)]);
    }
    steps.push(Step::Outside { what: Outside::Loss, values: touched });
    backward.gradients.insert(graph.output, output_gradient);
    backward.run(logits, logits_gradient);
    let input_gradient = backward.gradients.get(&graph.input).copied();
    steps.append(&mut backward.steps);
    if let Some(gradient) = input_gradient {
        steps.push(Step::Outside { what: Outside::InputGradient, values: vec![(gradient, Access::Read)] });
    }
    let fused = fused(graph, &mut steps);
    if !fused.is_empty() {
        let factors = fused.iter().flat_map(|(_, gradient)| [gradient.left, gradient.right]);
        let values = factors.map(|value| (value, Access::Read)).collect();
        steps.push(Step::Outside { what: Outside::Update, values });
    }
    let prepare = Program { values: graph.values.clone(), steps: prepare, input: graph.input };
    let program = Program { values: backward.values, steps, input: graph.input };
    let gradients = backward.gradient_of;
    Training {
        prepare,
        program,
        loss,
        logits: read,
        output_gradient,
        logits_gradient,
        input_gradient,
        gradients,
        fused,
    }
}

/// Returns the gradients that the optimiser's update may compute. The gradient of weights shared by several layers is a sum, and is
/// excluded.
fn fused(graph: &Graph, steps: &mut [Step]) -> Vec<(LayerId, FusedGradient)> {
    let mut found = Vec::new();
    let mut uses = vec![0; graph.tensors.len()];
    for call in steps.iter_mut().filter_map(Step::as_call_mut) {
        for operand in &call.operands {
            if let Data::Gradient(tensor) = operand.data {
                uses[tensor.0] += 1;
            }
        }
    }
    for call in steps.iter_mut().filter_map(Step::as_call_mut) {
        call.fused = call.fused.filter(|gradient| uses[gradient.weights.0] == 1 && call.when == When::Always);
        found.extend(call.fused.map(|gradient| (graph.tensors[gradient.weights.0].layer, gradient)));
    }
    found.sort_by_key(|(_, gradient)| graph.tensors[gradient.weights.0].offset);
    found
}

struct Backward<'a> {
    graph: &'a Graph,
    values: Vec<Value>,
    steps: Vec<Step>,
    /// For each value, its gradient so far.
    gradients: BTreeMap<ValueId, ValueId>,
    /// For each gradient, its value; several readers of one value have one gradient each.
    gradient_of: BTreeMap<ValueId, ValueId>,
    /// Whether each value depends on weights that are not frozen: training needs only the gradients of these.
    trained: Vec<bool>,
    /// Gradients of all other values.
    for_input: BTreeSet<ValueId>,
}

impl<'a> Backward<'a> {
    fn new(graph: &'a Graph) -> Self {
        Self {
            graph,
            values: graph.values.clone(),
            steps: Vec::new(),
            gradients: BTreeMap::new(),
            gradient_of: BTreeMap::new(),
            trained: graph.trained_values(),
            for_input: BTreeSet::new(),
        }
    }

    /// Returns the logits where a loss can read them: a copy, where the head reads the caller's images directly.
    fn logits_in_workspace(&mut self, logits: ValueId, steps: &mut Vec<Step>) -> ValueId {
        let graph = self.graph;
        let Some(head) = graph.producer(graph.output).filter(|_| logits == graph.input && logits != graph.output)
        else {
            return logits;
        };
        self.values.push(self.values[logits.0]);
        let copied = ValueId(self.values.len() - 1);
        let context = LoweringContext { graph, node: head, phase: Phase::Training };
        let call = context.copy(self.values[logits.0].extent.len(), Data::Value(logits), Data::Value(copied));
        steps.push(Step::Call(call));
        copied
    }

    fn gradient_like(&mut self, value: ValueId) -> ValueId {
        self.values.push(self.values[value.0]);
        let gradient = ValueId(self.values.len() - 1);
        self.gradient_of.insert(gradient, value);
        if !self.trained[value.0] {
            self.for_input.insert(gradient);
        }
        gradient
    }

    fn run(&mut self, logits: ValueId, logits_gradient: ValueId) {
        let graph = self.graph;
        let head = graph.head();
        for node in graph.nodes.iter().rev() {
            let Some(&dy) = self.gradients.get(&node.output) else { continue };
            let is_head = node.output == graph.output && head != Head::Linear;
            let forward = LoweringContext { graph, node, phase: Phase::Training };
            // A gradient that accumulates into that of earlier readers needs no memory of its own.
            let sum = match node.inputs[..] {
                [only] if node.op.adds_gradient(&forward) => self.gradients.get(&only).copied(),
                _ => None,
            };
            let dx: Vec<ValueId> = match sum {
                Some(sum) => vec![sum],
                None => {
                    let of =
                        |&input| if is_head && input == logits { logits_gradient } else { self.gradient_like(input) };
                    node.inputs.iter().map(of).collect()
                }
            };
            if graph.layers[node.layer.0].output == node.output {
                let when = match (is_head, self.for_input.contains(&dy)) {
                    (true, _) => When::SeededAtOutput,
                    (false, true) => When::InputGradientWanted,
                    (false, false) => When::Always,
                };
                let what = Outside::LayerGradient(node.layer, when);
                self.steps.push(Step::Outside { what, values: vec![(dy, Access::Update)] });
            }
            let dy = match node.epilogue.activation.filter(|&activation| !node.op.gradient_takes(activation)) {
                Some(activation) => self.before_epilogue(&forward, activation, dy),
                None => dy,
            };
            let context = GradientContext { forward, dy, dx: dx.clone(), adds: sum.is_some() };
            for call in node.op.gradient(&context) {
                let Some(mut call) = self.without_frozen(call) else { continue };
                call.when = if is_head { When::SeededAtOutput } else { self.when(&call) };
                self.steps.push(Step::Call(call));
            }
            for (&input, &gradient) in node.inputs.iter().zip(&dx).filter(|_| sum.is_none()) {
                match self.gradients.get(&input) {
                    None => {
                        self.gradients.insert(input, gradient);
                    }
                    Some(&sum) => {
                        let call = self.add(node.layer, gradient, sum);
                        self.steps.push(Step::Call(call));
                    }
                }
            }
        }
    }

    /// Derives the gradient before the activation of a node's epilogue from the gradient of the node's output.
    fn before_epilogue(
        &mut self,
        context: &LoweringContext<'_>,
        activation: netwright_abi::Activation,
        dy: ValueId,
    ) -> ValueId {
        let before = self.gradient_like(context.node.output);
        for mut call in Activation(activation).gradient_of_epilogue(context, [dy, before].map(Data::Value)) {
            call.when = self.when(&call);
            self.steps.push(Step::Call(call));
        }
        before
    }

    fn add(&self, layer: LayerId, gradient: ValueId, sum: ValueId) -> KernelCall {
        let len = self.values[sum.0].extent.len();
        let sizes = add::Spec { len, activation: None };
        let operands = Accumulate { x: Data::Value(gradient), y: Data::Value(sum) };
        let why = "a value read by several layers gets the sum of their gradients";
        let mut call = KernelCall::new(add_assign, &sizes, operands, layer, None, why);
        call.when = self.when(&call);
        call
    }

    /// Removes the gradients of frozen tensors from a call; returns `None` where it computes no others. A gradient stays where a
    /// kernel needs memory for the gradient of weights that are shared with a frozen layer.
    fn without_frozen(&self, mut call: KernelCall) -> Option<KernelCall> {
        let is_frozen = |data: Data| match data {
            Data::Gradient(tensor) => self.graph.is_frozen(tensor),
            // The gradient of weights that are expanded from a frozen tensor.
            Data::Value(value) => {
                let is_weights = matches!(self.values[value.0].extent, Extent::Fixed(_));
                is_weights && self.for_input.contains(&value)
            }
            _ => false,
        };
        let changed = call.operands.iter().filter(|operand| operand.access.changes());
        if changed.clone().any(|operand| is_frozen(operand.data)) {
            if changed.clone().all(|operand| is_frozen(operand.data) || operand.data == Data::Absent) {
                return None;
            }
            if changed.clone().any(|operand| matches!(operand.data, Data::Value(_))) {
                let frozen = call.operands.iter_mut().filter(|operand| is_frozen(operand.data));
                frozen.for_each(|operand| operand.data = Data::Absent);
            }
        }
        Some(call)
    }

    /// A call that computes only gradients of values before the first trained weight runs only where the gradient of the images is
    /// requested.
    fn when(&self, call: &KernelCall) -> When {
        let changes = |operand: &&Operand| operand.access.changes();
        let only_for_input = call.operands.iter().filter(changes).all(|operand| match operand.data {
            Data::Value(value) => self.for_input.contains(&value),
            Data::Absent => true,
            _ => false,
        });
        if only_for_input { When::InputGradientWanted } else { When::Always }
    }
}
