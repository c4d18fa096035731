//! Errors outside of bodies: one diagnostic for each, and parsing continues.

mod outline;

use netwright_grammar::{MAX_REPORTS, MAX_SOURCE_BYTES};
use outline::{items, read};

/// Asserts the spans and parts of the diagnostics of `source`, and the items that are still parsed.
#[track_caller]
fn reports(source: &str, expected: &[(&str, &str)], names: &[&str]) {
    let (file, diagnostics) = read(source);
    let found: Vec<_> = diagnostics.iter().map(|found| (&source[found.span.range()], found.message.as_str())).collect();
    assert_eq!(found.len(), expected.len(), "{source}\n{found:#?}");
    for ((place, message), (words, part)) in found.iter().zip(expected) {
        assert_eq!(place, words, "{source}\n{message}");
        assert!(message.contains(part), "{source}\n{message}");
    }
    let headers: Vec<_> = items(&file).iter().map(|item| item.split(" {").next().unwrap_or("").to_owned()).collect();
    assert_eq!(headers, names, "{source}");
}

#[test]
fn nothing() {
    for source in ["", " \n", "// nothing\n"] {
        reports(source, &[(source, "a network is missing")], &[]);
    }
    let (_, diagnostics) = read("");
    assert!(diagnostics[0].help.as_deref().is_some_and(|help| help.contains("LeNet5(28x28x1) {")));
    let blocks = "block a() { b }";
    reports(blocks, &[(blocks, "there are only blocks")], &["block a()"]);
}

#[test]
fn two_mistakes_in_two_items() {
    reports(
        "struct Foo; A(1) { b } block (w) { c } B(2) { d }",
        &[("struct", "neither a block nor a network"), ("block (w)", "has no name")],
        &["A([1])", "B([2])"],
    );
}

#[test]
fn rust_items() {
    reports("struct Foo; N(1) { }", &[("struct", "neither")], &["N([1])"]);
    reports("pub struct LeNet5(28x28x1) { conv 3 } N(1) { }", &[("struct", "neither")], &["N([1])"]);
    reports("#[test] fn f(a: u8) -> u8 { a } N(1) { }", &[("fn", "neither")], &["N([1])"]);
    reports("use a::{b, c}; N(1) { }", &[("use", "neither")], &["N([1])"]);
    reports("structure(1) { }", &[], &["structure([1])"]);
}

#[test]
fn surplus_words() {
    reports("network N(1) { a } M(2) { b }", &[("network", "neither")], &["N([1])", "M([2])"]);
    reports("N 28x28x1 { a }", &[("28x28x1", "in parentheses")], &["N([28 28 1])"]);
    reports("N(3) -> 10 { a } M(2) { b }", &[("-> 10", "between the input shape")], &["N([3])", "M([2])"]);
    reports("N [3, 3, 1] { a } M(2) { b }", &[("[3, 3, 1]", "in parentheses")], &["M([2])"]);
    reports("N {3} { a } M(2) { b }", &[("{ a }", "name is missing")], &["N", "M([2])"]);
    reports("N(1) { a }; M(2) { b } ;;", &[(";", "no `;`"), (";;", "no `;`")], &["N([1])", "M([2])"]);
}

#[test]
fn missing_parts() {
    reports("N(1) M(2) { b }", &[("N(1)", "has no body")], &["M([2])"]);
    reports("pub N(1); M(2) { b }", &[("N(1)", "has no body")], &["M([2])"]);
    reports("N(1)", &[("N(1)", "has no body")], &[]);
    reports("N M(2) { b }", &[("N", "neither")], &["M([2])"]);
    reports("{ a } M(2) { b }", &[("{ a }", "name is missing")], &["M([2])"]);
    reports("pub (3) { a } M(2) { b }", &[("(3)", "name is missing")], &["M([2])"]);
    reports("M(2) { b } #[doc = \"x\"]", &[("#[doc = \"x\"]", "before nothing")], &["M([2])"]);
    reports("conv 3x3x6; dense 3", &[("conv 3x3x6", "neither"), ("dense 3", "neither")], &[]);
}

#[test]
fn blocks() {
    reports("block { a } M(2) { b }", &[("block", "has no name")], &["M([2])"]);
    reports("block a { a } M(2) { b }", &[("block a", "no parentheses")], &["block a()", "M([2])"]);
    reports("block a(w) M(2) { b }", &[("block a(w)", "has no body")], &["M([2])"]);
    reports("block a(w); M(2) { b }", &[("block a(w)", "has no body")], &["M([2])"]);
    reports("block M(2) { b }", &[("2", "is no parameter")], &["block M()"]);
    reports("block", &[("block", "has no name")], &[]);
    reports("pub(crate) block a() { b } N(1) { }", &[("pub(crate)", "visibility")], &["block a()", "N([1])"]);
    reports("block a(w) => { b } N(1) { }", &[("=>", "after the parameters")], &["block a(w)", "N([1])"]);
    reports(
        "block a(w: usize, 3, s = ,, t = \"x\") { b } N(1) { }",
        &[("w: usize", "no parameter"), ("3", "no par"), ("s =", "no par"), (",", "no par"), ("t = \"x\"", "no par")],
        &["block a(w s t)", "N([1])"],
    );
}

#[test]
fn inner_attributes() {
    reports("#![allow(x)] #[doc = \"n\"] N(1) { }", &[("#![allow(x)]", "inner attribute")], &["N([1])"]);
}

#[test]
fn commas_without_a_stage() {
    reports("N(1) { , a; , b,, c }", &[(",", "belongs"), (",", "belongs"), (",", "belongs")], &["N([1])"]);
}

#[test]
fn unpaired_delimiters() {
    reports("N(1) { a", &[("{", "never closed")], &[]);
    reports("N(1) { a ) }", &[(")", "`}` belongs")], &[]);
    reports("N(1) { a } }", &[("}", "closes nothing")], &[]);
    reports("N(1) { \"a }", &[("\"", "no end")], &[]);
    reports("N(1) { r#\"a\" }", &[("r", "no end")], &[]);
    reports("N(1) { /* a }", &[("/*", "no end")], &[]);
}

#[test]
fn limits_are_named() {
    let long = " ".repeat(MAX_SOURCE_BYTES + 1);
    let operators = format!("N(1) {{ a({}1) }}", "1+".repeat(65));
    let minuses = format!("N(1) {{ a({}1) }}", "-".repeat(100_000));
    for (source, bound) in [
        (long.as_str(), "1048576 (1 MiB)"),
        (&"(".repeat(100_000), "at most 64"),
        (&"{".repeat(100_000), "at most 64"),
        (&"N(1) { a ".repeat(100_000), "at most 64"),
        (&"/*".repeat(100_000), "at most 64 comments"),
        (&operators, "at most 64 operators"),
        (&minuses, "at most 64 operators"),
    ] {
        let (file, diagnostics) = read(source);
        assert!(file.items.is_empty());
        assert_eq!(diagnostics.len(), 1);
        assert!(diagnostics[0].message.contains(bound), "{}", diagnostics[0].message);
    }
}

#[test]
fn texts_within_the_limits_are_read() {
    let deep = format!("N(1) {{ a {}1{} }}", "(".repeat(63), ")".repeat(63));
    let braces = format!("N(1) {{ {} {} }}", "a {".repeat(63), "}".repeat(63));
    let operators = format!("N(1) {{ a({0}1, {0}1) b({0}1) {1} 1 }}", "1+".repeat(64), "- ".repeat(1000));
    for source in [&deep, &braces, &operators] {
        reports(source, &[], &["N([1])"]);
    }
}

/// Time is linear in the length of the text, and the number of reports is bounded.
#[test]
fn long_texts() {
    let size = 1 << 14;
    let repeated = |part: &str| part.repeat(size / part.len());
    let (file, diagnostics) = read(&format!("N(1) {{ {} }}", repeated("conv 3x3x(w) same; ")));
    assert_eq!((file.items.len(), diagnostics.len()), (1, 0));
    for part in ["a; ", "# ", "a ", "N(1) ", "block ", "pub ", "{}", "block a(,", "; a", "N(1) { , } "] {
        let source = repeated(part);
        let (_, diagnostics) = read(&source);
        assert!((1..=MAX_REPORTS).contains(&diagnostics.len()), "{part}: {}", diagnostics.len());
    }
}

#[test]
fn stages_without_braces_are_one_mistake() {
    reports("N(1) conv 3x3x6 relu; dense 3; softmax 2", &[("N(1)", "has no body")], &[]);
}

/// An unreadable network still has a name, so that its uses are resolved.
#[test]
fn names_of_unreadable_networks() {
    for (source, names) in [
        ("pub struct A(2) { b } fn f() {} N(1) { a }", &["A"][..]),
        ("A(1) conv 3; B(2) -> 3; C(3) { a }", &["A", "B"]),
        ("A [3] { a }", &["A"]),
        ("#[doc = \"{\"] A(1) { a(1)) } /* B { */ block c() { d } pub D(2) { e }", &["A", "D"]),
    ] {
        let (file, _) = read(source);
        let found: Vec<_> = file.unreadable.iter().map(|name| name.text.as_str()).collect();
        assert_eq!(found, names, "{source}");
        file.unreadable.iter().for_each(|name| assert_eq!(&source[name.span.range()], name.text));
    }
    let (file, _) = read("block cell(width); N(1) { cell(2) }");
    assert_eq!((file.items.len(), file.unreadable_blocks[0].name.text.as_str()), (1, "cell"));
}
