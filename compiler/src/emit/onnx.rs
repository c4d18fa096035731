//! The ONNX items of a network: loading from a file, and export.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::constants::{size, sizes};
use super::{Item, alias, companion_items};
use crate::onnx::{Export, Source};

/// The files that a model refers to: their names in the model, and their paths.
pub(crate) type ExternalFiles = BTreeMap<PathBuf, PathBuf>;

/// The items of a network from a file: the sources of its weights in the file, and the file as a dependency that cargo tracks. With
/// `embedded`, the program embeds the file and the files it refers to.
pub(crate) fn read(
    item: &Item<'_>,
    sources: &[Source],
    path: &Path,
    embedded: Option<&ExternalFiles>,
    root: &TokenStream,
) -> TokenStream {
    let name = alias(item);
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let path = path.to_string_lossy();
    let sources = sources.iter().map(|source| match source {
        Source::Filled(value) => {
            let value = Literal::f64_suffixed(*value);
            quote!(Source::Filled(#value))
        }
        Source::Tensor { name, dims, axes, change } => {
            let dims = sizes(dims);
            let axes = axes.iter().map(|axis| {
                let axis = sizes(axis);
                quote!([#(#axis),*])
            });
            let change = match change {
                netwright_onnx::source::Change::Times(factor) => {
                    let factor = Literal::f64_suffixed(*factor);
                    quote!(Times(#factor))
                }
                netwright_onnx::source::Change::Reciprocal => quote!(Reciprocal),
            };
            quote!(Source::Tensor { name: #name, dims: &[#(#dims),*], axes: &[#(#axes),*], change: Change::#change })
        }
    });
    let embedding = embedded.map(|files| {
        let files = files.iter().map(|(name, path)| {
            let (name, path) = (name.to_string_lossy(), path.to_string_lossy());
            quote!((#name, #root::private::core::include_bytes!(#path)))
        });
        quote! {
            /// A network with the weights of the file that it was compiled from, which the program holds.
            ///
            /// # Errors
            /// Where a weight is no number that is read.
            pub fn embedded() -> Result<Self, Error> {
                FromOnnx::from_onnx_held(BYTES, &[#(#files),*])
            }
        }
    });
    let bytes = if embedded.is_some() { quote!(BYTES) } else { quote!(_) };
    let items = quote! {
            use #root::private::locals::*;
        use #root::private::scope::{f32, AsRef, Error, Path, Precision, Result};
            use #root::private::onnx::{Change, FromOnnx, Source};

            const #bytes: &[#root::private::core::primitive::u8] = #root::private::core::include_bytes!(#path);

            impl<T: Precision> FromOnnx for #name<T> {
                const SOURCES: &'static [Source<'static>] = &[#(#sources),*];
            }

            impl #name<f32> {
                /// A network with the weights of an ONNX file: that which it was compiled from, or one with the same tensors.
                ///
                /// # Errors
                /// Where the file cannot be read, or holds other tensors.
                pub fn from_onnx(path: impl AsRef<Path>) -> Result<Self, Error> {
                    <Self as FromOnnx>::from_onnx(path)
                }
                #embedding
            }
    };
    companion_items(item, &items)
}

/// The network's graph in ONNX, without its weights.
pub(crate) fn exported(item: &Item<'_>, export: &Export, root: &TokenStream) -> TokenStream {
    let name = alias(item);
    let (before, graph) = (Literal::byte_string(&export.before), Literal::byte_string(&export.graph));
    let tensors = export.tensors.iter().map(|tensor| {
        let (name, dims, tensor_index) = (&tensor.name, sizes(&tensor.dims), size(tensor.tensor));
        let axes = tensor.axes.iter().map(|axis| {
            let axis = sizes(axis);
            quote!([#(#axis),*])
        });
        quote!(Written { name: #name, tensor: #tensor_index, dims: &[#(#dims),*], axes: &[#(#axes),*] })
    });
    let items = quote! {
            use #root::private::locals::*;
        use #root::private::scope::{AsRef, Error, Path, Precision, Result};
            use #root::private::onnx::{Exported, ToOnnx, Written};

            impl<T: Precision> ToOnnx for #name<T> {
                const EXPORTED: Exported = Exported { before: #before, graph: #graph, tensors: &[#(#tensors),*] };
            }

            impl<T: Precision> #name<T> {
                /// Writes the network with its weights as an ONNX model.
                ///
                /// # Errors
                /// Where the system refuses; an older file of that name is as it was.
                pub fn to_onnx(&self, path: impl AsRef<Path>) -> Result<(), Error> {
                    ToOnnx::to_onnx(self, path)
                }
            }
    };
    companion_items(item, &items)
}
