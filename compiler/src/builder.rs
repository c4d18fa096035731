//! The graph under construction: operations are pushed, shapes checked, rows and names kept.

mod sharing;

use std::collections::{BTreeMap, BTreeSet};

use netwright_grammar::{Call, Diagnostic, Diagnostics, Span};

use crate::graph::{
    Epilogue, Extent, Graph, Head, Layer, LayerId, Node, Role, Tensor, TensorId, Value, ValueId, Variant,
};
use crate::ops::{Misfit, Op, TensorSpec, fixed};
use crate::shape::Shape;
use crate::words::{Place, SharedOptions, Use};

/// The most operations a network may have: more is a mistake in a repeat.
pub(crate) const MOST_OPERATIONS: usize = 5_000;

/// Builds the graph of one network. A mistake in a shape silences later complaints about shapes, until a layer whose output
/// does not depend on its input: one mistake makes one error.
#[derive(Debug)]
pub struct Builder<'a> {
    source: &'a str,
    diagnostics: &'a mut Diagnostics,
    reported: BTreeSet<(usize, usize)>,
    graph: Graph,
    /// For each value, the words on the longest way to it, the input counted too.
    depths: Vec<usize>,
    row: Option<LayerId>,
    /// Whether what is lowered now is frozen.
    frozen: bool,
    /// Whether the next activation may join the row before it.
    row_is_open: bool,
    shared: SharedOptions,
    ordinals: BTreeMap<String, usize>,
    names: BTreeMap<String, (Span, LayerId)>,
    /// Layers with the shapes they make, on the way to here.
    trail: Vec<(String, Shape)>,
    /// The blocks around what is lowered now: their names in layers, and their calls as written.
    blocks: Vec<(String, Call)>,
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
    /// How many numbers it added that training changes.
    pub parameters: usize,
    /// How many numbers it added that training moves without gradients.
    pub statistics: usize,
    /// Its multiply-adds for one image.
    pub macs: u64,
}

/// How much of the graph there was before a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    nodes: usize,
    tensors: usize,
}

/// What a loop or a branch starts from and comes back to.
#[derive(Clone, Debug)]
pub(crate) struct Waypoint {
    trail: usize,
    uncertain: bool,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(source: &'a str, input: Shape, diagnostics: &'a mut Diagnostics) -> Self {
        let graph = Graph {
            values: vec![Value { extent: Extent::PerImage(input.len()), shape: input }],
            nodes: Vec::new(),
            tensors: Vec::new(),
            layers: Vec::new(),
            input: ValueId(0),
            output: ValueId(0),
            depth: 1,
        };
        Self {
            source,
            diagnostics,
            reported: BTreeSet::new(),
            graph,
            depths: vec![1],
            row: None,
            frozen: false,
            row_is_open: false,
            shared: SharedOptions::default(),
            ordinals: BTreeMap::new(),
            names: BTreeMap::new(),
            trail: vec![(input.to_string(), input)],
            blocks: Vec::new(),
            uncertain: false,
            made: Vec::new(),
        }
    }

    /// The finished graph, and what each word came to.
    pub(crate) fn finish(mut self, output: ValueId) -> (Graph, Vec<Made>) {
        self.graph.output = output;
        self.graph.depth = self.depths[output.0];
        for tensor in &self.graph.tensors {
            let row = &mut self.graph.layers[tensor.layer.0];
            if row.frozen && !row.text.ends_with(" frozen") {
                row.text.push_str(" frozen");
            }
        }
        (self.graph, self.made)
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { nodes: self.graph.nodes.len(), tensors: self.graph.tensors.len() }
    }

    /// Remembers what the word at `written` made of `input` since `mark`; `whole` is the word with what belongs to it.
    pub(crate) fn remember(&mut self, written: Span, whole: Span, mark: Mark, input: ValueId, output: ValueId) {
        let tensors = &self.graph.tensors[mark.tensors..];
        let count = |statistic: bool| {
            tensors.iter().filter(|tensor| (tensor.role == Role::Statistic) == statistic).map(Tensor::len).sum()
        };
        let made = Made {
            written,
            text: self.text(whole),
            calls: self.blocks.iter().rev().map(|(_, call)| format!("`{}`", call.text)).collect(),
            input: self.graph.shape(input),
            output: self.graph.shape(output),
            parameters: count(false),
            statistics: count(true),
            macs: self.graph.nodes[mark.nodes..].iter().map(|node| self.graph.macs(node)).sum(),
        };
        self.made.push(made);
    }

    pub(crate) fn input(&self) -> ValueId {
        self.graph.input
    }

    /// The shape of a value.
    pub fn shape(&self, value: ValueId) -> Shape {
        self.graph.shape(value)
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
        let calls = self.blocks.iter().rev().map(|(_, call)| call.clone()).collect();
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
    pub(crate) fn has_layer(&self, name: &str) -> bool {
        self.names.contains_key(&format!("{}{name}", self.prefix()))
    }

    /// Freezes what is lowered from here on, or no longer; returns what was said before.
    pub(crate) fn freeze(&mut self, frozen: bool) -> bool {
        std::mem::replace(&mut self.frozen, frozen)
    }

    /// Whether anything since `mark` has weights or statistics of its own.
    pub(crate) fn has_tensors_since(&self, mark: Mark) -> bool {
        self.graph.tensors.len() > mark.tensors
    }

    pub(crate) fn enter_block(&mut self, name: &str, call: Call) {
        let ordinal = self.ordinal(name);
        self.blocks.push((format!("{name}{ordinal}"), call));
        self.row_is_open = false;
    }

    pub(crate) fn leave_block(&mut self) {
        self.blocks.pop();
        self.row_is_open = false;
    }

    fn prefix(&self) -> String {
        self.blocks.iter().map(|(name, _)| format!("{name}.")).collect()
    }

    fn ordinal(&mut self, word: &str) -> usize {
        let key = format!("{}{word}", self.prefix());
        let ordinal = self.ordinals.entry(key).or_default();
        *ordinal += 1;
        *ordinal
    }

    /// Starts a stage: an activation may not join the row of the stage before.
    pub(crate) fn start_stage(&mut self) {
        self.row_is_open = false;
    }

    /// Starts the row of a layer, or joins the one before it in the same stage.
    pub(crate) fn start_row(&mut self, layer: &Use, input: ValueId) {
        self.shared = layer.shared.clone();
        let text = layer.text(self.source);
        if layer.word.place == Place::Activation
            && self.row_is_open
            && let Some(row) = self.row
        {
            let row = &mut self.graph.layers[row.0];
            row.text = format!("{} {text}", row.text);
            return;
        }
        let name = self.row_name(layer.word.name);
        self.open_row(name, text, layer.span, input);
    }

    /// The name that was given to the layer under way, or its word with a number.
    fn row_name(&mut self, word: &str) -> String {
        let prefix = self.prefix();
        match &self.shared.name {
            Some((name, _)) => format!("{prefix}{name}"),
            None => self.free_name(word, ""),
        }
    }

    /// Starts the row of a join: an `add`, a `concat`.
    pub(crate) fn open_join(
        &mut self,
        word: &str,
        name: Option<(String, Span)>,
        text: String,
        span: Span,
        input: ValueId,
    ) {
        self.shared = SharedOptions { name, ..SharedOptions::default() };
        let name = self.row_name(word);
        self.open_row(name, text, span, input);
    }

    /// `first`, a separator and the next number with which no layer is called so.
    fn free_name(&mut self, first: &str, separator: &str) -> String {
        loop {
            let name = format!("{}{first}{separator}{}", self.prefix(), self.ordinal(first));
            if !self.names.contains_key(&name) {
                return name;
            }
        }
    }

    fn open_row(&mut self, mut name: String, text: String, span: Span, input: ValueId) {
        let id = LayerId(self.graph.layers.len());
        if let Some((at, _)) = self.names.get(&name).copied() {
            if at != span {
                let first = self.text(at);
                let written = self.shared.name.as_ref().filter(|(own, _)| name.ends_with(own.as_str()));
                let place = written.map_or(span, |(_, written)| *written);
                self.report(
                    Diagnostic::new(place, format!("two layers are called `{name}`"))
                        .note(format!("the first is `{first}`"))
                        .help("give each layer a name of its own"),
                );
            }
            name = self.free_name(&name[self.prefix().len()..], "_");
        }
        self.names.insert(name.clone(), (span, id));
        self.graph.layers.push(Layer { name, text, input, output: input, span, frozen: self.frozen });
        self.row = Some(id);
        self.row_is_open = true;
    }

    /// Ends a row at `output`.
    pub(crate) fn end_row(&mut self, word: &str, output: ValueId) {
        let Some(row) = self.row else { return };
        let shape = self.graph.shape(output);
        let row = &mut self.graph.layers[row.0];
        row.output = output;
        if self.trail.len() == 1 || self.trail.last().is_none_or(|(_, last)| *last != shape) {
            self.trail.push((format!("{word} {shape}"), shape));
        }
    }

    /// Counts the word that made `value`, however many operations it took.
    pub(crate) fn deepen(&mut self, value: ValueId) {
        self.depths[value.0] += 1;
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

    /// [`Builder::push`] for what is no word's: `text` and `span` are the place of a misfit.
    pub(crate) fn push_op(
        &mut self,
        text: &str,
        span: Span,
        op: Op,
        inputs: &[ValueId],
    ) -> Result<ValueId, Diagnostic> {
        let shapes: Vec<Shape> = inputs.iter().map(|&input| self.shape(input)).collect();
        let output = op.infer(&shapes).map_err(|misfit| self.misfit(text, span, misfit))?;
        if self.graph.nodes.len() >= MOST_OPERATIONS {
            return Err(Diagnostic::new(span, format!("the network has more than {MOST_OPERATIONS} operations"))
                .note(self.shapes_so_far())
                .help("is a number of repeats too large?"));
        }
        let layer = self.row.unwrap_or(LayerId(0));
        let specs = op.tensors(&shapes, output);
        let tensors = match self.shared.tied.clone() {
            Some((name, at)) if !specs.is_empty() => self.tie(&name, at, &specs)?,
            _ => self.add_tensors(specs, layer, span)?,
        };
        let saved = op.saved(&shapes).into_iter().map(|len| self.add_value(fixed(len))).collect();
        let output = self.add_value(Value { extent: Extent::PerImage(output.len()), shape: output });
        self.depths[output.0] = inputs.iter().map(|input| self.depths[input.0]).max().unwrap_or(0);
        self.graph.nodes.push(Node {
            op,
            inputs: inputs.to_vec(),
            output,
            saved,
            tensors,
            layer,
            variant: Variant::ONLY,
            prepared: None,
            epilogue: Epilogue::default(),
        });
        Ok(output)
    }

    /// That a layer does not go with what comes in.
    pub(crate) fn diagnostic(&self, layer: &Use, message: &str) -> Diagnostic {
        Diagnostic::new(layer.span, format!("{}: {message}", self.text(layer.span))).note(self.shapes_so_far())
    }

    fn misfit(&self, text: &str, span: Span, misfit: Misfit) -> Diagnostic {
        let diagnostic = Diagnostic::new(span, format!("{text}: {}", misfit.message)).note(self.shapes_so_far());
        match misfit.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }

    fn add_value(&mut self, value: Value) -> ValueId {
        self.graph.values.push(value);
        self.depths.push(0);
        ValueId(self.graph.values.len() - 1)
    }

    fn add_tensors(&mut self, specs: Vec<TensorSpec>, layer: LayerId, span: Span) -> Result<Vec<TensorId>, Diagnostic> {
        let (init, bias) = (self.shared.init, self.shared.bias);
        let mut ids = Vec::new();
        for mut spec in specs {
            if let (Role::Weight, Some((init, _))) = (spec.role, init) {
                spec.init = Some(init);
            }
            if let (Role::Bias, Some((init, _))) = (spec.role, bias) {
                spec.init = Some(init);
            }
            let trained = spec.role != Role::Statistic;
            let tensor = Tensor {
                name: spec.name,
                role: spec.role,
                offset: self.graph.count(trained),
                shape: spec.shape,
                fan_in: spec.fan_in,
                fan_out: spec.fan_out,
                init: spec.init,
                layer,
            };
            if self.graph.count(trained) as u64 + tensor.len() as u64 > crate::shape::LARGEST_VALUE {
                return Err(Diagnostic::new(span, "the network would have more than 2^31 parameters"));
            }
            ids.push(TensorId(self.graph.tensors.len()));
            self.graph.tensors.push(tensor);
        }
        Ok(ids)
    }

    /// An output layer fed with probabilities is a mistake that trains badly without a word.
    pub(crate) fn refuse_softmax_after_softmax(&self, layer: &Use, input: ValueId) -> Result<(), Diagnostic> {
        let before = self.graph.producer(input);
        if before.is_none_or(|node| node.op.head() != Head::Softmax) {
            return Ok(());
        }
        Err(self
            .diagnostic(layer, "its input has been through a softmax already")
            .help("keep one output layer; for probabilities in the middle of a network, write `softmax` without a number, then `dense`"))
    }
}
