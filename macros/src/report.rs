//! A mistake as an error of rustc.

use netwright_grammar::Diagnostic;
use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use crate::text::Text;

/// `::core::compile_error! { "…" }`, from the mistake's first token to its last: rustc underlines what lies between.
pub(crate) fn compile_error(diagnostic: &Diagnostic, text: &Text) -> TokenStream {
    let (first, last) = text.ends(diagnostic.span);
    let message = TokenTree::from(located(Literal::string(&diagnostic.to_string()), last));
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
