//! The functions of a pass. A parameter or variable is named only if the body uses it.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote};

/// A `let` statement at the start of a pass: its names, pattern and value.
pub(super) struct Start {
    names: Vec<&'static str>,
    pattern: fn(&[Option<Ident>]) -> TokenStream,
    value: TokenStream,
}

pub(super) fn variable(name: &'static str, value: TokenStream) -> Start {
    Start { names: vec![name], pattern: |names| quote!(#(#names)*), value }
}

/// Splits off the scratch memory, which precedes the values.
pub(super) fn split(at: &TokenStream) -> Start {
    let pattern = |names: &[Option<Ident>]| {
        let names = names.iter().map(|name| name.as_ref().map_or_else(|| quote!(_), Ident::to_token_stream));
        quote!((#(#names),*))
    };
    Start { names: vec!["scratch", "workspace"], pattern, value: quote!(workspace.split_at_mut(#at)) }
}

/// A function of a pass; parameters and variables that its body does not use are `_` or omitted.
pub(super) fn function(
    signature: &TokenStream,
    parameters: &[(&'static str, TokenStream)],
    starts: Vec<Start>,
    body: TokenStream,
) -> TokenStream {
    let mut used = BTreeSet::new();
    identifiers(body.clone(), &mut used);
    let mut body = body;
    for Start { names, pattern, value } in starts.into_iter().rev() {
        let given: Vec<Option<Ident>> =
            names.iter().map(|name| used.contains(*name).then(|| format_ident!("{name}"))).collect();
        if given.iter().any(Option::is_some) {
            let pattern = pattern(&given);
            identifiers(value.clone(), &mut used);
            body = quote!(let #pattern = #value; #body);
        }
    }
    let parameters = parameters.iter().map(|(name, kind)| {
        let name = if used.contains(*name) { format_ident!("{name}").into_token_stream() } else { quote!(_) };
        quote!(#name: #kind)
    });
    quote!(#signature(#(#parameters),*) { #body })
}

/// Adds all identifiers in `tokens` to `found`.
fn identifiers(tokens: TokenStream, found: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(word) => {
                found.insert(word.to_string());
            }
            TokenTree::Group(group) => identifiers(group.stream(), found),
            _ => {}
        }
    }
}
