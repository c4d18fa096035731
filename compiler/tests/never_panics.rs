//! For any text, compilation terminates without a panic, each diagnostic has a span in the text, and the emitted code is a valid Rust
//! file.

use netwright_compiler::layers::{SHARED, STRUCTURE, words};
use netwright_compiler::{Audience, compile};
use proc_macro2::{Span, TokenStream};
use proptest::prelude::*;

const VALID: [&str; 6] = [
    "pub LeNet5(28x28x1) { conv 5x5x6 same tanh; avgpool 2; conv 5x5x16 tanh; avgpool 2; dense 120 tanh; softmax 10 }",
    "block cell(width, stride = 1) { residual { conv 1x1x(width) stride (stride) bn relu; conv 1x1x8 } relu } \
     N(8x8x8) { 2 * cell(4); cell(2*8, stride = 1) tanh as wide; globalavgpool; dense 12 relu; softmax 3 }",
    "U(16x16x1) { conv 3x3x4 same relu; tap skip; maxpool 2; conv 3x3x8 same relu; upsample 2; concat skip; \
     deconv 2x2x4 stride 2; avgpool 4; dropout 0.5; dense 6 init normal 1e-3 bias 0.1 }",
    "M(784) { dense 64 tanh as code; repeat 3 { dense 64 prelu layernorm }; dense 784 tied code sigmoid } P(3) { dense 2 }",
    "Q(12x12x4) { concat { conv 1x1x2 } { conv 3x3x6 same groups 2 dilate 2 } { }; lrn; mul { } { conv 1x1x12 sigmoid }; \
     sepconv 3x3x5 pad 1x0x2x1; dwconv 3x3 multiplier 2 nobias; crop 1; zeropad 2; reshape 1430; scale 0.5; softmax }",
    "block cell(width) { residual { conv 1x1x(width) from \"conv\" bn from \"bn\" } } \
     R(8x8x8) { 2 * cell(8) from \"layer{1..}\"; repeat 2 { conv 1x1x8 from \"features.{0,2}\" } from \"head_{}\"; dense 6 from \"fc\" }",
];

const OTHER: [&str; 61] = [
    "0",
    "1",
    "2",
    "3",
    "3x3x4",
    "2x2",
    "5x5x6x7",
    "0.5",
    "1e-3",
    "1e308",
    "1e999",
    "2147483648",
    "99999999999999999999",
    "0x5",
    "-1",
    "-0.5",
    ".5",
    "50%",
    "(2*3)",
    "(1/0)",
    "(width)",
    "(1, 2)",
    "(8, stride = 2)",
    "(width: 3)",
    "[8]",
    "(,)",
    "()",
    "width",
    "x",
    "X",
    "*",
    "3 *",
    ";",
    ";",
    ";",
    ";",
    ",",
    "{",
    "}",
    "{ }",
    "{ relu }",
    "=",
    "->",
    "\"a\"",
    "[1]",
    "#",
    "he",
    "name",
    "cell",
    "cell(64)",
    "19 * cell(3)",
    "repeat 400 { relu }",
    "repeat 1000000 {",
    "as name",
    "tied name",
    "tap name",
    "add name",
    "from \"a.{}\"",
    "from \"{1..}\"",
    "from \"{0,2}\"",
    "from",
];

/// Every word of the language, and the punctuation between words.
fn vocabulary() -> Vec<&'static str> {
    let options = words().flat_map(|word| word.options).map(|option| option.name);
    let shared = SHARED.iter().map(|option| option.name);
    let structure = STRUCTURE.iter().map(|word| word.name);
    let words = words().map(|word| word.name);
    words.chain(options).chain(shared).chain(structure).chain(stages()).chain(OTHER).collect()
}

/// One or two stages with each word, each of which is valid for some input shape.
fn stages() -> Vec<&'static str> {
    words().flat_map(|word| word.examples).map(|example| example.stage).collect()
}

fn check(source: &str) {
    let root: TokenStream = "::netwright".parse().expect("a path");
    for audience in [Audience::Rustc, Audience::Editor] {
        let compiled = compile(source, &root, &|_| Span::call_site(), audience);
        for diagnostic in &compiled.diagnostics {
            assert!(source.get(diagnostic.span.range()).is_some(), "{source:?}\n{diagnostic:?}");
            assert!(!diagnostic.message.is_empty(), "{source:?}");
        }
        assert!(!compiled.diagnostics.is_empty() || !compiled.tokens.is_empty(), "{source:?}");
        assert!(!compiled.diagnostics.is_empty() || compiled.mistaken.is_empty(), "{source:?}");
        for tokens in [compiled.tokens, compiled.words] {
            let items = syn::parse2::<syn::File>(tokens);
            assert!(items.is_ok(), "{source:?}: {}", items.err().map_or(String::new(), |error| error.to_string()));
        }
    }
}

#[test]
fn what_is_valid_has_no_mistake() {
    for source in VALID {
        let compiled = compile(source, &TokenStream::new(), &|_| Span::call_site(), Audience::Rustc);
        assert_eq!(compiled.diagnostics, [], "{source}");
        check(source);
    }
}

#[test]
fn deep_networks_are_compiled() {
    for (input, times, stage) in [
        ("3", 3000, "relu"),
        ("3", 1000, "dense 3"),
        ("3", 400, "residual { dense 3 }"),
        ("1x1x3", 400, "conv 1x1x3 bn relu"),
    ] {
        let source = format!("N({input}) {{ repeat {times} {{ {stage} }} }}");
        let compiled = compile(&source, &TokenStream::new(), &|_| Span::call_site(), Audience::Rustc);
        assert_eq!(compiled.diagnostics, [], "{source}");
    }
}

/// Short texts for enormous or infinite networks.
#[test]
fn networks_that_unfold_without_bound_are_refused() {
    let nested = |times: &str| format!("N(3) {{ {}relu{} }}", format!("repeat {times} {{").repeat(20), "}".repeat(20));
    let doubling: String = (0..60).map(|level| format!("block b{level}() {{ b{0}(); b{0}() }} ", level + 1)).collect();
    let chain: String = (0..1000).map(|level| format!("block c{level}() {{ c{}() }} ", level + 1)).collect();
    for source in [
        nested("10"),
        nested("20000"),
        nested("1e18"),
        "N(3) { repeat 20000 { repeat 20000 { } } }".to_owned(),
        format!("{doubling} block b60() {{ }} N(3) {{ b0(); dense 2 }}"),
        format!("{doubling} block b60() {{ relu }} N(3) {{ b0(); dense 2 }}"),
        format!("{chain} N(3) {{ c0() }}"),
        "N(2147483648) { dense 2147483648 }".to_owned(),
        "N(65536x32768x1) { conv 65536x32768x2 same; flatten; dense 2 }".to_owned(),
        "N(3x3x3) { conv 3x3x3 pad 2147483648 }".to_owned(),
        "N(1x1x1) { upsample 2147483648; upsample 2147483648 }".to_owned(),
        "N(1x1x1) { zeropad 2147483648; crop 2147483648 }".to_owned(),
    ] {
        let compiled = compile(&source, &TokenStream::new(), &|_| Span::call_site(), Audience::Rustc);
        assert!(!compiled.diagnostics.is_empty(), "{}", &source[..source.len().min(200)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        check(&text);
        check(&format!("N(8x8x2) {{ {text} }}"));
    }

    #[test]
    fn any_words(
        words in prop::collection::vec(prop::sample::select(vocabulary()), 0..24),
        input in prop::sample::select(&["8x8x2", "12", "64x64x3", "0", "2147483648", "width", "3x3"][..]),
    ) {
        let words = words.join(" ");
        check(&format!("N({input}) {{ {words} }}"));
        check(&format!("block cell(width, stride = 1) {{ {words} }} N({input}) {{ cell(3); {words} }}"));
    }

    /// Well-formed stages in any order: their shapes often do not fit.
    #[test]
    fn any_stages(stages in prop::collection::vec(prop::sample::select(stages()), 0..8)) {
        check(&format!("N(8x8x4) {{ {} }}", stages.join("; ")));
    }

    /// Random deletions, repetitions, swaps and insertions of words.
    #[test]
    fn mutations(
        text in prop::sample::select(&VALID[..]),
        edits in prop::collection::vec((0..4, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
    ) {
        let vocabulary = vocabulary();
        let mut words: Vec<&str> = text.split_inclusive([' ', ';', '(', ')', 'x']).collect();
        for (edit, first, second) in edits {
            if words.is_empty() {
                break;
            }
            let (at, other) = (first.index(words.len()), second.index(words.len()));
            match edit {
                0 => drop(words.remove(at)),
                1 => words.insert(at, words[other]),
                2 => words.swap(at, other),
                _ => words.insert(at, vocabulary[second.index(vocabulary.len())]),
            }
        }
        check(&words.concat());
    }
}
