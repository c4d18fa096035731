//! Diagnostics, which are collected and reported together, each at its own span.

use crate::syntax::Span;

/// A diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The span of the error.
    pub span: Span,
    /// The error in one line.
    pub message: String,
    /// Additional facts, such as the shapes so far.
    pub notes: Vec<String>,
    /// The calls of the enclosing blocks, the innermost first.
    pub calls: Vec<Call>,
    /// A suggestion.
    pub help: Option<String>,
}

/// A call of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `cell(64, 2)`, with the values of its parameters.
    pub text: String,
    /// The span of the call.
    pub span: Span,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), notes: Vec::new(), calls: Vec::new(), help: None }
    }

    /// Adds a line with additional facts.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a suggestion.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The message, its notes and its help, as rustc prints them after `error:`. `line` returns the line of a span in the user's file.
    pub fn text(&self, line: impl Fn(Span) -> Option<usize>) -> String {
        let mut text = self.message.clone();
        for note in &self.notes {
            text.extend(["\n", note]);
        }
        for (index, call) in self.calls.iter().enumerate() {
            text.push_str(if index == 0 { "\nin the block called as `" } else { ", in `" });
            text.extend([&call.text, "`"]);
            if let Some(line) = line(call.span) {
                text.push_str(&format!(" on line {line}"));
            }
        }
        if let Some(help) = &self.help {
            text.extend(["\nhelp: ", help]);
        }
        text
    }
}

/// [`Diagnostic::text`] without line numbers.
impl core::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.text(|_| None))
    }
}

/// A collection of diagnostics.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a diagnostic.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The number of diagnostics.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Returns all of them, sorted by span and without duplicates: an error in a block that two networks call is one error.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
        self.found.dedup_by(|next, first| next.span == first.span && next.message == first.message);
        self.found
    }
}
