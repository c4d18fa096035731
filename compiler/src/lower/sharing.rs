//! Checks of the options `tied`, `init` and `bias`.

use netwright_grammar::Diagnostic;

use super::lowering::{Lowering, Mark};
use crate::graph::{ParameterKind, ValueId};
use crate::suggest;
use crate::words::{SharedOptions, Use};

impl Lowering<'_> {
    /// Checks that `tied`, `init` and `bias` apply to the tensors that a layer has added since `mark`.
    pub(crate) fn check_shared_options(&self, layer: &Use, mark: Mark) -> Result<(), Diagnostic> {
        let has =
            |kind: ParameterKind| self.builder.graph().tensors[mark.tensors..].iter().any(|tensor| tensor.kind == kind);
        let mut used = self.builder.graph().nodes[mark.nodes..].iter().flat_map(|node| &node.tensors);
        let is_tied = used.any(|id| id.0 < mark.tensors);
        let word = layer.word.name;
        let SharedOptions { tied, init, bias, from, .. } = &layer.shared;
        if let Some((_, span)) = from.as_ref().filter(|_| self.builder.graph().tensors.len() == mark.tensors) {
            let message = match tied {
                Some((name, _)) => format!("the weights of this `{word}` are those of `{name}`"),
                None => format!("`{word}` has no weights for `from` to name"),
            };
            return Err(Diagnostic::new(*span, message).help("`from` stands behind the layer that has them"));
        }
        let (span, message, help) = match (tied, init, bias) {
            (Some((_, span)), ..) if !is_tied => {
                (span, format!("`{word}` has no weights to share"), "`tied` stands behind the layer that has them")
            }
            (_, Some((_, span)), _) if is_tied => (
                span,
                format!("this `{word}` has the weights of another layer, which start there"),
                "write `init` behind that one, or leave it out",
            ),
            (_, Some((_, span)), _) if !has(ParameterKind::Weight) => (
                span,
                format!("`{word}` has no weights for `init` to start"),
                "`init` stands behind the layer that has them",
            ),
            (.., Some((_, span))) if layer.has("nobias") => {
                (span, format!("this `{word}` has no bias to start, because of its `nobias`"), "keep one of the two")
            }
            (.., Some((_, span))) if !has(ParameterKind::Bias) => {
                (span, format!("`{word}` has no bias to start"), "`bias` stands behind the layer that has one")
            }
            _ => return Ok(()),
        };
        Err(Diagnostic::new(*span, message).help(help))
    }

    /// Adds a suggestion to the diagnostic for an unknown layer's name.
    pub(super) fn unknown_layer(&self, name: &str, diagnostic: Diagnostic) -> Diagnostic {
        let (prefix, open) = (self.builder.prefix(), self.builder.open_layer());
        let names = self.builder.names().iter();
        let before = names.filter(|(_, layer)| Some(**layer) != open).map(|(name, _)| name.as_str());
        let (seen, inside): (Vec<&str>, Vec<&str>) =
            before.map(|name| name.strip_prefix(&prefix).unwrap_or(name)).partition(|name| !name.contains('.'));
        if let Some(inside) = inside.iter().find(|inside| inside.rsplit('.').next() == Some(name)) {
            let help = "layers share weights within one block, or with a layer outside of all blocks";
            return diagnostic.note(format!("`{inside}` is inside of a block that is called there")).help(help);
        }
        match suggest::nearest(name, seen) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help("name a layer with `as`: `dense 64 as encode`"),
        }
    }

    /// Whether a dense layer is tied to weights that fit only transposed.
    pub(crate) fn is_tied_transposed(&self, layer: &Use, outputs: usize, input: ValueId) -> bool {
        let Some((name, _)) = &layer.shared.tied else { return false };
        let inputs = self.shape(input).len();
        let theirs = self.builder.weights_of(name).unwrap_or_default();
        inputs != outputs && theirs.iter().any(|id| self.builder.graph().tensors[id.0].shape == [outputs, inputs])
    }
}
