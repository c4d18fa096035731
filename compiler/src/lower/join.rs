//! `add { … } { … }`, `concat { … } skip`, `mul`, `residual`, `tap`: where values branch and join.

use netwright_grammar::{Atom, AtomKind, Body, Diagnostic, Span, Stage};

use super::expression::Scope;
use super::stage::Before;
use super::structure::Structure;
use super::taps::Tap;
use crate::graph::ValueId;
use crate::ops::{Add, Concat, Multiply, Op};
use crate::shape::{Shape, text_of_series};

/// How branches are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    Add,
    Concat,
    Mul,
    /// `add { … } { }` without its second pair of braces.
    Residual,
}

impl Join {
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "add" => Self::Add,
            "concat" => Self::Concat,
            "mul" => Self::Mul,
            "residual" => Self::Residual,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Concat => "concat",
            Self::Mul => "mul",
            Self::Residual => "residual",
        }
    }

    /// The word of its table row.
    fn row(self) -> &'static str {
        if self == Self::Residual { "add" } else { self.word() }
    }

    fn agrees(self, first: Shape, other: Shape) -> bool {
        match self {
            Self::Concat => match (first, other) {
                (Shape::Image { height, width, .. }, Shape::Image { height: tall, width: wide, .. }) => {
                    [height, width] == [tall, wide]
                }
                (Shape::Series { length: long, .. }, Shape::Series { length, .. }) => long == length,
                (Shape::Flat(_), Shape::Flat(_)) => true,
                _ => false,
            },
            Self::Mul => first == other || Multiply::broadcasts(first, other) || Multiply::broadcasts(other, first),
            Self::Add | Self::Residual => first == other,
        }
    }
}

/// One of the joined values.
struct Branch<'s> {
    source: Source<'s>,
    value: ValueId,
    /// The layers and shapes within the branch.
    trail: Vec<String>,
}

/// The origin of a branch.
enum Source<'s> {
    /// The stage's input, implied when a join lists only taps.
    Stage,
    /// The stage's input, implied as the other branch of a `residual`.
    Residual,
    Braces(&'s Body),
    Tap(&'s str),
}

impl Branch<'_> {
    /// Whether the branch is the stage's input.
    fn is_input(&self) -> bool {
        match self.source {
            Source::Braces(body) => body.stages.is_empty(),
            Source::Stage | Source::Residual => true,
            Source::Tap(_) => false,
        }
    }

    fn name(&self, join: Join, index: usize) -> String {
        const ORDINALS: [&str; 8] = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];
        match self.source {
            Source::Stage | Source::Residual => "what comes in".to_owned(),
            Source::Tap(name) => format!("the tap `{name}`"),
            Source::Braces(_) if self.is_input() => "the input `{ }`".to_owned(),
            Source::Braces(_) if join == Join::Residual => "its branch".to_owned(),
            Source::Braces(_) => match ORDINALS.get(index) {
                Some(ordinal) => format!("the {ordinal} branch"),
                None => format!("branch {}", index + 1),
            },
        }
    }
}

impl Structure<'_, '_> {
    /// Lowers a stage that starts with `add`, `concat`, `mul` or `residual`.
    pub(super) fn join(&mut self, join: Join, stage: &Stage, input: ValueId, scope: &Scope) -> ValueId {
        let head = stage.atoms[0].span;
        let (sources, used) = self.sources(join, head, &stage.atoms[1..]);
        let rest = &stage.atoms[1 + used..];
        let sources = match sources {
            Ok(sources) => sources,
            Err(diagnostic) => {
                self.lowering.report(diagnostic);
                // Without a branch, the words after the join may have been meant as one.
                if used == 0 {
                    return input;
                }
                let (uses, _) = self.read(rest, Before::Branches, scope);
                return self.words(&uses, input);
            }
        };
        let text = self.text_of(join, &sources);
        let branches = self.branches(sources, input, scope);
        let (uses, name) = self.read(rest, Before::Branches, scope);
        let output = match self.check_shapes(join, head, input, &branches) {
            Ok(()) if self.lowering.is_uncertain() => branches[0].value,
            Ok(()) => {
                let span = head.to(stage.atoms[used].span);
                self.lowering.open_join(join.row(), name, text.clone(), span, input);
                self.push_join(join, &text, head, input, &branches)
            }
            Err(diagnostic) => {
                self.lowering.report(diagnostic);
                branches[0].value
            }
        };
        self.words(&uses, output)
    }

    /// The branches after the word, and the number of atoms they take.
    fn sources<'s>(
        &mut self,
        join: Join,
        head: Span,
        atoms: &'s [Atom],
    ) -> (Result<Vec<Source<'s>>, Diagnostic>, usize) {
        let word = join.word();
        let mut sources = Vec::new();
        let mut problem = None;
        let mut used = 0;
        for atom in atoms {
            match &atom.kind {
                AtomKind::Braces(body) => sources.push(Source::Braces(body)),
                AtomKind::Word(name) if join != Join::Residual && self.names_tap(name, sources.is_empty()) => {
                    match self.use_tap(name, atom.span, word) {
                        Ok(()) => sources.push(Source::Tap(name)),
                        Err(diagnostic) => problem = problem.or(Some(diagnostic)),
                    }
                }
                _ => break,
            }
            used += 1;
        }
        if let Some(problem) = problem {
            return (Err(problem), used);
        }
        let braces = sources.iter().filter(|source| matches!(source, Source::Braces(_))).count();
        if braces == 0 && !sources.is_empty() {
            sources.insert(0, Source::Stage);
        }
        (check_count(join, head, sources, braces), used)
    }

    /// The stage's text in the table of layers.
    fn text_of(&self, join: Join, sources: &[Source<'_>]) -> String {
        let mut text = join.word().to_owned();
        for source in sources {
            match source {
                Source::Stage | Source::Residual => {}
                Source::Tap(name) => text.extend([" ", name]),
                Source::Braces(body) if body.stages.is_empty() => text.push_str(" { }"),
                Source::Braces(_) => text.push_str(" { … }"),
            }
        }
        text
    }

    fn branches<'s>(&mut self, sources: Vec<Source<'s>>, input: ValueId, scope: &Scope) -> Vec<Branch<'s>> {
        let start = self.lowering.waypoint();
        let mut uncertain = false;
        let mut branches = Vec::new();
        for source in sources {
            let value = match source {
                Source::Stage | Source::Residual => input,
                Source::Braces(body) => self.body(body, input, scope),
                Source::Tap(name) => self.taps.find(name).map_or(input, |tap| tap.value),
            };
            let trail = self.lowering.trail_since(&start);
            uncertain |= match source {
                Source::Tap(name) => self.taps.find(name).is_some_and(|tap| !tap.is_certain),
                _ => self.lowering.is_uncertain(),
            };
            self.lowering.rewind(&start);
            branches.push(Branch { source, value, trail });
        }
        self.lowering.set_uncertain(uncertain);
        branches
    }

    /// Checks that the shape of every branch agrees with those before it.
    fn check_shapes(&self, join: Join, head: Span, input: ValueId, branches: &[Branch<'_>]) -> Result<(), Diagnostic> {
        if self.lowering.is_uncertain() {
            return Ok(());
        }
        let shape = |branch: &Branch<'_>| self.lowering.shape(branch.value);
        let mut first = 0;
        for (index, branch) in branches.iter().enumerate().skip(1) {
            let (met, shape) = (shape(&branches[first]), shape(branch));
            if !join.agrees(met, shape) {
                return Err(self.shape_error(join, head, input, (first, &branches[first]), (index, branch)));
            }
            if join == Join::Mul && Multiply::broadcasts(shape, met) {
                first = index;
            }
        }
        Ok(())
    }

    fn shape_error(
        &self,
        join: Join,
        head: Span,
        input: ValueId,
        a: (usize, &Branch<'_>),
        b: (usize, &Branch<'_>),
    ) -> Diagnostic {
        let (first, second) = (self.lowering.shape(a.1.value), self.lowering.shape(b.1.value));
        let must = match join {
            Join::Concat => "height and width must agree",
            Join::Mul => "the shapes must agree, or one be a row with a number for each channel of the other",
            Join::Add | Join::Residual => "the shapes must agree",
        };
        let names = [a.1.name(join, a.0), b.1.name(join, b.0)];
        let message = format!("{}: {} is {first}, and {} is {second}: {must}", join.word(), names[0], names[1]);
        let mut diagnostic = Diagnostic::new(head, message).note(self.lowering.shapes_so_far());
        for (name, branch) in names.iter().zip([a.1, b.1]) {
            if !branch.trail.is_empty() {
                diagnostic = diagnostic.note(format!("{name}: … → {}", branch.trail.join(" → ")));
            }
        }
        let sides = [(names[0].as_str(), a.1, first), (names[1].as_str(), b.1, second)];
        diagnostic.help(suggestion(join, sides, self.lowering.shape(input)))
    }

    fn push_join(&mut self, join: Join, text: &str, head: Span, input: ValueId, branches: &[Branch<'_>]) -> ValueId {
        let values: Vec<ValueId> = branches.iter().map(|branch| branch.value).collect();
        let pushed = match join {
            Join::Add | Join::Residual => self.lowering.push_op(text, head, Add.into(), &values),
            Join::Concat => self.lowering.push_op(text, head, Concat.into(), &values),
            Join::Mul => self.push_products(text, head, &values),
        };
        match pushed {
            Ok(output) => {
                self.lowering.end_row(join.row(), input, output);
                output
            }
            Err(diagnostic) => {
                self.lowering.report(diagnostic);
                values[0]
            }
        }
    }

    /// Multiplies several values, two at a time; the left factor is the larger one.
    fn push_products(&mut self, text: &str, head: Span, values: &[ValueId]) -> Result<ValueId, Diagnostic> {
        let mut product = values[0];
        for &value in &values[1..] {
            let (left, right) = (self.lowering.shape(product), self.lowering.shape(value));
            let factors = if Multiply::broadcasts(right, left) { [value, product] } else { [product, value] };
            debug_assert!(Join::Mul.agrees(left, right));
            product = self.lowering.push_op(text, head, Op::from(Multiply), &factors)?;
        }
        Ok(product)
    }

    /// Whether a word after a join is meant as the name of a tap: the first one is, unless it is a word of the language.
    fn names_tap(&self, name: &str, is_first: bool) -> bool {
        self.taps.find(name).is_some() || !Self::is_word(name) && (is_first || self.taps.nearest(name).is_some())
    }

    fn use_tap(&mut self, name: &str, span: Span, word: &str) -> Result<(), Diagnostic> {
        if self.taps.find(name).is_some() {
            self.taps.mark_used(name);
            return Ok(());
        }
        let near = self.taps.nearest(name);
        let mut diagnostic = self.taps.unknown(name, span, word);
        self.taps.mark_all_used(name);
        if let Some(near) = near {
            self.taps.mark_used(&near);
        } else if self.is_block(name) {
            diagnostic = diagnostic.help(format!("call the block in braces: `{word} {{ {name}(…) }} {{ }}`"));
        } else if self.lowering.has_layer(name) {
            diagnostic =
                diagnostic.help(format!("`as {name}` names a layer; to join its output, write `tap {name}` behind it"));
        }
        Err(diagnostic)
    }

    /// `tap name`: records the current value.
    pub(super) fn tap(&mut self, stage: &Stage, value: ValueId) {
        let [_, Atom { kind: AtomKind::Word(name), span }, rest @ ..] = stage.atoms.as_slice() else {
            self.lowering.report(
                Diagnostic::new(stage.span, "`tap` needs a name")
                    .help("write `tap skip`, and later `concat skip` or `add skip`"),
            );
            return;
        };
        let is_certain = !self.lowering.is_uncertain();
        if let Some(surplus) = rest.first() {
            self.lowering.report(
                Diagnostic::new(surplus.span, "nothing follows the name of a tap")
                    .help(format!("put a `;` behind it: `tap {name};`")),
            );
        }
        if self.is_block(name) || Self::is_word(name) {
            let what = if self.is_block(name) { "a block" } else { "a word of the language" };
            self.lowering
                .report(Diagnostic::new(*span, format!("`{name}` is {what}")).help("call the tap something else"));
            return;
        }
        let tap = Tap { name: name.clone(), span: *span, value, is_certain, is_used: false };
        if let Err(diagnostic) = self.taps.add(tap) {
            self.lowering.report(diagnostic);
        }
    }
}

/// Checks the number of branches; adds the implied branch of `residual`.
fn check_count<'s>(
    join: Join,
    head: Span,
    mut sources: Vec<Source<'s>>,
    braces: usize,
) -> Result<Vec<Source<'s>>, Diagnostic> {
    let word = join.word();
    match (join, sources.len()) {
        (Join::Residual, 1) => {
            sources.push(Source::Residual);
            Ok(sources)
        }
        (Join::Residual, 0) => Err(Diagnostic::new(head, "`residual` needs its stages in braces")
            .help("write `residual { conv 3x3x64 same }`")),
        (Join::Residual, _) => Err(Diagnostic::new(head, format!("`residual` takes one branch, not {braces}"))
            .help("its input is the other; for more branches write `add { … } { … } { }`")),
        (_, 0) => Err(Diagnostic::new(head, format!("`{word}` needs branches in braces, or the name of a tap"))
            .help(format!("write `{word} {{ … }} {{ … }}`, or `tap skip` earlier and `{word} skip` here"))),
        (_, 1) => Err(Diagnostic::new(head, format!("`{word}` needs two branches or more, and has one"))
            .help(format!("`{{ }}` is the stage's input itself: `{word} {{ … }} {{ }}`"))),
        _ => Ok(sources),
    }
}

/// A branch with its name in a message, and its shape.
type Side<'a> = (&'a str, &'a Branch<'a>, Shape);

/// A suggestion that makes the shapes of two branches agree.
fn suggestion(join: Join, sides: [Side<'_>; 2], input: Shape) -> String {
    let text = suggestion_for_images(join, sides.map(|side| (side.0, side.1, side.2.as_image())), input.as_image());
    let is_series = sides.iter().any(|side| matches!(side.2, Shape::Series { .. }));
    if is_series { text_of_series(&text) } else { text }
}

fn suggestion_for_images(join: Join, [a, b]: [Side<'_>; 2], input: Shape) -> String {
    match (a.2.image_sizes(), b.2.image_sizes()) {
        (Some(first), Some(second)) if first[..2] == second[..2] => {
            let (changed, kept) = choose_side(a, b);
            end(changed, &format!("conv 1x1x{}", kept.2.channels()))
        }
        (Some(first), Some(second)) => {
            let one = [(a, first, second), (b, second, first)].into_iter().find(|(_, own, _)| own[..2] == [1, 1]);
            if let (Join::Mul, Some((side, own, other))) = (join, one) {
                let row =
                    if own[2] == other[2] { "flatten".to_owned() } else { format!("flatten; dense {}", other[2]) };
                let row = end(side, &row);
                return format!(
                    "for one number for each channel, {row}; for one shape, give its windows `same` or `pad`"
                );
            }
            if first[0] * first[1] > second[0] * second[1] {
                resize((a, first), (b, second), input)
            } else {
                resize((b, second), (a, first), input)
            }
        }
        (None, None) => {
            let (changed, kept) = choose_side(a, b);
            end(changed, &format!("dense {}", kept.2.channels()))
        }
        _ => {
            let (image, row) = if matches!(a.2, Shape::Image { .. }) { (a, b) } else { (b, a) };
            let one_a_channel = row.2.channels() == image.2.channels() && image.2.len() > row.2.len();
            match join {
                Join::Add | Join::Residual if one_a_channel => {
                    let Shape::Image { height, width, channels } = image.2 else { return String::new() };
                    let spread = end(row, &format!("reshape 1x1x{channels}; upsample {height}x{width}"));
                    format!("only `mul` applies a row to every position; to add it there, {spread}")
                }
                Join::Mul => end(row, &format!("dense {}", image.2.channels())),
                _ if image.2.len() == row.2.len() || join == Join::Concat => end(image, "flatten"),
                _ => end(image, &format!("dense {}", row.2.channels())),
            }
        }
    }
}

/// Selects which of two branches to change, and which to keep: an empty branch needs a projection, otherwise the later one is changed.
fn choose_side<'a>(a: Side<'a>, b: Side<'a>) -> (Side<'a>, Side<'a>) {
    if a.1.is_input() { (a, b) } else { (b, a) }
}

/// Suggests a stage at the end of a branch.
fn end((name, branch, _): Side<'_>, stage: &str) -> String {
    match branch.source {
        Source::Tap(tap) => format!("put `{stage}` before `tap {tap}`, or change what comes in here"),
        Source::Residual => format!("write `add {{ … }} {{ {stage} }}`, so that what comes in gets the new shape too"),
        _ if branch.is_input() => format!("put a branch in the place of the input: `{{ {stage} }}`"),
        _ => format!("end {name} with `{stage}`"),
    }
}

/// Suggests how to give two images the same height and width.
fn resize((large, from): (Side<'_>, [usize; 3]), (small, to): (Side<'_>, [usize; 3]), input: Shape) -> String {
    let is_whole = input.image_sizes().is_some_and(|whole| whole[..2] == from[..2]);
    // If the sizes are nearly equal, no stride is missing: a window lacks its padding.
    let is_strided = is_whole || from[0] > 3;
    let fits =
        |stride: usize| (0..2).all(|axis| from[axis].div_ceil(stride) == to[axis] || from[axis] / stride == to[axis]);
    let nearest = from[0] / to[0];
    let Some(stride) = (nearest.max(2)..nearest + 2).find(|&stride| is_strided && fits(stride)) else {
        // The missing rows and columns, the larger half at the bottom and right.
        let missing = [0, 1].map(|axis| from[axis].checked_sub(to[axis]));
        let sides = match missing {
            [Some(down), Some(across)] => {
                [down / 2, down.div_ceil(2), across / 2, across.div_ceil(2)].map(|n| n.to_string()).join("x")
            }
            _ => "…".to_owned(),
        };
        return match small.1.source {
            Source::Tap(tap) => {
                format!(
                    "add `same` or `pad` to the windows before `tap {tap}`, or put `crop {sides}` before this stage"
                )
            }
            Source::Stage if matches!(large.1.source, Source::Tap(_)) => {
                format!("put `zeropad {sides}` before this stage, or start from an image whose sizes divide evenly")
            }
            _ if small.1.is_input() => format!("take padding away from {}", large.0),
            Source::Braces(_) if !is_whole && matches!(large.1.source, Source::Braces(_)) => {
                format!("write `same` on the windows of both branches, or `pad` those of {}", small.0)
            }
            _ => format!("add `same` or `pad` to the windows of {}", small.0),
        };
    };
    match large.1.source {
        Source::Tap(tap) => match [0, 1].map(|axis| (to[axis] * stride).checked_sub(from[axis])) {
            [Some(0), Some(0)] => format!("put `upsample {stride}` before this stage"),
            [Some(down), Some(across)] => {
                format!("put `upsample {stride}; crop 0x{down}x0x{across}` before this stage")
            }
            _ => format!("take rows and columns off before `tap {tap}`, and put `upsample {stride}` before this stage"),
        },
        _ if large.1.is_input() => end(large, &format!("conv 1x1x{} stride {stride}", small.2.channels())),
        _ => format!("give {} `stride {stride}`", large.0),
    }
}
