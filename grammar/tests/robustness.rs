//! For any text, parsing terminates without a panic, and all spans are inside the text.

mod outline;

use netwright_grammar::{Atom, AtomKind, Body, Expression, ExpressionKind, File, Item, Span};
use outline::read;
use proptest::prelude::*;

const CORPUS: [&str; 5] = [
    "#[doc = \"LeNet-5 (1998).\"] pub LeNet5(28x28x1) { conv 5x5x6 same tanh; avgpool 2; dense 84 tanh; softmax 10 }",
    "block cell(width, stride = 1) { add { conv 1x1x(4*width) stride (stride) bn } { } relu } N(8x8x3) { 2 * cell(64, stride = (2 + 1) ) }",
    "pub(in a::b) U(32x32x1) { tap skip; maxpool 2; (k)x(k)x64; upsample 2; concat skip; dropout 0.5 }",
    "block r#type(a) { repeat 3 { dense (a-1) init normal 1e-3 } } #[derive(Clone)] M(784) { r#type(-3), 50% /* x */ }",
    "A { b = r#\"}\"# ; 'x' \"\\\"\" [1] } struct B; C(0x5x6) -> 3 { }",
];

const TOKENS: [&str; 40] = [
    "(", ")", "{", "}", "[", "]", ";", ",", "*", "-", "+", "/", "=", "#", "!", "x", "5", "5x", "0.5", ".", "1e",
    "block", "pub", "N", "N(1)", "r", "r#", "b", "\"", "'", "\\", "//", "/*", "*/", "\n", " ", "::", "%", "é",
    "\u{301}",
];

/// An approximate tokenisation of a text: words, and every other character by itself.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut in_word = false;
    for character in text.chars() {
        let word = character.is_alphanumeric();
        match tokens.last_mut() {
            Some(last) if word && in_word => last.push(character),
            _ => tokens.push(character.to_string()),
        }
        in_word = word;
    }
    tokens
}

fn check(source: &str) {
    let (file, diagnostics) = read(source);
    for diagnostic in &diagnostics {
        assert!(source.get(diagnostic.span.range()).is_some(), "{diagnostic:?}");
        // The grammar has a rule for every text that passes the scan of its nesting.
        assert!(!diagnostic.message.starts_with("this cannot be read"), "{source:?}");
    }
    check_file(source, &file);
}

fn check_file(source: &str, file: &File) {
    for item in &file.items {
        match item {
            Item::Network(network) => {
                let spans = network.attributes.iter().chain(&network.visibility);
                spans.chain([&network.name.span, &network.header]).for_each(|span| check_span(source, *span));
                network.input.iter().flatten().for_each(|atom| check_atom(source, atom));
                check_body(source, &network.body);
            }
            Item::Foreign(foreign) => {
                let names = [&foreign.network.name, &foreign.format, &foreign.path];
                names.into_iter().for_each(|name| check_span(source, name.span));
                foreign.options.iter().for_each(|(word, _)| check_span(source, word.span));
            }
            Item::Block(block) => {
                check_span(source, block.header);
                for parameter in &block.parameters {
                    check_span(source, parameter.name.span);
                    parameter.default.iter().for_each(|default| check_expression(source, default));
                }
                check_body(source, &block.body);
            }
        }
    }
}

fn check_body(source: &str, body: &Body) {
    let text = &source[body.span.range()];
    assert!(text.starts_with('{') && text.ends_with('}'), "{text:?}");
    for stage in &body.stages {
        let (Some(first), Some(last)) = (stage.atoms.first(), stage.atoms.last()) else { panic!("an empty stage") };
        assert_eq!(stage.span, first.span.to(last.span));
        stage.atoms.iter().for_each(|atom| check_atom(source, atom));
    }
}

fn check_atom(source: &str, atom: &Atom) {
    check_span(source, atom.span);
    match &atom.kind {
        AtomKind::Word(word) => assert!(source[atom.span.range()].ends_with(word)),
        AtomKind::Numbers(numbers) => {
            assert!(!numbers.is_empty());
            numbers.iter().for_each(|number| check_expression(source, number));
        }
        AtomKind::Parentheses(entries) => entries.iter().for_each(|entry| check_expression(source, entry)),
        AtomKind::Braces(body) => check_body(source, body),
        AtomKind::Times => assert_eq!(&source[atom.span.range()], "*"),
        AtomKind::Stray(text) => assert_eq!(&source[atom.span.range()], text),
    }
}

fn check_expression(source: &str, expression: &Expression) {
    check_span(source, expression.span);
    match &expression.kind {
        ExpressionKind::Number(text) | ExpressionKind::Stray(text) => {
            assert_eq!(&source[expression.span.range()], text);
        }
        ExpressionKind::Field(of, name) => {
            assert!(source[of.span.range()].ends_with(&of.text) && source[name.span.range()].ends_with(&name.text));
        }
        ExpressionKind::Name(name) => assert!(source[expression.span.range()].ends_with(name)),
        ExpressionKind::Negative(inner) => check_expression(source, inner),
        ExpressionKind::Named(name, value) => {
            assert!(source[name.span.range()].ends_with(&name.text));
            check_expression(source, value);
        }
        ExpressionKind::Binary(_, left, right) => {
            check_expression(source, left);
            check_expression(source, right);
        }
    }
}

/// Spans are never empty and have no white space at their ends.
fn check_span(source: &str, span: Span) {
    let text = &source[span.range()];
    assert!(!text.is_empty() && text.trim() == text, "{text:?}");
}

#[test]
fn corpus() {
    CORPUS.into_iter().for_each(check);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_tokens(tokens in prop::collection::vec(prop::sample::select(&TOKENS[..]), 0..40)) {
        check(&tokens.concat());
    }

    /// Text with paired delimiters, as rustc passes it to a macro.
    #[test]
    fn any_body(tokens in prop::collection::vec(prop::sample::select(&TOKENS[6..]), 0..30)) {
        let inner = tokens.concat();
        check(&format!("N(1) {{ a ({inner}\n) {{ {inner}\n }} [{inner}\n]; {inner}\n }}"));
        check(&format!("{inner}\n {{ {inner}\n }} {inner}"));
    }

    /// Random deletions, repetitions, swaps and insertions of tokens.
    #[test]
    fn mutations(
        text in prop::sample::select(&CORPUS[..]),
        edits in prop::collection::vec((0..4, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let mut tokens = tokens(text);
        for (edit, first, second) in edits {
            if tokens.is_empty() {
                break;
            }
            let (at, other) = (first.index(tokens.len()), second.index(tokens.len()));
            match edit {
                0 => drop(tokens.remove(at)),
                1 => tokens.insert(at, tokens[other].clone()),
                2 => tokens.swap(at, other),
                _ => tokens.insert(at, TOKENS[second.index(TOKENS.len())].to_owned()),
            }
        }
        check(&tokens.concat());
    }
}
