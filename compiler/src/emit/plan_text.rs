//! What was planned, as one text: a field and a tab, a call and a line. The runtime's `Plan` reads it.

use netwright_abi::{Computes, LANES};
use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};

use super::constants::calls;
use super::{InBlocks, Planned};
use crate::kernel_call::{Data, KernelCall, Operand};
use crate::passes::{MemoryPlan, Source};
use crate::program::Program;

/// Every call: what predictions prepare of the weights, a prediction, that of blocks of images, where there is one; then what a training step
/// prepares, and its pass. The text is one raw literal, however many layers there are: reading it takes rustc no time.
pub(super) fn plan(planned: &Planned<'_>, root: &TokenStream) -> TokenStream {
    let mut text = String::from("\n");
    let mut has_constant_sizes = false;
    let mut write = |computes: Computes, call: &KernelCall, before: &str, source: Option<Source>| {
        let name = |layer: &crate::graph::LayerId| planned.graph.layers[layer.0].name.as_str();
        let merged: Vec<&str> = call.rows.iter().map(name).collect();
        let product = if call.kernel.is_product() { "product" } else { "" };
        let sizes = if call.constant_sizes { "constant sizes" } else { "" };
        has_constant_sizes |= call.constant_sizes;
        let fields = [computes.name(), name(&call.layer), &merged.join(" "), call.kernel.name, product, sizes];
        let behind = match source {
            Some(Source { is_observed: false, .. }) => READS_SOURCE.to_owned(),
            Some(_) => format!("{READS_SOURCE}, unless an observer looks at a copy"),
            None => String::new(),
        };
        text.push_str(&format!("{}\t{before}{}{behind}\n", fields.join("\t"), call.why));
    };
    let mut write_all = |computes: Computes, program: &Program, plan: &MemoryPlan, before: &str| {
        calls(&program.steps, &plan.elided).for_each(|(step, call)| write(computes, call, before, plan.sources[step]));
    };
    let (preparing, predicting) = (&planned.preparing, &planned.predicting);
    write_all(Computes::Preparation, &preparing.0, &preparing.1, "");
    write_all(Computes::Prediction, &predicting.0, &predicting.1, "");
    if let Some(InBlocks { program, plan, fewest, .. }) = &planned.blocks {
        let before = format!("{LANES} images at once, where there are {fewest} or more: ");
        write_all(Computes::Prediction, program, plan, &before);
    }
    let (training, plan) = &planned.training;
    write_all(Computes::StepPreparation, &training.prepare, &planned.preparing_step, "");
    for (step, call) in calls(&training.program.steps, &plan.elided).filter(|(step, _)| !plan.for_observers[*step]) {
        let is_forward = step < training.loss;
        let computes = if is_forward { Computes::Forward } else { gradients_of(call, &training.program) };
        write(computes, call, "", plan.sources[step]);
    }
    let text = literal(&text);
    // What a debug build takes instead, it does not say.
    let constant_sizes =
        has_constant_sizes.then(|| quote!(.with_constant_sizes(!#root::private::core::cfg!(debug_assertions))));
    quote!(Plan::from_text(#text)#constant_sizes)
}

/// What is said of a call that changes a value in another place.
const READS_SOURCE: &str = "; reads a value that is needed later, and changes it on its way to a place of its own";

/// Which gradients a call on the way back computes: those of weights, those of a value, or both.
fn gradients_of(call: &KernelCall, program: &Program) -> Computes {
    let changed = || call.operands.iter().filter(|operand| operand.access.changes());
    // A value that grows with the batch has a gradient for each image; one that does not is expanded from weights.
    let grows = |operand: &Operand| match operand.data {
        Data::Value(value) => Some(program.values[value.0].extent.grows()),
        Data::Gradient(_) => Some(false),
        _ => None,
    };
    let [of_input, of_weights] = [true, false].map(|each| changed().any(|operand| grows(operand) == Some(each)));
    match (of_input, of_weights) {
        (true, true) => Computes::Gradients,
        (_, true) => Computes::WeightGradient,
        (_, false) => Computes::InputGradient,
    }
}

/// A raw literal, which people can read too. Names and reasons have no quotes; a text that had would be an ordinary literal.
fn literal(text: &str) -> TokenStream {
    let raw = format!("r\"{text}\"").parse::<Literal>().ok().filter(|_| !text.contains('"'));
    raw.unwrap_or_else(|| Literal::string(text)).into_token_stream()
}
