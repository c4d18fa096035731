//! The vocabulary: what a word of the language is. The words themselves are in `layers/`, one file each.

use netwright_grammar::{Diagnostic, Span};

use crate::graph::ValueId;
use crate::lower::{Lowering, Pattern};

/// A word of the language that makes a layer: its arguments, options and how it lowers to operations.
#[derive(Debug)]
pub struct Word {
    /// As written.
    pub name: &'static str,
    /// Other spellings that mean the same.
    pub aliases: &'static [&'static str],
    /// Where in a stage it may stand.
    pub position: WordPosition,
    /// What it may bring.
    pub tensors: Tensors,
    /// How it is written: `conv HxWxF`.
    pub form: &'static str,
    /// What it does, in a sentence or two, with the source of its formula.
    pub summary: &'static str,
    /// Whether numbers follow it.
    pub argument: Argument,
    /// The options it knows.
    pub options: &'static [OptionWord],
    /// A stage that works, and the input it works on: documentation, and a test of its gradient.
    pub examples: &'static [Example],
    /// Adds its operations to the graph.
    pub lower: fn(&Use, &mut Lowering<'_>, ValueId) -> Result<ValueId, Diagnostic>,
}

/// What a word may bring that is trained or measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tensors {
    /// Nothing.
    None,
    /// Scales, shifts, slopes, statistics.
    Others,
    /// Weights of which `init`, `bias` and `tied` say something.
    Weights,
}

/// Where in a stage a word may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordPosition {
    /// Only at the start.
    Start,
    /// At the start, or after another word, as a row of its own.
    Modifier,
    /// At the start, or after another word, whose row it joins: it has no weights and keeps the shape.
    Activation,
}

/// Whether numbers follow a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// None do.
    None,
    /// They must.
    Required,
    /// They may.
    Optional,
    /// One or more lists of numbers: `(0, 1, 2) (1, 2, 3)`.
    Lists,
    /// One or more lists of numbers, or pictures of 1 and -1: `"#.# .#."`.
    Patterns,
    /// One of these words must.
    OneOf(&'static [Choice]),
}

/// A word that may follow an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// As written.
    pub name: &'static str,
    /// What it means.
    pub summary: &'static str,
    /// What a layer must have for it; empty where every layer with the option has it.
    pub needs: &'static str,
}

/// An option of a word.
#[derive(Clone, Copy, Debug)]
pub struct OptionWord {
    /// As written.
    pub name: &'static str,
    /// How it is written: `stride 2` or `stride 2x1`.
    pub form: &'static str,
    /// Whether numbers follow it.
    pub argument: Argument,
    /// What it does.
    pub summary: &'static str,
}

/// A stage that works.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The shape it works on.
    pub input: &'static str,
    /// The stage.
    pub stage: &'static str,
}

/// A number as written, evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// Its value.
    pub value: f64,
    /// Where it stands.
    pub span: Span,
}

/// Numbers joined by `x`.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// At least one.
    pub numbers: Vec<Number>,
    /// Where they stand.
    pub span: Span,
}

/// A word in use: with its numbers and its options.
#[derive(Clone, Debug)]
pub struct Use {
    /// The word.
    pub word: &'static Word,
    /// Where the word alone stands.
    pub written: Span,
    /// Its numbers.
    pub argument: Option<Numbers>,
    /// Its options, each once.
    pub options: Vec<OptionUse>,
    /// `as`, `tied`, `init`, `bias`, `from`.
    pub shared: SharedOptions,
    /// From the word to its last option.
    pub span: Span,
}

/// An option in use.
#[derive(Clone, Debug)]
pub struct OptionUse {
    /// The option.
    pub option: &'static OptionWord,
    /// Where the option's word alone stands.
    pub written: Span,
    /// Its numbers.
    pub argument: Option<Numbers>,
    /// Its lists, where it takes lists.
    pub lists: Vec<Numbers>,
    /// The word behind it, where it takes one of several; any word, until the layer has looked at it.
    pub choice: Option<(String, Span)>,
    /// With its numbers.
    pub span: Span,
}

/// The options that every layer knows.
#[derive(Clone, Debug, Default)]
pub struct SharedOptions {
    /// `as name`
    pub name: Option<(String, Span)>,
    /// `tied name`
    pub tied: Option<(String, Span)>,
    /// `init he`
    pub init: Option<(crate::graph::Init, Span)>,
    /// `bias 0.1`: what the biases start at.
    pub bias: Option<(crate::graph::Init, Span)>,
    /// `from "features.0"`: what another library calls it.
    pub from: Option<(Pattern, Span)>,
}

impl SharedOptions {
    /// What is written of them, but for the name; the numbers of a start with their values.
    fn texts<'s>(&self, written: impl Fn(Span) -> &'s str) -> Vec<(Span, String)> {
        let start = |(init, span): (crate::graph::Init, Span)| {
            let text = written(span);
            let constant = init.parts().1.filter(|_| text.contains('('));
            let text = match (constant, text.split_once('(')) {
                (Some(constant), Some((words, _))) => format!("{} {constant}", words.trim_end()),
                _ => text.to_owned(),
            };
            (span, text)
        };
        let tied = self.tied.as_ref().map(|(_, span)| (*span, written(*span).to_owned()));
        tied.into_iter().chain(self.init.map(start)).chain(self.bias.map(start)).collect()
    }
}

impl Number {
    /// As a count of at least one.
    ///
    /// # Errors
    /// A diagnostic at the number, where it is no count.
    pub fn count(&self, what: &str) -> Result<usize, Diagnostic> {
        let fits = "write a whole number, 1 or more";
        let value = self.value;
        if value < 0.0 {
            return Err(Diagnostic::new(self.span, format!("{what} cannot be negative: {value}")).help(fits));
        }
        if value == 0.0 {
            return Err(Diagnostic::new(self.span, format!("{what} cannot be 0")).help(fits));
        }
        self.whole(what)
    }

    /// As a whole number of at least zero.
    ///
    /// # Errors
    /// A diagnostic at the number, where it is none.
    pub fn whole(&self, what: &str) -> Result<usize, Diagnostic> {
        let value = self.value;
        if value < 0.0 {
            return Err(Diagnostic::new(self.span, format!("{what} cannot be negative: {value}"))
                .help("write a whole number, 0 or more"));
        }
        if value.fract() != 0.0 {
            let help = match value.floor() {
                0.0 => "a whole number fits: 1".to_owned(),
                below => format!("a whole number fits: {below} or {}", below + 1.0),
            };
            return Err(Diagnostic::new(self.span, format!("{what} cannot be a fraction: {value}")).help(help));
        }
        if value > crate::shape::LARGEST_VALUE as f64 {
            return Err(Diagnostic::new(self.span, format!("{what} is enormous: {value:e}"))
                .help("no layer may hold more than 2^31 elements"));
        }
        Ok(value as usize)
    }
}

impl Numbers {
    /// One number for both axes, or height x width.
    ///
    /// # Errors
    /// A diagnostic where there are neither one nor two counts.
    pub fn pair(&self, what: &str, form: &str) -> Result<[usize; 2], Diagnostic> {
        match self.numbers.as_slice() {
            [both] => both.count(what).map(|count| [count, count]),
            [height, width] => Ok([height.count(what)?, width.count(what)?]),
            more => Err(Diagnostic::new(self.span, format!("{what} takes one number or two, not {}", more.len()))
                .help(format!("write `{form}`"))),
        }
    }

    /// A single number.
    ///
    /// # Errors
    /// A diagnostic where there are several.
    pub fn single(&self, what: &str, form: &str) -> Result<&Number, Diagnostic> {
        match self.numbers.as_slice() {
            [number] => Ok(number),
            more => Err(Diagnostic::new(self.span, format!("{what} is one number, not {}", more.len()))
                .help(format!("write `{form}`"))),
        }
    }
}

impl Numbers {
    /// As `written`, unless a parameter or arithmetic stands there: then their values.
    fn text(&self, written: &str) -> String {
        let is_list = written.starts_with('(') && self.numbers.len() > 1;
        let literal = |part: &str| part.trim().replace('_', "").parse::<f64>().is_ok();
        let parts = written.trim_start_matches('(').trim_end_matches(')');
        if written.starts_with('"') || parts.split(if is_list { ',' } else { 'x' }).all(literal) {
            return written.to_owned();
        }
        let values: Vec<String> = self.numbers.iter().map(|number| number.value.to_string()).collect();
        if is_list { format!("({})", values.join(", ")) } else { values.join("x") }
    }
}

impl Use {
    /// The option called `name`.
    pub fn option(&self, name: &str) -> Option<&OptionUse> {
        self.options.iter().find(|option| option.option.name == name)
    }

    /// Whether the option called `name` was given.
    pub fn has(&self, name: &str) -> bool {
        self.option(name).is_some()
    }

    /// The numbers of option `name`; it was checked on reading that it has some where it must.
    pub fn numbers_of(&self, name: &str) -> Option<&Numbers> {
        self.option(name)?.argument.as_ref()
    }

    /// The lists of option `name`; empty where it was not given.
    pub fn lists_of(&self, name: &str) -> &[Numbers] {
        self.option(name).map(|option| option.lists.as_slice()).unwrap_or_default()
    }

    /// A constant given as option `name`, or its usual value.
    ///
    /// # Errors
    /// A diagnostic where it is not one number.
    pub fn real(&self, name: &str, usual: f64) -> Result<f64, Diagnostic> {
        match self.option(name).and_then(|option| Some((option, option.argument.as_ref()?))) {
            Some((option, numbers)) => Ok(numbers.single(&format!("`{name}`"), option.option.form)?.value),
            None => Ok(usual),
        }
    }

    /// The numbers after the word; it was checked on reading that there are some where there must be.
    ///
    /// # Errors
    /// A diagnostic at the word where there are none.
    pub fn numbers(&self) -> Result<&Numbers, Diagnostic> {
        self.argument.as_ref().ok_or_else(|| self.incomplete())
    }

    /// That the word stands without its numbers.
    pub fn incomplete(&self) -> Diagnostic {
        Diagnostic::new(self.written, format!("`{}` needs numbers", self.word.name))
            .help(format!("write `{}`, as in `{}`", self.word.form, self.word.examples[0].stage))
    }

    /// As written in `source`, its white space evened out, with the values of this call where a block has parameters, and without `as`:
    /// the word, and each of its options where it stands, other words between them left out.
    pub(crate) fn text(&self, source: &str) -> String {
        let written = |span: Span| source.get(span.range()).unwrap_or_default();
        let mut parts = vec![(self.written, written(self.written).to_owned())];
        let numbers = |numbers: &Numbers| (numbers.span, numbers.text(written(numbers.span)));
        parts.extend(self.argument.iter().map(numbers));
        for option in &self.options {
            parts.push((option.written, written(option.written).to_owned()));
            parts.extend(option.argument.iter().chain(&option.lists).map(numbers));
            parts.extend(option.choice.iter().map(|(word, span)| (*span, word.clone())));
        }
        parts.extend(self.shared.texts(written));
        parts.sort_by_key(|(span, _)| span.start);
        let parts: Vec<&str> = parts.iter().flat_map(|(_, text)| text.split_whitespace()).collect();
        parts.join(" ")
    }

    /// A single count after the word.
    ///
    /// # Errors
    /// A diagnostic where it is none.
    pub fn count(&self, what: &str) -> Result<usize, Diagnostic> {
        let numbers = self.numbers()?;
        let [number] = numbers.numbers.as_slice() else {
            let (word, count) = (self.word.name, numbers.numbers.len());
            return Err(Diagnostic::new(numbers.span, format!("`{word}` takes one number, {what}, not {count}"))
                .help(format!("write `{}`, as in `{}`", self.word.form, self.word.examples[0].stage)));
        };
        number.count(what)
    }
}

/// What a word is to Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RustName {
    /// A name.
    Free,
    /// A name only behind `r#`.
    Keyword,
    /// No name.
    Never,
}

/// Whether, and how, `word` can be a name in Rust.
pub(crate) fn rust_name(word: &str) -> RustName {
    const NEVER: &[&str] = &["_", "crate", "self", "super", "Self"];
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
        "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
        "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type",
        "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    if !netwright_grammar::is_name(word) || NEVER.contains(&word) {
        RustName::Never
    } else if KEYWORDS.contains(&word) {
        RustName::Keyword
    } else {
        RustName::Free
    }
}
