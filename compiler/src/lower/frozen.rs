//! `frozen`: stages whose weights training does not change.

use netwright_grammar::{Atom, AtomKind, Diagnostic, Span, Stage};

use super::expression::Scope;
use super::structure::Structure;
use crate::graph::ValueId;

/// The word.
const FROZEN: &str = "frozen";

/// The word of an atom.
fn word(atom: &Atom) -> Option<&str> {
    match &atom.kind {
        AtomKind::Word(word) => Some(word),
        _ => None,
    }
}

/// The indices of a word of the language among the atoms of a stage, except where it is a name.
fn positions<'s>(atoms: &'s [Atom], wanted: &'s str) -> impl Iterator<Item = usize> + 's {
    let names = |before: &Atom| matches!(word(before), Some("as" | "tied" | "tap"));
    (0..atoms.len()).filter(move |&at| word(&atoms[at]) == Some(wanted) && (at == 0 || !names(&atoms[at - 1])))
}

impl Structure<'_, '_> {
    /// Lowers a stage, frozen if it contains the word.
    pub(super) fn stage_or_frozen(&mut self, stage: &Stage, input: ValueId, scope: &Scope) -> ValueId {
        let positions: Vec<usize> = positions(&stage.atoms, FROZEN).collect();
        if positions.is_empty() || positions.len() == stage.atoms.len() {
            return self.stage(stage, input, scope);
        }
        let atoms = stage.atoms.iter().enumerate().filter(|(at, _)| !positions.contains(at));
        let rest = Stage { atoms: atoms.map(|(_, atom)| atom.clone()).collect(), ..stage.clone() };
        let mark = self.lowering.mark();
        let was_frozen = self.lowering.freeze(true);
        let output = self.stage(&rest, input, scope);
        self.lowering.freeze(was_frozen);
        let is_uncertain = self.lowering.is_uncertain();
        let has_weights = is_uncertain || self.lowering.has_tensors_since(mark);
        if let Some(diagnostic) = self.misplaced(stage, &positions, &rest, has_weights) {
            self.lowering.report(diagnostic);
            self.lowering.set_uncertain(is_uncertain);
        }
        output
    }

    /// The diagnostic for a misplaced word at the first of `positions`; `rest` is the stage without the word.
    fn misplaced(&self, stage: &Stage, positions: &[usize], rest: &Stage, has_weights: bool) -> Option<Diagnostic> {
        let span = stage.atoms[*positions.first()?].span;
        if let Some(&second) = positions.get(1) {
            let span = stage.atoms[second].span;
            return Some(Diagnostic::new(span, format!("`{FROZEN}` is given twice")).help("keep one"));
        }
        if positions == [0] {
            let whole = rest.atoms.iter().map(|atom| atom.span).reduce(Span::to)?;
            let text = self.lowering.text(whole);
            let message = format!("`{FROZEN}` stands behind what it freezes");
            return Some(Diagnostic::new(span, message).help(format!("write `{text} {FROZEN}`")));
        }
        if let Some(tied) = self::positions(&rest.atoms, "tied").next() {
            let owner = rest.atoms.get(tied + 1).and_then(word).unwrap_or("the other layer");
            let message =
                format!("the weights of this layer are those of `{owner}`, which `{FROZEN}` here cannot freeze");
            return Some(
                Diagnostic::new(span, message).help(format!("write `{FROZEN}` behind `{owner}`, or leave it out")),
            );
        }
        (!has_weights).then(|| {
            Diagnostic::new(span, format!("nothing here has weights for `{FROZEN}` to keep"))
                .help(format!("write `{FROZEN}` behind what has: a layer, the call of a block, a `repeat`, branches"))
        })
    }
}
