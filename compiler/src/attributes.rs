//! The attributes of a network, by what they reach. A network is several items: its type, and all that hangs on it.
//!
//! | attribute | reaches |
//! |---|---|
//! | `cfg`, also in a `cfg_attr` | every item |
//! | `allow`, `expect` | every item, on those beside the type as `allow` |
//! | all others (`doc`, `deprecated`, `derive`, `must_use`, `warn`, …) | the type |

use netwright_grammar::{Diagnostic, Network, Span};
use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, TokenStream, TokenTree};

/// What the traits of the standard library that can be derived are to a network.
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

/// The tokens of an attribute without its `#` and brackets.
fn inside(span: Span, source: &str) -> Vec<TokenTree> {
    let tokens = source.get(span.range()).unwrap_or_default().parse::<TokenStream>().unwrap_or_default();
    match tokens.into_iter().last() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            group.stream().into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// `name(…)`
fn call(tokens: &[TokenTree]) -> Option<(String, TokenStream)> {
    match tokens {
        [TokenTree::Ident(name), TokenTree::Group(group)] if group.delimiter() == Delimiter::Parenthesis => {
            Some((name.to_string(), group.stream()))
        }
        _ => None,
    }
}

/// What stands between the commas of a list.
fn listed(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut entries = vec![Vec::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => entries.push(Vec::new()),
            _ => entries.last_mut().into_iter().for_each(|entry| entry.push(token.clone())),
        }
    }
    entries.retain(|entry| !entry.is_empty());
    entries
}

/// `name(…)`
fn tokens_of_call(name: &str, inside: TokenStream) -> Vec<TokenTree> {
    let name = Ident::new(name, proc_macro2::Span::call_site());
    vec![name.into(), Group::new(Delimiter::Parenthesis, inside).into()]
}

/// The part of an attribute that every item of the network takes; `lints` says whether lints are part of it.
fn reaching(tokens: &[TokenTree], lints: bool) -> Option<Vec<TokenTree>> {
    let (name, arguments) = call(tokens)?;
    match name.as_str() {
        "cfg" => Some(tokens.to_vec()),
        "allow" | "expect" if lints => Some(tokens_of_call("allow", arguments)),
        "cfg_attr" => {
            let mut entries = listed(arguments).into_iter();
            let mut kept = TokenStream::from_iter(entries.next()?);
            let attributes: Vec<Vec<TokenTree>> = entries.filter_map(|entry| reaching(&entry, lints)).collect();
            if attributes.is_empty() {
                return None;
            }
            for attribute in attributes {
                kept.extend([TokenTree::from(Punct::new(',', Spacing::Alone))]);
                kept.extend(attribute);
            }
            Some(tokens_of_call("cfg_attr", kept))
        }
        _ => None,
    }
}

/// The attributes of items beside the type: those that reach every item, with or without `lints`.
pub(crate) fn of_every_item(network: &Network, source: &str, lints: bool) -> TokenStream {
    let mut attributes = TokenStream::new();
    for tokens in network.attributes.iter().filter_map(|&span| reaching(&inside(span, source), lints)) {
        let group = Group::new(Delimiter::Bracket, tokens.into_iter().collect());
        attributes.extend([TokenTree::from(Punct::new('#', Spacing::Alone)), group.into()]);
    }
    attributes
}

/// Whether the network is there only under some configuration.
pub(crate) fn is_conditional(network: &Network, source: &str) -> bool {
    !of_every_item(network, source, false).is_empty()
}

/// That an attribute derives what a network has, or cannot have.
pub(crate) fn refuse_derives(network: &Network, source: &str) -> Option<Diagnostic> {
    network.attributes.iter().find_map(|&span| {
        let (_, traits) = call(&inside(span, source)).filter(|(name, _)| name == "derive")?;
        let derived = listed(traits).into_iter().filter_map(|path| path.last().map(TokenTree::to_string));
        let (name, help) = derived.into_iter().find_map(|derived| DERIVED.iter().find(|(name, _)| *name == derived))?;
        let message = format!("`{}` cannot derive `{name}`", network.name.text);
        Some(Diagnostic::new(span, message).help(format!("leave it out: {help}")))
    })
}
