//! The parse of unusual character sequences.

mod outline;

use outline::stages;

/// Asserts the outline of one stage.
#[track_caller]
fn reads(source: &str, outline: &str) {
    assert_eq!(stages(source), format!("{outline};"), "{source}");
}

#[test]
fn numbers() {
    for (source, outline) in [
        ("2", "[2]"),
        ("0.5", "[0.5]"),
        ("1.", "[1.]"),
        ("1_000", "[1_000]"),
        ("1e-3", "[1e-3]"),
        ("1E+3", "[1E+3]"),
        ("2.5e10", "[2.5e10]"),
        ("5x5x6", "[5 5 6]"),
        ("28x28x1", "[28 28 1]"),
        ("0x5x6", "[0 5 6]"),
        ("1e3x2", "[1e3 2]"),
        ("3x3x1e-3", "[3 3 1e-3]"),
        ("1.5x2", "[1.5 2]"),
        ("1_000x3", "[1_000 3]"),
        ("1x2x3x4x5", "[1 2 3 4 5]"),
        ("5x 5", "[5 5]"),
    ] {
        reads(source, outline);
    }
}

#[test]
fn negative_numbers() {
    for (source, outline) in [
        ("-3", "[-3]"),
        ("- 3", "[-3]"),
        ("--3", "?-? [-3]"),
        ("3x3x-4", "[3 3 -4]"),
        ("3x3x - 4", "[3 3 -4]"),
        ("-3x2", "[-3 2]"),
        ("3x-(k)", "[3 -k]"),
        ("-", "?-?"),
        ("- relu", "?-? relu"),
        ("-(k)", "?-? (k)"),
    ] {
        reads(source, outline);
    }
}

#[test]
fn numbers_with_expressions() {
    for (source, outline) in [
        ("3x3x(2*width)", "[3 3 <2*width>]"),
        ("3x3x (2*w)", "[3 3 <2*w>]"),
        ("3x3x ( 2 * w ) same", "[3 3 <2*w>] same"),
        ("(k)x(k)x64", "[k k 64]"),
        ("( k ) x ( k ) x64", "[k k 64]"),
        ("(k) x 64", "[k 64]"),
        ("3x(k)x(w)", "[3 k w]"),
        ("3x /* high */ (k)", "[3 k]"),
        ("(k)x-4", "[k -4]"),
        ("((k))x1", "[k 1]"),
        ("(k)", "(k)"),
        ("(k) xavier", "(k) xavier"),
        ("(k)x", "(k) x"),
        ("3x(k)x same", "[3 k] x same"),
        ("(1, 2)x3", "[?1, 2? 3]"),
        ("3x(1, 2)", "[3 ?1, 2?]"),
        ("1x1x(2*) relu", "[1 1 ?2*?] relu"),
        ("1x1x() relu", "[1 1 ?()?] relu"),
        ("1x(in.channels/4)", "[1 <in.channels/4>]"),
        ("(in . width)", "(in.width)"),
    ] {
        reads(source, outline);
    }
}

#[test]
fn words() {
    for (source, outline) in [
        ("conv", "conv"),
        ("leaky_relu _x _", "leaky_relu _x _"),
        ("r#type", "type"),
        ("x5", "x5"),
        ("schräg µ", "schräg µ"),
        ("5 x 5", "[5] x [5]"),
        ("block pub struct", "block pub struct"),
        ("conv5x5", "conv5x5"),
    ] {
        reads(source, outline);
    }
}

#[test]
fn strays() {
    for (source, outline) in [
        ("50%", "?50%?"),
        ("50 %", "[50] ?%?"),
        ("2X2", "?2X2?"),
        ("3px", "?3px?"),
        ("5x5px", "?5x5px?"),
        ("5x", "?5x?"),
        ("5x5x", "?5x5x?"),
        ("5x5x same", "?5x5x? same"),
        ("3x3x-same", "?3x3x-same?"),
        ("0xff", "?0xff?"),
        ("2f32", "?2f32?"),
        (".5", "?.5?"),
        ("-.5", "?-.5?"),
        ("-3px", "?-3px?"),
        ("1..2", "?1..2?"),
        ("3-4", "?3-4?"),
        ("64/2", "?64/2?"),
        ("kernel = 3", "kernel ?=? [3]"),
        ("kernel=3", "kernel ?=? [3]"),
        ("kernel=-3", "kernel ?=? [-3]"),
        ("conv -> relu", "conv ?->? relu"),
        ("5x5x6->relu", "[5 5 6] ?->? relu"),
        ("a => b", "a ?=>? b"),
        ("a::b", "a ?::? b"),
        ("leaky-relu", "leaky ?-? relu"),
        ("conv.same", "conv ?.? same"),
        ("conv .5", "conv ?.5?"),
        ("dense 5 @ relu!", "dense [5] ?@? relu ?!?"),
        ("🦀 conv", "?🦀? conv"),
        ("[1, {2}]", "?[1, {2}]?"),
        ("#[doc = \"}\"] conv", "?#[doc = \"}\"]? conv"),
        ("'a", "?'? a"),
    ] {
        reads(source, outline);
    }
}

#[test]
fn literals_hide_what_is_in_them() {
    for literal in [
        r#""te}xt""#,
        r#""a \" } b""#,
        r##"r"\""##,
        r###"r#"a " } b"#"###,
        r#"b"}""#,
        r##"br#"}"#"##,
        "'}'",
        r"'\''",
        r"'\u{7d}'",
        "b'{'",
    ] {
        reads(&format!("conv {literal} same"), &format!("conv ?{literal}? same"));
    }
    reads("5r#\"}\"# same", "?5r? ?#? ?\"}\"? ?#? same");
}

#[test]
fn times() {
    reads("2 * name(64)", "[2] * name (64)");
    reads("2*name(64)", "[2] * name (64)");
    reads("(n) * name(64)", "(n) * name (64)");
    reads("2**3", "[2] * * [3]");
}

#[test]
fn parentheses() {
    for (source, outline) in [
        ("()", "()"),
        ("(64, 2)", "(64 2)"),
        ("(64, 2,)", "(64 2)"),
        ("(3, \"a\")", "(3 ?\"a\"?)"),
        ("(kernel_size = 3)", "(kernel_size=3)"),
        ("(kernel_size = 3 , 4)", "(kernel_size=3 4)"),
        ("(a = -b*(2) )", "(a=<-b*2>)"),
        ("(kernel_size: 3)", "(?kernel_size: 3?)"),
        ("(a = b = 3)", "(?a = b = 3?)"),
        ("(1,,2)", "(1 ?,? 2)"),
        ("(,)", "(?,?)"),
        ("(a; b)", "(?a; b?)"),
        ("({ conv 3 })", "(?{ conv 3 }?)"),
        ("(5x5)", "(?5x5?)"),
        ("(3px, .5)", "(?3px? ?.5?)"),
        ("(f(x))", "(?f(x)?)"),
        ("(a b /* and */ )", "(?a b?)"),
        ("(1 +)", "(?1 +?)"),
    ] {
        reads(source, outline);
    }
}

#[test]
fn expressions() {
    for (source, outline) in [
        ("(a+b*c)", "(<a+<b*c>>)"),
        ("(a*b+c)", "(<<a*b>+c>)"),
        ("(a-b-c)", "(<<a-b>-c>)"),
        ("(a/b*c)", "(<<a/b>*c>)"),
        ("((a+b)*c)", "(<<a+b>*c>)"),
        ("(2-1)", "(<2-1>)"),
        ("(a -1)", "(<a-1>)"),
        ("(-a*b)", "(<-a*b>)"),
        ("(a - -b)", "(<a--b>)"),
        ("(2*-(a+1))", "(<2*-<a+1>>)"),
        ("(a // half\n / 2)", "(<a/2>)"),
        ("(r#type)", "(type)"),
    ] {
        reads(source, outline);
    }
}

#[test]
fn stages_and_separators() {
    assert_eq!(stages(""), "");
    assert_eq!(stages(";;"), "");
    assert_eq!(stages("a;; b;"), "a; b;");
    assert_eq!(stages("a, b; c,"), "a, b; c,");
    assert_eq!(stages("add { a; b } { } relu"), "add {a; b;} {} relu;");
    assert_eq!(stages("a // , ;\n b /* } /* nested */ */ c"), "a b c;");
}
