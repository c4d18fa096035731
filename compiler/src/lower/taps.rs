//! The values that taps name, and from where they can be seen: from the stages behind a tap up to the end of the braces that it
//! stands in, and from braces among those stages; never from inside a block that is called there.

use netwright_grammar::{Atom, AtomKind, Body, Diagnostic, Span};

use crate::graph::ValueId;
use crate::suggest;

/// A value with a name.
#[derive(Clone, Debug)]
pub(super) struct Tap {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) value: ValueId,
    /// Whether its shape was known, and not the echo of a mistake.
    pub(super) is_certain: bool,
    pub(super) is_used: bool,
}

/// The taps of the braces that are open.
#[derive(Debug, Default)]
pub(super) struct Taps {
    frames: Vec<Frame>,
    /// The names whose braces have ended.
    gone: Vec<String>,
}

#[derive(Debug)]
struct Frame {
    /// Whether it is the body of a block or network, which sees no taps around it.
    is_closed: bool,
    taps: Vec<Tap>,
}

impl Taps {
    /// Braces open.
    pub(super) fn open(&mut self, is_closed: bool) {
        self.frames.push(Frame { is_closed, taps: Vec::new() });
    }

    /// Braces end, and their taps with them.
    pub(super) fn close(&mut self) -> Vec<Tap> {
        let taps = self.frames.pop().map(|frame| frame.taps).unwrap_or_default();
        self.gone.extend(taps.iter().map(|tap| tap.name.clone()));
        taps
    }

    fn visible(&self) -> impl Iterator<Item = &Tap> {
        let first = self.frames.iter().rposition(|frame| frame.is_closed).unwrap_or(0);
        self.frames[first..].iter().rev().flat_map(|frame| &frame.taps)
    }

    pub(super) fn find(&self, name: &str) -> Option<&Tap> {
        self.visible().find(|tap| tap.name == name)
    }

    /// The visible tap whose name is almost `name`.
    pub(super) fn nearest(&self, name: &str) -> Option<String> {
        suggest::nearest(name, self.visible().map(|tap| tap.name.as_str())).map(str::to_owned)
    }

    /// Whether the name is that of a tap outside of the block.
    fn is_outside(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| frame.taps.iter().any(|tap| tap.name == name))
    }

    /// Takes every tap called `name` for used, wherever it is: whoever cannot see it has heard of that.
    pub(super) fn mark_meant(&mut self, name: &str) {
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

    /// Remembers a value.
    ///
    /// # Errors
    /// Where a visible tap has the same name.
    pub(super) fn add(&mut self, tap: Tap) -> Result<(), Diagnostic> {
        if let Some(other) = self.find(&tap.name) {
            let place = if other.span == tap.span { "here already" } else { "before" };
            return Err(Diagnostic::new(tap.span, format!("a tap is called `{}` {place}", tap.name))
                .help("give each tap a name of its own"));
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.taps.push(tap);
        }
        Ok(())
    }

    /// That no tap is called `name`, with what was probably meant. `word` is the word it follows.
    pub(super) fn unknown(&self, name: &str, span: Span, word: &str) -> Diagnostic {
        let diagnostic = Diagnostic::new(span, format!("no tap before this stage is called `{name}`"));
        if let Some(near) = self.nearest(name) {
            return diagnostic.help(format!("did you mean `{near}`?"));
        }
        if self.is_outside(name) {
            return diagnostic.help("a block sees only its own taps: join them where the block is called");
        }
        if self.gone.iter().any(|gone| gone == name) {
            return diagnostic.help("a tap ends with the braces that it stands in: tap the value outside of them");
        }
        let known: Vec<String> = self.visible().map(|tap| format!("`{}`", tap.name)).collect();
        match known.as_slice() {
            [] => diagnostic.help(format!("write `tap {name}` behind the stage whose output is to come here; or branches in braces, `{word} {{ … }} {{ … }}`")),
            known => diagnostic.help(format!("the taps before this stage are {}", known.join(", "))),
        }
    }
}

/// That nothing joins a tap.
pub(super) fn never_used(tap: &Tap) -> Diagnostic {
    let name = &tap.name;
    Diagnostic::new(tap.span, format!("the tap `{name}` is never used"))
        .help(format!("join it later with `add {name}` or `concat {name}`, or leave it out"))
}

/// Whether the word `name` stands anywhere in `body` but at `except`: a stage that could not be read may have used it.
pub(super) fn is_mentioned(body: &Body, name: &str, except: Span) -> bool {
    let in_atom = |atom: &Atom| match &atom.kind {
        AtomKind::Word(word) => word == name && atom.span != except,
        AtomKind::Braces(inner) => is_mentioned(inner, name, except),
        _ => false,
    };
    body.stages.iter().any(|stage| stage.atoms.iter().any(in_atom))
}
