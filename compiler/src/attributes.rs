//! The attributes of a network, by the items they apply to. A network expands to several items: its type, and the items that belong to
//! it.
//!
//! | attribute | applies to |
//! |---|---|
//! | `cfg`, also in a `cfg_attr` | every item |
//! | `allow`, `expect` | every item; on items other than the type as `allow` |
//! | all others (`doc`, `deprecated`, `derive`, `must_use`, `warn`, …) | the type |

use netwright_grammar::{Diagnostic, Network, Span};
use proc_macro2::TokenStream;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Path, Token, Visibility, parse_quote};

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

/// The attributes of the type: all of them.
pub(crate) fn of_type(network: &Network, source: &str) -> TokenStream {
    network.attributes.iter().filter_map(|&span| text(span, source).parse::<TokenStream>().ok()).collect()
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
