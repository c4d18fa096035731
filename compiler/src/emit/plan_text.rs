//! The plan as one string: one line per call, with fields separated by tabs. The runtime's `Plan` parses it.

use netwright_abi::{Computes, LANES};
use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};

use super::constants::calls;
use super::{InBlocks, Planned};
use crate::kernel_call::{Data, KernelCall, Operand};
use crate::passes::{MemoryPlan, Source};
use crate::program::Program;

/// Lists every call: preparation, prediction, prediction of blocks of images where there is one, then the preparation and the pass of
/// a training step. It is one raw string literal for any number of layers, so that it adds no compile time.
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
        let suffix = match source {
            Some(Source { is_observed: false, .. }) => READS_SOURCE.to_owned(),
            Some(_) => format!("{READS_SOURCE}, unless an observer looks at a copy"),
            None => String::new(),
        };
        text.push_str(&format!("{}\t{before}{}{suffix}\n", fields.join("\t"), call.why));
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
    // The text does not mention that debug builds use kernels without constant sizes.
    let constant_sizes =
        has_constant_sizes.then(|| quote!(.with_constant_sizes(!#root::private::core::cfg!(debug_assertions))));
    quote!(Plan::from_text(#text)#constant_sizes)
}

/// Appended to the reason of an in-place call that reads another value.
const READS_SOURCE: &str = "; reads a value that is needed later, and changes it on its way to a place of its own";

/// Which gradients a call of the backward pass computes: of weights, of a value, or both.
fn gradients_of(call: &KernelCall, program: &Program) -> Computes {
    let changed = || call.operands.iter().filter(|operand| operand.access.changes());
    // The gradient of a value that grows with the batch has elements for each image; a value that does not grow is expanded from
    // weights.
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

/// A raw literal, which is readable in emitted code; an ordinary literal if the text contains quotes, which names and reasons do not.
fn literal(text: &str) -> TokenStream {
    let raw = format!("r\"{text}\"").parse::<Literal>().ok().filter(|_| !text.contains('"'));
    raw.unwrap_or_else(|| Literal::string(text)).into_token_stream()
}
