//! Mistakes, collected as they are found and reported together, each under its own words.

use crate::syntax::Span;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The few words that are wrong.
    pub span: Span,
    /// What is wrong, in one line.
    pub message: String,
    /// What else the reader should know: the shapes so far.
    pub notes: Vec<String>,
    /// The calls of the blocks that it stands in, the innermost first.
    pub calls: Vec<Call>,
    /// What would fit.
    pub help: Option<String>,
}

/// A block called with values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `cell(64, 2)`, with the values of its parameters.
    pub text: String,
    /// Where the call stands.
    pub span: Span,
}

impl Diagnostic {
    /// A mistake at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), notes: Vec::new(), calls: Vec::new(), help: None }
    }

    /// Adds a line about the circumstances.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what would fit.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The message, its notes and its help, as rustc prints them under `error:`. `line` finds the line of a place in the user's file.
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

/// [`Diagnostic::text`] without lines.
impl core::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.text(|_| None))
    }
}

/// Collects mistakes.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Remembers one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Whether nothing was wrong.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many were found.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// All of them, in the order of their places, each once: a block in two networks is wrong once.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
        self.found.dedup_by(|next, first| next.span == first.span && next.message == first.message);
        self.found
    }
}
