//! The attributes of a network, by the items they apply to. A network expands to several items: its type, and the items that belong to
//! it.
//!
//! | attribute | applies to |
//! |---|---|
//! | `cfg`, also in a `cfg_attr` | every item |
//! | `allow`, `expect` | every item; on items other than the type as `allow` |
//! | all others (`doc`, `deprecated`, `derive`, `must_use`, `warn`, …) | the type |

use netwright_grammar::{Diagnostic, Network, Span};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Path, Token, Visibility, parse_quote};

use crate::emit::Context;

/// Derivable traits of the standard library, with the reason why a network does not derive each.
const DERIVED: &[(&str, &str)] = &[
    ("Debug", "a network is `Debug` already"),
    ("Clone", "a network is `Clone` already"),
    ("Copy", "a network owns its weights: write `.clone()`"),
    ("Default", "a network starts from a seed: write `init(1)`"),
    ("PartialEq", "to compare networks, compare their `parameters()`"),
    ("Eq", "to compare networks, compare their `parameters()`"),
    ("PartialOrd", "to compare networks, compare their `parameters()`"),
    ("Ord", "to compare networks, compare their `parameters()`"),
    ("Hash", "weights are numbers with a fraction, which have no hash"),
];

fn text(span: Span, source: &str) -> &str {
    source.get(span.range()).unwrap_or_default()
}

fn attributes(network: &Network, source: &str) -> impl Iterator<Item = (Span, Attribute)> {
    network.attributes.iter().flat_map(move |&span| {
        let parsed = Attribute::parse_outer.parse_str(text(span, source)).unwrap_or_default();
        parsed.into_iter().map(move |attribute| (span, attribute))
    })
}

/// The part of an attribute that applies to every item of the network; `lints` includes the lint attributes.
fn applicable(meta: &Meta, lints: bool) -> Option<Meta> {
    let Meta::List(list) = meta else { return None };
    let tokens = &list.tokens;
    match list.path.get_ident()?.to_string().as_str() {
        "cfg" => Some(meta.clone()),
        "allow" | "expect" if lints => Some(parse_quote!(allow(#tokens))),
        "cfg_attr" => {
            let entries = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
            let mut entries = entries.iter();
            let condition = entries.next()?;
            let kept: Vec<Meta> = entries.filter_map(|entry| applicable(entry, lints)).collect();
            (!kept.is_empty()).then(|| parse_quote!(cfg_attr(#condition, #(#kept),*)))
        }
        _ => None,
    }
}

/// The attributes of the type: all of them, with their spans in the user's file, where rustc reports their errors.
pub(crate) fn of_type(network: &Network, context: &Context<'_>) -> TokenStream {
    let parsed = |&span: &Span| {
        let tokens = text(span, context.source).parse::<TokenStream>().ok()?;
        let mut next = span.start;
        Some(located(tokens, &mut next, span.end, context))
    };
    network.attributes.iter().filter_map(parsed).collect()
}

/// Tokens parsed from the bytes `*next..end` of the source, with their spans in the user's file. Advances `next` behind the tokens.
fn located(tokens: TokenStream, next: &mut usize, end: usize, context: &Context<'_>) -> TokenStream {
    let find = |token: &str, next: &mut usize| {
        let start = *next + context.source.get(*next..end)?.find(token)?;
        *next = start + token.len();
        Some((context.span)(Span::new(start, *next)))
    };
    let mut output = TokenStream::new();
    for mut token in tokens {
        let span = match &token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                find(open, next);
                let inside = located(group.stream(), next, end, context);
                token = Group::new(group.delimiter(), inside).into();
                // A token has one span, and rustc underlines from the `#` to the last token of an attribute.
                find(close, next)
            }
            leaf => find(&leaf.to_string(), next),
        };
        if let Some(span) = span {
            token.set_span(span);
        }
        output.extend([token]);
    }
    output
}

/// The attributes of the other items: those that apply to every item, with or without `lints`.
pub(crate) fn of_every_item(network: &Network, source: &str, lints: bool) -> TokenStream {
    let mut attributes_of_items = TokenStream::new();
    for meta in attributes(network, source).filter_map(|(_, attribute)| applicable(&attribute.meta, lints)) {
        let attribute: TokenStream = parse_quote!(#[#meta]);
        attributes_of_items.extend(attribute);
    }
    attributes_of_items
}

/// The visibility of the network's type.
pub(crate) fn visibility(network: &Network, source: &str) -> TokenStream {
    let visibility = network.visibility.and_then(|span| syn::parse_str::<Visibility>(text(span, source)).ok());
    visibility.map(|visibility| parse_quote!(#visibility)).unwrap_or_default()
}

/// Whether the network exists only under some configuration.
pub(crate) fn is_conditional(network: &Network, source: &str) -> bool {
    !of_every_item(network, source, false).is_empty()
}

/// Reports a derived trait that a network has already or cannot have.
pub(crate) fn refuse_derives(network: &Network, source: &str) -> Option<Diagnostic> {
    attributes(network, source).filter(|(_, attribute)| attribute.path().is_ident("derive")).find_map(
        |(span, derive)| {
            let paths = derive.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).ok()?;
            let mut derived = paths.iter().filter_map(|path| path.segments.last()).map(|last| last.ident.to_string());
            let (name, help) = derived.find_map(|derived| DERIVED.iter().find(|(name, _)| *name == derived))?;
            let message = format!("`{}` cannot derive `{name}`", network.name.text);
            Some(Diagnostic::new(span, message).help(format!("leave it out: {help}")))
        },
    )
}
