//! Every construct of the language, and the spans of its parts.

mod outline;
#[path = "../../tests/support/resnet50.rs"]
mod resnet50;

use netwright_grammar::{AtomKind, ExpressionKind, Item, Network, Separator, Span};
use outline::{items, read_flawless, stages};
use resnet50::resnet50;

fn network(source: &str) -> Network {
    match read_flawless(source).items.pop() {
        Some(Item::Network(network)) => network,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_blocks_and_the_network_of_resnet50() {
    let conv =
        |form: &str, name: &str| format!("conv {form} from ?\"{name}conv\"? bn eps [1.001e-5] from ?\"{name}bn\"?");
    let inside = format!("{} relu; {};", conv("[3 3 width] same", "2_"), conv("[1 1 <4*width>]", "3_"));
    let beside = conv("[1 1 <4*width>] stride (stride)", "0_");
    let [first, same] = ["[1 1 width] stride (stride)", "[1 1 width]"].map(|form| conv(form, "1_"));
    let start = conv("[7 7 64] stride [2] pad [3]", "conv1_");
    assert_eq!(
        items(&read_flawless(resnet50())),
        [
            format!("block bottleneck(width stride) {{ add {{{beside};}} {{{first} relu; {inside}}} relu; }}"),
            format!("block identity(width) {{ residual {{{same} relu; {inside}}} relu; }}"),
            format!(
                "ResNet50([224 224 3]) {{ {start} relu; maxpool [3] stride [2] pad [1]; \
                 bottleneck (64 1) from ?\"conv2_block1_\"?; [2] * identity (64) from ?\"conv2_block{{2..}}_\"?; \
                 bottleneck (128 2) from ?\"conv3_block1_\"?; [3] * identity (128) from ?\"conv3_block{{2..}}_\"?; \
                 bottleneck (256 2) from ?\"conv4_block1_\"?; [5] * identity (256) from ?\"conv4_block{{2..}}_\"?; \
                 bottleneck (512 2) from ?\"conv5_block1_\"?; [2] * identity (512) from ?\"conv5_block{{2..}}_\"?; \
                 globalavgpool; softmax [1000] from ?\"predictions\"?; }}"
            ),
        ]
    );
}

/// The text as a macro sees it: without line breaks, and with spaces between tokens.
#[test]
fn spaces_between_tokens_change_nothing() {
    let without_documentation = resnet50().lines().filter(|line| !line.trim_start().starts_with("///"));
    let text = without_documentation.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    // Every second part is in quotation marks: a single token.
    let parts = text.split('"').enumerate().map(|(index, part)| {
        let tokens = if index % 2 == 0 { ["(", ")", "{", "}", ";", ",", "*"].as_slice() } else { &[] };
        tokens.iter().fold(part.to_owned(), |part, token| part.replace(token, &format!(" {token} ")))
    });
    let spaced = parts.collect::<Vec<_>>().join("\"");
    assert_eq!(items(&read_flawless(&spaced)), items(&read_flawless(resnet50())));
}

#[test]
fn every_stage_of_the_language() {
    for (source, outline) in [
        (
            "conv 5x5x6 stride 2x1 same pad 1x2 dilate 2 groups 32 nobias",
            "conv [5 5 6] stride [2 1] same pad [1 2] dilate [2] groups [32] nobias;",
        ),
        (
            "dwconv 3x3 multiplier 2; sepconv 3x3x64; deconv 2x2x64",
            "dwconv [3 3] multiplier [2]; sepconv [3 3 64]; deconv [2 2 64];",
        ),
        (
            "maxpool 3; avgpool 2; globalavgpool; globalmaxpool",
            "maxpool [3]; avgpool [2]; globalavgpool; globalmaxpool;",
        ),
        ("dense 120 tanh; softmax 10; softmax", "dense [120] tanh; softmax [10]; softmax;"),
        ("bn eps 0.001 momentum 0.99 noscale; dropout 0.5", "bn eps [0.001] momentum [0.99] noscale; dropout [0.5];"),
        (
            "leaky_relu 0.001; reshape 7x7x16; zeropad 3; scale 0.17",
            "leaky_relu [0.001]; reshape [7 7 16]; zeropad [3]; scale [0.17];",
        ),
        ("concat { a } { b; c } { }; mul { a } { }", "concat {a;} {b; c;} {}; mul {a;} {};"),
        ("tap skip; add skip; concat skip", "tap skip; add skip; concat skip;"),
        (
            "repeat 3 { conv 3x3x8 same }; cell(64, 2); 3 * cell(64)",
            "repeat [3] {conv [3 3 8] same;}; cell (64 2); [3] * cell (64);",
        ),
        ("dense 32 as encode; dense 784 tied encode", "dense [32] as encode; dense [784] tied encode;"),
        ("dense 10 init normal 0.01", "dense [10] init normal [0.01];"),
    ] {
        assert_eq!(stages(source), outline);
    }
}

#[test]
fn blocks() {
    let source = "block cell(width, stride = 2 * 2,) { conv 1x1x(width) } block empty() { } N(8) { cell(4); cell(2, stride = (1 + 1) ) }";
    let file = read_flawless(source);
    assert_eq!(
        items(&file),
        [
            "block cell(width stride=<2*2>) { conv [1 1 width]; }",
            "block empty() {  }",
            "N([8]) { cell (4); cell (2 stride=<1+1>); }"
        ]
    );
    let [Item::Block(cell), ..] = file.items.as_slice() else { panic!("{file:?}") };
    assert_eq!(&source[cell.header.range()], "block cell(width, stride = 2 * 2,)");
    assert_eq!(&source[cell.body.span.range()], "{ conv 1x1x(width) }");
    assert_eq!(&source[cell.parameters[1].name.span.range()], "stride");
    // Documentation on a block is allowed.
    assert_eq!(items(&read_flawless("#[doc = \"A } cell.\"] block a() { b } N(1) { a() }")).len(), 2);
}

#[test]
fn attributes_and_visibility() {
    let source = r####"#[doc = r##"LeNet-5 "quoted" } { "##] #[derive(Clone, Copy)] #[doc = "a \" ) b"] pub(in a::b) N(1) { }"####;
    let network = network(source);
    let attributes: Vec<_> = network.attributes.iter().map(|span| &source[span.range()]).collect();
    assert_eq!(
        attributes,
        [r###"#[doc = r##"LeNet-5 "quoted" } { "##]"###, "#[derive(Clone, Copy)]", r#"#[doc = "a \" ) b"]"#]
    );
    assert_eq!(network.visibility.map(|span| &source[span.range()]), Some("pub(in a::b)"));
}

#[test]
fn visibilities() {
    for visibility in ["pub", "pub(crate)", "pub(super)", "pub(self)", "pub (crate)", "pub(in crate :: net)"] {
        let source = format!("{visibility} N(1) {{ }}");
        assert_eq!(network(&source).visibility.map(|span| &source[span.range()]), Some(visibility));
    }
    assert_eq!(network("public(1) { }").visibility, None);
}

#[test]
fn shapes() {
    for (source, input) in [
        ("N(28x28x1) { }", Some("[28 28 1]")),
        ("N(784) { }", Some("[784]")),
        ("N { }", None),
        ("N() { }", Some("")),
        ("N(28, 28; 1) { }", Some("[28] ?,? [28] ?;? [1]")),
        ("N(28 by 28) { }", Some("[28] by [28]")),
        ("N((28)x(28)x1) { }", Some("[28 28 1]")),
    ] {
        let network = network(source);
        assert_eq!(network.input.as_deref().map(outline::atoms).as_deref(), input, "{source}");
    }
    assert_eq!(network("r#type(1) { }").name.text, "type");
}

#[test]
fn places_are_exact() {
    let source = "/* ä */ pub LeNet5 (28x28x1) {\n  conv 5x5x( 2 * (w+1) ) same , // relu\n  -3 ;\n  add { } {}\n}";
    let network = network(source);
    let at = |span: Span| &source[span.range()];
    assert_eq!(at(network.name.span), "LeNet5");
    assert_eq!(at(network.header), "LeNet5 (28x28x1)");
    assert_eq!(at(network.input.as_ref().expect("a shape")[0].span), "28x28x1");
    assert!(at(network.body.span).starts_with("{\n") && network.body.span.end == source.len());
    let [conv, minus, add] = network.body.stages.as_slice() else { panic!("{network:?}") };
    assert_eq!(at(conv.span), "conv 5x5x( 2 * (w+1) ) same");
    let Separator::Comma(comma) = conv.separator else { panic!("{conv:?}") };
    assert_eq!(at(comma), ",");
    assert_eq!(at(conv.atoms[1].span), "5x5x( 2 * (w+1) )");
    let AtomKind::Numbers(numbers) = &conv.atoms[1].kind else { panic!("{conv:?}") };
    assert_eq!(at(numbers[1].span), "5");
    assert_eq!(at(numbers[2].span), "2 * (w+1)");
    let ExpressionKind::Binary(_, two, sum) = &numbers[2].kind else { panic!("{conv:?}") };
    assert_eq!((at(two.span), at(sum.span)), ("2", "w+1"));
    assert_eq!((at(minus.span), minus.separator), ("-3", Separator::Proper));
    assert_eq!(at(add.span), "add { } {}");
    assert_eq!(at(add.atoms[1].span), "{ }");
}

#[test]
fn places_of_strays_hold_no_space() {
    let source = "N(1) { f( a = 1 /* b */ , (a+b) * c ) 50% }";
    let network = network(source);
    let [_, list, stray] = network.body.stages[0].atoms.as_slice() else { panic!("{network:?}") };
    let AtomKind::Parentheses(entries) = &list.kind else { panic!("{list:?}") };
    assert_eq!(&source[entries[0].span.range()], "a = 1");
    assert_eq!(&source[entries[1].span.range()], "(a+b) * c");
    assert_eq!(&source[stray.span.range()], "50%");
}
