//! A pass over a batch as a list of kernel calls, before anything has an address.

use std::collections::BTreeMap;
use std::fmt;

use crate::graph::{Extent, Graph, LayerId, Value, ValueId};
use crate::kernel_call::{Access, FusedGradient, KernelCall, When};

/// Calls in the order in which they run, over the values of the graph and the gradients that came to them.
#[derive(Clone, Debug)]
pub struct Program {
    /// The graph's values, then gradients.
    pub values: Vec<Value>,
    /// What runs, and where users come in between.
    pub steps: Vec<Step>,
    /// The images: read where they lie, never written.
    pub input: ValueId,
}

impl Program {
    /// The values that calls compute or change for each image, with how many elements each has.
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

/// The steps of nodes forward: those that depend on weights alone, and the others.
#[derive(Debug, Default)]
pub struct Forward {
    /// Those that read and write nothing but weights and what was prepared of them.
    pub prepare: Vec<Step>,
    /// The others.
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

/// Whether a call reads and writes nothing but weights and what was prepared of them.
fn depends_on_weights(graph: &Graph, call: &KernelCall) -> bool {
    let mut values = call.values().peekable();
    let has_any = values.peek().is_some();
    has_any && values.all(|(value, _)| matches!(graph.values[value.0].extent, Extent::Prepared(_)))
}

/// What predicts: a program over weights alone, and one over images.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Computes the values that follow from the weights alone.
    pub prepare: Program,
    /// Computes the answers.
    pub predict: Program,
}

/// One step of a program.
#[derive(Clone, Debug)]
pub enum Step {
    /// A kernel.
    Call(KernelCall),
    /// A place where code outside the pass reads or writes values: the loss, the caller.
    Outside {
        /// What happens there.
        what: Outside,
        /// The values touched.
        values: Vec<(ValueId, Access)>,
    },
}

/// What happens outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The caller of a prediction takes what goes into the final softmax or sigmoid, where it wants that.
    Logits,
    /// The caller takes the answers.
    Answer,
    /// The loss reads answers or logits and writes the gradient of either.
    Loss,
    /// An observer sees the gradient of a layer's output, whole, and may change it.
    LayerGradient(LayerId, When),
    /// The caller takes the gradient of the images.
    InputGradient,
    /// The optimiser's update may compute gradients of weights: [`Training::fused`].
    Update,
}

impl Step {
    /// The call that it is, if it is one.
    pub(crate) fn as_call_mut(&mut self) -> Option<&mut KernelCall> {
        match self {
            Self::Call(call) => Some(call),
            Self::Outside { .. } => None,
        }
    }
    /// The values it touches, with what it does to each.
    pub fn values(&self) -> Vec<(ValueId, Access)> {
        match self {
            Self::Call(call) => call.values().collect(),
            Self::Outside { values, .. } => values.clone(),
        }
    }
}

/// The training pass, with the values that the runtime must find.
#[derive(Clone, Debug)]
pub struct Training {
    /// Computes the values that follow from the weights alone, once for all micro-batches of a step.
    pub prepare: Program,
    /// Forward, the loss, backward.
    pub program: Program,
    /// The index of the loss among the steps.
    pub loss: usize,
    /// What goes into the final softmax or sigmoid.
    pub logits: ValueId,
    /// The gradient of the answers.
    pub output_gradient: ValueId,
    /// The gradient of the logits.
    pub logits_gradient: ValueId,
    /// The gradient of the images.
    pub input_gradient: Option<ValueId>,
    /// Each gradient, with the value that it is the gradient of.
    pub gradients: BTreeMap<ValueId, ValueId>,
    /// The gradients of weights that the optimiser's update may compute, in the order of the weights, each with its row.
    pub fused: Vec<(LayerId, FusedGradient)>,
}

/// A readable list of the calls.
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
