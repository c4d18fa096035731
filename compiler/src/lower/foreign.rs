//! `from "layer1.{}"`: the names of layers, and of the enclosing blocks and repeats, in another library.

use netwright_grammar::{Atom, AtomKind, Diagnostic, Span};

use super::structure::Structure;
use crate::graph::ValueId;

/// A name with placeholders that count repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq)]
enum Segment {
    Text(String),
    /// `{}`, `{1..}`: the index of the repetition, plus this start.
    Count(usize),
    /// `{0,2}`: one text for each repetition.
    List(Vec<String>),
}

const EXAMPLES: &str = "`{}` counts a repeat from 0, `{1..}` from 1, and `{0,2,5}` lists what stands there each time";

impl Pattern {
    /// Parses a string literal, including its quotation marks.
    ///
    /// # Errors
    /// A diagnostic at `span` if it is no pattern.
    pub(super) fn read(literal: &str, span: Span) -> Result<Self, Diagnostic> {
        let plain = literal.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let Some(text) = plain.filter(|text| !text.is_empty() && !text.contains('\\')) else {
            return Err(Diagnostic::new(span, "a name of another library is a text in quotation marks")
                .help("write it as that library does: `from \"features.0\"`"));
        };
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, braces) = rest.split_at(at);
            let inside = braces.strip_prefix('{').and_then(|braces| braces.split_once('}'));
            let Some((inside, after)) = inside.filter(|(inside, _)| !inside.contains('{')) else {
                return Err(Diagnostic::new(span, "a brace here has no other").help(EXAMPLES));
            };
            if !before.is_empty() {
                segments.push(Segment::Text(before.to_owned()));
            }
            segments.push(placeholder(inside, span)?);
            rest = after;
        }
        if !rest.is_empty() {
            segments.push(Segment::Text(rest.to_owned()));
        }
        Ok(Self(segments))
    }

    /// The number of placeholders.
    fn placeholders(&self) -> usize {
        self.0.iter().filter(|segment| !matches!(segment, Segment::Text(_))).count()
    }

    /// The name at the repetitions `times` of the enclosing repeats, the innermost last: the last placeholder counts the innermost
    /// repeat.
    fn name(&self, times: &[usize], span: Span) -> Result<String, Diagnostic> {
        let Some(outer) = times.len().checked_sub(self.placeholders()) else {
            let message = match times.len() {
                0 => "nothing is repeated here that this could count".to_owned(),
                repeats => format!("{} places count here, and {repeats} repeats are around", self.placeholders()),
            };
            return Err(Diagnostic::new(span, message).help(format!("within the block or the network, {EXAMPLES}")));
        };
        let mut times = times[outer..].iter().copied();
        let mut name = String::new();
        for segment in &self.0 {
            match segment {
                Segment::Text(text) => name.push_str(text),
                Segment::Count(first) => name.push_str(&first.saturating_add(times.next().unwrap_or(0)).to_string()),
                Segment::List(list) => {
                    let time = times.next().unwrap_or(0);
                    let Some(listed) = list.get(time) else {
                        let message = format!("this lists {} names, and the repeat goes on", list.len());
                        return Err(Diagnostic::new(span, message).help("list as many as there are repeats"));
                    };
                    name.push_str(listed);
                }
            }
        }
        Ok(name)
    }
}

/// Parses the text between two braces.
fn placeholder(inside: &str, span: Span) -> Result<Segment, Diagnostic> {
    let count = inside.strip_suffix("..").unwrap_or(inside);
    if inside.is_empty() {
        return Ok(Segment::Count(0));
    }
    if count.len() < inside.len() {
        let first = count.trim().parse();
        return first.map(Segment::Count).map_err(|_| {
            Diagnostic::new(span, format!("`{{{inside}}}` does not say from which number it counts")).help(EXAMPLES)
        });
    }
    let list: Vec<String> = inside.split(',').map(|name| name.trim().to_owned()).collect();
    if list.len() < 2 || list.iter().any(String::is_empty) {
        return Err(Diagnostic::new(span, format!("`{{{inside}}}` neither counts nor lists")).help(EXAMPLES));
    }
    Ok(Segment::List(list))
}

/// The prefix and the repeats around a layer's name in another library.
#[derive(Clone, Debug, Default)]
pub(super) struct ForeignContext {
    /// The names of the enclosing blocks and repeats, joined.
    prefix: String,
    /// The index of the current repetition in each repeat of the block, the innermost last.
    times: Vec<usize>,
}

impl ForeignContext {
    /// The full name in the other library for `pattern`.
    ///
    /// # Errors
    /// If it has more placeholders than there are repeats.
    pub(super) fn name(&self, pattern: &Pattern, span: Span) -> Result<String, Diagnostic> {
        Ok(join(&self.prefix, &pattern.name(&self.times, span)?))
    }

    /// Enters a block, in which outer repeats are not visible; returns the outer repeats.
    pub(super) fn enter_block(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.times)
    }

    /// Leaves the block, with the result of `enter_block`.
    pub(super) fn leave_block(&mut self, times: Vec<usize>) {
        self.times = times;
    }

    /// Enters the repetition with index `time` of a repeat.
    pub(super) fn repeat(&mut self, time: usize) {
        self.times.push(time);
    }

    /// Leaves it.
    pub(super) fn end_repeat(&mut self) {
        self.times.pop();
    }

    /// Replaces the prefix; returns the previous one.
    pub(super) fn replace_prefix(&mut self, prefix: String) -> String {
        std::mem::replace(&mut self.prefix, prefix)
    }
}

/// Joins names with a dot: `layer1.0.conv1`. There is no dot if the outer name ends in a separator: `block1_`.
fn join(outer: &str, inner: &str) -> String {
    let separator = if outer.is_empty() || outer.ends_with(['.', '_', '/', '-']) { "" } else { "." };
    format!("{outer}{separator}{inner}")
}

impl Structure<'_, '_> {
    /// Reads `from` after the call of a block or a repeat: returns its pattern, and the atoms that follow.
    pub(super) fn name_prefix<'s>(&mut self, atoms: &'s [Atom]) -> (Option<(Pattern, Span)>, &'s [Atom]) {
        let Some((pattern, span, read)) = leading_from(atoms) else { return (None, atoms) };
        let pattern = pattern.map_err(|diagnostic| self.lowering.report(diagnostic)).ok();
        (pattern.map(|pattern| (pattern, span)), &atoms[read..])
    }

    /// Lowers a block or a repeat whose layers have names beginning with `name` in another library.
    pub(super) fn named(
        &mut self,
        name: Option<&(Pattern, Span)>,
        lower: impl FnOnce(&mut Self) -> ValueId,
    ) -> ValueId {
        let Some((pattern, span)) = name else { return lower(self) };
        let prefix = self.lowering.foreign.name(pattern, *span).unwrap_or_else(|diagnostic| {
            self.lowering.report(diagnostic);
            String::new()
        });
        let mark = self.lowering.mark();
        let outside = self.lowering.foreign.replace_prefix(prefix);
        let output = lower(self);
        self.lowering.foreign.replace_prefix(outside);
        if !self.lowering.is_uncertain() && !self.lowering.has_tensors_since(mark) {
            self.lowering.report(
                Diagnostic::new(*span, "nothing here has weights for `from` to name")
                    .help("write `from` behind what has: a layer, the call of a block, a `repeat`"),
            );
        }
        output
    }
}

/// Reads `from "…"` at the start of `atoms`: returns the pattern, its span, and the number of its atoms.
pub(super) fn leading_from(atoms: &[Atom]) -> Option<(Result<Pattern, Diagnostic>, Span, usize)> {
    let [Atom { kind: AtomKind::Word(word), span }, rest @ ..] = atoms else { return None };
    if word != "from" {
        return None;
    }
    match rest.first() {
        Some(Atom { kind: AtomKind::Stray(literal), span: location }) => {
            Some((Pattern::read(literal, *location), span.to(*location), 2))
        }
        _ => Some((Err(without_name(*span)), *span, 1)),
    }
}

/// The diagnostic for `from` without a name.
pub(super) fn without_name(span: Span) -> Diagnostic {
    Diagnostic::new(span, "`from` needs a name in quotation marks")
        .help("write what another library calls the layer: `from \"features.0\"`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(literal: &str, times: &[&[usize]]) -> Vec<String> {
        let span = Span::new(0, 1);
        let pattern = Pattern::read(&format!("\"{literal}\""), span).unwrap();
        times.iter().map(|times| pattern.name(times, span).unwrap_or_else(|error| error.message)).collect()
    }

    #[test]
    fn a_placeholder_counts_the_innermost_repeat() {
        assert_eq!(names("a.{}", &[&[0], &[7, 1]]), ["a.0", "a.1"]);
        assert_eq!(names("a{1..}.{}", &[&[0, 0], &[2, 1]]), ["a1.0", "a3.1"]);
        assert_eq!(names("f.{0,2}.b", &[&[0], &[1]]), ["f.0.b", "f.2.b"]);
        assert_eq!(names("f.{0,2}", &[&[2]]), ["this lists 2 names, and the repeat goes on"]);
        assert_eq!(names("a.{}", &[&[]]), ["nothing is repeated here that this could count"]);
    }

    #[test]
    fn invalid_patterns_are_refused() {
        for text in [
            "\"\"",
            "'a'",
            "\"a{\"",
            "\"a}\"",
            "\"{{}}\"",
            "\"{x..}\"",
            "\"{5}\"",
            "\"{1,}\"",
            "\"a\\n\"",
            "b\"a\"",
            "\"",
        ] {
            assert!(Pattern::read(text, Span::new(0, 1)).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_joined_by_a_dot_unless_the_first_ends_in_a_sign() {
        assert_eq!(join("layer1.0", "conv1"), "layer1.0.conv1");
        assert_eq!(join("conv2_block1_", "1_conv"), "conv2_block1_1_conv");
        assert_eq!(join("", "conv1"), "conv1");
    }
}
