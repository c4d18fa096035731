//! The weights of each layer by name, as arrays with the layer's sizes: `network.layers().conv1.kernel[y][x][channel][filter]`.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};

use super::constants::sizes;
use super::words::identifier;
use crate::graph::{Graph, LayerId, ParameterKind, Tensor};

/// `layers()`, `layers_mut()` and their types.
pub(super) fn views(graph: &Graph, name: &Ident, root: &TokenStream) -> TokenStream {
    let mut fields = BTreeSet::new();
    let rows: Vec<(Ident, Vec<&Tensor>)> = graph
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| (layer, graph.tensors_of(LayerId(index)).iter().collect()))
        .filter(|(_, tensors): &(_, Vec<&Tensor>)| !tensors.is_empty())
        .map(|(layer, tensors)| (field(&layer.name, &mut fields), tensors))
        .collect();
    if rows.is_empty() {
        return TokenStream::new();
    }
    let layers = rows.iter().map(|(field, tensors)| {
        let arrays = tensors.iter().map(|tensor| {
            let sizes: Vec<Literal> = sizes(&tensor.shape).collect();
            sizes.iter().rev().fold(quote!(T), |inner, size| quote!([#inner; #size]))
        });
        let of = group_name(tensors);
        quote!(#field: #of<#(#arrays),*>)
    });
    let mut groups = BTreeMap::new();
    for (_, tensors) in &rows {
        groups.entry(group_name(tensors)).or_insert(tensors);
    }
    let groups = groups.iter().map(|(group, tensors)| {
        let tensors = tensors.iter().map(|tensor| {
            let (name, buffer) = (format_ident!("{}", tensor.name), buffer(tensor.kind));
            quote!(#name: #buffer)
        });
        quote!(struct #group { #(#tensors),* })
    });
    quote! {
        #root::private::views! {
            #name;
            struct Layers { #(#layers),* }
            #(#groups)*
        }
    }
}

/// A field for the layer `name`. A keyword becomes a raw identifier, `r#type`. A `_` is appended where
/// the name is no identifier or in use: `self_`. `docs/language.md` has the rule.
fn field(name: &str, taken: &mut BTreeSet<String>) -> Ident {
    let mut name = name.replace('.', "_");
    loop {
        match identifier(&name, Span::call_site()) {
            Some(field) if taken.insert(name.clone()) => return field,
            _ => name.push('_'),
        }
    }
}

fn buffer(kind: ParameterKind) -> Ident {
    if kind == ParameterKind::Statistic { format_ident!("statistics") } else { format_ident!("parameters") }
}

/// `WeightsKernelBias` for a layer with a kernel and a bias.
fn group_name(tensors: &[&Tensor]) -> Ident {
    let mut text = String::from("Weights");
    for part in tensors.iter().flat_map(|tensor| tensor.name.split('_')) {
        let mut letters = part.chars();
        text.extend(letters.next().into_iter().flat_map(char::to_uppercase).chain(letters));
    }
    Ident::new(&text, Span::call_site())
}
