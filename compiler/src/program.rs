//! A pass over a batch as a list of kernel calls, before memory planning.

use std::collections::BTreeMap;
use std::fmt;

use crate::graph::{Extent, Graph, LayerId, Value, ValueId};
use crate::kernel_call::{Access, FusedGradient, KernelCall, When};

/// Calls in execution order, over the values of the graph and their gradients.
#[derive(Clone, Debug)]
pub struct Program {
    /// The graph's values, then gradients.
    pub values: Vec<Value>,
    /// The calls, and the points at which code outside the pass accesses values.
    pub steps: Vec<Step>,
    /// The images: read from the caller's memory, never written.
    pub input: ValueId,
}

impl Program {
    /// The values per image that calls compute or update, with the number of elements of each.
    pub fn values_of_images(&self) -> impl Iterator<Item = (ValueId, usize)> + '_ {
        let mut touched = vec![false; self.values.len()];
        for (value, _) in self.steps.iter().flat_map(Step::values) {
            touched[value.0] = value != self.input;
        }
        self.values.iter().enumerate().filter_map(move |(index, value)| match value.extent {
            Extent::PerImage(len) if touched[index] => Some((ValueId(index), len)),
            _ => None,
        })
    }
}

/// The steps of the forward pass of nodes, split into those that depend only on weights and all others.
#[derive(Debug, Default)]
pub struct Forward {
    /// Steps that read and write only weights and values prepared from them.
    pub prepare: Vec<Step>,
    /// All other steps.
    pub pass: Vec<Step>,
}

impl Forward {
    /// Adds the calls of a node.
    pub fn extend(&mut self, graph: &Graph, calls: impl IntoIterator<Item = KernelCall>) {
        for call in calls {
            let steps = if depends_on_weights(graph, &call) { &mut self.prepare } else { &mut self.pass };
            steps.push(Step::Call(call));
        }
    }
}

/// Whether a call reads and writes only weights and values prepared from them.
fn depends_on_weights(graph: &Graph, call: &KernelCall) -> bool {
    let mut values = call.values().peekable();
    let has_any = values.peek().is_some();
    has_any && values.all(|(value, _)| matches!(graph.values[value.0].extent, Extent::Prepared(_)))
}

/// The two programs of a prediction: one over weights alone, one over images.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Computes the values that depend only on the weights.
    pub prepare: Program,
    /// Computes the outputs.
    pub predict: Program,
}

/// One step of a program.
#[derive(Clone, Debug)]
pub enum Step {
    /// A kernel.
    Call(KernelCall),
    /// A point at which code outside the pass reads or writes values: the loss or the caller.
    Outside {
        /// The event.
        what: Outside,
        /// The values it accesses.
        values: Vec<(ValueId, Access)>,
    },
}

/// The events at which outside code accesses values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The caller of a prediction may read the inputs of the final softmax or sigmoid.
    Logits,
    /// The caller reads the outputs.
    Answer,
    /// The loss reads outputs or logits, and writes the gradient of one of them.
    Loss,
    /// An observer sees the complete gradient of a layer's output, and may change it.
    LayerGradient(LayerId, When),
    /// The caller reads the gradient of the images.
    InputGradient,
    /// The optimiser's update may compute gradients of weights: [`Training::fused`].
    Update,
}

impl Step {
    /// The kernel call, if the step is one.
    pub(crate) fn as_call_mut(&mut self) -> Option<&mut KernelCall> {
        match self {
            Self::Call(call) => Some(call),
            Self::Outside { .. } => None,
        }
    }
    /// The values it accesses, with the kind of access.
    pub fn values(&self) -> Vec<(ValueId, Access)> {
        match self {
            Self::Call(call) => call.values().collect(),
            Self::Outside { values, .. } => values.clone(),
        }
    }
}

/// The training pass, with the values that the runtime accesses.
#[derive(Clone, Debug)]
pub struct Training {
    /// Computes the values that depend only on the weights, once for all micro-batches of a step.
    pub prepare: Program,
    /// Forward, the loss, backward.
    pub program: Program,
    /// The index of the loss among the steps.
    pub loss: usize,
    /// The inputs of the final softmax or sigmoid.
    pub logits: ValueId,
    /// The gradient of the outputs.
    pub output_gradient: ValueId,
    /// The gradient of the logits.
    pub logits_gradient: ValueId,
    /// The gradient of the images.
    pub input_gradient: Option<ValueId>,
    /// Each gradient, with the value it belongs to.
    pub gradients: BTreeMap<ValueId, ValueId>,
    /// The gradients of weights that the optimiser's update may compute, in the order of the weights, each with its row.
    pub fused: Vec<(LayerId, FusedGradient)>,
}

/// A readable listing of the calls.
#[derive(Debug)]
pub struct Listing<'a>(pub &'a Program, pub &'a Graph);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0.steps {
            match step {
                Step::Call(call) => write!(f, "{:<28} {}", self.1.layers[call.layer.0].name, call.kernel.name)?,
                Step::Outside { what, .. } => write!(f, "{:<28} {what:?}", "")?,
            }
            for (value, access) in step.values() {
                let mark = match access {
                    Access::Read | Access::Source => "",
                    Access::Write => "=",
                    Access::Update => "~",
                };
                write!(f, " {mark}%{}", value.0)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
