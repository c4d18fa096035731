//! Lowering of the syntax tree to the typed graph: names, blocks, repeats, branches, and shape inference.

mod call;
mod diagnostics;
mod expression;
mod foreign;
mod frozen;
mod join;
mod lowering;
mod sharing;
mod stage;
mod structure;
mod taps;

use std::collections::{BTreeMap, BTreeSet};

use netwright_grammar::{
    Atom, AtomKind, Block, Diagnostic, Diagnostics, File, Foreign, Item, Name, Network, Parameter, Span,
};

pub use foreign::Pattern;
pub(crate) use lowering::shortened;
pub use lowering::{Lowering, Made};
use structure::Structure;

use crate::attributes;
use crate::graph::Graph;
use crate::selection::Objective;
use crate::shape::Shape;
use crate::words::RustName;

/// A network with its graph. After an error, only the graph's input and output are valid.
#[derive(Debug)]
pub struct Lowered<'a> {
    /// The syntax tree.
    pub syntax: &'a Network,
    /// The graph.
    pub graph: Graph,
    /// Whether there was no error.
    pub sound: bool,
    /// The result of each word; after the first error, as far as it can be determined.
    pub made: Vec<Made>,
}

/// Lowers every network of a file, and reports all errors to `diagnostics`.
pub fn lower<'a>(source: &str, file: &'a File, diagnostics: &mut Diagnostics) -> Vec<Lowered<'a>> {
    let misnamed = misnamed(source, file, diagnostics);
    lower_named(source, file, &misnamed, diagnostics)
}

/// Lowers every network except those with invalid names.
pub(crate) fn lower_named<'a>(
    source: &str,
    file: &'a File,
    misnamed: &[Span],
    diagnostics: &mut Diagnostics,
) -> Vec<Lowered<'a>> {
    let without_keyword: Vec<Block> = file.items.iter().filter_map(block_without_keyword).collect();
    let blocks = blocks(file, &without_keyword, diagnostics);
    let mut called = BTreeSet::new();
    let networks = file.items.iter().filter_map(|item| match item {
        Item::Network(network) if !misnamed.contains(&network.name.span) => {
            Some(lower_network(source, network, &blocks, &mut called, diagnostics))
        }
        _ => None,
    });
    let networks = networks.collect();
    if diagnostics.is_empty() {
        never_called(&blocks, &called).into_iter().for_each(|diagnostic| diagnostics.push(diagnostic));
    }
    networks
}

/// Returns the spans of network names, of texts and of files, that cannot name a new type, and reports each.
pub(crate) fn misnamed(source: &str, file: &File, diagnostics: &mut Diagnostics) -> Vec<Span> {
    let mut seen: BTreeMap<&str, bool> = BTreeMap::new();
    let mut misnamed = Vec::new();
    for item in &file.items {
        let (Item::Network(network) | Item::Foreign(Foreign { network, .. })) = item else { continue };
        let refused = if let Some(block) = block_without_keyword(item) {
            let message = format!("`{}` begins like a network and goes on like a block", block.name.text);
            Some(
                Diagnostic::new(network.header, message)
                    .help("a block begins with the word `block`: `block cell(width) { … }`"),
            )
        } else {
            refuse_name(&network.name, source).or_else(|| {
                // Networks with the same name are allowed if each has its own configuration.
                let is_conditional = attributes::is_conditional(network, source);
                let other = seen.insert(&network.name.text, is_conditional);
                other.filter(|other| !(*other && is_conditional)).map(|_| {
                    Diagnostic::new(network.name.span, format!("two networks are called `{}`", network.name.text))
                        .help("each network makes a type, and types need names of their own")
                })
            })
        };
        if let Some(diagnostic) = refused {
            diagnostics.push(diagnostic);
            misnamed.push(network.name.span);
        }
    }
    misnamed
}

/// The diagnostics for blocks that are never called, whose stages are therefore unchecked. Of blocks that call each other, only the
/// outermost are reported.
fn never_called(blocks: &Blocks<'_>, called: &BTreeSet<String>) -> Vec<Diagnostic> {
    let idle: Vec<&Block> = blocks.values().copied().filter(|block| !called.contains(&block.name.text)).collect();
    let is_inside = |block: &Block| {
        let others = idle.iter().filter(|other| other.name != block.name);
        others.into_iter().any(|other| taps::is_mentioned(&other.body, &block.name.text, block.name.span))
    };
    let outermost: Vec<&Block> = idle.iter().copied().filter(|block| !is_inside(block)).collect();
    let reported = if outermost.is_empty() { idle } else { outermost };
    let diagnostic = |block: &Block| {
        Diagnostic::new(block.name.span, format!("the block `{}` is never called", block.name.text))
            .help("call it in a network, or leave it out: what stands in a block is checked where it is called")
    };
    reported.into_iter().map(diagnostic).collect()
}

/// The blocks by name.
type Blocks<'a> = BTreeMap<&'a str, &'a Block>;

/// Returns the block if an item looks like `cell(width) { … }` without the word `block`: an input's shape never consists of names.
fn block_without_keyword(item: &Item) -> Option<Block> {
    let Item::Network(network) = item else { return None };
    let mut parameters = Vec::new();
    for atom in network.input.as_ref()? {
        match &atom.kind {
            AtomKind::Word(word) => {
                let name = Name { text: word.clone(), span: atom.span };
                parameters.push(Parameter { name, default: None });
            }
            AtomKind::Stray(comma) if comma == "," => {}
            _ => return None,
        }
    }
    let is_block = !parameters.is_empty();
    let (name, body, header) = (network.name.clone(), network.body.clone(), network.header);
    is_block.then_some(Block { name, parameters, body, header })
}

/// The diagnostic for a network's name that cannot be the name of a type.
fn refuse_name(name: &Name, source: &str) -> Option<Diagnostic> {
    let refused = || {
        Diagnostic::new(name.span, format!("`{}` is a word of Rust", name.text))
            .help("call the network something else: it makes a type of that name")
    };
    (!is_name_of_a_type(name, source)).then(refused)
}

/// Whether it can be the name of a type; a keyword of Rust only as a raw identifier, `r#type`.
pub(crate) fn is_name_of_a_type(name: &Name, source: &str) -> bool {
    let is_raw = || source.get(name.span.range()).is_some_and(|written| written.starts_with("r#"));
    match crate::words::rust_name(&name.text) {
        RustName::Free => true,
        RustName::Keyword => is_raw(),
        RustName::Never => false,
    }
}

fn blocks<'a>(file: &'a File, without_keyword: &'a [Block], diagnostics: &mut Diagnostics) -> Blocks<'a> {
    let mut blocks = Blocks::new();
    let written = file.items.iter().filter_map(|item| match item {
        Item::Block(block) => Some(block),
        Item::Network(_) | Item::Foreign(_) => None,
    });
    for block in written.chain(&file.unreadable_blocks).chain(without_keyword) {
        let name = block.name.text.as_str();
        if crate::layers::find(name).is_some() || stage::STRUCTURE.contains(&name) {
            diagnostics.push(
                Diagnostic::new(block.name.span, format!("`{name}` is a word of the language"))
                    .help("call the block something else"),
            );
            continue;
        }
        for (index, parameter) in block.parameters.iter().enumerate() {
            if block.parameters[..index].iter().any(|other| other.name.text == parameter.name.text) {
                diagnostics.push(
                    Diagnostic::new(
                        parameter.name.span,
                        format!("two parameters are called `{}`", parameter.name.text),
                    )
                    .help("give each a name of its own"),
                );
            }
        }
        if blocks.insert(name, block).is_some() {
            diagnostics.push(
                Diagnostic::new(block.name.span, format!("two blocks are called `{name}`"))
                    .help("give each a name of its own"),
            );
        }
    }
    blocks
}

/// Lowers a network. Adds the blocks that it calls to `called`.
fn lower_network<'a>(
    source: &str,
    network: &'a Network,
    blocks: &Blocks<'_>,
    called: &mut BTreeSet<String>,
    diagnostics: &mut Diagnostics,
) -> Lowered<'a> {
    let before = diagnostics.len();
    attributes::refuse_derives(network, source).into_iter().for_each(|diagnostic| diagnostics.push(diagnostic));
    let shape = input_shape(network).unwrap_or_else(|diagnostic| {
        diagnostics.push(diagnostic);
        None
    });
    let mut lowering =
        Lowering::new(source, shape.unwrap_or(Shape::Image { height: 1, width: 1, channels: 1 }), diagnostics);
    if shape.is_none() {
        lowering.input_is_unknown();
    }
    let input = lowering.input();
    let mut structure = Structure::new(&mut lowering, blocks);
    let output = structure.network(&network.body, input);
    called.append(&mut structure.called);
    if output == input && !lowering.is_wrong() {
        lowering.report(
            Diagnostic::new(network.header, format!("`{}` has no layers", network.name.text))
                .help("write at least one stage between the braces: `{ dense 10 }`"),
        );
    }
    lowering.report_second_softmax(output);
    let (mut graph, made) = lowering.finish(output);
    graph.objective = objective(network).unwrap_or_else(|diagnostic| {
        diagnostics.push(diagnostic);
        None
    });
    Lowered { syntax: network, graph, sound: diagnostics.len() == before, made }
}

/// The objective of predictions that the network's options specify.
fn objective(network: &Network) -> Result<Option<Objective>, Diagnostic> {
    let [first, rest @ ..] = network.options.as_slice() else { return Ok(None) };
    let (name, span) = (&network.name.text, first.span.to(rest.last().unwrap_or(first).span));
    if !matches!(&first.kind, AtomKind::Word(word) if word == "memory") {
        let words = "this is no option of a network";
        return Err(Diagnostic::new(span, words).help(format!(
            "`{name}(…) memory least {{ … }}` is the only one; the words of layers stand in the braces"
        )));
    }
    match rest {
        [Atom { kind: AtomKind::Word(word), .. }] if word == "least" => Ok(Some(Objective::Memory)),
        [] => Err(Diagnostic::new(span, "`memory` needs the word `least`").help(format!(
            "write `{name}(…) memory least {{ … }}`, or leave `memory` out: predictions are then planned for speed"
        ))),
        [value, ..] => {
            let span = value.span.to(rest.last().unwrap_or(value).span);
            Err(Diagnostic::new(span, "`memory` is asked for by the word `least` alone").help(format!(
                "write `{name}(…) memory least {{ … }}`: predictions then take the kernels that need the least"
            )))
        }
    }
}

/// The shape between the parentheses after the network's name.
fn input_shape(network: &Network) -> Result<Option<Shape>, Diagnostic> {
    let name = &network.name.text;
    let form = &format!(
        "write `{name}(28x28x1)` for images of height x width x channels, `{name}(128x1)` for series of length x channels, or `{name}(784)` for rows of features"
    );
    let Some(atoms) = &network.input else {
        return Err(Diagnostic::new(network.name.span, format!("`{name}` does not say what comes in")).help(form));
    };
    let [atom @ Atom { kind: AtomKind::Numbers(_), span }] = atoms.as_slice() else {
        return Err(match atoms.as_slice() {
            [] => Diagnostic::new(network.header, "the input's shape is missing").help(form),
            [first, .., last] => {
                let location = first.span.to(last.span);
                match sizes_with_commas(atoms) {
                    Some(sizes) => Diagnostic::new(location, "the sizes of an input are joined by `x`")
                        .help(format!("write `{name}({sizes})`")),
                    None => Diagnostic::new(location, "this is not the shape of an input").help(form),
                }
            }
            [only] => match &only.kind {
                AtomKind::Stray(text) => diagnostics::stray_text(text, only.span),
                _ => Diagnostic::new(only.span, "this is not the shape of an input").help(form),
            },
        });
    };
    let Some(numbers) = expression::numbers(atom, &expression::Scope::new()) else { return Ok(None) };
    let sizes =
        numbers?.numbers.iter().map(|number| number.count("a size of the input")).collect::<Result<Vec<_>, _>>()?;
    let shape = match sizes.as_slice() {
        [features] => Shape::Flat(*features),
        [height, width, channels] => Shape::Image { height: *height, width: *width, channels: *channels },
        [length, channels] => Shape::Series { length: *length, channels: *channels },
        [batch, height, width, channels] => {
            return Err(Diagnostic::new(*span, "an input has one size, two or three, not 4").help(format!(
                "leave the batch of {batch} out: a network is declared for one image, `{name}({height}x{width}x{channels})`"
            )));
        }
        more => {
            return Err(
                Diagnostic::new(*span, format!("an input has one size, two or three, not {}", more.len())).help(form)
            );
        }
    };
    shape.checked().map(Some).ok_or_else(|| {
        Diagnostic::new(*span, format!("an input of {shape} would hold more than 2^31 elements"))
            .help("use smaller images")
    })
}

/// `28x28x1` for `28, 28, 1`.
fn sizes_with_commas(atoms: &[Atom]) -> Option<String> {
    let mut sizes = Vec::new();
    for atom in atoms {
        match &atom.kind {
            AtomKind::Stray(comma) if comma == "," || comma == ";" => {}
            _ => {
                let numbers = expression::numbers(atom, &expression::Scope::new())?.ok()?;
                sizes.extend(numbers.numbers.iter().map(|number| number.value.to_string()));
            }
        }
    }
    Some(sizes.join("x"))
}
