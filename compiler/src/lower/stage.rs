//! Reads the layers of a stage: assigns numbers to words, and options to words.

use netwright_grammar::{Atom, AtomKind, Diagnostic, Span};

use super::expression::{self, Scope};
use super::foreign::{self, Pattern};
use crate::graph::Init;
use crate::layers::{self, SHARED};
use crate::suggest;
use crate::words::{Argument, Choice, Numbers, OptionUse, OptionWord, SharedOptions, Tensors, Use, Word, WordPosition};

/// Structural words, such as `add` and `repeat`.
pub(crate) const STRUCTURE: &[&str] = layers::STRUCTURE_NAMES;

/// The part of a stage before the atoms that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing: the atoms are the whole stage.
    Nothing,
    /// The branches of an `add` or a `concat`. Their join has its own row, which `as` names.
    Branches,
    /// The call of a block, or a repeat.
    Stages,
}

/// Reads atoms as uses of words, and the name that `as` gives to the branches before them. Diagnostics go to `report`; a word with an
/// error is skipped.
pub(crate) fn read(
    atoms: &[Atom],
    before: Before,
    scope: &Scope,
    blocks: &[&str],
    report: &mut dyn FnMut(Diagnostic),
) -> (Vec<Use>, Option<(String, Span)>) {
    let mut reader = StageReader {
        atoms,
        next: 0,
        before,
        scope,
        blocks,
        uses: Vec::new(),
        name_of_branches: None,
        is_separated: false,
        is_lost: false,
        report,
    };
    while reader.next < atoms.len() {
        let before = reader.next;
        if let Err(diagnostic) = reader.word() {
            (reader.report)(diagnostic);
            reader.skip_to_known_word(before);
        }
    }
    (reader.uses, reader.name_of_branches)
}

pub(super) struct StageReader<'a> {
    pub(super) atoms: &'a [Atom],
    pub(super) next: usize,
    pub(super) before: Before,
    pub(super) scope: &'a Scope,
    pub(super) blocks: &'a [&'a str],
    pub(super) uses: Vec<Use>,
    name_of_branches: Option<(String, Span)>,
    /// A wrong separator in place of `;` was reported: a new stage may start.
    pub(super) is_separated: bool,
    /// A layer could not be read: the following options do not belong to the layer before it.
    pub(super) is_lost: bool,
    report: &'a mut dyn FnMut(Diagnostic),
}

/// The probable meaning of an unknown word.
pub(super) enum Meant {
    Layer(&'static Word),
    /// The option of the use with this index.
    Option(usize, &'static str),
}

impl StageReader<'_> {
    pub(super) fn peek(&self) -> Option<&Atom> {
        self.atoms.get(self.next)
    }

    pub(super) fn peek_word(&self) -> Option<(&str, Span)> {
        match self.peek()? {
            Atom { kind: AtomKind::Word(word), span } => Some((word, *span)),
            _ => None,
        }
    }

    /// Reads the next atom as numbers, if it has any.
    fn numbers(&mut self) -> Result<Option<Numbers>, Diagnostic> {
        if let Some(diagnostic) = self.spaced_sizes() {
            return Err(diagnostic);
        }
        let atoms = self.atoms;
        let Some(atom) = atoms.get(self.next) else { return Ok(None) };
        if let Some((diagnostic, instead)) = self.bare_arithmetic(atom) {
            (self.report)(diagnostic);
            return Ok(Some(instead));
        }
        let Some(numbers) = expression::numbers(atom, self.scope) else { return Ok(None) };
        self.next += 1;
        numbers.map(Some)
    }

    /// Reads lists of numbers in parentheses, and pictures if they are allowed.
    fn lists(&mut self, pictures: bool) -> Result<Vec<Numbers>, Diagnostic> {
        let mut lists = Vec::new();
        while let Some(atom) = self.peek() {
            let list = match &atom.kind {
                AtomKind::Parentheses(expressions) => expression::list(expressions, atom.span, self.scope),
                AtomKind::Stray(text) if pictures && text.starts_with('"') => expression::picture(text, atom.span),
                _ => break,
            };
            self.next += 1;
            lists.push(list?);
        }
        Ok(lists)
    }

    /// Error recovery: skips to the next known word.
    fn skip_to_known_word(&mut self, before: usize) {
        self.next = self.next.max(before + 1);
        while let Some(atom) = self.peek() {
            match &atom.kind {
                AtomKind::Word(word) if self.is_known(word) => return,
                _ => self.next += 1,
            }
        }
    }

    pub(super) fn is_known(&self, word: &str) -> bool {
        layers::find(word).is_some()
            || STRUCTURE.contains(&word)
            || self.blocks.contains(&word)
            || !self.is_lost
                && (self.uses.last().is_some_and(|last| option(last.word, word).is_some())
                    || SHARED.iter().any(|shared| shared.name == word))
    }

    /// Whether a layer that must start a stage is allowed here.
    pub(super) fn is_at_start(&self) -> bool {
        self.uses.is_empty() && self.before == Before::Nothing || self.is_separated
    }

    fn word(&mut self) -> Result<(), Diagnostic> {
        let Some((word, span)) = self.peek_word() else { return Err(self.stray()) };
        let word = word.to_owned();
        // An option belongs to the last word that has it; otherwise the word is a layer.
        if let Some(owner) = self.uses.iter().rposition(|used| option(used.word, &word).is_some()) {
            return self.option(owner, &word, span);
        }
        let names_branches = word == "as" && self.before == Before::Branches;
        if (names_branches || !self.uses.is_empty()) && SHARED.iter().any(|shared| shared.name == word) {
            return self.shared(&word, span);
        }
        if let Some(known) = layers::find(&word) {
            if known.position == WordPosition::Start && !self.is_at_start() {
                let diagnostic = self.missing_semicolon(&word, span);
                (self.report)(diagnostic);
            }
            return self.layer(known, span);
        }
        let is_structure = self.blocks.contains(&word.as_str()) || STRUCTURE.contains(&word.as_str());
        if is_structure && !self.is_at_start() {
            self.is_lost = true;
            return Err(self.missing_semicolon(&word, span));
        }
        if self.is_at_start() && self.scope.contains_key(&word) {
            return Err(self.parameter_at_the_start(&word, span));
        }
        let (diagnostic, meant) = self.unknown(&word, span);
        let Some(meant) = meant else { return Err(diagnostic) };
        (self.report)(diagnostic);
        match meant {
            Meant::Layer(known) => self.layer(known, span),
            Meant::Option(owner, name) => self.option(owner, name, span),
        }
    }

    fn layer(&mut self, word: &'static Word, written: Span) -> Result<(), Diagnostic> {
        self.next += 1;
        self.is_separated = false;
        self.is_lost = true;
        if let Some(diagnostic) = self.call_of_a_layer(word, written) {
            return Err(diagnostic);
        }
        let argument = match word.argument {
            Argument::None => None,
            _ => self.numbers()?,
        };
        let span = argument.as_ref().map_or(written, |numbers| written.to(numbers.span));
        let used = Use { word, written, argument, options: Vec::new(), shared: SharedOptions::default(), span };
        if word.argument == Argument::Required && used.argument.is_none() {
            return Err(match self.peek() {
                Some(Atom { kind: AtomKind::Stray(_), .. }) => self.stray(),
                _ => self.missing_number(word, word.name, word.form).unwrap_or_else(|| used.incomplete()),
            });
        }
        self.uses.push(used);
        self.is_lost = false;
        Ok(())
    }

    fn option(&mut self, owner: usize, word: &str, written: Span) -> Result<(), Diagnostic> {
        self.next += 1;
        let owner_word = self.uses[owner].word;
        let Some(option) = option(owner_word, word) else { return Ok(()) };
        let argument = match option.argument {
            Argument::None | Argument::Lists | Argument::Patterns | Argument::OneOf(_) => None,
            Argument::Required | Argument::Optional => self.numbers()?,
        };
        let lists = match option.argument {
            Argument::Lists | Argument::Patterns => self.lists(option.argument == Argument::Patterns)?,
            _ => Vec::new(),
        };
        let choice = match option.argument {
            Argument::OneOf(choices) => Some(self.choice(option, choices, written)?),
            _ => None,
        };
        let last = argument.as_ref().or(lists.last()).map(|numbers| numbers.span);
        let last = last.or(choice.as_ref().map(|(_, span)| *span));
        let span = last.map_or(written, |last| written.to(last));
        if !matches!(option.argument, Argument::None | Argument::Optional) && last.is_none() {
            return Err(match self.peek() {
                Some(Atom { kind: AtomKind::Stray(_), .. }) => self.stray(),
                _ => self.missing_number(owner_word, word, option.form).unwrap_or_else(|| {
                    Diagnostic::new(span, format!("`{word}` needs numbers")).help(format!("write `{}`", option.form))
                }),
            });
        }
        let used = &mut self.uses[owner];
        if used.has(word) {
            return Err(Diagnostic::new(span, format!("`{word}` is given twice to this `{}`", owner_word.name))
                .help("keep one"));
        }
        used.options.push(OptionUse { option, written, argument, lists, choice, span });
        used.span = used.span.to(span);
        Ok(())
    }

    /// Reads the word after an option that takes one of several; the layer checks it later.
    fn choice(&mut self, option: &OptionWord, choices: &[Choice], written: Span) -> Result<(String, Span), Diagnostic> {
        let Some((word, span)) = self.peek_word().map(|(word, span)| (word.to_owned(), span)) else {
            let name = option.name;
            let forms: Vec<String> = choices.iter().map(|choice| format!("`{name} {}`", choice.name)).collect();
            return Err(Diagnostic::new(written, format!("`{name}` needs to know which"))
                .help(format!("write one of {}", forms.join(", "))));
        };
        self.next += 1;
        Ok((word, span))
    }

    fn shared(&mut self, word: &str, written: Span) -> Result<(), Diagnostic> {
        self.next += 1;
        let value = match word {
            "bias" => {
                let (init, span) = self.bias(written)?;
                SharedValue::Bias(init, span)
            }
            "init" => {
                let (init, span) = self.init(written)?;
                SharedValue::Init(init, span)
            }
            "from" => {
                let Some((pattern, span, atoms)) = foreign::leading_from(&self.atoms[self.next - 1..]) else {
                    return Err(foreign::without_name(written));
                };
                self.next += atoms - 1;
                SharedValue::From(pattern?, span)
            }
            _ => {
                let Some((name, span)) = self.peek_word().map(|(name, span)| (name.to_owned(), span)) else {
                    return Err(Diagnostic::new(written, format!("`{word}` needs a name"))
                        .help(format!("write `{word} encode`")));
                };
                self.next += 1;
                let span = written.to(span);
                if word == "as" { SharedValue::Name(name, span) } else { SharedValue::Tied(name, span) }
            }
        };
        let span = value.span();
        let is_second = match value {
            SharedValue::Name(name, span) if self.before == Before::Branches => {
                self.name_of_branches.replace((name, span)).is_some()
            }
            value => value.store(self.owner(word, written)?),
        };
        if is_second {
            return Err(Diagnostic::new(span, format!("`{word}` is given twice")).help("keep one"));
        }
        Ok(())
    }

    /// The owner of the shared option `word`: for `as` the first layer of the stage, for the others the last layer with weights.
    fn owner(&mut self, word: &str, written: Span) -> Result<&mut SharedOptions, Diagnostic> {
        let first = self.uses.first().map(|used| used.word);
        let does = match word {
            "tied" => "to share",
            "from" => "to name",
            _ => "to start",
        };
        let owner = match word {
            "as" => self.uses.first_mut(),
            "from" => self.uses.iter_mut().rev().find(|used| used.word.tensors != Tensors::None),
            _ => self.uses.iter_mut().rev().find(|used| used.word.tensors == Tensors::Weights),
        };
        owner.map(|used| &mut used.shared).ok_or_else(|| {
            let layer = first.map_or("this", |first| first.name);
            let following =
                first.filter(|first| first.position != WordPosition::Start).map(|first| format!(" {}", first.name));
            Diagnostic::new(written, format!("`{layer}` has no weights for `{word}` {does}")).help(format!(
                "write `{word}` behind the layer that has them: `dense 10 {word} …{}`",
                following.unwrap_or_default()
            ))
        })
    }

    /// Reads the argument of `bias`: a number, or a distribution.
    fn bias(&mut self, written: Span) -> Result<(Init, Span), Diagnostic> {
        if matches!(self.peek_word(), Some(("normal" | "uniform" | "constant" | "zeros", _))) {
            return self.init(written);
        }
        let form = || {
            Diagnostic::new(written, "`bias` says what the biases start at")
                .help("write `bias 0.1`, `bias normal 0.1` to draw them, or `nobias` for none")
        };
        let numbers = self.numbers()?.ok_or_else(form)?;
        let number = numbers.single("what the biases start at", "bias 0.1")?;
        Ok((Init::Constant(number.value), written.to(numbers.span)))
    }

    fn init(&mut self, written: Span) -> Result<(Init, Span), Diagnostic> {
        let help = "write one of `init he`, `init lecun`, `init glorot`, `init orthogonal`, `init zeros`, `init normal 0.01`, `init uniform 0.05`, `init constant 0.1`";
        let Some((word, span)) = self.peek_word().map(|(word, span)| (word.to_owned(), span)) else {
            return Err(Diagnostic::new(written, "`init` needs to know how").help(help));
        };
        self.next += 1;
        let init = match word.as_str() {
            "he" => Init::HeNormal,
            "lecun" => Init::LecunNormal,
            "glorot" | "xavier" => Init::GlorotNormal,
            "he_uniform" => Init::HeUniform,
            "lecun_uniform" => Init::LecunUniform,
            "glorot_uniform" => Init::GlorotUniform,
            "orthogonal" => Init::Orthogonal,
            "zeros" => Init::Constant(0.0),
            "normal" | "uniform" | "constant" => {
                let what = if word == "constant" { "value" } else { "width" };
                let numbers = self.numbers()?.ok_or_else(|| {
                    Diagnostic::new(written.to(span), format!("`{word}` needs its {what}"))
                        .help(format!("write `{word} 0.01`"))
                })?;
                let number = numbers.single(&format!("the {what}"), &format!("{word} 0.01"))?;
                let init = match word.as_str() {
                    "constant" => Init::Constant(number.value),
                    _ if number.value < 0.0 => {
                        return Err(Diagnostic::new(number.span, "the width cannot be negative")
                            .help(format!("write `{word} 0.01`")));
                    }
                    "normal" => Init::Normal(number.value),
                    _ => Init::Uniform(number.value),
                };
                return Ok((init, written.to(numbers.span)));
            }
            other => {
                let diagnostic = Diagnostic::new(span, format!("no initialisation is called `{other}`"));
                let plain = other.trim_end_matches("_normal").replace("kaiming", "he");
                return Err(match suggest::nearest(&plain, layers::INITS.iter().map(|init| init.name)) {
                    Some(near) => diagnostic.help(format!("did you mean `init {near}`?")),
                    None => diagnostic.help(help),
                });
            }
        };
        Ok((init, written.to(span)))
    }
}

enum SharedValue {
    Bias(Init, Span),
    Init(Init, Span),
    Name(String, Span),
    Tied(String, Span),
    From(Pattern, Span),
}

impl SharedValue {
    fn span(&self) -> Span {
        match self {
            Self::Bias(_, span) | Self::Init(_, span) | Self::Name(_, span) | Self::Tied(_, span) => *span,
            Self::From(_, span) => *span,
        }
    }

    /// Stores the value; returns whether it replaced another.
    fn store(self, options: &mut SharedOptions) -> bool {
        match self {
            Self::Bias(init, span) => options.bias.replace((init, span)).is_some(),
            Self::Init(init, span) => options.init.replace((init, span)).is_some(),
            Self::Name(name, span) => options.name.replace((name, span)).is_some(),
            Self::Tied(name, span) => options.tied.replace((name, span)).is_some(),
            Self::From(pattern, span) => options.from.replace((pattern, span)).is_some(),
        }
    }
}

pub(super) fn option(word: &Word, name: &str) -> Option<&'static OptionWord> {
    word.options.iter().find(|option| option.name == name)
}
