//! The diagnostics for words, numbers and signs of a stage that cannot be read.

use netwright_grammar::{Atom, AtomKind, Diagnostic, Expression, ExpressionKind, Span};

use super::expression::{self, Scope};
use super::stage::{Before, Meant, STRUCTURE, StageReader, option};
use crate::layers::{self, SHARED};
use crate::suggest;
use crate::words::{Argument, Number, Numbers, OptionWord, Word, WordPosition};

/// Signs that users write between stages in place of `;`.
const SEPARATORS: &[&str] = &["->", "=>", "|", "||", "|>", ">", ">>", "+", "&", "&&", ":", "::", ".", "~>"];

impl StageReader<'_> {
    pub(super) fn missing_semicolon(&self, word: &str, span: Span) -> Diagnostic {
        Diagnostic::new(span, format!("`{word}` starts a new stage")).help(format!("put a `;` before `{word}`"))
    }

    /// The diagnostic for a layer written as a call: `conv(3, 3, 4)`, `relu()`. A layer with one number may have it in parentheses.
    pub(super) fn call_of_a_layer(&mut self, word: &'static Word, written: Span) -> Option<Diagnostic> {
        let Some(Atom { kind: AtomKind::Parentheses(arguments), span }) = self.peek() else { return None };
        if arguments.len() == 1 && word.argument != Argument::None {
            return None;
        }
        let diagnostic =
            Diagnostic::new(written.to(*span), format!("`{}` is written without parentheses and commas", word.name))
                .help(as_a_stage(word, arguments, *span, self.scope));
        self.next += 1;
        Some(diagnostic)
    }

    /// The diagnostic for sizes with space around their `x`, or with another sign: `5 x 5 x 6`, `5*5*6`.
    pub(super) fn spaced_sizes(&mut self) -> Option<Diagnostic> {
        let plain = |index: usize| match self.atoms.get(index) {
            Some(Atom { kind: AtomKind::Numbers(_), span }) => {
                expression::numbers(&self.atoms[index], self.scope)?.ok().map(|numbers| (joined(&numbers), *span))
            }
            _ => None,
        };
        let (mut text, mut span) = plain(self.next)?;
        let start = self.next;
        let mut next = start + 1;
        while let Some(Atom { kind, span: here }) = self.atoms.get(next) {
            let sign = match kind {
                AtomKind::Word(word) | AtomKind::Stray(word) => word.as_str(),
                AtomKind::Times => "*",
                _ => break,
            };
            match (sign, plain(next + 1)) {
                ("x" | "X" | "*" | "×" | "by", Some((size, location))) => {
                    text = format!("{text}x{size}");
                    span = span.to(location);
                    next += 2;
                }
                (glued, _) if is_glued(glued) => {
                    text.push_str(&glued.to_lowercase());
                    span = span.to(*here);
                    next += 1;
                }
                _ => break,
            }
        }
        if next == start + 1 {
            return None;
        }
        self.next = next;
        let message = "sizes are joined by an `x` that touches them";
        Some(Diagnostic::new(span, message).help(format!("write `{text}`")))
    }

    /// The diagnostic for arithmetic without parentheses, with numbers to continue with: `2*width`, `width/2`, `3x3x2*width`.
    pub(super) fn bare_arithmetic(&mut self, first: &Atom) -> Option<(Diagnostic, Numbers)> {
        let (sizes, mut text) = match &first.kind {
            AtomKind::Numbers(numbers) => {
                let (last, sizes) = numbers.split_last()?;
                (sizes.iter().map(|size| format!("{}x", size_text(size))).collect(), expression::operand_text(last))
            }
            _ => (String::new(), self.operand(first)?),
        };
        let mut end = self.next + 1;
        let mut is_of_parameters = !is_literal(first);
        while let Some(sign) = self.atoms.get(end) {
            let sign = match &sign.kind {
                AtomKind::Times => "*",
                AtomKind::Stray(sign) if matches!(sign.as_str(), "+" | "-" | "/") => sign,
                _ => break,
            };
            let Some(atom) = self.atoms.get(end + 1) else { break };
            let Some(operand) = self.operand(atom) else { break };
            is_of_parameters |= !is_literal(atom);
            text = format!("{text}{sign}{operand}");
            end += 2;
        }
        if end == self.next + 1 || !is_of_parameters {
            return None;
        }
        let span = first.span.to(self.atoms[end - 1].span);
        let instead = match &first.kind {
            AtomKind::Word(word) => Numbers { numbers: vec![Number { value: *self.scope.get(word)?, span }], span },
            _ => expression::numbers(first, self.scope)?.ok()?,
        };
        self.next = end;
        let help = format!("write `{sizes}({text})`");
        Some((Diagnostic::new(span, "arithmetic stands in parentheses").help(help), instead))
    }

    /// The text of an operand of arithmetic: a number, a parameter, or an expression in parentheses.
    fn operand(&self, atom: &Atom) -> Option<String> {
        match &atom.kind {
            AtomKind::Numbers(numbers) | AtomKind::Parentheses(numbers) => match numbers.as_slice() {
                [only] => Some(expression::operand_text(only)),
                _ => None,
            },
            AtomKind::Word(word) if self.scope.contains_key(word) => Some(word.clone()),
            _ => None,
        }
    }

    /// The diagnostic for a stage that starts with a parameter: `times * cell(64)`.
    pub(super) fn parameter_at_the_start(&mut self, word: &str, span: Span) -> Diagnostic {
        let is_factor = matches!(self.atoms.get(self.next + 1), Some(Atom { kind: AtomKind::Times, .. }));
        self.next = self.atoms.len();
        match is_factor {
            true => Diagnostic::new(span, format!("the parameter `{word}` needs parentheses around it"))
                .help(format!("write `({word}) * cell(64)`")),
            false => Diagnostic::new(span, format!("`{word}` is a parameter, and a stage starts with a word"))
                .help("write the layer's name first: `dense (width)`; to repeat a block, `(times) * cell(64)`"),
        }
    }

    /// The diagnostic for a word in place of numbers: `dense HIDDEN`, `dense width`, `conv kernel_size=3`.
    pub(super) fn missing_number(&mut self, layer: &Word, owner: &str, form: &str) -> Option<Diagnostic> {
        let (word, span) = self.peek_word()?;
        if word == "in" {
            return Some(
                Diagnostic::new(span, "the sizes of what comes in stand in parentheses")
                    .help(format!("write `{owner} (in.channels)`, or arithmetic over it")),
            );
        }
        // A parameter may have the name of an option: `stride stride`, but not `stride groups 2`.
        let has_number =
            self.atoms.get(self.next + 1).is_some_and(|atom| expression::numbers(atom, self.scope).is_some());
        if self.scope.contains_key(word) && !has_number {
            let diagnostic = Diagnostic::new(span, format!("the parameter `{word}` needs parentheses around it"))
                .help(format!("write `{owner} ({word})`"));
            self.next += 1;
            return Some(diagnostic);
        }
        if self.is_known(word) || option(layer, word).is_some() || SHARED.iter().any(|shared| shared.name == word) {
            return None;
        }
        let example = layer.examples[0].stage;
        if let Some([Atom { kind: AtomKind::Stray(sign), span: sign_at }, rest @ ..]) = self.atoms.get(self.next + 1..)
            && (sign == "=" || sign == ":")
        {
            let (end, value) = match rest.first() {
                Some(atom) => match expression::numbers(atom, self.scope) {
                    Some(Ok(numbers)) => (atom.span, joined(&numbers)),
                    _ => (*sign_at, "…".to_owned()),
                },
                None => (*sign_at, "…".to_owned()),
            };
            let message =
                format!("`{word}{sign}{value}`: numbers stand right behind `{owner}`, without names of their own");
            let help = if owner == layer.name {
                format!("write `{form}`, as in `{example}`")
            } else {
                format!("write `{form}`")
            };
            return Some(Diagnostic::new(span.to(end), message).help(help));
        }
        Some(Diagnostic::new(span, format!("`{word}` is not a number, and `{owner}` needs one")).help(
            "a macro cannot see the constants of a program: write the number itself; in a block, its parameters have \
             values, in parentheses: `dense (width)`",
        ))
    }

    /// The diagnostic for an atom that belongs to no word.
    pub(super) fn stray(&mut self) -> Diagnostic {
        let atoms = self.atoms;
        let Some(atom) = atoms.get(self.next) else {
            return Diagnostic::new(Span::new(0, 0), "something is missing here");
        };
        let span = atom.span;
        let diagnostic = match &atom.kind {
            AtomKind::Numbers(_) | AtomKind::Parentheses(_) => self.stray_number(span),
            AtomKind::Braces(_) => Diagnostic::new(span, "no layer takes braces here")
                .help("braces belong to `add`, `concat`, `mul`, `residual` and `repeat`; stages end with `;`"),
            AtomKind::Times => {
                Diagnostic::new(span, "`*` repeats a stage: a number stands before it and the stage behind it")
                    .help("write `3 * conv 3x3x16 same relu`, `3 * cell(64)`, or `3 * { … }` for several stages")
            }
            AtomKind::Stray(text) => self.stray_sign(text, span),
            AtomKind::Word(word) => self.unknown(word, span).0,
        };
        if let AtomKind::Stray(text) = &atom.kind
            && SEPARATORS.contains(&text.as_str())
        {
            self.is_separated = true;
        }
        self.next += 1;
        // `120 dense`: the layer's number precedes it.
        if matches!(atom.kind, AtomKind::Numbers(_)) && self.is_at_start() {
            let layer = self.peek_word().and_then(|(word, _)| layers::find(word));
            self.next += usize::from(layer.is_some_and(|word| word.argument != Argument::None));
        }
        diagnostic
    }

    fn stray_number(&self, span: Span) -> Diagnostic {
        let following = match self.atoms.get(self.next + 1) {
            Some(Atom { kind: AtomKind::Word(word), span }) => Some((word, span)),
            _ => None,
        };
        let Some(last) = self.uses.last() else {
            let diagnostic = Diagnostic::new(span, "a stage starts with a word, not with a number");
            let text = expression::numbers(&self.atoms[self.next], self.scope).and_then(Result::ok);
            return match (following.and_then(|(word, _)| layers::find(word)), text, self.before == Before::Nothing) {
                (Some(word), Some(numbers), true) => {
                    diagnostic.help(format!("write `{} {}`", word.name, joined(&numbers)))
                }
                (_, _, false) => Diagnostic::new(span, "no number belongs here")
                    .help("behind a block's call or braces stand words such as `relu`, or a `;` and a new stage"),
                _ => diagnostic
                    .help("write the layer's name first: `dense 120`; to repeat a stage, `3 * dense 120 relu`"),
            };
        };
        if last.argument.is_some() && last.options.is_empty() {
            return Diagnostic::new(span, format!("`{}` already has its numbers", last.word.name))
                .help(format!("write `{}`, as in `{}`", last.word.form, last.word.examples[0].stage));
        }
        let (owner, form, options) = match last.options.last() {
            Some(option) => (option.option.name, option.option.form, &[][..]),
            None => (last.word.name, last.word.form, last.word.options),
        };
        let diagnostic = Diagnostic::new(span, format!("`{owner}` takes no number here"));
        let mut named = options.iter().filter(|option| option.argument == Argument::Required).peekable();
        match named.peek() {
            Some(_) => diagnostic.help(format!("its numbers have names: {}", listed(named.map(|option| option.form)))),
            None => diagnostic.help(format!("write `{form}`")),
        }
    }

    fn stray_sign(&self, text: &str, span: Span) -> Diagnostic {
        let before = self.next.checked_sub(1).and_then(|index| self.atoms.get(index));
        let after = self.atoms.get(self.next + 1);
        let number = after.and_then(|atom| expression::numbers(atom, self.scope)).and_then(Result::ok);
        if let (true, Some(numbers)) = (text == "=" || text == ":", &number) {
            let word = match before {
                Some(Atom { kind: AtomKind::Word(word), .. }) => word.as_str(),
                _ => "stride",
            };
            return Diagnostic::new(span, format!("no `{text}` stands between a word and its number"))
                .help(format!("write `{word} {}`", joined(numbers)));
        }
        if SEPARATORS.contains(&text) {
            return Diagnostic::new(span, format!("`{text}` does not separate stages")).help("write `;` in its place");
        }
        let parameter = self.scope.keys().find(|name| text.ends_with(name.as_str()));
        if let Some(name) = parameter {
            let sizes = &text[..text.len() - name.len()];
            if sizes.ends_with('x') {
                return Diagnostic::new(span, format!("the parameter `{name}` needs parentheses around it"))
                    .help(format!("write `{sizes}({name})`"));
            }
        }
        stray_text(text, span)
    }

    /// The diagnostic for an unknown word, and the word that was probably meant.
    pub(super) fn unknown(&mut self, word: &str, span: Span) -> (Diagnostic, Option<Meant>) {
        let small = word.to_lowercase();
        if small != word {
            let meant = self.meaning_of(&small);
            if meant.is_some() {
                let diagnostic = Diagnostic::new(span, format!("`{word}`: words are written in small letters"));
                return (diagnostic.help(format!("write `{small}`")), meant);
            }
        }
        if let Some(diagnostic) = self.incomplete_structure(word, span).or_else(|| self.misplaced_option(word, span)) {
            return (diagnostic, None);
        }
        let last = self.uses.last().map(|last| last.word);
        let has_numbers = self.uses.last().is_some_and(|last| last.argument.is_some());
        if let Some(last) = last
            && last.argument == Argument::Optional
            && !has_numbers
            && (self.scope.contains_key(word) || !word.chars().any(char::is_lowercase) && word.chars().count() > 1)
            && let Some(diagnostic) = self.missing_number(last, last.name, last.form)
        {
            return (diagnostic, None);
        }
        let is_start = self.is_at_start();
        let what = if is_start { "not the name of a layer" } else { "neither an option nor a layer here" };
        let diagnostic = Diagnostic::new(span, format!("`{word}` is {what}"));
        let next = self.atoms.get(self.next + 1);
        if let (Some(help), Some(Atom { kind: AtomKind::Word(next), .. })) = (suggest::superfluous(word), next)
            && self.is_known(next)
        {
            return (diagnostic.help(format!("{help}: leave `{word}` out, and write `{next}` alone")), None);
        }
        let foreign = if is_start { None } else { suggest::foreign_ending(word) };
        if let Some(help) = foreign.or_else(|| suggest::foreign(word)) {
            self.is_lost = is_start;
            return (diagnostic.help(help), None);
        }
        let options = last.into_iter().flat_map(|last| last.options).map(|option| option.name);
        let words = layers::words()
            .filter(|known| is_start || known.position != WordPosition::Start)
            .flat_map(|known| std::iter::once(&known.name).chain(known.aliases))
            .copied();
        let others =
            layers::words().map(|known| known.name).chain(STRUCTURE.iter().copied()).chain(self.blocks.iter().copied());
        let near = suggest::nearest(word, options.chain(words)).or_else(|| suggest::nearest(word, others));
        if let Some(near) = near {
            let (near, meant) = (near.to_owned(), self.meaning_of(near));
            self.is_lost = meant.is_none();
            return (diagnostic.help(format!("did you mean `{near}`?")), meant);
        }
        let diagnostic = match last {
            Some(last) if !last.options.is_empty() => {
                let options = listed(last.options.iter().map(|option| option.name));
                diagnostic.help(format!("`{}` has the options {options}; a new stage starts after a `;`", last.name))
            }
            Some(_) => diagnostic.help("a new stage starts after a `;`"),
            None => diagnostic.help(
                "common layers are `conv 3x3x16`, `maxpool 2`, `dense 120`, `relu` and `softmax 10`; the documentation \
                 of `network!` has them all",
            ),
        };
        self.is_lost = is_start;
        (diagnostic, None)
    }

    /// The known word that an unknown one was meant to be.
    fn meaning_of(&self, word: &str) -> Option<Meant> {
        let mut uses = self.uses.iter().enumerate().rev();
        let own = uses.find_map(|(index, used)| Some(Meant::Option(index, option(used.word, word)?.name)));
        own.or_else(|| layers::find(word).map(Meant::Layer))
    }

    /// The diagnostic for incomplete structural words: `repeat { … }`, `residual conv …`
    fn incomplete_structure(&mut self, word: &str, span: Span) -> Option<Diagnostic> {
        let known = layers::STRUCTURE.iter().find(|known| known.name == word)?;
        self.is_lost = true;
        let diagnostic = Diagnostic::new(span, format!("something is missing from this `{word}`"));
        Some(diagnostic.help(format!("write `{}`, as in `{}`", known.form, known.examples.first()?.stage)))
    }

    /// The diagnostic for an option of another layer, or of none: `dense 10 stride 2`; `conv 5x5x6; stride 2`
    fn misplaced_option(&mut self, word: &str, span: Span) -> Option<Diagnostic> {
        let mut owners = layers::words().filter_map(|known| Some((known, option(known, word)?))).peekable();
        let shared = SHARED.iter().find(|shared| shared.name == word);
        let option: &OptionWord = owners.peek().map(|(_, option)| *option).or(shared)?;
        let numbers = self.atoms.get(self.next + 1).filter(|_| option.argument != Argument::None);
        let location = match numbers {
            Some(Atom { kind: AtomKind::Numbers(_) | AtomKind::Parentheses(_), span: numbers }) => span.to(*numbers),
            _ => span,
        };
        let form = option.form.split('`').next().unwrap_or(word);
        let Some(last) =
            self.uses.iter().rev().find(|used| used.word.position == WordPosition::Start).or(self.uses.last())
        else {
            self.is_lost = true;
            if self.before != Before::Nothing {
                let message = format!("`{word}` belongs to a layer, and here is none");
                return Some(Diagnostic::new(location, message).help("write it in the braces, behind its layer"));
            }
            let layer = owners.peek().map_or("dense 120", |(known, _)| known.examples[0].stage);
            let message = format!("`{word}` is an option, and no layer of its own");
            return Some(
                Diagnostic::new(location, message)
                    .help(format!("write it behind its layer, without a `;` between: `{layer} {form}`")),
            );
        };
        let names: Vec<&str> = owners.map(|(known, _)| known.name).collect();
        let belongs = match names.as_slice() {
            [] => return None,
            [one] => format!("`{word}` belongs to `{one}`"),
            [one, two] => format!("`{word}` belongs to `{one}` and `{two}`"),
            [one, ..] => format!("`{word}` belongs to layers such as `{one}`"),
        };
        let own = match last.word.options {
            [] => format!("`{}` has no options", last.word.name),
            [one] => format!("`{}` has only `{}`", last.word.name, one.name),
            more => format!("`{}` has {}", last.word.name, listed(more.iter().map(|option| option.name))),
        };
        let message = format!("`{}` has no option `{word}`", last.word.name);
        Some(Diagnostic::new(location, message).help(format!("{belongs}; {own}")))
    }
}

/// The layer in the language's syntax, with the numbers from its parentheses.
pub(super) fn as_a_stage(word: &Word, arguments: &[Expression], span: Span, scope: &Scope) -> String {
    let sizes =
        word.form.split_once(' ').map_or(0, |(_, sizes)| sizes.split('`').next().unwrap_or("").split('x').count());
    let general = format!("write `{}`, as in `{}`", word.form, word.examples[0].stage);
    if arguments.is_empty() || word.argument == Argument::None {
        return if word.argument == Argument::Required { general } else { format!("write `{}`", word.name) };
    }
    match expression::list(arguments, span, scope) {
        Ok(numbers) if numbers.numbers.len() == sizes => format!("write `{} {}`", word.name, joined(&numbers)),
        _ => general,
    }
}

/// The diagnostic for text that matches no rule of the grammar, with an explanation for common errors.
pub(super) fn stray_text(text: &str, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(span, format!("`{text}` does not belong here"));
    if let Some(percent) = text.strip_suffix('%') {
        let diagnostic = Diagnostic::new(span, "shares are written without a percent sign");
        return diagnostic.help(match percent.parse::<f64>() {
            Ok(percent) => format!("write `{}`", percent / 100.0),
            Err(_) => "write a share such as `0.5`".to_owned(),
        });
    }
    let digits = |text: &str| text.starts_with(|letter: char| letter.is_ascii_digit());
    if text.strip_prefix('.').is_some_and(digits) {
        return Diagnostic::new(span, format!("`{text}` lacks the 0 before its point"))
            .help(format!("write `0{text}`"));
    }
    let small = text.replace(['X', '×'], "x");
    if digits(text) && small != text && small.chars().all(|letter| letter.is_ascii_digit() || letter == 'x') {
        return Diagnostic::new(span, format!("`{text}`: sizes are joined by a small `x`"))
            .help(format!("write `{small}`"));
    }
    if let Some(word) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        return Diagnostic::new(span, format!("{text} is a text, and no layer takes one here"))
            .help(format!("write words without quotation marks: `{word}`"));
    }
    let end =
        text.find(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != 'x').unwrap_or(text.len());
    let (number, word) = text.split_at(end);
    if digits(text) && !number.ends_with('x') && layers::find(word).is_some() {
        return Diagnostic::new(span, format!("`{number}` and `{word}` are run together"))
            .help(format!("write `{number} {word}`"));
    }
    diagnostic.help("a stage is a word, its numbers and its options: `conv 5x5x6 stride 2 relu`")
}

/// The text of a size between two `x`.
fn size_text(size: &Expression) -> String {
    match &size.kind {
        ExpressionKind::Number(text) => text.clone(),
        _ => format!("({})", expression::text_of(size)),
    }
}

/// Whether an atom consists of literal numbers.
fn is_literal(atom: &Atom) -> bool {
    let is_number = |expression: &Expression| match &expression.kind {
        ExpressionKind::Negative(inner) => matches!(inner.kind, ExpressionKind::Number(_)),
        kind => matches!(kind, ExpressionKind::Number(_)),
    };
    matches!(&atom.kind, AtomKind::Numbers(numbers) if numbers.iter().all(is_number))
}

/// `5x5x6`
fn joined(numbers: &Numbers) -> String {
    let numbers: Vec<String> = numbers.numbers.iter().map(|number| number.value.to_string()).collect();
    numbers.join("x")
}

/// `x6`, the last part of sizes written with spaces.
fn is_glued(word: &str) -> bool {
    word.strip_prefix(['x', 'X'])
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|digit| digit.is_ascii_digit() || digit == 'x'))
}

/// `` `a`, `b` and `c` ``
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
