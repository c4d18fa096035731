//! The facts about a network as constants, and its `Architecture`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::intact::intact;
use super::passes::{self, Specs, optional_activation, variant};
use super::{Planned, head, value_type};
use crate::graph::{Graph, Init, LayerId, Tensor, ValueId};
use crate::passes::{Place, Plan};
use crate::program::Step;
use crate::shape::Shape;

pub(super) fn architecture(planned: &Planned<'_>, specs: &Specs, name: &Ident, root: &TokenStream) -> TokenStream {
    let graph = &planned.lowered.graph;
    let text = &planned.lowered.syntax.name.text;
    let (input, output) = (value_type(graph.shape(graph.input), root), value_type(graph.shape(graph.output), root));
    let (input_shape, output_shape) = (shape(graph.shape(graph.input), root), shape(graph.shape(graph.output), root));
    let head = head(graph);
    let (parameters, statistics) = (graph.count(true), graph.count(false));
    let macs: u64 = graph.nodes.iter().map(|node| graph.macs(node)).sum();
    let depth = graph.depth;
    let coupled = graph.couples_batch();
    let one_value = graph.normalise_one_value().into_iter().map(|layer| layer.0);
    let (layers, plan) = (layers(graph, root), plan_table(planned, root));
    let (predicting, predict_plan) = &planned.predicting;
    let (training, train_plan) = &planned.training;
    let prepared = predict_plan.prepared;
    let predict_memory = memory(predict_plan, &quote!(PREDICT_SCRATCH), root);
    let train_memory = memory(train_plan, &quote!(TRAIN_SCRATCH), root);
    let predict_scratch = specs.scratch(&predicting.steps, root);
    let train_scratch = specs.scratch(&training.program.steps, root);
    let place_of = |value: ValueId| place(value, value, train_plan, graph, root);
    let output_place = place_of(graph.output);
    let logits_place = place(training.logits, graph.logits(), train_plan, graph, root);
    let output_gradient = place(training.output_gradient, graph.output, train_plan, graph, root);
    let logits_gradient = place(training.logits_gradient, graph.logits(), train_plan, graph, root);
    let intact = intact(&training.program, train_plan, training.loss.min(training.program.steps.len()));
    let activations = graph.layers.iter().map(|layer| {
        if intact[layer.output.0] {
            let place = place_of(layer.output);
            quote!(#root::private::core::option::Option::Some(#place))
        } else {
            quote!(#root::private::core::option::Option::None)
        }
    });
    let functions = passes::functions(planned, specs, root);
    quote! {
        const PREDICT_SCRATCH: #root::private::core::primitive::usize = #predict_scratch;
        const TRAIN_SCRATCH: #root::private::core::primitive::usize = #train_scratch;

        impl<T: #root::private::Precision> #root::private::Architecture for #name<T> {
            type Scalar = T;
            type Input = #input;
            type Output = #output;
            type Head = #root::private::head::#head;
            const NAME: &'static #root::private::core::primitive::str = #text;
            const PARAMETERS: #root::private::core::primitive::usize = #parameters;
            const STATISTICS: #root::private::core::primitive::usize = #statistics;
            const MACS: #root::private::core::primitive::u64 = #macs;
            const DEPTH: #root::private::core::primitive::usize = #depth;
            const INPUT: #root::private::Shape = #input_shape;
            const OUTPUT: #root::private::Shape = #output_shape;
            const LAYERS: &'static [#root::private::Layer] = #layers;
            const PLAN: &'static [#root::private::PlannedCall] = #plan;
            const BATCH_COUPLED: #root::private::core::primitive::bool = #coupled;
            const PREPARED: ::core::primitive::usize = #prepared;
            const NORMALISE_ONE_VALUE: &'static [#root::private::core::primitive::usize] = &[#(#one_value),*];
            const PREDICTING: #root::private::Memory = #predict_memory;
            const TRAINING: #root::private::Memory = #train_memory;
            const OUTPUT_PLACE: #root::private::Place = #output_place;
            const LOGITS_PLACE: #root::private::Place = #logits_place;
            const OUTPUT_GRADIENT_PLACE: #root::private::Place = #output_gradient;
            const LOGITS_GRADIENT_PLACE: #root::private::Place = #logits_gradient;
            const ACTIVATIONS: &'static [#root::private::core::option::Option<#root::private::Place>] = &[#(#activations),*];
            #functions
        }
    }
}

fn memory(plan: &Plan, scratch: &TokenStream, root: &TokenStream) -> TokenStream {
    let (fixed, per_image) = (plan.fixed, plan.per_image);
    quote!(#root::private::Memory { scratch: #scratch, fixed: #scratch + #fixed, per_image: #per_image })
}

/// Where the runtime finds a value of a training step, which has the shape of a value `like` of the graph.
fn place(value: ValueId, like: ValueId, plan: &Plan, graph: &Graph, root: &TokenStream) -> TokenStream {
    let fixed = plan.fixed;
    let len = graph.shape(like).len();
    let offset = match plan.places.get(value.0).copied().flatten() {
        Some(Place::PerImage(offset)) => offset,
        _ => 0,
    };
    quote!(#root::private::Place { fixed: TRAIN_SCRATCH + #fixed, offset: #offset, len: #len })
}

fn shape(shape: Shape, root: &TokenStream) -> TokenStream {
    match shape {
        Shape::Image([height, width, channels]) => {
            quote!(#root::private::Shape::Image { height: #height, width: #width, channels: #channels })
        }
        Shape::Series([length, channels]) => {
            quote!(#root::private::Shape::Series { length: #length, channels: #channels })
        }
        Shape::Flat(features) => quote!(#root::private::Shape::Flat(#features)),
    }
}

fn layers(graph: &Graph, root: &TokenStream) -> TokenStream {
    let rows = graph.layers.iter().enumerate().map(|(index, layer)| {
        let id = LayerId(index);
        let (name, text, macs, frozen) = (&layer.name, &layer.text, graph.macs_of(id), layer.frozen);
        let (input, output) = (shape(graph.shape(layer.input), root), shape(graph.shape(layer.output), root));
        let tensors = graph.tensors_of(id).iter().map(|entry| tensor(entry, root));
        let activation = optional_activation(graph.activation_of(id), root);
        quote! {
            #root::private::Layer {
                name: #name, text: #text, input: #input, output: #output, activation: #activation,
                tensors: &[#(#tensors),*], macs: #macs, frozen: #frozen,
            }
        }
    });
    quote!(&[#(#rows),*])
}

fn tensor(tensor: &Tensor, root: &TokenStream) -> TokenStream {
    let Tensor { name, shape, fan_in, fan_out, offset, .. } = tensor;
    let len = tensor.len();
    let role = format_ident!("{}", tensor.role.name());
    let init = variant(tensor.init.unwrap_or(Init::LecunNormal).parts());
    quote! {
        #root::private::ParameterTensor {
            name: #name, role: #root::private::Role::#role, shape: &[#(#shape),*], offset: #offset, len: #len,
            fan_in: #fan_in, fan_out: #fan_out, init: #root::private::Init::#init,
        }
    }
}

/// The calls of a prediction, with what was chosen and why.
fn plan_table(planned: &Planned<'_>, root: &TokenStream) -> TokenStream {
    let (program, plan) = &planned.predicting;
    let graph = &planned.lowered.graph;
    let rows = program.steps.iter().zip(&plan.elided).filter_map(|(step, elided)| match step {
        Step::Call(call) if !elided => {
            let (layer, kernel, why) = (&graph.layers[call.layer.0].name, call.kernel.name, call.why.as_ref());
            let is_product = call.kernel.is_product();
            let merged = call.rows.iter().map(|row| &graph.layers[row.0].name);
            Some(quote! {
                #root::private::PlannedCall {
                    layer: #layer, merged: &[#(#merged),*], kernel: #kernel, why: #why, is_product: #is_product,
                }
            })
        }
        _ => None,
    });
    quote!(&[#(#rows),*])
}
