//! Bodies, blocks, repeats and branches: the structure around stages.

use std::borrow::Cow;
use std::collections::BTreeSet;

use netwright_grammar::{Atom, AtomKind, Body, Diagnostic, Expression, Separator, Span, Stage};

use super::call::Call;
use super::expression::{self, Scope};
use super::join::Join;
use super::stage::Before;
use super::taps::{self, Taps};
use super::{Blocks, Lowering, stage};
use crate::graph::ValueId;
use crate::layers;
use crate::words::Use;

/// The maximum nesting depth of braces, including those of called blocks.
const MAX_DEPTH: usize = 128;

/// The maximum number of stages after unfolding blocks and repeats.
const MAX_STAGES: usize = 100_000;

/// Lowers the structure of a network.
pub(super) struct Structure<'a, 'b> {
    pub(super) lowering: &'a mut Lowering<'b>,
    pub(super) taps: Taps,
    pub(super) blocks: &'a Blocks<'a>,
    pub(super) block_names: Vec<&'a str>,
    pub(super) calls: Vec<&'a str>,
    /// Every block called so far.
    pub(super) called: BTreeSet<String>,
    depth: usize,
    unfolded: usize,
}

/// The kind of a stage, determined by its first atoms.
enum Kind<'s> {
    Layers,
    Repeat,
    Tap,
    Join(Join),
    /// `3 *` a stage.
    Times(&'s Atom, &'s [Atom]),
    Call {
        name: &'s str,
        span: Span,
        arguments: &'s [Expression],
    },
}

impl<'a, 'b> Structure<'a, 'b> {
    pub(super) fn new(lowering: &'a mut Lowering<'b>, blocks: &'a Blocks<'a>) -> Self {
        let block_names = blocks.keys().copied().collect();
        Self {
            lowering,
            taps: Taps::default(),
            blocks,
            block_names,
            calls: Vec::new(),
            called: BTreeSet::new(),
            depth: 0,
            unfolded: 0,
        }
    }

    /// Lowers the body of a network.
    pub(super) fn network(&mut self, body: &Body, input: ValueId) -> ValueId {
        let scope = expression::scope_of(self.lowering.shape(input), !self.lowering.is_uncertain());
        self.scoped(body, input, &scope, true)
    }

    /// Lowers the stages of a body from `input` to its output.
    pub(super) fn body(&mut self, body: &Body, input: ValueId, scope: &Scope) -> ValueId {
        self.scoped(body, input, scope, false)
    }

    /// Lowers a body, which sees the taps around it unless `is_closed`.
    pub(super) fn scoped(&mut self, body: &Body, input: ValueId, scope: &Scope, is_closed: bool) -> ValueId {
        self.report_comma(body);
        if self.depth >= MAX_DEPTH {
            self.lowering.report(
                Diagnostic::new(body.span, format!("braces and blocks lie more than {MAX_DEPTH} deep"))
                    .help("use fewer blocks that call blocks"),
            );
            return input;
        }
        self.depth += 1;
        self.taps.open(is_closed);
        let mut value = input;
        for stage in joins_without_commas(&body.stages).iter() {
            value = self.recorded_stage(stage, value, scope);
        }
        for tap in self.taps.close().iter().filter(|tap| !tap.is_used) {
            if !(self.lowering.is_wrong() && taps::is_mentioned(body, &tap.name, tap.span)) {
                let uncertain = self.lowering.is_uncertain();
                self.lowering.report(taps::never_used(tap));
                self.lowering.set_uncertain(uncertain);
            }
        }
        self.depth -= 1;
        value
    }

    fn recorded_stage(&mut self, stage: &Stage, input: ValueId, scope: &Scope) -> ValueId {
        let mark = self.lowering.mark();
        let output = self.stage_or_frozen(stage, input, scope);
        // The words of a layer are recorded when they are lowered.
        let head = stage.atoms.iter().find_map(|atom| match &atom.kind {
            AtomKind::Word(word) => Some((word, atom.span)),
            _ => None,
        });
        if let Some((_, written)) = head.filter(|(word, _)| output != input && layers::find(word).is_none()) {
            self.lowering.record(written, stage.span, mark, input, output);
        }
        output
    }

    /// Counts unfolded stages; returns `false` once there are too many.
    fn may_unfold(&mut self, span: Span) -> bool {
        self.unfolded += 1;
        if self.unfolded == MAX_STAGES + 1 {
            self.lowering.report(
                Diagnostic::new(span, format!("the network unfolds to more than {MAX_STAGES} stages"))
                    .help("is a number of repeats too large?"),
            );
        }
        self.unfolded <= MAX_STAGES
    }

    /// Whether `name` is a word of the language.
    pub(super) fn is_word(name: &str) -> bool {
        layers::find(name).is_some()
            || stage::STRUCTURE.contains(&name)
            || layers::SHARED.iter().any(|shared| shared.name == name)
    }

    pub(super) fn is_block(&self, name: &str) -> bool {
        self.blocks.contains_key(name)
    }

    /// Reports commas in place of semicolons as one error.
    fn report_comma(&mut self, body: &Body) {
        let mut commas = body.stages.iter().filter_map(|stage| match stage.separator {
            Separator::Comma(span) => Some(span),
            Separator::Proper => None,
        });
        let Some(first) = commas.next() else { return };
        let more = commas.count();
        let uncertain = self.lowering.is_uncertain();
        let is_between_branches = pairs(&body.stages)
            .any(|(stage, next)| stage.separator == Separator::Comma(first) && is_cut_join(stage, next));
        self.lowering.report(if is_between_branches {
            Diagnostic::new(first, "nothing stands between branches").help("leave the `,` out: `{ … } { … }`")
        } else {
            Diagnostic::new(first, "stages are separated by `;`, not by `,`").help(match more {
                0 => "write `;`".to_owned(),
                more => format!("write `;` here and at {more} more below"),
            })
        });
        if !uncertain {
            self.lowering.shape_is_certain(self.lowering.input());
        }
    }

    fn kind<'s>(&self, stage: &'s Stage) -> Kind<'s> {
        match stage.atoms.as_slice() {
            [Atom { kind: AtomKind::Word(word), .. }, ..] if stage::STRUCTURE.contains(&word.as_str()) => {
                match Join::of(word) {
                    Some(join) => Kind::Join(join),
                    None if word == "tap" => Kind::Tap,
                    None => Kind::Repeat,
                }
            }
            [
                times @ Atom { kind: AtomKind::Numbers(_) | AtomKind::Parentheses(_), .. },
                Atom { kind: AtomKind::Times, .. },
                Atom { kind: AtomKind::Word(_) | AtomKind::Braces(_), .. },
                ..,
            ] => Kind::Times(times, &stage.atoms[2..]),
            [Atom { kind: AtomKind::Word(name), span }, rest @ ..]
                if self.is_block(name)
                    || matches!(rest, [Atom { kind: AtomKind::Parentheses(_), .. }, ..])
                        && layers::find(name).is_none() =>
            {
                Kind::Call { name, span: *span, arguments: arguments(rest) }
            }
            _ => Kind::Layers,
        }
    }

    pub(super) fn stage(&mut self, stage: &Stage, input: ValueId, scope: &Scope) -> ValueId {
        if !self.may_unfold(stage.span) {
            return input;
        }
        self.lowering.start_stage();
        match self.kind(stage) {
            Kind::Layers => self.layers(&stage.atoms, Before::Nothing, input, scope),
            Kind::Join(join) => self.join(join, stage, input, scope),
            Kind::Tap => {
                self.tap(stage, input);
                input
            }
            Kind::Repeat => self.repeat(stage, input, scope),
            Kind::Times(times, rest) => {
                let (times, head) = (self.times(times, scope).unwrap_or(0), rest[0].span);
                let span = head.to(stage.span);
                match rest {
                    [Atom { kind: AtomKind::Braces(body), .. }, words @ ..] => {
                        let (name, words) = self.name_prefix(words);
                        self.unfold(times, body.span, input, |structure, value| {
                            let value = structure.named(name.as_ref(), |structure| structure.body(body, value, scope));
                            structure.layers(words, Before::Stages, value, scope)
                        })
                    }
                    _ => {
                        let once = Stage { atoms: rest.to_vec(), separator: Separator::Proper, span };
                        self.unfold(times, head, input, |structure, value| structure.stage(&once, value, scope))
                    }
                }
            }
            Kind::Call { name, span, arguments } => {
                let mut used = 1;
                let mut whole = span;
                if let Some(Atom { kind: AtomKind::Parentheses(_), span: parentheses }) = stage.atoms.get(used) {
                    used += 1;
                    whole = span.to(*parentheses);
                } else if let Some(diagnostic) = self.call_without_parentheses(name, span, &stage.atoms[used..]) {
                    self.lowering.report(diagnostic);
                    return input;
                }
                let call = Call { name, span, whole, arguments };
                let (name, words) = self.name_prefix(&stage.atoms[used..]);
                let value = self.named(name.as_ref(), |structure| structure.call(&call, input, scope));
                self.layers(words, Before::Stages, value, scope)
            }
        }
    }

    /// Lowers `once` repeatedly, until the first error.
    fn unfold(
        &mut self,
        times: usize,
        span: Span,
        mut value: ValueId,
        mut once: impl FnMut(&mut Self, ValueId) -> ValueId,
    ) -> ValueId {
        for time in 0..times {
            if time > 0 && self.lowering.is_uncertain() || !self.may_unfold(span) {
                break;
            }
            self.lowering.foreign.repeat(time);
            value = once(self, value);
            self.lowering.foreign.end_repeat();
        }
        value
    }

    /// `repeat 3 { … }`
    fn repeat(&mut self, stage: &Stage, input: ValueId, scope: &Scope) -> ValueId {
        let form = "write `repeat 3 { … }`, or `3 *` before a stage";
        let head = stage.atoms[0].span;
        match &stage.atoms[1..] {
            [times, Atom { kind: AtomKind::Braces(body), .. }, rest @ ..]
                if !matches!(times.kind, AtomKind::Braces(_)) =>
            {
                let times = self.times(times, scope).unwrap_or(0);
                let (name, words) = self.name_prefix(rest);
                let value = self.unfold(times, head, input, |structure, value| {
                    structure.named(name.as_ref(), |structure| structure.body(body, value, scope))
                });
                self.layers(words, Before::Stages, value, scope)
            }
            [Atom { kind: AtomKind::Braces(body), .. }, rest @ ..] => {
                self.lowering.report(Diagnostic::new(head, "`repeat` does not say how often").help(form));
                let value = self.body(body, input, scope);
                self.layers(rest, Before::Stages, value, scope)
            }
            _ => {
                self.lowering
                    .report(Diagnostic::new(head, "`repeat` needs a number, and its stages in braces").help(form));
                input
            }
        }
    }

    fn times(&mut self, atom: &Atom, scope: &Scope) -> Option<usize> {
        let wrong = || match &atom.kind {
            AtomKind::Word(word) if scope.contains_key(word) => {
                Diagnostic::new(atom.span, format!("the parameter `{word}` needs parentheses around it"))
                    .help(format!("write `repeat ({word}) {{ … }}`"))
            }
            _ => Diagnostic::new(atom.span, "how often to repeat is a number").help("write `repeat 3 { … }`"),
        };
        let count = expression::numbers(atom, scope).unwrap_or_else(|| Err(wrong())).and_then(|numbers| {
            numbers.single("how often to repeat", "repeat 3 { … }")?.count("the number of repeats")
        });
        match count {
            Ok(count) if count <= crate::builder::MOST_OPERATIONS => Some(count),
            Ok(count) => {
                self.lowering.report(
                    Diagnostic::new(atom.span, format!("{count} repeats are too many"))
                        .help(format!("a network may have {} operations", crate::builder::MOST_OPERATIONS)),
                );
                None
            }
            Err(diagnostic) => {
                self.lowering.report(diagnostic);
                None
            }
        }
    }

    /// Lowers the words of a stage that follow `before`.
    fn layers(&mut self, atoms: &[Atom], before: Before, input: ValueId, scope: &Scope) -> ValueId {
        let (uses, _) = self.read(atoms, before, scope);
        self.words(&uses, input)
    }

    /// Reads the words of a stage that follow `before`, and the name that `as` gives to branches.
    pub(super) fn read(&mut self, atoms: &[Atom], before: Before, scope: &Scope) -> (Vec<Use>, Option<(String, Span)>) {
        let lowering = &mut *self.lowering;
        stage::read(atoms, before, scope, &self.block_names, &mut |diagnostic| lowering.report(diagnostic))
    }

    /// Lowers words one after the other; each makes a layer.
    pub(super) fn words(&mut self, uses: &[Use], input: ValueId) -> ValueId {
        let mut value = input;
        for layer in uses {
            self.lowering.start_row(layer, value);
            let mark = self.lowering.mark();
            match (layer.word.lower)(layer, self.lowering, value) {
                Ok(output) => {
                    if let Err(diagnostic) = self.lowering.check_shared_options(layer, mark) {
                        self.lowering.report(diagnostic);
                    }
                    self.lowering.record(layer.written, layer.span, mark, value, output);
                    self.lowering.end_row(layer.word.name, value, output);
                    value = output;
                }
                Err(diagnostic) => {
                    // An error about shapes after another error is a consequence of it.
                    let is_about_shapes = diagnostic.notes.iter().any(|note| note.starts_with("the shapes so far"));
                    if !(is_about_shapes && self.lowering.is_uncertain()) {
                        self.lowering.report(diagnostic);
                    }
                }
            }
        }
        value
    }
}

/// Whether a comma separates the branches of one join.
fn is_cut_join(stage: &Stage, next: &Stage) -> bool {
    let Stage { atoms, separator: Separator::Comma(_), .. } = stage else { return false };
    let starts_join = matches!(&atoms[0].kind, AtomKind::Word(word) if Join::of(word).is_some());
    let ends_in_branch = matches!(atoms.last(), Some(Atom { kind: AtomKind::Braces(_), .. }));
    starts_join && ends_in_branch && matches!(next.atoms[0].kind, AtomKind::Braces(_))
}

/// Each stage with its successor.
fn pairs(stages: &[Stage]) -> impl Iterator<Item = (&Stage, &Stage)> {
    stages.iter().zip(stages.iter().skip(1))
}

/// The stages, with joins merged that were split at commas.
fn joins_without_commas(stages: &[Stage]) -> Cow<'_, [Stage]> {
    if !pairs(stages).any(|(stage, next)| is_cut_join(stage, next)) {
        return Cow::Borrowed(stages);
    }
    let mut whole: Vec<Stage> = Vec::new();
    for stage in stages {
        match whole.last_mut() {
            Some(before) if is_cut_join(before, stage) => {
                before.atoms.extend(stage.atoms.iter().cloned());
                (before.separator, before.span) = (stage.separator, before.span.to(stage.span));
            }
            _ => whole.push(stage.clone()),
        }
    }
    Cow::Owned(whole)
}

/// The expressions in the parentheses at the start of `atoms`.
fn arguments(atoms: &[Atom]) -> &[Expression] {
    match atoms {
        [Atom { kind: AtomKind::Parentheses(arguments), .. }, ..] => arguments,
        _ => &[],
    }
}
