//! Emission of Rust: one function per item. No other module writes Rust code. The code is emitted into the user's crate, so it has
//! absolute paths, no `unsafe`, no warnings, and the user's spans on the user's names.

mod audience;
mod constants;
mod docs;
mod function;
mod intact;
mod names;
#[cfg(feature = "onnx")]
pub(crate) mod onnx;
mod passes;
mod plan_text;
mod preparation;
mod reference;
mod regions;
mod tables;
mod views;
mod words;

pub use audience::Audience;
pub use reference::{items as reference_items, tables as reference_tables};
pub(crate) use words::words;

use netwright_grammar::Span as Bytes;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use constants::{size, sizes};
use names::Names;

use crate::attributes;
use crate::graph::{Graph, Head};
use crate::passes::MemoryPlan;
use crate::program::{Program, Training};
use crate::shape::Shape;

/// The path of the facade crate, the source and its spans.
pub(crate) struct Context<'a> {
    /// The path of this library in the user's crate.
    pub(crate) root: &'a TokenStream,
    /// The source.
    pub(crate) source: &'a str,
    /// Returns the span of a range of bytes of the source.
    pub(crate) span: &'a dyn Fn(Bytes) -> Span,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Context({})", self.root)
    }
}

/// The type of a network, as Rust tokens.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// Its name.
    pub name: &'a str,
    /// The span of the name.
    pub span: Span,
    /// The attributes of the type.
    pub attributes: TokenStream,
    /// The attributes of all other items.
    pub of_every_item: TokenStream,
    /// The visibility.
    pub visibility: TokenStream,
}

impl<'a> Item<'a> {
    /// The item from the part of a network before its shape or its file.
    pub(crate) fn of(syntax: &'a netwright_grammar::Network, context: &Context<'_>) -> Self {
        Self {
            name: &syntax.name.text,
            span: (context.span)(syntax.name.span),
            attributes: attributes::of_type(syntax, context),
            of_every_item: attributes::of_every_item(syntax, context.source, true),
            visibility: attributes::visibility(syntax, context.source),
        }
    }
}

/// A network after all passes.
#[derive(Debug)]
pub(crate) struct Planned<'a> {
    /// Its type.
    pub(crate) item: &'a Item<'a>,
    /// Its graph.
    pub(crate) graph: &'a Graph,
    /// The preparation of weights, with its addresses.
    pub(crate) preparing: (Program, MemoryPlan),
    /// The prediction with its addresses.
    pub(crate) predicting: (Program, MemoryPlan),
    /// The prediction of blocks of images in the lanes, where it pays off.
    pub(crate) blocks: Option<InBlocks>,
    /// The addresses of the preparation of weights for a training step.
    pub(crate) preparing_step: MemoryPlan,
    /// The training step with its addresses.
    pub(crate) training: (Training, MemoryPlan),
}

/// The prediction of blocks of images in the lanes.
#[derive(Debug)]
pub(crate) struct InBlocks {
    /// The graph, whose values have their own layouts.
    pub(crate) graph: Graph,
    /// Its program.
    pub(crate) program: Program,
    /// The addresses of its values.
    pub(crate) plan: MemoryPlan,
    /// The number of images from which blocks pay off.
    pub(crate) fewest: usize,
}

/// The items of a network: the type, and an anonymous constant with everything that belongs to it.
pub(crate) fn network(planned: &Planned<'_>, root: &TokenStream, audience: Audience) -> TokenStream {
    let graph = planned.graph;
    let Item { name: text, span, attributes, visibility, .. } = planned.item;
    // Only the definition has the span of the user's name: an editor would show any other item with that span too.
    let name = names::of_network(text, *span);
    let alias = alias(planned.item);
    let table = docs::table(planned);
    let debug = docs::debug_text(graph, text);
    let blocks = planned.blocks.as_ref().map(|blocks| &blocks.program);
    let predictions = [&planned.preparing.0, &planned.predicting.0].into_iter().chain(blocks);
    let mut names = Names::new(graph, predictions, &planned.training.0);
    let constants = constants::of_network(planned, &mut names, root);
    let variables = names.variables();
    let architecture = tables::architecture(planned, &names, &alias, root);
    let views = views::views(graph, &alias, root);
    // rustc reports the origin of a method: this span is the network's name instead of the whole macro call.
    let at_name = match audience {
        Audience::Rustc => Span::call_site().located_at(name.span()),
        Audience::Editor => Span::call_site(),
    };
    let (input, output) = (value_type(graph.shape(graph.input)), value_type(graph.shape(graph.output)));
    // A type error for an image of the wrong size refers to this span.
    let predict = Ident::new("predict", at_name);
    let image = quote_spanned!(at_name=> image: &#input);
    let imports = imports(root);
    let items = companion_items(
        planned.item,
        &quote! {
            #imports
            #root::private::locals! { #(#variables)* }
            #constants
            #architecture
            #views
            #root::private::methods! { #alias, #input => #output }
            #root::private::with_std! {
                impl<T: Precision> #alias<T> {
                    /// The answer for one image; one of more than 256 KiB does not compile: see `predict_into`.
                    #[must_use]
                    pub fn #predict(&self, #image) -> #output {
                        <Self as Network>::predict(self, image)
                    }
                }
            }

            impl<T: Precision> fmt::Debug for #alias<T> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(#debug)
                }
            }

            impl<T: Precision> Clone for #alias<T> {
                fn clone(&self) -> Self {
                    Self { weights: Clone::clone(&self.weights) }
                }
            }
        },
    );
    quote! {
        #attributes
        #[doc = #table]
        #visibility struct #name<T = #root::private::core::primitive::f32> {
            weights: #root::private::Weights<T>,
        }

        #items
    }
}

/// Items that refer to the network's type by an internal alias, which no parameter and no item can shadow.
fn companion_items(item: &Item<'_>, items: &TokenStream) -> TokenStream {
    let of_every_item = &item.of_every_item;
    let plain = names::of_network(item.name, Span::call_site());
    let (alias, parameter) = (alias(item), names::unlike(item.name, "T"));
    quote! {
        #of_every_item
        #[allow(dead_code, deprecated, nonstandard_style, unused_imports)]
        const _: () = {
            type #alias<#parameter> = #plain<#parameter>;

            const _: () = {
                #items
            };
        };
    }
}

/// The alias by which items other than the type refer to it.
fn alias(item: &Item<'_>) -> Ident {
    names::unlike(item.name, "Own")
}

/// Imports of the names that emitted code uses. They are listed one by one: for types from a glob import, rustc's messages show whole
/// paths.
fn imports(root: &TokenStream) -> TokenStream {
    quote! {
        use #root::private::locals::*;
        use #root::private::scope::{
            bool, computed, disjoint, f32, f64, fmt, given, gradient, head, kernels, largest, str, u64, unless_fused, unless_observed,
            usize, Activation, Architecture, Axes, BufferSlot, Clone, Context, Epilogue, FusedGradient, GradientSeed, ImageBlocks, Init,
            Kernels, KeptTensors, Layer, Memory, None, Observer, Option, ParameterKind, ParameterTensor, Pass, Plan, Precision,
            PredictionWeights, PreparationPart, PreparedWeights, Range, Shape, Some, Tensor, Tensors, WeightLayout,
        };
        #root::private::with_std! {
            use #root::private::scope::{
                AsRef, Error, Gradients, Network, OwnedPredictor, PassError, Path, Result, SaveWeights, Summary,
                TrainingWorkspace, Vec, Weights,
            };
        }
        #root::private::without_std! {
            use #root::private::scope::{needs_std, FeatureStd};
        }
    }
}

/// The type of an image or an output.
fn value_type(shape: Shape) -> TokenStream {
    match shape.as_image().image_sizes() {
        Some(image) => {
            let image = sizes(&image);
            quote!(Tensor<#(#image,)* T>)
        }
        None => {
            let features = size(shape.len());
            quote!([T; #features])
        }
    }
}

fn head(graph: &Graph) -> Ident {
    match graph.head() {
        Head::Softmax => format_ident!("Softmax"),
        Head::LogSoftmax => format_ident!("LogSoftmax"),
        Head::Sigmoid => format_ident!("Sigmoid"),
        Head::Linear => format_ident!("Linear"),
    }
}
