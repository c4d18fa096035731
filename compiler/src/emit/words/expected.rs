//! The words allowed at a position of the text, and the module for an editor's completions there.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::layers::INITS;
use crate::words::{Argument, Choice, Word, WordPosition};

/// The names that an item of the text defines.
pub(super) struct Names {
    pub(super) module: Ident,
    pub(super) parameters: BTreeMap<String, TokenStream>,
    pub(super) taps: BTreeMap<String, TokenStream>,
    pub(super) layers: BTreeMap<String, TokenStream>,
}

/// The owner of the options and words that follow.
#[derive(Clone, Copy)]
pub(super) enum Owner<'a> {
    Word(&'static Word),
    Structure(&'a str),
    Block,
}

/// The kind of word expected at a position.
pub(super) enum Asks {
    /// A layer, an option, a structural word, or the call of a block.
    Word,
    /// A name that is defined here.
    NewName,
    /// A name that is already defined.
    NameIn(fn(&Names, &str) -> bool),
    /// One of these choices.
    OneOf(&'static [Choice]),
}

/// The kind of word expected after the word `before` and the preceding `owners`, and the module it is completed from.
pub(super) fn expected(before: Option<&str>, owners: &[Owner<'_>], names: &Names) -> (TokenStream, Asks) {
    let item = &names.module;
    let choices = owners.iter().rev().find_map(|owner| match owner {
        Owner::Word(word) => {
            let option = word.options.iter().find(|option| Some(option.name) == before)?;
            if let Argument::OneOf(choices) = option.argument { Some((word.name, option.name, choices)) } else { None }
        }
        _ => None,
    });
    if let Some((word, option, choices)) = choices {
        let [word, option] = [word, option].map(|name| format_ident!("{name}"));
        return (quote!(options::#word::#option), Asks::OneOf(choices));
    }
    match before {
        Some("as") if !owners.is_empty() => return (quote!(heads), Asks::NewName),
        Some("tap") if owners.len() == 1 => return (quote!(heads), Asks::NewName),
        Some("tied") => return (quote!(#item::layers), Asks::NameIn(|names, word| names.layers.contains_key(word))),
        Some("init") => return (quote!(init), Asks::NameIn(|_, word| INITS.iter().any(|init| init.name == word))),
        Some("bias") => return (quote!(init), Asks::NameIn(|_, word| matches!(word, "normal" | "uniform"))),
        Some("add" | "concat" | "mul") if owners.len() == 1 => {
            return (quote!(#item::taps), Asks::NameIn(|names, word| names.taps.contains_key(word)));
        }
        _ => {}
    }
    // All activations but one have no options of their own: the options of the layer before them may still follow.
    let is_activation = |owner: &Owner<'_>| matches!(owner, Owner::Word(word) if word.position == WordPosition::Activation && word.options.is_empty());
    let open = owners.iter().rev().find(|owner| owners.len() == 1 || !is_activation(owner)).or(owners.first());
    let module = match open {
        None => quote!(heads),
        Some(owner) => {
            let owner = match owner {
                Owner::Word(word) => word.name,
                Owner::Structure(name) => name,
                Owner::Block => "block",
            };
            let owner = format_ident!("{owner}");
            quote!(after::#owner)
        }
    };
    (module, Asks::Word)
}
