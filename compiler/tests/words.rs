//! The items emitted for editors, and their absence for rustc.

use netwright_compiler::words::Argument;
use netwright_compiler::{Audience, compile, layers, reference_items};
use proc_macro2::{Span, TokenStream};

fn words(source: &str, audience: Audience) -> String {
    let root: TokenStream = "::netwright".parse().expect("a path");
    compile(source, &root, &|_| Span::call_site(), audience).words.to_string()
}

#[test]
fn rustc_sees_no_words() {
    assert_eq!(words("Small(8) { dense 4 as first; dense 2 tied fist }", Audience::Rustc), "");
}

#[test]
fn every_word_leads_to_its_documentation() {
    let emitted = words(
        "block two(n) { 2 * one(n) } block one(n) { dense (n) } A(9x9x1) { conv 3x3x2 same as a; two(n = 4) }",
        Audience::Editor,
    );
    for path in [
        "words :: conv as _",
        "words :: conv :: same as _",
        "words :: r#as as _",
        "words :: block as _",
        "heads :: two as _",
        "item0 :: parameters :: n as _",
    ] {
        assert!(emitted.contains(path), "{path}: {emitted}");
    }
    assert!(emitted.contains("9x9x1 → 9x9x2, 20 parameters, 1,458 multiply-adds"), "{emitted}");
}

#[test]
fn half_written_words_are_paths_into_what_fits() {
    for (source, path) in [
        ("A(8) { den }", "heads :: den"),
        ("A(8) { dense 4; den 3; dense 2 }", "heads :: den"),
        ("A(9x9x1) { conv 3x3x2 sam", "after :: conv :: sam"),
        ("A(9x9x1) { conv 3x3x2 relu sam }", "after :: conv :: sam"),
        ("A(8) { dense 4 as one; dense 8 tied on }", "item0 :: layers :: on"),
        ("A(8) { tap here; dense 8; add her }", "item0 :: taps :: her"),
        ("A(8) mem { dense 4 }", "network :: mem"),
        ("A(8) memory lea { dense 4 }", "options :: memory :: lea"),
        ("A(8) { dense 4 init h }", "init :: h"),
        ("block b(width) { dense (2*wid) } A(8) { b(2) }", "item0 :: parameters :: wid"),
        ("block b(width, bias = 1) { dense (width) bias (bias) } A(8) { b(2, bia) }", "item0 :: parameters :: bia"),
        ("block b(width, bias = 1) { dense (width) bias (bias) } A(8) { b(2, bia = 2) }", "item0 :: parameters :: bia"),
        ("A(8) { dense 4 as type; dense 4 tied typ }", "item0 :: layers :: typ"),
    ] {
        // Unpaired braces are rejected as a whole: rustc never passes them to a macro.
        let source = if source.ends_with('}') { source.to_owned() } else { format!("{source} }}") };
        let emitted = words(&source, Audience::Editor);
        assert!(emitted.contains(&format!("use {path} as _")), "{source}: {emitted}");
    }
}

#[test]
fn every_word_and_option_is_an_item_of_the_reference() {
    let items = reference_items().to_string();
    for word in layers::words() {
        assert!(items.contains(&format!("pub mod {} ", word.name)), "{}", word.name);
        for option in word.options {
            assert!(items.contains(&format!("pub mod {} ", option.name)), "{}", option.name);
        }
    }
    for word in layers::STRUCTURE {
        assert!(items.contains(&format!("pub mod {} ", word.name)), "{}", word.name);
    }
}

#[test]
fn every_example_compiles_whole() {
    let root: TokenStream = "netwright".parse().expect("a path");
    for example in layers::words().flat_map(|word| word.examples) {
        let source = format!("Example({}) {{ {} }}", example.input, example.stage);
        let compiled = compile(&source, &root, &|_| Span::call_site(), Audience::Rustc);
        assert!(compiled.diagnostics.is_empty() && !compiled.tokens.is_empty(), "{source}: {:?}", compiled.diagnostics);
    }
}

/// The words in backquotes between the last `start` and `end`.
fn quoted<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let before = text.split(end).next().unwrap_or_default();
    let part = &before[before.rfind(start).expect("where it starts")..];
    let mut words: Vec<&str> =
        part.split('`').skip(1).step_by(2).map(|word| word.trim_start_matches("kernel ")).collect();
    words.sort_unstable();
    words
}

#[test]
fn the_guide_lists_the_kernels_of_the_table() {
    let guide = include_str!("../../docs/language.md");
    let of_table = |word: &str| {
        let option = layers::find(word).expect("a word").options.iter().find(|option| option.name == "kernel");
        let Some(Argument::OneOf(choices)) = option.map(|option| option.argument) else { panic!("{word}") };
        let mut names: Vec<&str> = choices.iter().map(|choice| choice.name).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(quoted(guide, "of one direction.", " behind a `conv` overrule"), of_table("conv"));
    for word in ["dense", "softmax", "logsoftmax"] {
        assert_eq!(quoted(guide, "layer has", ".\n\nA kernel of a small layer"), of_table(word));
    }
}
