//! A network's text while it becomes a graph: where its layers stand, what is wrong with them, and what each word came to.

use std::collections::{BTreeMap, BTreeSet};

use netwright_grammar::{Call, Diagnostic, Diagnostics, Span};

use super::foreign::Around;
use crate::builder::{BuildError, Builder, NewLayer, WeightOptions};
use crate::graph::{Graph, Head, LayerId, Origin, ParameterKind, Tensor, ValueId};
use crate::ops::Op;
use crate::shape::Shape;
use crate::words::{SharedOptions, Use, WordPosition};

/// Builds the graph of one network from its text. A mistake in a shape silences later complaints about shapes, until a layer whose
/// output does not depend on its input: one mistake makes one error.
#[derive(Debug)]
pub struct Lowering<'a> {
    source: &'a str,
    diagnostics: &'a mut Diagnostics,
    reported: BTreeSet<(usize, usize)>,
    pub(super) builder: Builder,
    /// Where layers stand, by their origins.
    spans: Vec<Span>,
    origins: BTreeMap<(usize, usize), Origin>,
    /// Whether the next activation may join the row before it.
    row_is_open: bool,
    /// What is said of the layer under way.
    shared: SharedOptions,
    /// Layers with the shapes they make, on the way to here.
    trail: Vec<(String, Shape)>,
    /// What another library's names begin with here.
    pub(super) around: Around,
    /// The calls of the blocks around what is lowered now, as written.
    calls: Vec<Call>,
    uncertain: bool,
    made: Vec<Made>,
}

/// As much of a text as a message or a table has room for.
pub(crate) fn beginning(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What a word of the text came to, one of the times it was lowered.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Where the word alone stands.
    pub written: Span,
    /// The word with its numbers and options.
    pub text: String,
    /// The calls of the blocks it stands in, the innermost first.
    pub calls: Vec<String>,
    /// What came in.
    pub input: Shape,
    /// What went out.
    pub output: Shape,
    /// How many elements it added that training changes.
    pub parameters: usize,
    /// How many elements it added that training moves without gradients.
    pub statistics: usize,
    /// Its multiply-adds for one image.
    pub macs: u64,
}

/// How much of the graph there was before a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(super) nodes: usize,
    pub(super) tensors: usize,
}

/// What a loop or a branch starts from and comes back to.
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
            around: Around::default(),
            calls: Vec::new(),
            uncertain: false,
            made: Vec::new(),
        }
    }

    /// The finished graph, and what each word came to.
    pub(super) fn finish(self, output: ValueId) -> (Graph, Vec<Made>) {
        (self.builder.finish(output), self.made)
    }

    pub(super) fn mark(&self) -> Mark {
        let graph = self.builder.graph();
        Mark { nodes: graph.nodes.len(), tensors: graph.tensors.len() }
    }

    /// Remembers what the word at `written` made of `input` since `mark`; `whole` is the word with what belongs to it.
    pub(super) fn remember(&mut self, written: Span, whole: Span, mark: Mark, input: ValueId, output: ValueId) {
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

    /// The source between two bytes, its white space evened out, and its beginning where it is long.
    pub(crate) fn text(&self, span: Span) -> String {
        let words: Vec<&str> = self.source.get(span.range()).unwrap_or_default().split_whitespace().collect();
        beginning(&words.join(" "))
    }

    /// Reports a mistake once for each place: a block called twice is wrong once.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.uncertain = true;
        if !self.reported.insert((diagnostic.span.start, diagnostic.span.end)) {
            return;
        }
        let calls = self.calls.iter().rev().cloned().collect();
        self.diagnostics.push(Diagnostic { calls, ..diagnostic });
    }

    /// The layers and shapes on the way to here.
    pub(crate) fn shapes_so_far(&self) -> String {
        const SHOWN: usize = 7;
        let hidden = self.trail.len().saturating_sub(SHOWN);
        let shown: Vec<&str> = self.trail[hidden..].iter().map(|(shown, _)| shown.as_str()).collect();
        let shown = shown.join(" → ");
        if hidden == 0 { format!("the shapes so far: {shown}") } else { format!("the shapes so far: … → {shown}") }
    }

    /// The input's shape could not be read: complaints about shapes would be its echo.
    pub(crate) fn input_is_unknown(&mut self) {
        self.uncertain = true;
    }

    pub(crate) fn is_uncertain(&self) -> bool {
        self.uncertain
    }

    pub(crate) fn waypoint(&self) -> Waypoint {
        Waypoint { trail: self.trail.len(), uncertain: self.uncertain }
    }

    /// Back to where a branch starts.
    pub(crate) fn rewind(&mut self, waypoint: &Waypoint) {
        self.trail.truncate(waypoint.trail);
        self.uncertain = waypoint.uncertain;
        self.row_is_open = false;
    }

    /// The layers and shapes since a waypoint.
    pub(crate) fn trail_since(&self, waypoint: &Waypoint) -> Vec<String> {
        self.trail[waypoint.trail..].iter().map(|(shown, _)| shown.clone()).collect()
    }

    /// Whether shapes are the echo of a mistake, after branches that were lowered one by one.
    pub(crate) fn set_uncertain(&mut self, uncertain: bool) {
        self.uncertain = uncertain;
    }

    /// Whether anything was wrong so far.
    pub(crate) fn is_wrong(&self) -> bool {
        !self.reported.is_empty()
    }

    /// Whether a layer before this place is called `name`.
    pub(super) fn has_layer(&self, name: &str) -> bool {
        self.builder.names().contains_key(&format!("{}{name}", self.builder.prefix()))
    }

    /// Freezes what is lowered from here on, or no longer; returns what was said before.
    pub(super) fn freeze(&mut self, frozen: bool) -> bool {
        self.builder.freeze(frozen)
    }

    /// Whether anything since `mark` has weights or statistics of its own.
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

    /// Starts a stage: an activation may not join the row of the stage before.
    pub(super) fn start_stage(&mut self) {
        self.row_is_open = false;
    }

    /// Starts the row of a layer, or joins the one before it in the same stage.
    pub(super) fn start_row(&mut self, layer: &Use, input: ValueId) {
        self.shared = layer.shared.clone();
        let text = layer.text(self.source);
        let joins = layer.word.position == WordPosition::Activation && self.row_is_open;
        if !(joins && self.builder.extend(&text, self.weight_options())) {
            self.open_row(layer.word.name, text, layer.span, input);
        }
    }

    /// Starts the row of a join: an `add`, a `concat`.
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
        let foreign = from.as_ref().map(|(pattern, span)| self.around.name(pattern, *span)).transpose();
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
                let place = name.map_or(span, |(_, written)| written);
                Diagnostic::new(place, format!("two layers are called `{taken}`"))
                    .note(first(id).0)
                    .help("give each layer a name of its own")
            }
            Err(error @ BuildError::ForeignNameTaken { first: id, .. }) => {
                let place = from.map_or(span, |(_, written)| written);
                let (first, its_origin) = first(id);
                let diagnostic = Diagnostic::new(place, error.to_string());
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

    /// The origin of what stands at `span`: the same each time it is lowered.
    fn origin(&mut self, span: Span) -> Origin {
        let next = Origin(self.spans.len());
        let origin = *self.origins.entry((span.start, span.end)).or_insert(next);
        if origin == next {
            self.spans.push(span);
        }
        origin
    }

    /// Ends a row, from `input` to `output`.
    pub(super) fn end_row(&mut self, word: &str, input: ValueId, output: ValueId) {
        self.builder.close(input, output);
        let shape = self.builder.shape(output);
        if self.trail.len() == 1 || self.trail.last().is_none_or(|(_, last)| *last != shape) {
            self.trail.push((format!("{word} {shape}"), shape));
        }
    }

    /// From here on shapes are known again, whatever was wrong before.
    pub fn shape_is_certain(&mut self, _value: ValueId) {
        self.uncertain = false;
    }

    /// Adds an operation of a layer.
    ///
    /// # Errors
    /// Where it does not fit its inputs: what met, the shapes so far, and what would fit.
    pub fn push(&mut self, layer: &Use, op: impl Into<Op>, inputs: &[ValueId]) -> Result<ValueId, Diagnostic> {
        let text = self.text(layer.span);
        self.push_op(&text, layer.span, op.into(), inputs)
    }

    /// [`Lowering::push`] for what is no word's: `text` and `span` are the place of a mistake.
    pub(super) fn push_op(
        &mut self,
        text: &str,
        span: Span,
        op: Op,
        inputs: &[ValueId],
    ) -> Result<ValueId, Diagnostic> {
        self.builder.push(op, inputs).map_err(|error| self.mistake(text, span, error))
    }

    /// What could not be built, in its place.
    fn mistake(&self, text: &str, span: Span, error: BuildError) -> Diagnostic {
        // Weights are shared where `tied` stands.
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

    /// That a layer does not go with what comes in.
    pub(crate) fn diagnostic(&self, layer: &Use, message: &str) -> Diagnostic {
        Diagnostic::new(layer.span, format!("{}: {message}", self.text(layer.span))).note(self.shapes_so_far())
    }

    /// An output layer fed with probabilities is a mistake that trains badly without a word.
    pub(crate) fn refuse_softmax_after_softmax(&self, layer: &Use, input: ValueId) -> Result<(), Diagnostic> {
        let before = self.builder.graph().producer(input);
        if before.is_none_or(|node| !matches!(node.op.head(), Head::Softmax | Head::LogSoftmax)) {
            return Ok(());
        }
        Err(self
            .diagnostic(layer, "its input has been through a softmax already")
            .help("keep one output layer; for probabilities in the middle of a network, write `softmax` without a number, then `dense`"))
    }
}
