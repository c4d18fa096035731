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
    let constants = constants::of_network(planned, &mut names);
    let variables = names.variables();
    let architecture = tables::architecture(planned, &names, &own);
    let views = views::views(graph, &own, root);
    // rustc shows where a method is from: at the network's name, not across the whole macro.
    let at_name = match audience {
        Audience::Rustc => Span::call_site().located_at(name.span()),
        Audience::Editor => Span::call_site(),
    };
    let methods = methods(graph, &own, at_name, root);
    let imports = imports(root);
    let items = beside(
        planned.item,
        &quote! {
            #imports
            #root::private::locals! { #(#variables)* }
            #constants
            #architecture
            #views
            #methods

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
            bool, computed, disjoint, f32, f64, given, fmt, gradient, head, kernels, largest, str, take, take_mut, u64, unless_fused, usize,
            Activation, Architecture, Axes, Clone, Context, Epilogue, FusedGradient, GradientSeed, ImageBlocks, Init, Kernels, KeptTensors, Layer, Memory, None, WeightLayout,
            Observer, Option, ParameterTensor, Pass, BufferSlot, Plan, Precision, PredictionWeights, PreparationPart, Range, ParameterKind, Shape,
            Some, Tensor, Tensors,
        };
        #root::private::with_std! {
            use #root::private::scope::{
                buffers, buffers_mut, AsRef, Error, Gradients, Network, OwnedPredictor, PassError, Path, Result, SaveWeights, Summary,
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

/// The methods on the type itself, so that users need no trait in scope and `LeNet5::init(1)` no type: whatever has no `self` to tell
/// the precision is there for `f32` alone, and the trait's own serves `LeNet5::<f64>::init(1)`.
fn methods(graph: &Graph, name: &Ident, at_name: Span, root: &TokenStream) -> TokenStream {
    let input = value_type(graph.shape(graph.input));
    let output = value_type(graph.shape(graph.output));
    let concrete = quote!(#name<f32>);
    let architecture = quote!(<#concrete as Architecture>);
    let network = quote!(<Self as Network>);
    // What an image of the wrong size, a type error, refers to.
    let predict = Ident::new("predict", at_name);
    let image = quote_spanned!(at_name=> image: &#input);
    quote! {
        impl #concrete {
            /// The network's name.
            pub const NAME: &'static str = #architecture::NAME;
            /// The shape of one image.
            pub const INPUT: Shape = #architecture::INPUT;
            /// The shape of one answer.
            pub const OUTPUT: Shape = #architecture::OUTPUT;
            /// How many weights there are, those of frozen layers too.
            pub const PARAMETERS: usize = #architecture::PARAMETERS;
            /// How many of them training changes: those of layers that are not frozen.
            pub const TRAINABLE: usize = #architecture::TRAINABLE;
            /// How many elements training moves without gradients.
            pub const STATISTICS: usize = #architecture::STATISTICS;
            /// Multiply-adds to predict one image.
            pub const MACS: u64 = #architecture::MACS;
            /// The layers on the longest way from the image to the answer, the image included.
            pub const DEPTH: usize = #architecture::DEPTH;
            /// The fewest images of a training step.
            pub const FEWEST_IMAGES: usize = #architecture::FEWEST_IMAGES;
            /// Bytes of workspace to predict one image.
            pub const WORKSPACE: usize = 4 * #architecture::PREDICTING.for_batch(1);
            /// The table of layers.
            pub const LAYERS: &'static [Layer] = #architecture::LAYERS;
            /// The kernels chosen, for predictions and for each way of a training pass, and why.
            pub const PLAN: Plan = #architecture::PLAN;
        }

        #root::private::without_std! {
            impl #concrete {
                /// Training needs the feature `std`.
                pub fn init(seed: u64) -> Self where for<'a> f32: FeatureStd<'a> {
                    needs_std(seed)
                }
            }
        }

        #root::private::with_std! {
            impl<T: Precision> Network for #name<T> {
                fn from_weights(weights: Weights<T>) -> Self {
                    Self { weights }
                }
                fn weights_ref(&self) -> &Weights<T> {
                    &self.weights
                }
                fn weights_mut(&mut self) -> &mut Weights<T> {
                    &mut self.weights
                }
            }

            impl<T: Precision> fmt::Display for #name<T> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(&Summary::of::<Self>(), f)
                }
            }

            impl #concrete {
                /// The table of layers, as `{}` of a network prints it.
                #[must_use]
                pub fn summary() -> Summary {
                    Summary::of::<Self>()
                }
                /// A network whose weights start as its layers say, drawn from `seed`.
                #[must_use]
                pub fn init(seed: u64) -> Self {
                    #network::init(seed)
                }
                /// A network with the weights of a file.
                ///
                /// # Errors
                /// Where the file cannot be read, or holds other weights.
                pub fn from_file(
                    path: impl AsRef<Path>,
                ) -> Result<Self, Error> {
                    <Self as SaveWeights>::from_file(path)
                }
                /// Memory for training steps of up to `batch` images.
                #[must_use]
                pub fn workspace(batch: usize) -> TrainingWorkspace<Self> {
                    #network::workspace(batch)
                }
                /// Gradients of all parameters, zero to begin with.
                #[must_use]
                pub fn gradients() -> Gradients<Self> {
                    #network::gradients()
                }
            }

            impl<T: Precision> #name<T> {
                /// The answer for one image; one of more than 256 KiB does not compile: see `predict_into`.
                #[must_use]
                pub fn #predict(&self, #image) -> #output {
                    #network::predict(self, image)
                }
                /// The answers for many images.
                #[must_use]
                pub fn predict_batch(&self, images: &[#input]) -> Vec<#output> {
                    #network::predict_batch(self, images)
                }
                /// The answer for one image, written over `answer`: for one that is larger than a stack.
                pub fn predict_into(&self, image: &#input, answer: &mut #output) {
                    #network::predict_into(self, image, answer);
                }
                /// A predictor that owns what predictions read, and no other weights.
                #[must_use]
                pub fn into_predictor(self) -> OwnedPredictor<Self> {
                    #network::into_predictor(self)
                }
                /// What predictions read in place of some weights, to be borrowed by a `Predictor`.
                #[must_use]
                pub fn prepared(&self) -> &[T] {
                    #network::prepared(self)
                }
                /// On how many threads it predicts; one means the caller's own. Unless this is said, a prediction that takes long
                /// enough uses every processor. Any number gives the same bits.
                ///
                /// # Errors
                /// For 0 threads, for more than 1024, and where the system refuses them.
                pub fn set_threads(&mut self, count: usize) -> Result<(), Error> {
                    #network::set_threads(self, count)
                }
                /// The answers for many images, written to `answers`.
                pub fn predict_batch_into(&self, images: &[#input], answers: &mut [#output]) {
                    #network::predict_batch_into(self, images, answers);
                }
                /// Runs images forward as in training, and returns their answers.
                ///
                /// # Errors
                /// Where there are more images than the workspace holds, or none.
                pub fn forward<'w>(
                    &mut self,
                    pass: Pass,
                    images: &[#input],
                    workspace: &'w mut TrainingWorkspace<Self>,
                ) -> Result<&'w [#output], PassError> {
                    #network::forward(self, pass, images, workspace)
                }
                /// Runs the images of the last `forward` backward from the gradient in `workspace`, and adds to `gradients`.
                ///
                /// # Errors
                /// Where there are not as many images as were sent forward.
                pub fn backward(
                    &self,
                    pass: Pass,
                    seed: GradientSeed,
                    images: &[#input],
                    workspace: &mut TrainingWorkspace<Self>,
                    gradients: &mut Gradients<Self>,
                ) -> Result<(), PassError> {
                    #network::backward(self, pass, seed, images, workspace, gradients)
                }
                /// [`Self::backward`], and the gradient of each image.
                ///
                /// # Errors
                /// Where there are not as many images as were sent forward, or the gradient's length is another.
                pub fn backward_to_input(
                    &self,
                    pass: Pass,
                    seed: GradientSeed,
                    images: &[#input],
                    workspace: &mut TrainingWorkspace<Self>,
                    gradients: &mut Gradients<Self>,
                    input_gradient: &mut [T],
                ) -> Result<(), PassError> {
                    #network::backward_to_input(self, pass, seed, images, workspace, gradients, input_gradient)
                }
                /// All trained elements, contiguous.
                #[must_use]
                pub fn parameters(&self) -> &[T] {
                    #network::parameters(self)
                }
                /// All trained elements, contiguous, to change.
                pub fn parameters_mut(&mut self) -> &mut [T] {
                    #network::parameters_mut(self)
                }
            }
        }
    }
}
