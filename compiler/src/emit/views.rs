//! The weights of each layer by name, as arrays of their own sizes: `network.layers().conv1.kernel[y][x][channel][filter]`.

use std::collections::BTreeSet;

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
    let groups: BTreeSet<Vec<&str>> = rows.iter().map(|(_, tensors)| tensor_names(tensors)).collect();
    let group_types = groups.iter().map(|names| group_type(names));
    let shared = side(&rows, &quote!(&'a), &format_ident!("Layers"));
    let exclusive = side(&rows, &quote!(&'a mut), &format_ident!("LayersMut"));
    let take = |take: &Ident| {
        let fields = rows.iter().map(|(field, tensors)| {
            let (group, names) = (
                group_name(&tensor_names(tensors)),
                tensor_names(tensors).into_iter().map(|name| format_ident!("{name}")),
            );
            let takes = tensors.iter().map(|tensor| {
                let from = buffer(tensor.kind);
                quote!(#take(&mut #from))
            });
            quote!(#field: #group { #(#names: #takes),* })
        });
        quote!(#(#fields),*)
    };
    let (takes, takes_mut) = (take(&format_ident!("take")), take(&format_ident!("take_mut")));
    quote! {
        #(#group_types)*
        #shared
        #exclusive

        #root::private::with_std! {
            impl<T: Precision> #name<T> {
                /// The weights of each layer by name, as arrays.
                #[must_use]
                pub fn layers(&self) -> Layers<'_, T> {
                    let (mut parameters, mut statistics) = buffers(self);
                    let layers = Layers { #takes };
                    let _ = (&mut parameters, &mut statistics);
                    layers
                }
                /// The weights of each layer by name, to change.
                pub fn layers_mut(&mut self) -> LayersMut<'_, T> {
                    let (mut parameters, mut statistics) = buffers_mut(self);
                    let layers = LayersMut { #takes_mut };
                    let _ = (&mut parameters, &mut statistics);
                    layers
                }
            }
        }
    }
}

/// A field for the layer `name`, with a `_` behind it where the name is no field's or that of another: of `cell1.conv1`, of `type`.
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

fn tensor_names<'a>(tensors: &[&'a Tensor]) -> Vec<&'a str> {
    tensors.iter().map(|tensor| tensor.name).collect()
}

/// `KernelBias` for a layer with a kernel and a bias.
fn group_name(tensors: &[&str]) -> Ident {
    let mut text = String::from("Weights");
    for name in tensors {
        for part in name.split('_') {
            let mut letters = part.chars();
            text.extend(letters.next().into_iter().flat_map(char::to_uppercase).chain(letters));
        }
    }
    Ident::new(&text, Span::call_site())
}

fn group_type(names: &[&str]) -> TokenStream {
    let group = group_name(names);
    let parameters: Vec<Ident> = (0..names.len()).map(|index| format_ident!("T{index}")).collect();
    let fields = names.iter().zip(&parameters).map(|(name, parameter)| {
        let (doc, name) = (format!(" The layer's {}.", name.replace('_', " ")), format_ident!("{name}"));
        quote!(#[doc = #doc] pub #name: #parameter)
    });
    quote! {
        /// The tensors of a layer.
        #[derive(fmt::Debug)]
        pub struct #group<#(#parameters),*> { #(#fields),* }
    }
}

fn side(rows: &[(Ident, Vec<&Tensor>)], reference: &TokenStream, name: &Ident) -> TokenStream {
    let fields = rows.iter().map(|(field, tensors)| {
        let group = group_name(&tensor_names(tensors));
        let types = tensors.iter().map(|tensor| {
            let sizes: Vec<Literal> = sizes(&tensor.shape).collect();
            let array = sizes.iter().rev().fold(quote!(T), |inner, size| quote!([#inner; #size]));
            quote!(#reference #array)
        });
        let doc = format!(" The weights of `{field}`.");
        quote!(#[doc = #doc] pub #field: #group<#(#types),*>)
    });
    quote! {
        /// The weights of each layer by name.
        #[derive(fmt::Debug)]
        pub struct #name<'a, T> { #(#fields),* }
    }
}
