//! `from "layer1.{}"`: what another library calls a layer, and the blocks and repeats around it.

use netwright_grammar::{Atom, AtomKind, Diagnostic, Span};

use super::structure::Structure;
use crate::graph::ValueId;

/// A name with places that count repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    /// `{}`, `{1..}`: which time it is, counted from a number.
    Count(usize),
    /// `{0,2}`: what stands there each time.
    List(Vec<String>),
}

const EXAMPLES: &str = "`{}` counts a repeat from 0, `{1..}` from 1, and `{0,2,5}` lists what stands there each time";

impl Pattern {
    /// The pattern in a literal, its quotation marks included.
    ///
    /// # Errors
    /// What it is not, at `span`.
    pub(super) fn read(literal: &str, span: Span) -> Result<Self, Diagnostic> {
        let plain = literal.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let Some(text) = plain.filter(|text| !text.is_empty() && !text.contains('\\')) else {
            return Err(Diagnostic::new(span, "a name of another library is a text in quotation marks")
                .help("write it as that library does: `from \"features.0\"`"));
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, braces) = rest.split_at(at);
            let inside = braces.strip_prefix('{').and_then(|braces| braces.split_once('}'));
            let Some((inside, after)) = inside.filter(|(inside, _)| !inside.contains('{')) else {
                return Err(Diagnostic::new(span, "a brace here has no other").help(EXAMPLES));
            };
            if !before.is_empty() {
                parts.push(Piece::Text(before.to_owned()));
            }
            parts.push(part(inside, span)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Whether it counts.
    fn places(&self) -> usize {
        self.0.iter().filter(|part| !matches!(part, Piece::Text(_))).count()
    }

    /// The name, where `times` are the repeats around, the innermost last: the last place counts that one.
    fn name(&self, times: &[usize], span: Span) -> Result<String, Diagnostic> {
        let Some(outer) = times.len().checked_sub(self.places()) else {
            let message = match times.len() {
                0 => "nothing is repeated here that this could count".to_owned(),
                repeats => format!("{} places count here, and {repeats} repeats are around", self.places()),
            };
            return Err(Diagnostic::new(span, message).help(format!("within the block or the network, {EXAMPLES}")));
        };
        let mut times = times[outer..].iter().copied();
        let mut name = String::new();
        for part in &self.0 {
            match part {
                Piece::Text(text) => name.push_str(text),
                Piece::Count(first) => name.push_str(&first.saturating_add(times.next().unwrap_or(0)).to_string()),
                Piece::List(list) => {
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

/// What stands between two braces.
fn part(inside: &str, span: Span) -> Result<Piece, Diagnostic> {
    let count = inside.strip_suffix("..").unwrap_or(inside);
    if inside.is_empty() {
        return Ok(Piece::Count(0));
    }
    if count.len() < inside.len() {
        let first = count.trim().parse();
        return first.map(Piece::Count).map_err(|_| {
            Diagnostic::new(span, format!("`{{{inside}}}` does not say from which number it counts")).help(EXAMPLES)
        });
    }
    let list: Vec<String> = inside.split(',').map(|name| name.trim().to_owned()).collect();
    if list.len() < 2 || list.iter().any(String::is_empty) {
        return Err(Diagnostic::new(span, format!("`{{{inside}}}` neither counts nor lists")).help(EXAMPLES));
    }
    Ok(Piece::List(list))
}

/// What surrounds a layer's name in another library.
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    /// The names of blocks and repeats, put together.
    prefix: String,
    /// Which time it is in each repeat of the block, the innermost last.
    times: Vec<usize>,
}

impl Around {
    /// The whole name of what is called `pattern` here.
    ///
    /// # Errors
    /// Where it counts what is not there.
    pub(super) fn name(&self, pattern: &Pattern, span: Span) -> Result<String, Diagnostic> {
        Ok(join(&self.prefix, &pattern.name(&self.times, span)?))
    }

    /// Into a block, where the repeats outside are not seen; returns them.
    pub(super) fn enter_block(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.times)
    }

    /// Out of it.
    pub(super) fn leave_block(&mut self, times: Vec<usize>) {
        self.times = times;
    }

    /// Inside a repeat, the time after so many others.
    pub(super) fn repeat(&mut self, time: usize) {
        self.times.push(time);
    }

    /// Behind it.
    pub(super) fn end_repeat(&mut self) {
        self.times.pop();
    }

    /// The same with another prefix; returns what was.
    pub(super) fn replace_prefix(&mut self, prefix: String) -> String {
        std::mem::replace(&mut self.prefix, prefix)
    }
}

/// `layer1.0` and `conv1` are `layer1.0.conv1`; a name that ends in a sign says itself how it goes on: `block1_`.
fn join(outer: &str, inner: &str) -> String {
    let separator = if outer.is_empty() || outer.ends_with(['.', '_', '/', '-']) { "" } else { "." };
    format!("{outer}{separator}{inner}")
}

impl Structure<'_, '_> {
    /// What stands behind the call of a block or a repeat: the name that `from` gives it, and the atoms that follow.
    pub(super) fn name_around<'s>(&mut self, atoms: &'s [Atom]) -> (Option<(Pattern, Span)>, &'s [Atom]) {
        let Some((pattern, span, read)) = leading(atoms) else { return (None, atoms) };
        let pattern = pattern.map_err(|diagnostic| self.lowering.report(diagnostic)).ok();
        (pattern.map(|pattern| (pattern, span)), &atoms[read..])
    }

    /// Lowers what another library's names call so.
    pub(super) fn named(
        &mut self,
        name: Option<&(Pattern, Span)>,
        lower: impl FnOnce(&mut Self) -> ValueId,
    ) -> ValueId {
        let Some((pattern, span)) = name else { return lower(self) };
        let prefix = self.lowering.around.name(pattern, *span).unwrap_or_else(|diagnostic| {
            self.lowering.report(diagnostic);
            String::new()
        });
        let mark = self.lowering.mark();
        let outside = self.lowering.around.replace_prefix(prefix);
        let output = lower(self);
        self.lowering.around.replace_prefix(outside);
        if !self.lowering.is_uncertain() && !self.lowering.has_tensors_since(mark) {
            self.lowering.report(
                Diagnostic::new(*span, "nothing here has weights for `from` to name")
                    .help("write `from` behind what has: a layer, the call of a block, a `repeat`"),
            );
        }
        output
    }
}

/// `from "…"` at the start of `atoms`: the pattern, where it stands, and how many atoms it is.
pub(super) fn leading(atoms: &[Atom]) -> Option<(Result<Pattern, Diagnostic>, Span, usize)> {
    let [Atom { kind: AtomKind::Word(word), span }, rest @ ..] = atoms else { return None };
    if word != "from" {
        return None;
    }
    match rest.first() {
        Some(Atom { kind: AtomKind::Stray(literal), span: place }) => {
            Some((Pattern::read(literal, *place), span.to(*place), 2))
        }
        _ => Some((Err(without_name(*span)), *span, 1)),
    }
}

/// That nothing follows `from`.
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
    fn a_place_counts_the_innermost_repeat() {
        assert_eq!(names("a.{}", &[&[0], &[7, 1]]), ["a.0", "a.1"]);
        assert_eq!(names("a{1..}.{}", &[&[0, 0], &[2, 1]]), ["a1.0", "a3.1"]);
        assert_eq!(names("f.{0,2}.b", &[&[0], &[1]]), ["f.0.b", "f.2.b"]);
        assert_eq!(names("f.{0,2}", &[&[2]]), ["this lists 2 names, and the repeat goes on"]);
        assert_eq!(names("a.{}", &[&[]]), ["nothing is repeated here that this could count"]);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
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
