//! The only place that writes Rust: one function for each item. What it writes is a guest in the user's crate: absolute paths, no
//! `unsafe`, no warnings, the user's own spans on the user's own names.

mod audience;
mod constants;
mod docs;
mod function;
mod held;
mod intact;
mod names;
#[cfg(feature = "onnx")]
pub(crate) mod onnx;
mod passes;
mod plan_text;
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

/// Where things come from: the path of the facade, and the spans of the source.
pub(crate) struct Context<'a> {
    /// What the user's crate calls this library.
    pub(crate) root: &'a TokenStream,
    /// The source.
    pub(crate) source: &'a str,
    /// The span of bytes of the source.
    pub(crate) span: &'a dyn Fn(Bytes) -> Span,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Context({})", self.root)
    }
}

/// The type that a network becomes, as Rust says it.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where that stands.
    pub span: Span,
    /// The attributes of the type.
    pub attributes: TokenStream,
    /// Those of all that hangs on it.
    pub of_every_item: TokenStream,
    /// Who sees it.
    pub visibility: TokenStream,
}

impl<'a> Item<'a> {
    /// What stands before the shape, or the file, of a network.
    pub(crate) fn of(syntax: &'a netwright_grammar::Network, context: &Context<'_>) -> Self {
        Self {
            name: &syntax.name.text,
            span: (context.span)(syntax.name.span),
            attributes: attributes::of_type(syntax, context.source),
            of_every_item: attributes::of_every_item(syntax, context.source, true),
            visibility: attributes::visibility(syntax, context.source),
        }
    }
}

/// A network ready to be written.
#[derive(Debug)]
pub(crate) struct Planned<'a> {
    /// Its type.
    pub(crate) item: &'a Item<'a>,
    /// Its graph.
    pub(crate) graph: &'a Graph,
    /// What is prepared of the weights, with its addresses.
    pub(crate) preparing: (Program, MemoryPlan),
    /// The prediction with its addresses.
    pub(crate) predicting: (Program, MemoryPlan),
    /// The prediction of blocks of images in the lanes, where that pays.
    pub(crate) blocks: Option<InBlocks>,
    /// The addresses of what is prepared of the weights for a training step.
    pub(crate) preparing_step: MemoryPlan,
    /// The training step with its addresses.
    pub(crate) training: (Training, MemoryPlan),
}

/// The prediction of blocks of images in the lanes.
#[derive(Debug)]
pub(crate) struct InBlocks {
    /// The graph, whose values have layouts of their own.
    pub(crate) graph: Graph,
    /// Its program.
    pub(crate) program: Program,
    /// The addresses of its values.
    pub(crate) plan: MemoryPlan,
    /// The fewest images that make a block pay.
    pub(crate) fewest: usize,
}

/// The items of a network: the type, and an anonymous constant with all that hangs on it.
pub(crate) fn network(planned: &Planned<'_>, root: &TokenStream, audience: Audience) -> TokenStream {
    let graph = planned.graph;
    let Item { name: text, span, attributes, visibility, .. } = planned.item;
    // Only the definition stands at the user's name: an editor shows what else stands there once more.
    let name = names::of_network(text, *span);
    let own = own(planned.item);
    let table = docs::table(planned);
    let debug = docs::debug_text(graph, text);
    let blocks = planned.blocks.as_ref().map(|blocks| &blocks.program);
    let predictions = [&planned.preparing.0, &planned.predicting.0].into_iter().chain(blocks);
    let mut names = Names::new(graph, predictions, &planned.training.0);
    let constants = constants::of_network(planned, &mut names, root);
    let variables = names.variables();
    let architecture = tables::architecture(planned, &names, &own, root);
    let views = views::views(graph, &own, root);
    // rustc shows where a method is from: at the network's name, not across the whole macro.
    let at_name = match audience {
        Audience::Rustc => Span::call_site().located_at(name.span()),
        Audience::Editor => Span::call_site(),
    };
    let (input, output) = (value_type(graph.shape(graph.input)), value_type(graph.shape(graph.output)));
    // What an image of the wrong size, a type error, refers to.
    let predict = Ident::new("predict", at_name);
    let image = quote_spanned!(at_name=> image: &#input);
    let imports = imports(root);
    let items = beside(
        planned.item,
        &quote! {
            #imports
            #root::private::locals! { #(#variables)* }
            #constants
            #architecture
            #views
            #root::private::methods! { #own, #input => #output }
            #root::private::with_std! {
                impl<T: Precision> #own<T> {
                    /// The answer for one image; one of more than 256 KiB does not compile: see `predict_into`.
                    #[must_use]
                    pub fn #predict(&self, #image) -> #output {
                        <Self as Network>::predict(self, image)
                    }
                }
            }

            impl<T: Precision> fmt::Debug for #own<T> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(#debug)
                }
            }

            impl<T: Precision> Clone for #own<T> {
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

/// Items that mean the type of a network by a name of its own, under which no parameter and no item can hide it.
fn beside(item: &Item<'_>, items: &TokenStream) -> TokenStream {
    let of_every_item = &item.of_every_item;
    let plain = names::of_network(item.name, Span::call_site());
    let (own, parameter) = (own(item), names::beside(item.name, "T"));
    quote! {
        #of_every_item
        #[allow(dead_code, deprecated, nonstandard_style, unused_imports)]
        const _: () = {
            type #own<#parameter> = #plain<#parameter>;

            const _: () = {
                #items
            };
        };
    }
}

/// The name by which items beside a network mean its type.
fn own(item: &Item<'_>) -> Ident {
    names::beside(item.name, "Own")
}

/// What emitted code calls by its name alone. One by one: of types that a crate imports by `*`, the messages of rustc show whole paths.
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

/// The type of one image or one answer.
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
