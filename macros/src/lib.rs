//! The compiler's interface to rustc: converts tokens to text with a table of spans, and diagnostics to `compile_error!` at their
//! spans. Use it through the `netwright` crate.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod report;
mod text;

use std::path::PathBuf;

use netwright_compiler::Audience;
use proc_macro::{Group, Literal, Span, TokenStream, TokenTree};

/// `{ $crate } …`: the path of the facade crate in braces, then the blocks and networks. The facade's `network!` calls this macro.
#[proc_macro]
pub fn network(input: TokenStream) -> TokenStream {
    let mut tokens = input.into_iter();
    let root = match tokens.next() {
        Some(TokenTree::Group(root)) => root.stream(),
        _ => TokenStream::new(),
    };
    let audience = audience();
    let text = text::Text::of(tokens.collect(), audience);
    let span = |bytes| text.ends(bytes).0.into();
    let mut compiled =
        netwright_compiler::compile_in(text.source(), &root.clone().into(), &span, audience, folder().as_deref());
    let mut output = TokenStream::from(std::mem::take(&mut compiled.words));
    output.extend(report::errors(&compiled, &root, &text));
    output.extend(TokenStream::from(compiled.tokens));
    output
}

/// The folder of the crate being compiled.
fn folder() -> Option<PathBuf> {
    std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)
}

/// The program that runs this macro. `cfg(rust_analyzer)` is set only for packages of the workspace and path dependencies, and not for
/// a dependency from a registry, so the name of the executable decides.
fn audience() -> Audience {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(|path| path.file_name()).and_then(|name| name.to_str());
    if name.is_some_and(|name| name.contains("rust-analyzer")) { Audience::Editor } else { Audience::Rustc }
}

/// The documented words of the language: the facade's module `words`. The items have the span of the token in the braces, to which an
/// editor navigates.
#[doc(hidden)]
#[proc_macro]
pub fn words(place: TokenStream) -> TokenStream {
    let span = place.into_iter().next().map_or_else(Span::call_site, |token| token.span());
    at(span, netwright_compiler::reference_items().into())
}

fn at(span: Span, tokens: TokenStream) -> TokenStream {
    let located = tokens.into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            token = Group::new(group.delimiter(), at(span, group.stream())).into();
        }
        token.set_span(span);
        token
    });
    located.collect()
}

/// The tables of all words, as documentation of the facade's module `words`.
#[doc(hidden)]
#[proc_macro]
pub fn tables_of_words(_: TokenStream) -> TokenStream {
    TokenTree::from(Literal::string(&netwright_compiler::reference_tables())).into()
}

/// For every example in the compiler's table of words, a module with a network `Example` and a test that passes it to the named
/// function. A layer with a wrong gradient therefore fails a test.
#[doc(hidden)]
#[proc_macro]
pub fn test_every_example(check: TokenStream) -> TokenStream {
    let mut text = String::new();
    for word in netwright_compiler::layers::words() {
        for (index, example) in word.examples.iter().enumerate() {
            let (name, input, stage) = (word.name, example.input, example.stage);
            let what = format!("{input}: {stage}");
            text.push_str(&format!(
                "mod {name}_{} {{
                    ::netwright::network! {{ pub Example({input}) {{ {stage} }} }}
                    #[test]
                    fn has_the_gradient_of_finite_differences() {{ super::{check}::<Example<f64>>({what:?}); }}
                }}",
                index + 1
            ));
        }
    }
    text.parse().unwrap_or_default()
}
