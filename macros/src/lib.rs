//! The compiler as rustc sees it: tokens become text with a table of spans, mistakes become `compile_error!` under their words.
//! Use it through the `netwright` crate.

mod report;
mod text;

use proc_macro::TokenStream;

/// `{ $crate } …`: the facade's path in braces, then the blocks and networks. The facade's `network!` calls it.
#[proc_macro]
pub fn network(input: TokenStream) -> TokenStream {
    let mut tokens = input.into_iter();
    let root = match tokens.next() {
        Some(proc_macro::TokenTree::Group(root)) => proc_macro2::TokenStream::from(root.stream()),
        _ => proc_macro2::TokenStream::new(),
    };
    let text = text::Text::of(tokens.collect());
    let compiled = netwright_compiler::compile(text.source(), &root, &|bytes| text.ends(bytes).0.into());
    let mut output: TokenStream =
        compiled.diagnostics.iter().flat_map(|diagnostic| report::compile_error(diagnostic, &text)).collect();
    output.extend(TokenStream::from(compiled.tokens));
    output
}
