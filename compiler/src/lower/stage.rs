//! A stage of layers, read: which word takes which number, and which option belongs to which word.

use netwright_grammar::{Atom, AtomKind, Diagnostic, Span};

use super::expression::{self, Scope};
use super::suggest;
use crate::graph::Init;
use crate::layers::{self, SHARED, WORDS};
use crate::words::{Argument, Numbers, OptionUse, OptionWord, Place, SharedOptions, Use, Word};

/// Words with a meaning of their own in the structure of a network.
pub(crate) const STRUCTURE: &[&str] = layers::STRUCTURE_NAMES;

/// Reads the atoms of a stage from `first` on as uses of words; the first word may stand only at a stage's head when `head`.
/// Mistakes go to `report`; a word with a mistake is left out.
pub(crate) fn read(atoms: &[Atom], scope: &Scope, blocks: &[&str], report: &mut dyn FnMut(Diagnostic)) -> Vec<Use> {
    let mut reader = Reader { atoms, next: 0, scope, blocks, uses: Vec::new() };
    while reader.next < atoms.len() {
        let before = reader.next;
        if let Err(diagnostic) = reader.word() {
            report(diagnostic);
            reader.skip_to_known_word(before);
        }
    }
    reader.uses
}

struct Reader<'a> {
    atoms: &'a [Atom],
    next: usize,
    scope: &'a Scope,
    blocks: &'a [&'a str],
    uses: Vec<Use>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Atom> {
        self.atoms.get(self.next)
    }

    fn peek_word(&self) -> Option<(&str, Span)> {
        match self.peek()? {
            Atom { kind: AtomKind::Word(word), span } => Some((word, *span)),
            _ => None,
        }
    }

    /// Whether what comes next could be numbers.
    fn numbers(&mut self) -> Result<Option<Numbers>, Diagnostic> {
        let Some(atom) = self.peek() else { return Ok(None) };
        let Some(numbers) = expression::numbers(atom, self.scope) else { return Ok(None) };
        self.next += 1;
        numbers.map(Some)
    }

    /// Lists of numbers in parentheses, and pictures where those are allowed.
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

    /// After a mistake, goes on at the next word that is a layer's, so that the rest is read too.
    fn skip_to_known_word(&mut self, before: usize) {
        self.next = self.next.max(before + 1);
        while let Some(atom) = self.peek() {
            match &atom.kind {
                AtomKind::Word(word) if self.is_known(word) => return,
                _ => self.next += 1,
            }
        }
    }

    fn is_known(&self, word: &str) -> bool {
        layers::find(word).is_some()
            || STRUCTURE.contains(&word)
            || self.blocks.contains(&word)
            || self.uses.last().is_some_and(|last| option(last.word, word).is_some())
            || SHARED.iter().any(|shared| shared.name == word)
    }

    fn word(&mut self) -> Result<(), Diagnostic> {
        let Some((word, span)) = self.peek_word() else { return Err(self.stray()) };
        let word = word.to_owned();
        // An option of the latest word that knows it, else a layer of its own.
        if let Some(owner) = self.uses.iter().rposition(|used| option(used.word, &word).is_some()) {
            return self.option(owner, &word, span);
        }
        if !self.uses.is_empty() && SHARED.iter().any(|shared| shared.name == word) {
            return self.shared(&word, span);
        }
        match layers::find(&word) {
            Some(known) if self.uses.is_empty() || known.place != Place::Head => self.layer(known, span),
            Some(_) => Err(self.missing_semicolon(&word, span)),
            None if !self.uses.is_empty()
                && (self.blocks.contains(&word.as_str()) || STRUCTURE.contains(&word.as_str())) =>
            {
                Err(self.missing_semicolon(&word, span))
            }
            None => Err(self.unknown(&word, span)),
        }
    }

    fn layer(&mut self, word: &'static Word, written: Span) -> Result<(), Diagnostic> {
        self.next += 1;
        if let Some(Atom { kind: AtomKind::Parentheses(arguments), span }) = self.peek()
            && (arguments.len() != 1 || word.argument == Argument::None)
        {
            let span = written.to(*span);
            self.next += 1;
            return Err(Diagnostic::new(span, format!("`{}` is written without parentheses and commas", word.name))
                .help(format!("write `{}`: {}", word.form, word.examples[0].stage)));
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
                _ => used.incomplete(),
            });
        }
        self.uses.push(used);
        Ok(())
    }

    fn option(&mut self, owner: usize, word: &str, written: Span) -> Result<(), Diagnostic> {
        self.next += 1;
        let owner_word = self.uses[owner].word;
        let Some(option) = option(owner_word, word) else { return Ok(()) };
        let argument = match option.argument {
            Argument::None | Argument::Lists | Argument::Patterns => None,
            Argument::Required | Argument::Optional => self.numbers()?,
        };
        let lists = match option.argument {
            Argument::Lists | Argument::Patterns => self.lists(option.argument == Argument::Patterns)?,
            _ => Vec::new(),
        };
        let last = argument.as_ref().or(lists.last());
        let span = last.map_or(written, |numbers| written.to(numbers.span));
        if !matches!(option.argument, Argument::None | Argument::Optional) && last.is_none() {
            return Err(match self.peek() {
                Some(Atom { kind: AtomKind::Stray(_), .. }) => self.stray(),
                _ => Diagnostic::new(span, format!("`{word}` needs numbers")).help(format!("write `{}`", option.form)),
            });
        }
        let used = &mut self.uses[owner];
        if used.has(word) {
            return Err(Diagnostic::new(span, format!("`{word}` is given twice to this `{}`", owner_word.name))
                .help("keep one"));
        }
        used.options.push(OptionUse { option, written, argument, lists, span });
        used.span = used.span.to(span);
        Ok(())
    }

    fn shared(&mut self, word: &str, written: Span) -> Result<(), Diagnostic> {
        self.next += 1;
        let value = match word {
            "bias" => {
                let form = || {
                    Diagnostic::new(written, "`bias` says what the biases start at")
                        .help("write `bias 0.1`, or `nobias` for none")
                };
                let numbers = self.numbers()?.ok_or_else(form)?;
                let number = numbers.single("what the biases start at", "bias 0.1")?;
                SharedValue::Bias(number.value, written.to(numbers.span))
            }
            "init" => {
                let (init, span) = self.init(written)?;
                SharedValue::Init(init, span)
            }
            _ => {
                let Some((name, span)) = self.peek_word().map(|(name, span)| (name.to_owned(), span)) else {
                    return Err(Diagnostic::new(written, format!("`{word}` needs a name"))
                        .help(format!("write `{word} encode`")));
                };
                self.next += 1;
                SharedValue::Name(name, written.to(span))
            }
        };
        // `as` names the stage, which is its head's layer; `init` and `bias` are for the latest layer with weights.
        let used = match word {
            "as" | "tied" => self.uses.first_mut(),
            _ => self.uses.iter_mut().rev().find(|used| used.word.place != Place::Activation),
        };
        let Some(used) = used else {
            return Err(Diagnostic::new(written, format!("`{word}` is for a layer with weights")));
        };
        let span = value.span();
        let shared = &mut used.shared;
        let twice = match value {
            SharedValue::Bias(number, span) => shared.bias.replace((number, span)).is_some(),
            SharedValue::Init(init, span) => shared.init.replace((init, span)).is_some(),
            SharedValue::Name(name, span) if word == "as" => shared.name.replace((name, span)).is_some(),
            SharedValue::Name(name, span) => shared.tied.replace((name, span)).is_some(),
        };
        if twice {
            return Err(Diagnostic::new(span, format!("`{word}` is given twice")).help("keep one"));
        }
        Ok(())
    }

    fn init(&mut self, written: Span) -> Result<(Init, Span), Diagnostic> {
        let help = "write one of `init he`, `init lecun`, `init glorot`, `init orthogonal`, `init zeros`, `init normal 0.01`, `init uniform 0.05`";
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
            "normal" | "uniform" => {
                let numbers = self.numbers()?.ok_or_else(|| {
                    Diagnostic::new(written.to(span), format!("`init {word}` needs its width"))
                        .help(format!("write `init {word} 0.01`"))
                })?;
                let number = numbers.single("the width", "init normal 0.01")?;
                if number.value < 0.0 {
                    return Err(Diagnostic::new(number.span, "the width cannot be negative")
                        .help(format!("write `init {word} 0.01`")));
                }
                let init = if word == "normal" { Init::Normal(number.value) } else { Init::Uniform(number.value) };
                return Ok((init, written.to(numbers.span)));
            }
            other => {
                let diagnostic = Diagnostic::new(span, format!("no initialisation is called `{other}`"));
                return Err(match suggest::nearest(other, layers::INITS.iter().map(|init| init.name)) {
                    Some(near) => diagnostic.help(format!("did you mean `init {near}`?")),
                    None => diagnostic.help(help),
                });
            }
        };
        Ok((init, written.to(span)))
    }

    fn missing_semicolon(&self, word: &str, span: Span) -> Diagnostic {
        Diagnostic::new(span, format!("`{word}` starts a new stage")).help(format!("put a `;` before `{word}`"))
    }

    /// The atom that comes next belongs to no word.
    fn stray(&mut self) -> Diagnostic {
        let Some(atom) = self.peek() else {
            return Diagnostic::new(Span::new(0, 0), "something is missing here");
        };
        let span = atom.span;
        let last = self.uses.last();
        let diagnostic = match &atom.kind {
            AtomKind::Numbers(_) | AtomKind::Parentheses(_) => match last {
                Some(last) if last.argument.is_some() && last.options.is_empty() => {
                    Diagnostic::new(span, format!("`{}` already has its numbers", last.word.name))
                        .help(format!("write `{}`: {}", last.word.form, last.word.examples[0].stage))
                }
                Some(last) => {
                    let owner = last.options.last().map_or(last.word.name, |option| option.option.name);
                    Diagnostic::new(span, format!("`{owner}` takes no number here")).help(format!(
                        "write `{}`",
                        last.options.last().map_or(last.word.form, |option| option.option.form)
                    ))
                }
                None => Diagnostic::new(span, "a stage starts with a word, not with a number")
                    .help("write the layer's name first: `dense 120`; to repeat a block, `3 * cell(64)`"),
            },
            AtomKind::Braces(_) => Diagnostic::new(span, "no layer takes braces here")
                .help("braces belong to `add`, `concat`, `mul`, `residual` and `repeat`; stages end with `;`"),
            AtomKind::Times => {
                Diagnostic::new(span, "`*` repeats a block: a number stands before it and the block's call after it")
                    .help("write `3 * cell(64)`, or `repeat 3 { … }` for stages")
            }
            AtomKind::Stray(text) => stray_text(text, span),
            AtomKind::Word(word) => self.unknown(word, span),
        };
        self.next += 1;
        diagnostic
    }

    fn unknown(&self, word: &str, span: Span) -> Diagnostic {
        let last = self.uses.last();
        // An option of another layer.
        let owners: Vec<&str> =
            WORDS.iter().filter(|known| option(known, word).is_some()).map(|known| known.name).collect();
        if let (Some(last), false) = (last, owners.is_empty()) {
            let mine: Vec<String> = last.word.options.iter().map(|option| format!("`{}`", option.name)).collect();
            let knows =
                if mine.is_empty() { "it has no options".to_owned() } else { format!("it has {}", mine.join(", ")) };
            return Diagnostic::new(span, format!("`{}` has no option `{word}`", last.word.name))
                .help(format!("`{word}` belongs to {}; {knows}", owners.join(", ")));
        }
        let what = if last.is_some() { "neither an option nor a layer" } else { "no layer" };
        let diagnostic = Diagnostic::new(span, format!("`{word}` is {what} of the language"));
        if let Some(help) = suggest::foreign(word) {
            return diagnostic.help(help);
        }
        let options = last.into_iter().flat_map(|last| last.word.options).map(|option| option.name);
        let words = WORDS
            .iter()
            .filter(|known| last.is_none() || known.place != Place::Head)
            .flat_map(|known| std::iter::once(&known.name).chain(known.aliases))
            .copied();
        let others =
            WORDS.iter().map(|known| known.name).chain(STRUCTURE.iter().copied()).chain(self.blocks.iter().copied());
        let near = suggest::nearest(word, options.chain(words)).or_else(|| suggest::nearest(word, others));
        match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None if last.is_some() => diagnostic.help("a new stage starts after a `;`"),
            None => {
                let known: Vec<&str> = WORDS.iter().map(|known| known.name).collect();
                diagnostic.help(format!("the layers are {}", known.join(", ")))
            }
        }
    }
}

enum SharedValue {
    Bias(f64, Span),
    Init(Init, Span),
    Name(String, Span),
}

impl SharedValue {
    fn span(&self) -> Span {
        match self {
            Self::Bias(_, span) | Self::Init(_, span) | Self::Name(_, span) => *span,
        }
    }
}

/// What belongs to no rule of the language, explained where its mistake is a common one.
pub(crate) fn stray_text(text: &str, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(span, format!("`{text}` does not belong here"));
    if let Some(percent) = text.strip_suffix('%') {
        return diagnostic.help(match percent.parse::<f64>() {
            Ok(percent) => format!("write the share: `{}`", percent / 100.0),
            Err(_) => "write a share, `0.5`".to_owned(),
        });
    }
    if text.starts_with('.') && text[1..].starts_with(|letter: char| letter.is_ascii_digit()) {
        return diagnostic.help(format!("write `0{text}`"));
    }
    if text.contains('X') || text.contains('×') {
        return diagnostic.help(format!("sizes are joined with a small `x`: `{}`", text.replace(['X', '×'], "x")));
    }
    if text == "=" || text == ":" {
        return diagnostic.help("numbers follow their word without a sign: `stride 2`");
    }
    if text == "->" || text == "=>" || text == "|" || text == ">" {
        return diagnostic.help("stages are separated by `;`");
    }
    diagnostic.help("a stage is a word, its numbers and its options: `conv 5x5x6 stride 2 relu`")
}

fn option(word: &Word, name: &str) -> Option<&'static OptionWord> {
    word.options.iter().find(|option| option.name == name)
}
