//! The values named by taps, and their scopes. A tap is visible in the stages after it, up to the end of the enclosing braces, and in
//! braces among those stages; it is not visible inside a block that is called there.

use netwright_grammar::{Atom, AtomKind, Body, Diagnostic, Span};

use crate::graph::ValueId;
use crate::suggest;

/// A value with a name.
#[derive(Clone, Debug)]
pub(super) struct Tap {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) value: ValueId,
    /// Whether its shape is known, and not affected by an earlier error.
    pub(super) is_certain: bool,
    pub(super) is_used: bool,
}

/// The taps of the open braces.
#[derive(Debug, Default)]
pub(super) struct Taps {
    frames: Vec<Frame>,
    /// The names of taps whose braces are closed.
    closed: Vec<String>,
}

#[derive(Debug)]
struct Frame {
    /// Whether it is the body of a block or network, in which outer taps are not visible.
    is_closed: bool,
    taps: Vec<Tap>,
}

impl Taps {
    /// Opens a scope.
    pub(super) fn open(&mut self, is_closed: bool) {
        self.frames.push(Frame { is_closed, taps: Vec::new() });
    }

    /// Closes the innermost scope, and returns its taps.
    pub(super) fn close(&mut self) -> Vec<Tap> {
        let taps = self.frames.pop().map(|frame| frame.taps).unwrap_or_default();
        self.closed.extend(taps.iter().map(|tap| tap.name.clone()));
        taps
    }

    fn visible(&self) -> impl Iterator<Item = &Tap> {
        let first = self.frames.iter().rposition(|frame| frame.is_closed).unwrap_or(0);
        self.frames[first..].iter().rev().flat_map(|frame| &frame.taps)
    }

    pub(super) fn find(&self, name: &str) -> Option<&Tap> {
        self.visible().find(|tap| tap.name == name)
    }

    /// The visible tap with a name similar to `name`.
    pub(super) fn nearest(&self, name: &str) -> Option<String> {
        suggest::nearest(name, self.visible().map(|tap| tap.name.as_str())).map(str::to_owned)
    }

    /// Whether a tap of this name exists in any open scope, visible or not.
    fn is_outside(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| frame.taps.iter().any(|tap| tap.name == name))
    }

    /// Marks every tap called `name` as used, visible or not: an invisible one has been reported already.
    pub(super) fn mark_all_used(&mut self, name: &str) {
        let taps = self.frames.iter_mut().flat_map(|frame| &mut frame.taps);
        taps.filter(|tap| tap.name == name).for_each(|tap| tap.is_used = true);
    }

    pub(super) fn mark_used(&mut self, name: &str) {
        let first = self.frames.iter().rposition(|frame| frame.is_closed).unwrap_or(0);
        let taps = self.frames[first..].iter_mut().rev().flat_map(|frame| &mut frame.taps);
        if let Some(tap) = taps.into_iter().find(|tap| tap.name == name) {
            tap.is_used = true;
        }
    }

    /// Adds a tap.
    ///
    /// # Errors
    /// If a visible tap has the same name.
    pub(super) fn add(&mut self, tap: Tap) -> Result<(), Diagnostic> {
        if let Some(other) = self.find(&tap.name) {
            let when = if other.span == tap.span { "here already" } else { "before" };
            return Err(Diagnostic::new(tap.span, format!("a tap is called `{}` {when}", tap.name))
                .help("give each tap a name of its own"));
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.taps.push(tap);
        }
        Ok(())
    }

    /// The diagnostic for an unknown tap, with a suggestion. `word` is the join that it follows.
    pub(super) fn unknown(&self, name: &str, span: Span, word: &str) -> Diagnostic {
        let diagnostic = Diagnostic::new(span, format!("no tap before this stage is called `{name}`"));
        if let Some(near) = self.nearest(name) {
            return diagnostic.help(format!("did you mean `{near}`?"));
        }
        if self.is_outside(name) {
            return diagnostic.help("a block sees only its own taps: join them where the block is called");
        }
        if self.closed.iter().any(|closed| closed == name) {
            return diagnostic.help("a tap ends with the braces that it stands in: tap the value outside of them");
        }
        let known: Vec<String> = self.visible().map(|tap| format!("`{}`", tap.name)).collect();
        match known.as_slice() {
            [] => diagnostic.help(format!("write `tap {name}` behind the stage whose output is to come here; or branches in braces, `{word} {{ … }} {{ … }}`")),
            known => diagnostic.help(format!("the taps before this stage are {}", known.join(", "))),
        }
    }
}

/// The diagnostic for an unused tap.
pub(super) fn never_used(tap: &Tap) -> Diagnostic {
    let name = &tap.name;
    Diagnostic::new(tap.span, format!("the tap `{name}` is never used"))
        .help(format!("join it later with `add {name}` or `concat {name}`, or leave it out"))
}

/// Whether the word `name` occurs in `body` outside of `except`: a stage that could not be read may have used it.
pub(super) fn is_mentioned(body: &Body, name: &str, except: Span) -> bool {
    let in_atom = |atom: &Atom| match &atom.kind {
        AtomKind::Word(word) => word == name && atom.span != except,
        AtomKind::Braces(inner) => is_mentioned(inner, name, except),
        _ => false,
    };
    body.stages.iter().any(|stage| stage.atoms.iter().any(in_atom))
}
