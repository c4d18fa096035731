//! The netwright compiler: text → syntax tree → typed graph → planned graph → Rust tokens.
//!
//! An ordinary library, so that it can be tested and fuzzed without rustc. It refers to the runtime only by name, in the code it
//! emits.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attributes;
pub mod builder;
pub mod cost;
mod emit;
mod flattened;
mod from_file;
pub mod graph;
mod ids;
pub mod kernel_call;
pub mod layers;
pub mod lower;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod ops;
pub mod passes;
pub mod program;
pub mod selection;
pub mod shape;
mod suggest;
pub mod verify;
pub mod words;

use netwright_grammar::{Diagnostic, Diagnostics, Name, Span as Bytes};
use proc_macro2::{Span, TokenStream};
use std::path::Path;

pub use emit::{Audience, Item, reference_items, reference_tables};
use emit::{Context, Planned};
use graph::Graph;
use ops::Phase;
use passes::{ImageBlocks, MemoryPlan};
use program::{Prediction, Program};
use selection::Objective;

/// The result of compiling a text.
#[derive(Debug)]
pub struct Compiled {
    /// The items of every network without an error.
    pub tokens: TokenStream,
    /// The networks with an error. A use of such a network should report this error and no consequence of it.
    pub mistaken: Vec<Mistaken>,
    /// Items that give an editor the meaning of each word; empty for rustc. They precede all other items.
    pub words: TokenStream,
    /// Every diagnostic.
    pub diagnostics: Vec<Diagnostic>,
}

/// A network with an error.
#[derive(Debug)]
pub struct Mistaken {
    /// Its name.
    pub name: Name,
    /// The configuration under which the network exists: `#[cfg(…)]`.
    pub condition: TokenStream,
}

/// Compiles the text of a `network! { … }`. `root` is the path by which the emitted code refers to the facade crate; `span` returns
/// the span of the tokens at a range of bytes of the text.
pub fn compile(source: &str, root: &TokenStream, span: &dyn Fn(Bytes) -> Span, audience: Audience) -> Compiled {
    compile_in(source, root, span, audience, None)
}

/// Compiles like [`compile`], and reads the files that the text names from `folder`. Without a folder, no file is read.
pub fn compile_in(
    source: &str,
    root: &TokenStream,
    span: &dyn Fn(Bytes) -> Span,
    audience: Audience,
    folder: Option<&Path>,
) -> Compiled {
    let mut diagnostics = Diagnostics::default();
    let file = netwright_grammar::parse(source, &mut diagnostics);
    let context = Context { root, source, span };
    let misnamed = lower::misnamed(source, &file, &mut diagnostics);
    let networks = lower::lower_named(source, &file, &misnamed, &mut diagnostics);
    let words = match audience {
        Audience::Rustc => TokenStream::new(),
        Audience::Editor => emit::words(&file, &networks, &context),
    };
    let mut tokens = TokenStream::new();
    let unreadable = file.unreadable.iter().filter(|name| lower::is_name_of_a_type(name, source));
    let mistake = |name: &Name| Mistaken { name: name.clone(), condition: TokenStream::new() };
    let mut mistaken: Vec<Mistaken> = unreadable.map(mistake).collect();
    for mut lowered in networks {
        match (lowered.sound, audience) {
            (true, _) => {}
            (false, Audience::Rustc) => {
                let condition = attributes::of_every_item(lowered.syntax, source, false);
                mistaken.push(Mistaken { name: lowered.syntax.name.clone(), condition });
                continue;
            }
            // So that an editor still completes names, it gets the type with its input, its output and empty passes.
            (false, Audience::Editor) => lowered.graph.nodes.clear(),
        }
        let item = Item::of(lowered.syntax, &context);
        tokens.extend(compile_graph(lowered.graph, &item, root, audience));
    }
    for item in &file.items {
        let netwright_grammar::Item::Foreign(foreign) = item else { continue };
        if misnamed.contains(&foreign.network.name.span) {
            continue;
        }
        match from_file::compile(foreign, &context, audience, folder) {
            Ok(items) => tokens.extend(items),
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                let condition = attributes::of_every_item(&foreign.network, source, false);
                mistaken.push(Mistaken { name: foreign.network.name.clone(), condition });
            }
        }
    }
    Compiled { tokens, mistaken, words, diagnostics: diagnostics.into_sorted() }
}

/// Compiles a graph from any front end to the items of the type `item`. `root` is the path of the facade crate.
pub fn compile_graph(graph: Graph, item: &Item<'_>, root: &TokenStream, audience: Audience) -> TokenStream {
    let graph = checked(passes::initial_weights(graph));
    let predicting = optimise(graph.clone(), Phase::Predicting);
    // A block needs memory for sixteen images.
    let goal = objective(&predicting, Phase::Predicting);
    let blocks = if goal == Objective::Memory { None } else { passes::assign_layouts(&predicting) };
    let blocks = blocks.map(|ImageBlocks { graph, fewest }| {
        let graph = checked(graph);
        let (program, plan) = with_plan(passes::predict(&graph).predict);
        emit::InBlocks { graph, program, plan, fewest }
    });
    let pooled = checked(passes::fuse_pools(predicting));
    // A fused depthwise convolution needs scratch memory in addition to the input and the output.
    let predicting = if goal == Objective::Memory { pooled } else { checked(passes::fuse_depthwise(pooled)) };
    let Prediction { prepare, predict } = passes::predict(&predicting);
    let predict = match goal {
        Objective::Speed => passes::fix_sizes(predict, &predicting),
        Objective::Memory => predict,
    };
    let training = passes::differentiate(&optimise(graph.clone(), Phase::Training));
    let train_plan = passes::plan_memory(&training.program);
    let step_plan = passes::plan_memory(&training.prepare);
    let planned = Planned {
        item,
        graph: &graph,
        preparing: with_plan(prepare),
        predicting: with_plan(predict),
        blocks,
        preparing_step: step_plan,
        training: (training, train_plan),
    };
    #[cfg_attr(not(feature = "onnx"), allow(unused_mut))]
    let mut tokens = emit::network(&planned, root, audience);
    #[cfg(feature = "onnx")]
    tokens.extend(emit::onnx::exported(item, &onnx::written_as_onnx(planned.graph, item.name), root));
    tokens
}

fn with_plan(program: Program) -> (Program, MemoryPlan) {
    let plan = passes::plan_memory(&program);
    (program, plan)
}

/// Runs the graph passes of a phase, in order.
fn optimise(graph: Graph, phase: Phase) -> Graph {
    let folded = if phase == Phase::Predicting { checked(passes::fold(graph)) } else { graph };
    let objective = objective(&folded, phase);
    let expanded = checked(passes::expand(checked(passes::fuse(folded, phase)), phase));
    checked(passes::select(expanded, phase, objective))
}

/// The objective by which the kernels of a phase are selected.
fn objective(graph: &Graph, phase: Phase) -> Objective {
    graph.objective.filter(|_| phase == Phase::Predicting).unwrap_or(Objective::of(phase))
}

/// Returns the graph; in debug builds, panics if it violates an invariant. After an error, an editor's graph has no nodes.
fn checked(graph: Graph) -> Graph {
    debug_assert!(
        graph.nodes.is_empty() || verify::verify(&graph).is_ok(),
        "{}\n{graph}",
        verify::verify(&graph).map_or_else(|broken| broken.0, |()| String::new())
    );
    graph
}
