//! The words as documented items: the reference of the language, and the source of an editor's documentation and completions.

use std::collections::BTreeSet;

use netwright_grammar::Diagnostics;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::docs::grouped;
use super::words::identifier;
use crate::layers::{INITS, NETWORK, SHARED, STRUCTURE, words};
use crate::words::{Argument, Example, OptionWord, Word, WordPosition};

const IN: &str = "`in.height`, `in.width`, `in.channels`: the sizes of what comes in.\n\nIn a block, those of what comes into the block where it \
    is called; outside of blocks, those of the network's input. A row of features has `in.features`. They stand in parentheses, as a block's \
    parameters do: `dense (in.channels/4)`.";

const BLOCK: &str = "`block name(width, stride = 1) { … }`\n\nNames some stages, with parameters and their defaults. It stands beside the networks of a \
    `network!`, in any order, and is called as a stage: `name(64)`, or `3 * name(64, 2)` for three in a row, each with weights of its own. \
    Where it is called, numbers may be arithmetic over its parameters, in parentheses: `conv 1x1x(4*width)`.";

/// The tables of all words, as Markdown.
pub fn tables() -> String {
    let mut text = String::new();
    let groups = [
        ("Layers", "They start a stage.", WordPosition::Start),
        (
            "Layers that may follow others",
            "They start a stage, or stand behind the words of another layer.",
            WordPosition::Modifier,
        ),
        (
            "Activations",
            "They start a stage, or stand behind the words of another layer, whose row of the table they join.",
            WordPosition::Activation,
        ),
    ];
    for (title, what, position) in groups {
        let rows = words().filter(|word| word.position == position).map(|word| (word.name, word.form, word.summary));
        table(&mut text, title, what, "", rows);
    }
    let structure = STRUCTURE.iter().map(|word| (word.name, word.form, word.summary));
    let block = [
        ("block", "block name(width) { … }", "names stages, with parameters"),
        (
            "in",
            "in.channels",
            "the sizes of what comes into a block or a network, in parentheses: `dense (in.channels/4)`",
        ),
    ];
    table(&mut text, "Structure", "How stages hang together.", "", structure.chain(block));
    let shared = SHARED.iter().map(|word| (word.name, word.form, word.summary));
    table(&mut text, "Options of every layer", "They stand behind any layer's own options.", "", shared);
    let options = NETWORK.iter().map(|word| (word.name, word.form, word.summary));
    table(&mut text, "Options of a network", "They stand behind its parentheses.", "", options);
    let inits = INITS.iter().map(|word| (word.name, word.form, word.summary));
    table(&mut text, "How weights start", "What follows [`init`](mod@init).", "init::", inits);
    text
}

fn table<'a>(
    text: &mut String,
    title: &str,
    what: &str,
    module: &str,
    rows: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
) {
    text.push_str(&format!("\n\n# {title}\n\n{what}\n\n| | |\n|---|---|\n"));
    for (name, form, summary) in rows {
        let form = cell(&format!("`{form}`"));
        text.push_str(&format!("| [{form}](mod@{module}{name}) | {} |\n", cell(sentence(summary).0)));
    }
}

/// A module for each word, with a module for each of its options; and hidden modules for an editor's completions.
pub fn items() -> TokenStream {
    let words = words().map(|word| {
        let options = word.options.iter().map(|option| {
            option_item(option, &format!("An option of `{}`.", word.name), &quote!(super::super::completion))
        });
        let aliases = word.aliases.iter().map(|alias| {
            let (alias, name) = (name(alias), name(word.name));
            quote!(pub use #name as #alias;)
        });
        let (name, docs) = (name(word.name), docs(word));
        quote!(#[doc = #docs] pub mod #name { #(#options)* } #(#aliases)*)
    });
    let structure = STRUCTURE.iter().map(|word| {
        let (name, docs) = (name(word.name), page(word.form, word.summary, "", "", word.examples));
        quote!(#[doc = #docs] pub mod #name {})
    });
    let shared = SHARED.iter().map(|option| {
        if option.name == "init" {
            let inits = INITS
                .iter()
                .map(|init| option_item(init, "What may follow `init`.", &quote!(super::super::completion)));
            let docs = format!("{}\n\n{}", option_docs(option, "An option of every layer with weights."), init_table());
            return quote!(#[doc = #docs] pub mod init { #(#inits)* });
        }
        option_item(option, "An option of every layer.", &quote!(super::completion))
    });
    let network = NETWORK.iter().map(|option| {
        option_item(option, "An option of a network, behind its parentheses.", &quote!(super::completion))
    });
    let completion = completion();
    quote! {
        #(#words)*
        #(#structure)*
        #[doc = #BLOCK]
        pub mod block {}
        #[doc = #IN]
        pub mod r#in {}
        #(#shared)*
        #(#network)*
        #completion
    }
}

/// The words that may follow: a module for the start of a stage, and one for each preceding word.
fn completion() -> TokenStream {
    let spellings =
        |word: &Word| [word.name].into_iter().chain(word.aliases.iter().copied()).map(name).collect::<Vec<_>>();
    let structure: Vec<Ident> = STRUCTURE.iter().map(|word| name(word.name)).collect();
    let heads = words().flat_map(&spellings).chain(structure.iter().cloned());
    let after = words().map(|word| (word.name, word.options));
    let after = after.chain(STRUCTURE.iter().map(|word| (word.name, [].as_slice()))).chain([("block", [].as_slice())]);
    let after = after.map(|(word, options)| {
        let own: BTreeSet<&str> = options.iter().map(|option| option.name).collect();
        let followers = words()
            .filter(|word| word.position != WordPosition::Start)
            .flat_map(|word| [word.name].into_iter().chain(word.aliases.iter().copied()));
        let followers =
            followers.chain(SHARED.iter().map(|option| option.name)).filter(|name| !own.contains(name)).map(name);
        let (own, word) = (own.iter().map(name), name(word));
        quote! {
            pub mod #word {
                pub use super::super::__;
                pub use super::super::super::#word::{#(#own),*};
                pub use super::super::super::{#(#followers),*};
            }
        }
    });
    let network = NETWORK.iter().map(|option| name(option.name));
    let facts = words().flat_map(spellings).chain(structure.iter().cloned());
    quote! {
        #[doc(hidden)]
        #[allow(unused_imports, non_upper_case_globals)]
        pub mod completion {
            /// Stands where a word could be typed; hidden, so that it is not offered.
            #[doc(hidden)]
            pub mod __ {}
            pub mod heads { pub use super::__; pub use super::super::{#(#heads),*}; }
            pub mod after { #(#after)* }
            pub mod network { pub use super::__; pub use super::super::{#(#network),*}; }
            pub trait Facts { #(const #facts: &'static str = "";)* }
        }
    }
}

fn docs(word: &Word) -> String {
    let position = match word.position {
        WordPosition::Start => "Starts a stage.",
        WordPosition::Modifier => "Starts a stage, or stands behind the words of another layer as a layer of its own.",
        WordPosition::Activation => "Starts a stage, or stands behind the words of another layer.",
    };
    let mut middle = String::new();
    if !word.aliases.is_empty() {
        let aliases: Vec<String> = word.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        middle.push_str(&format!("Also spelt {}.\n\n", aliases.join(", ")));
    }
    if !word.options.is_empty() {
        middle.push_str("| option | |\n|---|---|\n");
        for option in word.options {
            let (form, summary) = (cell(&format!("`{}`", option.form)), cell(option.summary));
            middle.push_str(&format!("| [{form}](mod@{}::{}) | {summary} |\n", word.name, option.name));
        }
        middle.push('\n');
    }
    page(word.form, word.summary, position, &middle, word.examples)
}

fn page(form: &str, summary: &str, position: &str, middle: &str, examples: &[Example]) -> String {
    let (first, rest) = sentence(summary);
    let mut text = format!("`{form}`: {first}\n\n");
    for paragraph in [rest, position].into_iter().filter(|paragraph| !paragraph.is_empty()) {
        text.push_str(&format!("{paragraph}\n\n"));
    }
    text.push_str(middle);
    let rows: Vec<String> = examples.iter().filter_map(example).collect();
    if !rows.is_empty() {
        text.push_str("| input | for example | output | tensors | parameters |\n|---|---|---|---|---:|\n");
        text.push_str(&rows.concat());
    }
    text
}

/// A table row with the output, tensors and parameters of the example.
fn example(example: &Example) -> Option<String> {
    let source = format!("Example({}) {{ {} }}", example.input, example.stage);
    let mut diagnostics = Diagnostics::default();
    let file = netwright_grammar::parse(&source, &mut diagnostics);
    let network = crate::lower::lower(&source, &file, &mut diagnostics).into_iter().find(|network| network.sound)?;
    let output = network.graph.shape(network.graph.output);
    let parameters = grouped(network.graph.count(true) as u64);
    let tensors: Vec<String> =
        network.graph.tensors.iter().map(|tensor| format!("`{}: {:?}`", tensor.name, tensor.shape)).collect();
    let (stage, tensors) = (cell(&format!("`{}`", example.stage)), tensors.join(", "));
    Some(format!("| {} | {stage} | {output} | {tensors} | {parameters} |\n", example.input))
}

/// The module of an option; `completion` is the path to [`completion`]'s module.
fn option_item(option: &OptionWord, of: &str, completion: &TokenStream) -> TokenStream {
    let (name, mut docs) = (name(option.name), option_docs(option, of));
    let Argument::OneOf(choices) = option.argument else { return quote!(#[doc = #docs] pub mod #name {}) };
    docs.push_str("\n\n| | | needs |\n|---|---|---|\n");
    for choice in choices {
        docs.push_str(&format!("| `{} {}` | {} | {} |\n", option.name, choice.name, choice.summary, choice.needs));
    }
    let items = choices.iter().map(|choice| {
        let (name, docs) = (self::name(choice.name), format!("`{} {}`: {}", option.name, choice.name, choice.summary));
        quote!(#[doc = #docs] pub mod #name {})
    });
    quote!(#[doc = #docs] pub mod #name { #[doc(hidden)] pub use #completion::__; #(#items)* })
}

fn option_docs(option: &OptionWord, of: &str) -> String {
    format!("`{}`: {}\n\n{of}", option.form, option.summary)
}

fn init_table() -> String {
    let rows = INITS.iter().map(|init| format!("| `init {}` | {} |\n", init.form, cell(init.summary)));
    format!("| | |\n|---|---|\n{}", rows.collect::<String>())
}

/// The first sentence, and the rest.
fn sentence(text: &str) -> (&str, &str) {
    let end = text
        .match_indices(". ")
        .find(|(at, _)| text[at + 2..].starts_with(|letter: char| letter.is_uppercase() || letter == '`'));
    match end {
        Some((at, _)) => (&text[..=at], &text[at + 2..]),
        None => (text, ""),
    }
}

/// Escapes text for a table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn name(word: impl AsRef<str>) -> Ident {
    let word = word.as_ref();
    identifier(word, Span::call_site()).unwrap_or_else(|| Ident::new("unnamed", Span::call_site()))
}
