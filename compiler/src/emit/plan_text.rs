//! What was planned, as one text: a field and a tab, a call and a line. The runtime's `Plan` reads it.

use netwright_abi::{Direction, LANES};
use proc_macro2::{Literal, TokenStream};
use quote::ToTokens;

use super::constants::calls;
use super::{InBlocks, Planned};
use crate::graph::Extent;
use crate::kernel_call::{Access, Data, KernelCall};
use crate::program::Program;

/// The calls of a prediction, with what was chosen and why; then those for blocks of images, where there are any; then those of a training
/// pass. It is one raw literal, however many layers there are: reading it takes rustc no time.
pub(super) fn plan_text(planned: &Planned<'_>) -> TokenStream {
    let mut text = String::from("\n");
    let mut write = |direction: &str, call: &KernelCall, before: &str| {
        let name = |layer: &crate::graph::LayerId| planned.graph.layers[layer.0].name.as_str();
        let merged: Vec<&str> = call.rows.iter().map(name).collect();
        let product = if call.kernel.is_product() { "product" } else { "" };
        let fields = [direction, name(&call.layer), &merged.join(" "), call.kernel.name, product];
        text.push_str(&format!("{}\t{before}{}\n", fields.join("\t"), call.why));
    };
    let (program, plan) = &planned.predicting;
    for call in calls(&program.steps, &plan.elided) {
        write(Direction::Predicting.name(), call, "");
    }
    if let Some(InBlocks { program, plan, fewest, .. }) = &planned.blocks {
        for call in calls(&program.steps, &plan.elided) {
            write(
                Direction::Predicting.name(),
                call,
                &format!("{LANES} images at once, where there are {fewest} or more: "),
            );
        }
    }
    let (training, plan) = &planned.training;
    let (forward, backward) = training.program.steps.split_at(training.loss);
    let (elided_forward, elided_backward) = plan.elided.split_at(training.loss);
    for call in calls(forward, elided_forward) {
        write(Direction::Forward.name(), call, "");
    }
    for call in calls(backward, elided_backward) {
        write(gradients_of(call, &training.program), call, "");
    }
    literal(&text)
}

/// Which gradients a call on the way back computes: those of weights, those of a value, or both.
fn gradients_of(call: &KernelCall, program: &Program) -> &'static str {
    let changed = || call.operands.iter().filter(|operand| operand.access != Access::Read);
    let of_weights = changed().any(|operand| matches!(operand.data, Data::Gradient(_)));
    let of_input = changed().any(|operand| match operand.data {
        Data::Value(value) => matches!(program.values[value.0].extent, Extent::PerImage(_)),
        _ => false,
    });
    match (of_input, of_weights) {
        (true, true) => "gradients",
        (_, true) => Direction::WeightGradient.name(),
        (_, false) => Direction::InputGradient.name(),
    }
}

/// A raw literal, which people can read too. Names and reasons have no quotes; a text that had would be an ordinary literal.
fn literal(text: &str) -> TokenStream {
    let raw = format!("r\"{text}\"").parse::<Literal>().ok().filter(|_| !text.contains('"'));
    raw.unwrap_or_else(|| Literal::string(text)).into_token_stream()
}
