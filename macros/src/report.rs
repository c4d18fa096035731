//! Diagnostics as errors of rustc, and placeholders for the networks with errors.

use netwright_compiler::{Compiled, Mistaken};
use netwright_grammar::{Diagnostic, Name};
use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use crate::text::Text;

/// Every diagnostic as an error, and a placeholder for every network with an error.
///
/// A placeholder is `pub type Net<T = f32> = <T as …::Mistaken<{ compile_error! { … } }>>::Network`: a type that depends on the error.
/// rustc treats it as a type whose error is already reported, and reports no further errors about its uses, such as `Net::init(1)`,
/// `Net::PARAMETERS`, `net.conv1()`, or the length of an output.
pub(crate) fn errors(compiled: &Compiled, root: &TokenStream, text: &Text) -> TokenStream {
    let mut errors = compiled.diagnostics.iter().map(|diagnostic| compile_error(diagnostic, text));
    let mut output = TokenStream::new();
    if !compiled.mistaken.is_empty() {
        let error = errors.next().unwrap_or_default();
        // One placeholder contains the error for all. A placeholder under a configuration contains it itself.
        let carrier = compiled.mistaken.iter().position(|mistaken| mistaken.condition.is_empty());
        for (index, mistaken) in compiled.mistaken.iter().enumerate() {
            let mut right = TokenStream::new();
            match carrier.filter(|carrier| *carrier != index) {
                Some(carrier) => {
                    right.extend([identifier(&compiled.mistaken[carrier].name, text)]);
                    right.extend(parsed("<__T>"));
                }
                None => {
                    right.extend(parsed("<__T as"));
                    right.extend(root.clone());
                    right.extend(parsed("::private::Mistaken<"));
                    right.extend([TokenTree::Group(Group::new(Delimiter::Brace, error.clone()))]);
                    right.extend(parsed(">>::Network"));
                }
            }
            output.extend(placeholder(mistaken, right, text));
        }
    }
    output.extend(errors);
    output
}

/// `pub type Net<T = f32> = …;`
fn placeholder(mistaken: &Mistaken, right: TokenStream, text: &Text) -> TokenStream {
    let mut alias = TokenStream::from(mistaken.condition.clone());
    alias.extend(parsed("#[doc = \"A network with a mistake.\"] #[allow(nonstandard_style)] pub type"));
    alias.extend([identifier(&mistaken.name, text)]);
    alias.extend(parsed("<__T = ::core::primitive::f32> ="));
    alias.extend(right);
    alias.extend([punct(';', Spacing::Alone, Span::call_site())]);
    alias
}

fn identifier(name: &Name, text: &Text) -> TokenTree {
    let span = text.ends(name.span).0;
    let is_raw = text.source().get(name.span.range()).is_some_and(|written| written.starts_with("r#"));
    TokenTree::Ident(if is_raw { Ident::new_raw(&name.text, span) } else { Ident::new(&name.text, span) })
}

/// Tokens without a span in the user's file.
fn parsed(tokens: &str) -> TokenStream {
    tokens.parse().unwrap_or_default()
}

/// `::core::compile_error! { "…" }`, with the spans of the diagnostic's first and last tokens: rustc underlines the range between
/// them.
fn compile_error(diagnostic: &Diagnostic, text: &Text) -> TokenStream {
    let (first, last) = text.ends(diagnostic.span);
    let message = TokenTree::from(located(Literal::string(&diagnostic.text(|bytes| text.line(bytes))), last));
    let mut body = Group::new(Delimiter::Brace, TokenStream::from(message));
    body.set_span(last);
    let mut tokens = path(first, &["core", "compile_error"]);
    tokens.push(punct('!', Spacing::Alone, first));
    tokens.push(TokenTree::Group(body));
    tokens.into_iter().collect()
}

fn located(mut literal: Literal, span: Span) -> Literal {
    literal.set_span(span);
    literal
}

fn path(span: Span, segments: &[&str]) -> Vec<TokenTree> {
    segments
        .iter()
        .flat_map(|segment| {
            [
                punct(':', Spacing::Joint, span),
                punct(':', Spacing::Alone, span),
                TokenTree::Ident(Ident::new(segment, span)),
            ]
        })
        .collect()
}

fn punct(character: char, spacing: Spacing, span: Span) -> TokenTree {
    let mut punct = Punct::new(character, spacing);
    punct.set_span(span);
    TokenTree::Punct(punct)
}
