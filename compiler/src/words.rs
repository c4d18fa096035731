//! The types of the language's vocabulary. The words themselves are in `layers/`, one file each.

use netwright_grammar::{Diagnostic, Span};

use crate::graph::ValueId;
use crate::lower::{Lowering, Pattern};

/// A word of the language that makes a layer: its arguments, options and how it lowers to operations.
#[derive(Debug)]
pub struct Word {
    /// The spelling.
    pub name: &'static str,
    /// Other spellings with the same meaning.
    pub aliases: &'static [&'static str],
    /// The positions in a stage where it is allowed.
    pub position: WordPosition,
    /// The kinds of tensors it may add.
    pub tensors: Tensors,
    /// The syntax: `conv HxWxF`.
    pub form: &'static str,
    /// A description in a sentence or two, with the source of its formula.
    pub summary: &'static str,
    /// The numbers that follow it.
    pub argument: Argument,
    /// Its options.
    pub options: &'static [OptionWord],
    /// Valid stages with their inputs, for the documentation and for the tests of gradients.
    pub examples: &'static [Example],
    /// Adds its operations to the graph.
    pub lower: fn(&Use, &mut Lowering<'_>, ValueId) -> Result<ValueId, Diagnostic>,
}

/// The kinds of trained or measured tensors that a word may add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tensors {
    /// None.
    None,
    /// Scales, shifts, slopes, statistics.
    Others,
    /// Weights, to which `init`, `bias` and `tied` apply.
    Weights,
}

/// The positions in a stage where a word is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordPosition {
    /// Only at the start.
    Start,
    /// At the start, or after another word, with its own row.
    Modifier,
    /// At the start, or after another word, whose row it extends: it has no weights and keeps the shape.
    Activation,
}

/// The arguments that follow a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// None.
    None,
    /// Numbers, required.
    Required,
    /// Numbers, optional.
    Optional,
    /// One or more lists of numbers: `(0, 1, 2) (1, 2, 3)`.
    Lists,
    /// One or more lists of numbers, or string pictures of 1 and -1: `"#.# .#."`.
    Patterns,
    /// One of these words, required.
    OneOf(&'static [Choice]),
}

/// A word that may follow an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The spelling.
    pub name: &'static str,
    /// The meaning.
    pub summary: &'static str,
    /// What a layer must have for it, as text; empty if every layer with the option supports it.
    pub needs: &'static str,
}

/// An option of a word.
#[derive(Clone, Copy, Debug)]
pub struct OptionWord {
    /// The spelling.
    pub name: &'static str,
    /// The syntax: `stride 2` or `stride 2x1`.
    pub form: &'static str,
    /// The arguments that follow it.
    pub argument: Argument,
    /// A description.
    pub summary: &'static str,
}

/// A valid stage.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The shape of its input.
    pub input: &'static str,
    /// The stage.
    pub stage: &'static str,
}

/// An evaluated number.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// Its value.
    pub value: f64,
    /// Its span.
    pub span: Span,
}

/// Numbers joined by `x`, or listed in parentheses.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// At least one.
    pub numbers: Vec<Number>,
    /// Their span.
    pub span: Span,
}

/// A use of a word, with its numbers and options.
#[derive(Clone, Debug)]
pub struct Use {
    /// The word.
    pub word: &'static Word,
    /// The span of the word alone.
    pub written: Span,
    /// Its numbers.
    pub argument: Option<Numbers>,
    /// Its options, without duplicates.
    pub options: Vec<OptionUse>,
    /// `as`, `tied`, `init`, `bias`, `from`.
    pub shared: SharedOptions,
    /// The span from the word to its last option.
    pub span: Span,
}

/// A use of an option.
#[derive(Clone, Debug)]
pub struct OptionUse {
    /// The option.
    pub option: &'static OptionWord,
    /// The span of the option's word alone.
    pub written: Span,
    /// Its numbers.
    pub argument: Option<Numbers>,
    /// Its lists, for options that take lists.
    pub lists: Vec<Numbers>,
    /// The word after it, for options that take one of several words; not checked until the layer is lowered.
    pub choice: Option<(String, Span)>,
    /// The span with its arguments.
    pub span: Span,
}

/// The options that every layer accepts.
#[derive(Clone, Debug, Default)]
pub struct SharedOptions {
    /// `as name`
    pub name: Option<(String, Span)>,
    /// `tied name`
    pub tied: Option<(String, Span)>,
    /// `init he`
    pub init: Option<(crate::graph::Init, Span)>,
    /// `bias 0.1`: the initialisation of the biases.
    pub bias: Option<(crate::graph::Init, Span)>,
    /// `from "features.0"`: the layer's name in another library.
    pub from: Option<(Pattern, Span)>,
}

impl SharedOptions {
    /// The texts of the options other than the name; numbers of initialisations are replaced by their values.
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
    /// Returns it as a count of at least one.
    ///
    /// # Errors
    /// A diagnostic at the number if it is no such count.
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

    /// Returns it as a whole number of at least zero.
    ///
    /// # Errors
    /// A diagnostic at the number if it is not.
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
    /// Returns one number for both axes, or height and width.
    ///
    /// # Errors
    /// A diagnostic unless there are one or two counts.
    pub fn pair(&self, what: &str, form: &str) -> Result<[usize; 2], Diagnostic> {
        match self.numbers.as_slice() {
            [both] => both.count(what).map(|count| [count, count]),
            [height, width] => Ok([height.count(what)?, width.count(what)?]),
            more => Err(Diagnostic::new(self.span, format!("{what} takes one number or two, not {}", more.len()))
                .help(format!("write `{form}`"))),
        }
    }

    /// Returns the only number.
    ///
    /// # Errors
    /// A diagnostic if there are several.
    pub fn single(&self, what: &str, form: &str) -> Result<&Number, Diagnostic> {
        match self.numbers.as_slice() {
            [number] => Ok(number),
            more => Err(Diagnostic::new(self.span, format!("{what} is one number, not {}", more.len()))
                .help(format!("write `{form}`"))),
        }
    }
}

impl Numbers {
    /// The text as `written`; if it contains a parameter or arithmetic, the values.
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

    /// Whether the use has the option called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.option(name).is_some()
    }

    /// The numbers of option `name`; the reader has checked that required ones exist.
    pub fn numbers_of(&self, name: &str) -> Option<&Numbers> {
        self.option(name)?.argument.as_ref()
    }

    /// The lists of option `name`; empty without the option.
    pub fn lists_of(&self, name: &str) -> &[Numbers] {
        self.option(name).map(|option| option.lists.as_slice()).unwrap_or_default()
    }

    /// The constant of option `name`, or `usual` without one.
    ///
    /// # Errors
    /// A diagnostic if it is not a single number.
    pub fn real(&self, name: &str, usual: f64) -> Result<f64, Diagnostic> {
        match self.option(name).and_then(|option| Some((option, option.argument.as_ref()?))) {
            Some((option, numbers)) => Ok(numbers.single(&format!("`{name}`"), option.option.form)?.value),
            None => Ok(usual),
        }
    }

    /// The numbers after the word; the reader has checked that required ones exist.
    ///
    /// # Errors
    /// A diagnostic at the word if there are none.
    pub fn numbers(&self) -> Result<&Numbers, Diagnostic> {
        self.argument.as_ref().ok_or_else(|| self.incomplete())
    }

    /// The diagnostic for a word without its numbers.
    pub fn incomplete(&self) -> Diagnostic {
        Diagnostic::new(self.written, format!("`{}` needs numbers", self.word.name))
            .help(format!("write `{}`, as in `{}`", self.word.form, self.word.examples[0].stage))
    }

    /// The text for the table of layers: the word and its options in their order, without `as` and without other words between them.
    /// White space is normalised, and the parameters of blocks are replaced by their values.
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
    /// A diagnostic unless there is exactly one count.
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

/// How a word can be a Rust identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RustName {
    /// As it is.
    Free,
    /// Only as a raw identifier, with `r#`.
    Keyword,
    /// Not at all.
    Never,
}

/// Returns whether and how `word` can be an identifier in Rust.
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
