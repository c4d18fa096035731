//! The constants of a network: the sizes of kernels, and the addresses of values and tensors.

use std::collections::{BTreeMap, HashSet};

use netwright_abi::{Activation, Epilogue};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens as _, format_ident, quote};

use super::Planned;
use super::names::{Name, Names};
use crate::graph::{LayerId, TensorId, ValueId};
use crate::kernel_call::{Constant, KernelCall, Spec};
use crate::passes::{BufferSlot, MemoryPlan};
use crate::program::{Program, Step};

/// The sizes of every kernel that a network calls, and the addresses of its tensors and values, as constants.
pub(super) fn of_network(planned: &Planned<'_>, names: &mut Names, root: &TokenStream) -> TokenStream {
    let graph = planned.graph;
    let (preparing, prepare_plan) = &planned.preparing;
    let (predicting, predict_plan) = &planned.predicting;
    let (training, train_plan) = &planned.training;
    let step_plan = &planned.preparing_step;
    let calls = calls(&preparing.steps, &prepare_plan.elided)
        .chain(calls(&predicting.steps, &predict_plan.elided))
        .chain(planned.blocks.iter().flat_map(|blocks| calls(&blocks.program.steps, &blocks.plan.elided)))
        .chain(calls(&training.prepare.steps, &step_plan.elided))
        .chain(calls(&training.program.steps, &train_plan.elided));
    let mut constants = TokenStream::new();
    let mut first: BTreeMap<(LayerId, &str), (&Spec, Ident)> = BTreeMap::new();
    let mut of_sizes: BTreeMap<String, (&Spec, Ident)> = BTreeMap::new();
    for (_, KernelCall { spec, layer, rows, constant_sizes, .. }) in calls {
        // A kernel that computes several rows is named after the first of them.
        let layer = rows.first().unwrap_or(layer);
        let (name, is_new) = names.of_spec(spec, &graph.layers[layer.0].name);
        let module = format_ident!("{}", spec.module);
        if *constant_sizes {
            constants.extend(of_type(spec, &graph.layers[layer.0].name, &name, names, root));
        }
        if !is_new {
            continue;
        }
        // Specs of one layer share most fields, and specs of equal layers share all but the epilogue, the last field. Shared fields
        // are written as `..OTHER`.
        let but_epilogue = spec.fields.split_last().filter(|(_, sizes)| sizes.len() > 1).map(|(_, sizes)| sizes);
        let of_equal = but_epilogue.map(|sizes| format!("{}{sizes:?}", spec.module));
        let known = of_equal.as_ref().and_then(|sizes| of_sizes.get(sizes));
        let known = known.or_else(|| first.get(&(*layer, spec.module)));
        let known = known.filter(|(like, _)| spec.fields.iter().any(|field| like.fields.contains(field)));
        let (like, same) = known.map(|(like, name)| (*like, quote!(..#name))).unzip();
        first.entry((*layer, spec.module)).or_insert_with(|| (spec, name.clone()));
        if let Some(sizes) = of_equal {
            of_sizes.entry(sizes).or_insert_with(|| (spec, name.clone()));
        }
        let other = spec.fields.iter().filter(|field| like.is_none_or(|like| !like.fields.contains(field)));
        let fields = other.map(|(field, value)| {
            let (field, value) = (format_ident!("{field}"), constant(value));
            quote!(#field: #value,)
        });
        constants.extend(quote!(const #name: kernels::#module::Spec = kernels::#module::Spec { #(#fields)* #same };));
    }
    for (index, tensor) in graph.tensors.iter().enumerate() {
        let name = &names.of_tensor(TensorId(index)).constant;
        let range = range(tensor.offset, tensor.len());
        constants.extend(quote!(const #name: Range<usize> = #range;));
    }
    constants.extend(slots(preparing, prepare_plan, names, false, is_prepared));
    constants.extend(slots(&training.prepare, step_plan, names, true, is_prepared));
    constants.extend(slots(&training.program, train_plan, names, true, in_workspace));
    constants
}

/// The type whose constants are the sizes in `constant`; `None` if it is emitted already.
fn of_type(spec: &Spec, layer: &str, constant: &Ident, names: &mut Names, root: &TokenStream) -> Option<TokenStream> {
    let module = format_ident!("{}", spec.module);
    let (name, is_new) = names.of_type(spec, layer);
    is_new.then(|| quote!(#root::private::constant_sizes! { #name: #module = #constant }))
}

/// Whether a slot is prepared from the weights.
fn is_prepared(slot: BufferSlot) -> bool {
    matches!(slot, BufferSlot::Prepared(_))
}

/// Whether a slot is in the workspace of a pass.
pub(super) fn in_workspace(slot: BufferSlot) -> bool {
    matches!(slot, BufferSlot::Fixed(_) | BufferSlot::PerImage(_))
}

/// The addresses of a program's values whose slot satisfies `wanted`. An elided copy has the address of its source.
pub(super) fn slots(
    program: &Program,
    plan: &MemoryPlan,
    names: &Names,
    trains: bool,
    wanted: fn(BufferSlot) -> bool,
) -> TokenStream {
    let sources = program.steps.iter().zip(&plan.elided).filter_map(|(step, elided)| match step {
        Step::Call(call) if *elided => call.as_copy().map(|(from, to)| (to, from)),
        _ => None,
    });
    let sources: BTreeMap<ValueId, ValueId> = sources.collect();
    let follows_fixed = plan.fixed > 0 && plan.slots.iter().any(|slot| matches!(slot, Some(BufferSlot::PerImage(_))));
    let mut constants = if follows_fixed && wanted(BufferSlot::PerImage(0)) {
        slot_after_fixed(plan.fixed)
    } else {
        TokenStream::new()
    };
    for (index, slot) in plan.slots.iter().enumerate() {
        let value = ValueId(index);
        let (Some(slot), Some(name)) = (slot.filter(|slot| wanted(*slot)), names.of_value(trains, value)) else {
            continue;
        };
        let name = &name.constant;
        let len = program.values[index].extent.len();
        let source = sources.get(&value).and_then(|source| names.of_value(trains, *source));
        let is_same = sources.get(&value).is_some_and(|source| plan.slots[source.0] == Some(slot));
        constants.extend(match (slot, source.filter(|_| is_same)) {
            (BufferSlot::PerImage(_), Some(Name { constant, .. })) => quote!(const #name: BufferSlot = #constant;),
            (BufferSlot::PerImage(offset), None) => {
                let range = range(offset, len);
                let slot = if follows_fixed { quote!(slot(#range)) } else { quote!(BufferSlot::of_image(#range)) };
                quote!(const #name: BufferSlot = #slot;)
            }
            (BufferSlot::Images, _) => TokenStream::new(),
            (BufferSlot::Fixed(offset) | BufferSlot::Prepared(offset), _) => {
                let range = range(offset, len);
                quote!(const #name: Range<usize> = #range;)
            }
        });
    }
    constants
}

/// The function that makes slots in the memory that grows with the batch, which starts after `fixed` elements.
fn slot_after_fixed(fixed: usize) -> TokenStream {
    let fixed = size(fixed);
    quote! {
        const fn slot(range: Range<usize>) -> BufferSlot {
            BufferSlot { fixed: #fixed, ..BufferSlot::of_image(range) }
        }
    }
}

/// The scratch memory of a program: the maximum over its calls; `None` where no call needs any.
pub(super) fn scratch(program: &Program, names: &Names) -> Option<TokenStream> {
    let mut known: HashSet<(&str, &Ident)> = HashSet::new();
    let sizes = program.steps.iter().filter_map(|step| {
        let Step::Call(KernelCall { kernel, spec, .. }) = step else { return None };
        let name = names.known_spec(spec)?;
        if !kernel.has_scratch || !known.insert((kernel.name, name)) {
            return None;
        }
        let (module, function) = (format_ident!("{}", kernel.module), format_ident!("{}_scratch", kernel.name));
        Some(quote!(kernels::#module::#function(&#name)))
    });
    let sizes: Vec<TokenStream> = sizes.collect();
    (!sizes.is_empty()).then(|| quote!(largest(&[#(#sizes),*])))
}

/// A count without a type suffix: its context determines the type.
pub(super) fn size(size: usize) -> Literal {
    Literal::usize_unsuffixed(size)
}

pub(super) fn sizes(sizes: &[usize]) -> impl Iterator<Item = Literal> + '_ {
    sizes.iter().copied().map(size)
}

fn range(start: usize, len: usize) -> TokenStream {
    let (start, end) = (size(start), size(start + len));
    quote!(#start..#end)
}

fn constant(constant: &Constant) -> TokenStream {
    match *constant {
        Constant::Size(count) => size(count).into_token_stream(),
        Constant::Sizes(ref values) => {
            let values = sizes(values);
            quote!([#(#values),*])
        }
        Constant::Pairs(ref pairs) => {
            let pairs = pairs.iter().map(|pair| {
                let pair = sizes(pair);
                quote!([#(#pair),*])
            });
            quote!(&[#(#pairs),*])
        }
        Constant::Reals(ref values) => quote!(&[#(#values),*]),
        Constant::OptionalSize(None) => quote!(None),
        Constant::OptionalSize(Some(count)) => {
            let count = size(count);
            quote!(Some(#count))
        }
        Constant::Key(key) => quote!(#key),
        Constant::Real(value) => quote!(#value),
        Constant::Activation(function) => activation(function),
        Constant::OptionalActivation(function) => optional_activation(function),
        Constant::Epilogue(Epilogue::NONE) => quote!(Epilogue::NONE),
        Constant::Epilogue(Epilogue { accumulate, activation }) => {
            let activation = optional_activation(activation);
            quote!(Epilogue { accumulate: #accumulate, activation: #activation })
        }
    }
}

/// A variant of an enum of the `abi` crate, with its constants.
pub(super) fn variant(name: &str, constants: &[Option<f64>]) -> TokenStream {
    let name = format_ident!("{name}");
    let mut constants = constants.iter().flatten().map(|value| match *value {
        f64::INFINITY => quote!(f64::INFINITY),
        f64::NEG_INFINITY => quote!(f64::NEG_INFINITY),
        value => quote!(#value),
    });
    match constants.next() {
        Some(first) => quote!(#name(#first #(, #constants)*)),
        None => quote!(#name),
    }
}

fn activation(function: Activation) -> TokenStream {
    let (name, constants) = function.parts();
    let variant = variant(name, &constants);
    quote!(Activation::#variant)
}

pub(super) fn optional_activation(function: Option<Activation>) -> TokenStream {
    match function.map(activation) {
        Some(function) => quote!(Some(#function)),
        None => quote!(None),
    }
}

/// The calls of some steps that are not elided, each with its step index.
pub(super) fn calls<'a>(steps: &'a [Step], elided: &'a [bool]) -> impl Iterator<Item = (usize, &'a KernelCall)> {
    steps.iter().zip(elided).enumerate().filter_map(|(index, (step, elided))| match step {
        Step::Call(call) if !elided => Some((index, call)),
        _ => None,
    })
}
