//! The state of lowering a network's text to a graph: the spans of layers, the diagnostics, and the result of each word.

use std::collections::{BTreeMap, BTreeSet};

use netwright_grammar::{Call, Diagnostic, Diagnostics, Span};

use super::foreign::ForeignContext;
use crate::builder::{BuildError, Builder, NewLayer, WeightOptions};
use crate::graph::{Graph, Head, LayerId, Node, Origin, ParameterKind, Tensor, ValueId};
use crate::ops::Op;
use crate::shape::Shape;
use crate::words::{SharedOptions, Use, WordPosition};

/// Builds the graph of one network from its text. After an error, further errors about shapes are suppressed until a layer whose
/// output shape does not depend on its input, so that one error is reported once.
#[derive(Debug)]
pub struct Lowering<'a> {
    source: &'a str,
    diagnostics: &'a mut Diagnostics,
    reported: BTreeSet<(usize, usize)>,
    pub(super) builder: Builder,
    /// The spans of layers, by origin.
    spans: Vec<Span>,
    origins: BTreeMap<(usize, usize), Origin>,
    /// Whether a following activation may extend the current row.
    row_is_open: bool,
    /// The shared options of the current layer.
    shared: SharedOptions,
    /// The layers on the current path, with their shapes.
    trail: Vec<(String, Shape)>,
    /// The naming context in another library.
    pub(super) foreign: ForeignContext,
    /// The calls of the enclosing blocks, as written.
    calls: Vec<Call>,
    uncertain: bool,
    made: Vec<Made>,
}

/// The start of a text that may be too long for a message or a table.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The result of one lowering of a word of the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The span of the word alone.
    pub written: Span,
    /// The word with its numbers and options.
    pub text: String,
    /// The calls of the enclosing blocks, the innermost first.
    pub calls: Vec<String>,
    /// The shape of the input.
    pub input: Shape,
    /// The shape of the output.
    pub output: Shape,
    /// The number of elements it added that are trained.
    pub parameters: usize,
    /// The number of elements it added that are statistics: training updates them without gradients.
    pub statistics: usize,
    /// Its multiply-adds for one image.
    pub macs: u64,
}

/// The size of the graph before a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(super) nodes: usize,
    pub(super) tensors: usize,
}

/// The state at the start of a branch, to which lowering returns after it.
#[derive(Clone, Debug)]
pub(crate) struct Waypoint {
    trail: usize,
    uncertain: bool,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(source: &'a str, input: Shape, diagnostics: &'a mut Diagnostics) -> Self {
        Self {
            source,
            diagnostics,
            reported: BTreeSet::new(),
            builder: Builder::new(input),
            spans: Vec::new(),
            origins: BTreeMap::new(),
            row_is_open: false,
            shared: SharedOptions::default(),
            trail: vec![(input.to_string(), input)],
            foreign: ForeignContext::default(),
            calls: Vec::new(),
            uncertain: false,
            made: Vec::new(),
        }
    }

    /// The finished graph, and the result of each word.
    pub(super) fn finish(self, output: ValueId) -> (Graph, Vec<Made>) {
        (self.builder.finish(output), self.made)
    }

    pub(super) fn mark(&self) -> Mark {
        let graph = self.builder.graph();
        Mark { nodes: graph.nodes.len(), tensors: graph.tensors.len() }
    }

    /// Records the result of the word at `written` since `mark`; `whole` is the span including its numbers and options.
    pub(super) fn record(&mut self, written: Span, whole: Span, mark: Mark, input: ValueId, output: ValueId) {
        let graph = self.builder.graph();
        let tensors = &graph.tensors[mark.tensors..];
        let count = |statistic: bool| {
            tensors
                .iter()
                .filter(|tensor| (tensor.kind == ParameterKind::Statistic) == statistic)
                .map(Tensor::len)
                .sum()
        };
        let made = Made {
            written,
            text: self.text(whole),
            calls: self.calls.iter().rev().map(|call| format!("`{}`", call.text)).collect(),
            input: graph.shape(input),
            output: graph.shape(output),
            parameters: count(false),
            statistics: count(true),
            macs: graph.nodes[mark.nodes..].iter().map(|node| graph.macs(node)).sum(),
        };
        self.made.push(made);
    }

    pub(crate) fn input(&self) -> ValueId {
        self.builder.input()
    }

    /// The shape of a value.
    pub fn shape(&self, value: ValueId) -> Shape {
        self.builder.shape(value)
    }

    /// The source text at `span` with white space normalised, shortened if it is long.
    pub(crate) fn text(&self, span: Span) -> String {
        let words: Vec<&str> = self.source.get(span.range()).unwrap_or_default().split_whitespace().collect();
        shortened(&words.join(" "))
    }

    /// Reports a diagnostic, once for each span: an error in a block that is called twice is one error.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.uncertain = true;
        if !self.reported.insert((diagnostic.span.start, diagnostic.span.end)) {
            return;
        }
        let calls = self.calls.iter().rev().cloned().collect();
        self.diagnostics.push(Diagnostic { calls, ..diagnostic });
    }

    /// The layers and shapes on the current path.
    pub(crate) fn shapes_so_far(&self) -> String {
        const SHOWN: usize = 7;
        let hidden = self.trail.len().saturating_sub(SHOWN);
        let shown: Vec<&str> = self.trail[hidden..].iter().map(|(shown, _)| shown.as_str()).collect();
        let shown = shown.join(" → ");
        if hidden == 0 { format!("the shapes so far: {shown}") } else { format!("the shapes so far: … → {shown}") }
    }

    /// Marks the input's shape as unknown: further errors about shapes would be consequences.
    pub(crate) fn input_is_unknown(&mut self) {
        self.uncertain = true;
    }

    pub(crate) fn is_uncertain(&self) -> bool {
        self.uncertain
    }

    pub(crate) fn waypoint(&self) -> Waypoint {
        Waypoint { trail: self.trail.len(), uncertain: self.uncertain }
    }

    /// Returns to the start of a branch.
    pub(crate) fn rewind(&mut self, waypoint: &Waypoint) {
        self.trail.truncate(waypoint.trail);
        self.uncertain = waypoint.uncertain;
        self.row_is_open = false;
    }

    /// The layers and shapes since the start of a branch.
    pub(crate) fn trail_since(&self, waypoint: &Waypoint) -> Vec<String> {
        self.trail[waypoint.trail..].iter().map(|(shown, _)| shown.clone()).collect()
    }

    /// Sets whether shapes may be wrong because of an earlier error, after branches that were lowered one by one.
    pub(crate) fn set_uncertain(&mut self, uncertain: bool) {
        self.uncertain = uncertain;
    }

    /// Whether any diagnostic was reported.
    pub(crate) fn is_wrong(&self) -> bool {
        !self.reported.is_empty()
    }

    /// Whether an earlier layer of the current block is called `name`.
    pub(super) fn has_layer(&self, name: &str) -> bool {
        self.builder.names().contains_key(&format!("{}{name}", self.builder.prefix()))
    }

    /// Sets whether layers from here on are frozen; returns the previous setting.
    pub(super) fn freeze(&mut self, frozen: bool) -> bool {
        self.builder.freeze(frozen)
    }

    /// Whether anything since `mark` added weights or statistics.
    pub(super) fn has_tensors_since(&self, mark: Mark) -> bool {
        self.builder.graph().tensors.len() > mark.tensors
    }

    pub(super) fn enter_block(&mut self, name: &str, call: Call) {
        self.builder.enter_block(name);
        self.calls.push(call);
        self.row_is_open = false;
    }

    pub(super) fn leave_block(&mut self) {
        self.builder.leave_block();
        self.calls.pop();
        self.row_is_open = false;
    }

    /// Starts a stage: an activation cannot extend the row of the previous stage.
    pub(super) fn start_stage(&mut self) {
        self.row_is_open = false;
    }

    /// Opens the row of a layer, or extends the previous row of the same stage.
    pub(super) fn start_row(&mut self, layer: &Use, input: ValueId) {
        self.shared = layer.shared.clone();
        let text = layer.text(self.source);
        let joins = layer.word.position == WordPosition::Activation && self.row_is_open;
        if !(joins && self.builder.extend(&text, self.weight_options())) {
            self.open_row(layer.word.name, text, layer.span, input);
        }
    }

    /// Opens the row of a join, such as `add` or `concat`.
    pub(super) fn open_join(
        &mut self,
        word: &str,
        name: Option<(String, Span)>,
        text: String,
        span: Span,
        input: ValueId,
    ) {
        self.shared = SharedOptions { name, ..SharedOptions::default() };
        self.open_row(word, text, span, input);
    }

    fn weight_options(&self) -> WeightOptions {
        let SharedOptions { init, bias, tied, .. } = &self.shared;
        WeightOptions {
            init: init.map(|(init, _)| init),
            bias: bias.map(|(bias, _)| bias),
            tied: tied.as_ref().map(|(name, _)| name.clone()),
        }
    }

    fn open_row(&mut self, word: &str, text: String, span: Span, input: ValueId) {
        let name = self.shared.name.clone();
        let (origin, weights) = (self.origin(span), self.weight_options());
        let name_alone = name.as_ref().map(|(name, _)| name.as_str());
        let from = self.shared.from.clone();
        let foreign = from.as_ref().map(|(pattern, span)| self.foreign.name(pattern, *span)).transpose();
        let foreign = foreign.unwrap_or_else(|diagnostic| {
            self.report(diagnostic);
            None
        });
        let new = NewLayer { word, name: name_alone, foreign: foreign.as_deref(), text, origin, weights };
        let opened = self.builder.open(new, input);
        self.row_is_open = true;
        let first = |first: LayerId| {
            let origin = self.builder.graph().layers[first.0].origin;
            (format!("the first is `{}`", self.text(self.spans[origin.0])), origin)
        };
        let diagnostic = match opened {
            Err(BuildError::NameTaken { name: taken, first: id }) => {
                let location = name.map_or(span, |(_, written)| written);
                Diagnostic::new(location, format!("two layers are called `{taken}`"))
                    .note(first(id).0)
                    .help("give each layer a name of its own")
            }
            Err(error @ BuildError::ForeignNameTaken { first: id, .. }) => {
                let location = from.map_or(span, |(_, written)| written);
                let (first, its_origin) = first(id);
                let diagnostic = Diagnostic::new(location, error.to_string());
                if its_origin == origin {
                    diagnostic.help("a name that is repeated counts, `from \"layer1.{}\"`, or the call of its block has a name to begin with: `cell(8) from \"layer1\"`")
                } else {
                    diagnostic.note(first).help("each layer has a name of its own there")
                }
            }
            _ => return,
        };
        self.report(diagnostic);
    }

    /// The origin of a span: the same for each time it is lowered.
    fn origin(&mut self, span: Span) -> Origin {
        let next = Origin(self.spans.len());
        let origin = *self.origins.entry((span.start, span.end)).or_insert(next);
        if origin == next {
            self.spans.push(span);
        }
        origin
    }

    /// Closes a row, with its input and output.
    pub(super) fn end_row(&mut self, word: &str, input: ValueId, output: ValueId) {
        self.builder.close(input, output);
        let shape = self.builder.shape(output);
        if self.trail.len() == 1 || self.trail.last().is_none_or(|(_, last)| *last != shape) {
            self.trail.push((format!("{word} {shape}"), shape));
        }
    }

    /// Declares that shapes are known again, regardless of earlier errors.
    pub fn shape_is_certain(&mut self, _value: ValueId) {
        self.uncertain = false;
    }

    /// Adds an operation of a layer.
    ///
    /// # Errors
    /// A diagnostic if the operation does not fit its inputs: the shapes involved, the shapes so far, and a suggestion.
    pub fn push(&mut self, layer: &Use, op: impl Into<Op>, inputs: &[ValueId]) -> Result<ValueId, Diagnostic> {
        let text = self.text(layer.span);
        self.push_op(&text, layer.span, op.into(), inputs)
    }

    /// Like [`Lowering::push`], for operations without a word of their own; `text` and `span` locate an error.
    pub(super) fn push_op(
        &mut self,
        text: &str,
        span: Span,
        op: Op,
        inputs: &[ValueId],
    ) -> Result<ValueId, Diagnostic> {
        self.builder.push(op, inputs).map_err(|error| self.build_diagnostic(text, span, error))
    }

    /// The diagnostic for an error of the builder.
    fn build_diagnostic(&self, text: &str, span: Span, error: BuildError) -> Diagnostic {
        // Errors about shared weights are reported at `tied`.
        let at = self.shared.tied.as_ref().map_or(span, |(_, tied)| *tied);
        match error {
            BuildError::Shape(error) => {
                let diagnostic = Diagnostic::new(span, format!("{text}: {}", error.message)).note(self.shapes_so_far());
                match error.help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                }
            }
            BuildError::TooManyOperations => Diagnostic::new(span, error.to_string())
                .note(self.shapes_so_far())
                .help("is a number of repeats too large?"),
            BuildError::UnknownLayer(ref name) => self.unknown_layer(name, Diagnostic::new(at, error.to_string())),
            BuildError::NothingToShare { .. } => {
                Diagnostic::new(at, error.to_string()).help("name a layer of the same kind and the same sizes")
            }
            BuildError::OtherSizes { .. } => Diagnostic::new(at, error.to_string()).note(self.shapes_so_far()).help(
                "only layers whose weights have the same sizes (or, for `dense`, their transpose) can share them",
            ),
            BuildError::TooManyParameters | BuildError::NameTaken { .. } | BuildError::ForeignNameTaken { .. } => {
                Diagnostic::new(at, error.to_string())
            }
        }
    }

    /// The diagnostic for a layer that does not accept its input.
    pub(crate) fn diagnostic(&self, layer: &Use, message: &str) -> Diagnostic {
        self.diagnostic_at(layer.span, message)
    }

    fn diagnostic_at(&self, span: Span, message: &str) -> Diagnostic {
        Diagnostic::new(span, format!("{}: {message}", self.text(span))).note(self.shapes_so_far())
    }

    /// Rejects an output layer whose input is probabilities: such a network would train badly without any error.
    pub(crate) fn refuse_probabilities(&self, layer: &Use, input: ValueId) -> Result<(), Diagnostic> {
        match self.softmax_of(input) {
            Some(_) => Err(self.second_softmax(layer.span)),
            None => Ok(()),
        }
    }

    /// Reports a network whose answers have been through two softmaxes. In the middle of a network they are activations.
    pub(super) fn report_second_softmax(&mut self, output: ValueId) {
        let Some(last) = self.softmax_of(output) else { return };
        if last.inputs.iter().any(|&input| self.softmax_of(input).is_some()) {
            let origin = self.builder.graph().layers[last.layer.0].origin;
            self.report(self.second_softmax(self.spans[origin.0]));
        }
    }

    /// The node that computes a value, if it is a softmax.
    fn softmax_of(&self, value: ValueId) -> Option<&Node> {
        let node = self.builder.graph().producer(value)?;
        matches!(node.op.head(), Head::Softmax | Head::LogSoftmax).then_some(node)
    }

    fn second_softmax(&self, span: Span) -> Diagnostic {
        self.diagnostic_at(span, "its input has been through a softmax already")
            .help("keep one output layer; for probabilities in the middle of a network, write `softmax` without a number, then `dense`")
    }
}
