//! Conversion of tokens to text, with a table that maps bytes to tokens.

use netwright_compiler::Audience;
use netwright_grammar::Span as Bytes;
use proc_macro::{Delimiter, Span, TokenStream, TokenTree};

/// The text of a token stream.
pub(crate) struct Text {
    source: String,
    /// The range of each token in the text, and its span; in order.
    tokens: Vec<(Bytes, Span)>,
    /// The end of the previous token in the user's file.
    end: Option<Position>,
    audience: Audience,
}

/// Whether a token is usually written without a space before it: `(`, `3x(`, `)x(`, `f(`.
fn are_adjacent(before: &str, token: &str) -> bool {
    let word = before.rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
    let is_times = word == "x" && before.ends_with(")x")
        || word.ends_with('x') && word.starts_with(|first: char| first.is_ascii_digit());
    match token {
        ")" | "]" | "," | ";" | "." => true,
        "(" => is_times || before.ends_with('('),
        _ if before.ends_with(['(', '[', '#', '.', '-']) => true,
        _ => {
            before.ends_with(')')
                && token.strip_prefix('x').is_some_and(|rest| rest.chars().all(|digit| digit.is_ascii_digit()))
        }
    }
}

/// Line and column in the user's file.
type Position = (usize, usize);

fn position(span: Span) -> Position {
    (span.line(), span.column())
}

impl Text {
    pub(crate) fn of(tokens: TokenStream, audience: Audience) -> Self {
        let mut text = Self { source: String::new(), tokens: Vec::new(), end: None, audience };
        text.stream(tokens);
        text
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    fn stream(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        // The invisible group around a fragment of a `macro_rules!`.
                        Delimiter::None => ("", ""),
                    };
                    self.push(open, group.span_open());
                    self.stream(group.stream());
                    self.push(close, group.span_close());
                }
                leaf => self.push(&leaf.to_string(), leaf.span()),
            }
        }
    }

    /// Appends a token, after a space unless it is adjacent to the previous token in the user's file. In an editor, positions are not
    /// queried, because the macro would then be expanded again after every change above it; the tokens themselves decide there.
    fn push(&mut self, token: &str, span: Span) {
        if token.is_empty() {
            return;
        }
        let is_apart = match self.audience {
            Audience::Rustc => self.end.is_some_and(|end| end != position(span.start())),
            Audience::Editor => !self.source.is_empty() && !are_adjacent(&self.source, token),
        };
        if is_apart {
            self.source.push(' ');
        }
        let start = self.source.len();
        self.source.push_str(token);
        self.tokens.push((Bytes::new(start, self.source.len()), span));
        if self.audience == Audience::Rustc {
            self.end = Some(position(span.end()));
        }
    }

    /// The line of the user's file in which `bytes` starts. It is not queried in an editor: see [`Self::push`].
    pub(crate) fn line(&self, bytes: Bytes) -> Option<usize> {
        (self.audience == Audience::Rustc).then(|| self.ends(bytes).0.line())
    }

    /// The spans of the first and the last token that overlap `bytes`; the macro's own span if there are none.
    pub(crate) fn ends(&self, bytes: Bytes) -> (Span, Span) {
        let first = self.tokens.partition_point(|(token, _)| token.end <= bytes.start);
        let last = self.tokens.partition_point(|(token, _)| token.start < bytes.end.max(bytes.start + 1));
        let whole = Span::call_site();
        let span = |index: usize| self.tokens.get(index).map_or(whole, |(_, span)| *span);
        if self.tokens.is_empty() {
            return (whole, whole);
        }
        let first = first.min(self.tokens.len() - 1);
        (span(first), span(last.saturating_sub(1).max(first)))
    }
}
