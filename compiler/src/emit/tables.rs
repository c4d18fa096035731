//! The tables of a network as constants, and its `Architecture`.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens as _, format_ident, quote};

use super::constants::{optional_activation, scratch, size, sizes, variant};
use super::intact::intact;
use super::names::Names;
use super::passes;
use super::plan_text;
use super::{InBlocks, Planned, head, preparation, value_type};
use crate::graph::{Graph, Init, LayerId, Tensor, ValueId};
use crate::passes::{BufferSlot, MemoryPlan};
use crate::program::Program;
use crate::shape::Shape;

pub(super) fn architecture(planned: &Planned<'_>, names: &Names, name: &Ident, root: &TokenStream) -> TokenStream {
    let graph = planned.graph;
    let text = planned.item.name;
    let (input, output) = (value_type(graph.shape(graph.input)), value_type(graph.shape(graph.output)));
    let (input_shape, output_shape) = (shape(graph.shape(graph.input)), shape(graph.shape(graph.output)));
    let head = head(graph);
    let (parameters, statistics) = (size(graph.count(true)), size(graph.count(false)));
    let macs = Literal::u64_unsuffixed(graph.nodes.iter().map(|node| graph.macs(node)).sum());
    let depth = size(graph.depth);
    let coupled = graph.couples_batch();
    let one_value = graph.normalise_one_value().into_iter().map(|layer| size(layer.0));
    let (layers, plan) = (layers(graph), plan_text::plan(planned, root));
    let (predicting, predict_plan) = &planned.predicting;
    let (training, train_plan) = &planned.training;
    let prepared = size(predict_plan.prepared);
    let step_prepared = planned.preparing_step.prepared;
    let step_prepared = (step_prepared > 0).then(|| size(step_prepared));
    let step_prepared = step_prepared.map(|len| quote!(const STEP_PREPARED: usize = #len;));
    let (predict_scratch, predict_memory) = memory(predicting, predict_plan, names, "PREDICT_SCRATCH");
    let (train_scratch, train_memory) = memory(&training.program, train_plan, names, "TRAIN_SCRATCH");
    let blocks = planned.blocks.as_ref().map(|InBlocks { program, plan, fewest, .. }| {
        let (scratch, memory) = memory(program, plan, names, "BLOCKS_SCRATCH");
        let fewest = size(*fewest);
        let blocks =
            quote!(const BLOCKS: Option<ImageBlocks> = Some(ImageBlocks { memory: #memory, fewest: #fewest }););
        (scratch, blocks)
    });
    let (blocks_scratch, blocks): (Option<TokenStream>, Option<TokenStream>) = blocks.unzip();
    let slot = |value: ValueId, like: ValueId| match (train_plan.slots.get(value.0), names.of_value(true, value)) {
        (Some(Some(BufferSlot::PerImage(_))), Some(name)) => name.constant.to_token_stream(),
        _ => {
            let (fixed, len) = (size(train_plan.fixed), size(graph.values[like.0].extent.len()));
            quote!(BufferSlot { fixed: #fixed, offset: 0, len: #len })
        }
    };
    let output_slot = slot(graph.output, graph.output);
    let logits_slot = slot(training.logits, graph.logits());
    let output_gradient = slot(training.output_gradient, graph.output);
    let logits_gradient = slot(training.logits_gradient, graph.logits());
    let intact = intact(&training.program, train_plan, training.loss.min(training.program.steps.len()));
    let activations = graph.layers.iter().map(|layer| {
        if intact[layer.output.0] {
            let slot = slot(layer.output, layer.output);
            quote!(Some(#slot))
        } else {
            quote!(None)
        }
    });
    let fused = training.fused.iter().map(|(layer, gradient)| {
        let (layer, [rows, columns]) = (size(layer.0), gradient.sizes.map(size));
        let weights = size(graph.tensors[gradient.weights.0].offset);
        let [left, right] = [gradient.left, gradient.right].map(|value| match train_plan.slots[value.0] {
            Some(BufferSlot::Images) => quote!(None),
            _ => {
                let slot = slot(value, value);
                quote!(Some(#slot))
            }
        });
        quote!(FusedGradient { layer: #layer, weights: #weights, rows: #rows, columns: #columns, left: #left, right: #right })
    });
    let fused = (!training.fused.is_empty()).then(|| quote!(const FUSED: &'static [FusedGradient] = &[#(#fused),*];));
    let (functions, preparation) = (passes::functions(planned, names, root), preparation::constants(planned));
    quote! {
        #predict_scratch
        #blocks_scratch
        #train_scratch

        impl<T: Precision> Architecture for #name<T> {
            type Scalar = T;
            type Input = #input;
            type Output = #output;
            type Head = head::#head;
            const NAME: &'static str = #text;
            const PARAMETERS: usize = #parameters;
            const STATISTICS: usize = #statistics;
            const MACS: u64 = #macs;
            const DEPTH: usize = #depth;
            const INPUT: Shape = #input_shape;
            const OUTPUT: Shape = #output_shape;
            const LAYERS: &'static [Layer] = #layers;
            const PLAN: Plan = #plan;
            const BATCH_COUPLED: bool = #coupled;
            const PREPARED: usize = #prepared;
            #preparation
            #step_prepared
            #fused
            const NORMALISE_ONE_VALUE: &'static [usize] = &[#(#one_value),*];
            const PREDICTING: Memory = #predict_memory;
            #blocks
            const TRAINING: Memory = #train_memory;
            const OUTPUT_SLOT: BufferSlot = #output_slot;
            const LOGITS_SLOT: BufferSlot = #logits_slot;
            const OUTPUT_GRADIENT_SLOT: BufferSlot = #output_gradient;
            const LOGITS_GRADIENT_SLOT: BufferSlot = #logits_gradient;
            const ACTIVATIONS: &'static [Option<BufferSlot>] = &[#(#activations),*];
            #functions
        }
    }
}

/// The constant `name` with the scratch memory of a program, if it needs any, and its total memory.
fn memory(program: &Program, plan: &MemoryPlan, names: &Names, name: &str) -> (TokenStream, TokenStream) {
    let (name, per_image, fixed) = (format_ident!("{name}"), size(plan.per_image), size(plan.fixed));
    match scratch(program, names) {
        None => (TokenStream::new(), quote!(Memory { scratch: 0, fixed: #fixed, per_image: #per_image })),
        Some(scratch) => {
            let and_fixed = (plan.fixed > 0).then(|| quote!(+ #fixed));
            let memory = quote!(Memory { scratch: #name, fixed: #name #and_fixed, per_image: #per_image });
            (quote!(const #name: usize = #scratch;), memory)
        }
    }
}

fn shape(shape: Shape) -> TokenStream {
    match shape {
        Shape::Image { height, width, channels } => {
            let [height, width, channels] = [height, width, channels].map(size);
            quote!(Shape::image([#height, #width, #channels]))
        }
        Shape::Series { length, channels } => {
            let [length, channels] = [length, channels].map(size);
            quote!(Shape::Series { length: #length, channels: #channels })
        }
        Shape::Flat(features) => {
            let features = size(features);
            quote!(Shape::Flat(#features))
        }
    }
}

fn layers(graph: &Graph) -> TokenStream {
    let rows = graph.layers.iter().enumerate().map(|(index, layer)| {
        let id = LayerId(index);
        let (name, text, macs, frozen) =
            (&layer.name, &layer.text, Literal::u64_unsuffixed(graph.macs_of(id)), layer.frozen);
        let foreign = match &layer.foreign {
            Some(name) => quote!(Some(#name)),
            None => quote!(None),
        };
        let (input, output) = (shape(graph.shape(layer.input)), shape(graph.shape(layer.output)));
        let tensors = graph.tensors_of(id).iter().map(tensor);
        let activation = optional_activation(graph.activation_of(id));
        quote! {
            Layer {
                name: #name, text: #text, input: #input, output: #output, activation: #activation,
                tensors: &[#(#tensors),*], macs: #macs, frozen: #frozen,
                foreign: #foreign,
            }
        }
    });
    quote!(&[#(#rows),*])
}

fn tensor(tensor: &Tensor) -> TokenStream {
    let (name, tensor_sizes) = (tensor.name, sizes(&tensor.shape));
    let [fan_in, fan_out, offset, len] = [tensor.fan_in, tensor.fan_out, tensor.offset, tensor.len()].map(size);
    let kind = format_ident!("{}", tensor.kind.name());
    let (init, constant) = tensor.init.unwrap_or(Init::LecunNormal).parts();
    let init = variant(init, &[constant]);
    let axes = format_ident!("{}", tensor.axes.name());
    let layout = if tensor.inputs.is_empty() && tensor.outputs.is_empty() {
        quote!(WeightLayout::of(Axes::#axes))
    } else {
        let [inputs, outputs] = [&tensor.inputs, &tensor.outputs].map(|parts| parts.iter().map(|part| shape(*part)));
        quote!(WeightLayout { axes: Axes::#axes, inputs: &[#(#inputs),*], outputs: &[#(#outputs),*] })
    };
    quote! {
        ParameterTensor {
            name: #name, kind: ParameterKind::#kind, shape: &[#(#tensor_sizes),*], offset: #offset, len: #len,
            fan_in: #fan_in, fan_out: #fan_out, init: Init::#init, layout: #layout,
        }
    }
}
