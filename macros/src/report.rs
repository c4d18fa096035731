//! Mistakes as errors of rustc, and what stands in for the networks that have them.

use netwright_compiler::{Compiled, Mistaken};
use netwright_grammar::{Diagnostic, Name};
use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use crate::text::Text;

/// Every mistake as an error, and a skeleton for every network that has one.
///
/// A skeleton is `pub type Net<T = f32> = <T as …::Mistaken<{ compile_error! { … } }>>::Network`: a type that depends on the
/// mistake. rustc takes it for one about which it has complained already, and says no more about whatever the user does
/// with it: `Net::init(1)`, `Net::PARAMETERS`, `net.conv1()`, or the length of an answer.
pub(crate) fn errors(compiled: &Compiled, root: &TokenStream, text: &Text) -> TokenStream {
    let mut errors = compiled.diagnostics.iter().map(|diagnostic| compile_error(diagnostic, text));
    let mut output = TokenStream::new();
    if !compiled.mistaken.is_empty() {
        let mistake = errors.next().unwrap_or_default();
        // One carries the mistake for all. Of those that may not be there, each carries it itself.
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
                    right.extend([TokenTree::Group(Group::new(Delimiter::Brace, mistake.clone()))]);
                    right.extend(parsed(">>::Network"));
                }
            }
            output.extend(skeleton(mistaken, right, text));
        }
    }
    output.extend(errors);
    output
}

/// `pub type Net<T = f32> = …;`
fn skeleton(mistaken: &Mistaken, right: TokenStream, text: &Text) -> TokenStream {
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

/// Tokens without a place in the user's file.
fn parsed(tokens: &str) -> TokenStream {
    tokens.parse().unwrap_or_default()
}

/// `::core::compile_error! { "…" }`, from the mistake's first token to its last: rustc underlines what lies between.
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
