//! What `tied`, `init` and `bias` say of a layer's weights.

use netwright_grammar::{Diagnostic, Span};

use super::{Builder, Mark};
use crate::graph::{LayerId, Role, TensorId, ValueId};
use crate::ops::TensorSpec;
use crate::suggest;
use crate::words::{SharedOptions, Use};

impl Builder<'_> {
    /// The weights of the layer called `name`, in the block under way or outside of all blocks.
    fn tied_tensors(&self, name: &str) -> Option<Vec<TensorId>> {
        let before = |name: &str| self.names.get(name).filter(|(_, layer)| Some(*layer) != self.row);
        let (_, layer) = before(&format!("{}{name}", self.prefix())).or_else(|| before(name))?;
        Some(self.graph.tensor_ids_of(*layer).collect())
    }

    /// That `tied`, `init` and `bias` mean something for what a layer has added since `mark`.
    pub(crate) fn check_shared_options(&self, layer: &Use, mark: Mark) -> Result<(), Diagnostic> {
        let has = |role: Role| self.graph.tensors[mark.tensors..].iter().any(|tensor| tensor.role == role);
        let mut used = self.graph.nodes[mark.nodes..].iter().flat_map(|node| &node.tensors);
        let is_tied = used.any(|id| id.0 < mark.tensors);
        let word = layer.word.name;
        let SharedOptions { tied, init, bias, .. } = &layer.shared;
        let (span, message, help) = match (tied, init, bias) {
            (Some((_, span)), ..) if !is_tied => {
                (span, format!("`{word}` has no weights to share"), "`tied` stands behind the layer that has them")
            }
            (_, Some((_, span)), _) if is_tied => (
                span,
                format!("this `{word}` has the weights of another layer, which start there"),
                "write `init` behind that one, or leave it out",
            ),
            (_, Some((_, span)), _) if !has(Role::Weight) => (
                span,
                format!("`{word}` has no weights for `init` to start"),
                "`init` stands behind the layer that has them",
            ),
            (.., Some((_, span))) if layer.has("nobias") => {
                (span, format!("this `{word}` has no bias to start, because of its `nobias`"), "keep one of the two")
            }
            (.., Some((_, span))) if !has(Role::Bias) => {
                (span, format!("`{word}` has no bias to start"), "`bias` stands behind the layer that has one")
            }
            _ => return Ok(()),
        };
        Err(Diagnostic::new(*span, message).help(help))
    }

    /// Shares the weights of the layer called `name`; a bias stays the layer's own.
    pub(super) fn tie(&mut self, name: &str, at: Span, specs: &[TensorSpec]) -> Result<Vec<TensorId>, Diagnostic> {
        let Some(theirs) = self.tied_tensors(name) else {
            return Err(self.unknown_layer(name, at));
        };
        let mut ids = Vec::new();
        let layer = self.row.unwrap_or(LayerId(0));
        for spec in specs {
            if spec.role != Role::Weight {
                ids.extend(self.add_tensors(vec![spec.clone()], layer, at)?);
                continue;
            }
            let Some(id) = theirs.iter().copied().find(|id| self.graph.tensors[id.0].name == spec.name) else {
                return Err(Diagnostic::new(at, format!("`{name}` has no {} to share", spec.name))
                    .help("name a layer of the same kind and the same sizes"));
            };
            let shape = &self.graph.tensors[id.0].shape;
            if *shape != spec.shape {
                return Err(Diagnostic::new(
                    at,
                    format!(
                        "the weights of `{name}` are {}, and this layer needs {}",
                        sizes(shape),
                        sizes(&spec.shape)
                    ),
                )
                .note(self.shapes_so_far())
                .help(
                    "only layers whose weights have the same sizes (or, for `dense`, their transpose) can share them",
                ));
            }
            ids.push(id);
        }
        Ok(ids)
    }

    fn unknown_layer(&self, name: &str, at: Span) -> Diagnostic {
        let diagnostic = Diagnostic::new(at, format!("no layer before this one is called `{name}`"));
        let prefix = self.prefix();
        let before =
            self.names.iter().filter(|(_, (_, layer))| Some(*layer) != self.row).map(|(name, _)| name.as_str());
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

    /// Whether a dense layer is tied to weights that only fit it transposed.
    pub(crate) fn is_tied_transposed(&self, layer: &Use, outputs: usize, input: ValueId) -> bool {
        let Some((name, _)) = &layer.shared.tied else { return false };
        let inputs = self.shape(input).len();
        let theirs = self.tied_tensors(name).unwrap_or_default();
        inputs != outputs && theirs.iter().any(|id| self.graph.tensors[id.0].shape == [outputs, inputs])
    }
}

fn sizes(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join("x")
}
