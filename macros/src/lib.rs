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

/// For every example in the compiler's table of words, a module with a network `Example` and a test that hands it to the function
/// named: a layer with a wrong gradient cannot be listed.
#[doc(hidden)]
#[proc_macro]
pub fn test_every_example(check: TokenStream) -> TokenStream {
    let mut text = String::new();
    for word in netwright_compiler::layers::WORDS {
        for (index, example) in word.examples.iter().enumerate() {
            let (name, input, stage) = (word.name, example.input, example.stage);
            text.push_str(&format!(
                "mod {name}_{} {{
                    ::netwright::network! {{ pub Example({input}) {{ {stage} }} }}
                    #[test]
                    fn has_the_gradient_of_finite_differences() {{ super::{check}::<Example<f64>>(\"{input}: {stage}\"); }}
                }}",
                index + 1
            ));
        }
    }
    text.parse().unwrap_or_default()
}
