//! Branches, blocks, taps and repeats: shapes, counts, rows.

#[path = "../../tests/support/resnet50.rs"]
mod resnet50;
mod support;

use netwright_compiler::graph::{Init, LayerId};
use resnet50::resnet50;
use support::{graph, lowered, mistake, output, output_of, says};

fn rows(blocks: &str, input: &str, body: &str) -> Vec<String> {
    graph(blocks, input, body).layers.iter().map(|layer| layer.name.clone()).collect()
}

#[test]
fn resnet50_has_the_parameters_of_the_lecture() {
    let graph = lowered(resnet50()).expect("it is sound");
    assert_eq!((graph.count(true), graph.count(false)), (25_583_592, 53_120));
    assert_eq!(graph.shape(graph.output).to_string(), "1000");
    let macs: u64 = graph.nodes.iter().map(|node| graph.macs(node)).sum();
    assert_eq!(macs, 3_857_973_248);
    assert_eq!(graph.depth, 167);
    let names: Vec<&str> = graph.layers.iter().map(|layer| layer.name.as_str()).collect();
    for name in ["bottleneck1.add1", "bottleneck4.conv4", "identity12.batchnorm3", "identity12.add1", "softmax1"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[test]
fn he_initialisation_sees_a_rectifier_through_normalisation_and_sums() {
    let graph = netwright_compiler::passes::initial_weights(lowered(resnet50()).expect("it is sound"));
    let init = |layer: &str| {
        let tensor = graph.tensors.iter().find(|tensor| graph.layers[tensor.layer.0].name == layer);
        tensor.and_then(|tensor| tensor.init)
    };
    for layer in ["conv1", "identity1.conv3", "bottleneck2.conv4"] {
        assert_eq!(init(layer), Some(Init::HeNormal), "{layer}");
    }
    assert_eq!(init("softmax1"), Some(Init::LecunNormal));
}

#[test]
fn init_is_for_the_latest_layer_with_weights() {
    let init = |body: &str| graph("", "8x8x4", body).tensors[0].init;
    for stage in
        ["conv 3x3x4 bn relu init orthogonal", "softmax 3 init orthogonal", "dense 3 dropout 0.5 init orthogonal"]
    {
        assert_eq!(init(stage), Some(Init::Orthogonal), "{stage}");
    }
}

#[test]
fn depth_counts_the_words_of_the_longest_path() {
    let depth = |input: &str, body: &str| graph("", input, body).depth;
    assert_eq!(depth("8x8x3", "conv 3x3x4 relu"), 3);
    assert_eq!(
        depth("8x8x3", "sepconv 3x3x4; globalavgpool; softmax 10"),
        4,
        "words, however many operations they take"
    );
    assert_eq!(depth("8x8x3", "add { conv 3x3x3 same bn tanh } { }"), 5);
    assert_eq!(depth("8x8x3", "tap a; conv 3x3x3 same; mul a a; flatten"), 4);
}

#[test]
fn branches_meet_in_their_shapes() {
    assert_eq!(output("8x8x3", "add { conv 3x3x4 same } { conv 1x1x4 } { dwconv 3x3 same; conv 1x1x4 }"), "8x8x4");
    assert_eq!(output("8x8x3", "concat { conv 3x3x4 same } { } { maxpool 3 stride 1 same; conv 1x1x5 }"), "8x8x12");
    assert_eq!(output("7", "concat { dense 3 } { dense 4 tanh }"), "7");
    assert_eq!(output("8x8x6", "mul { } { globalavgpool; dense 6 sigmoid }"), "8x8x6");
    for (input, shape) in [("8x8x6", "8x8x6"), ("1x1x6", "1x1x6"), ("2x1x6", "2x1x6")] {
        for order in [
            "{ globalavgpool } { } { globalmaxpool }",
            "{ } { globalavgpool } { }",
            "{ flatten; dense 6 } { globalmaxpool } { }",
        ] {
            assert_eq!(output(input, &format!("mul {order}; conv 1x1x6")), shape, "{order}");
        }
    }
    assert_eq!(output("1x1x4", "mul { } { globalavgpool; dense 4 sigmoid }; conv 1x1x2"), "1x1x2");
    assert_eq!(output("1x1x4", "mul { conv 1x1x4 } { }"), "1x1x4");
    assert_eq!(output("4", "mul { dense 4 } { }"), "4");
    assert_eq!(output("9", "residual { dense 4 relu; dense 9 } relu"), "9");
    assert_eq!(output("8x8x6", "residual { residual { residual { } } }"), "8x8x6");
    assert_eq!(output("8x8x2", "tap a; conv 3x3x5 same; tap b; conv 3x3x2 same; concat a b relu"), "8x8x9");
    assert_eq!(output("8x8x2", "tap a; concat { conv 1x1x3 } { } a as joined relu"), "8x8x7");
}

#[test]
fn layers_infer_their_shapes() {
    for (input, stage, shape) in [
        ("9x8x3", "dwconv 3x3 multiplier 2 stride 2 same", "5x4x6"),
        ("9x8x3", "dwconv 3", "7x6x3"),
        ("9x8x3", "sepconv 3x3x7 pad 1", "9x8x7"),
        ("5x4x3", "deconv 2x2x6 stride 2", "10x8x6"),
        ("5x4x3", "deconv 3x3x6 stride 2", "11x9x6"),
        ("5x4x3", "deconv 3x3x6 stride 2 same", "10x8x6"),
        ("5x4x3", "deconv 3x3x6 stride 2 pad 1", "9x7x6"),
        ("5x4x3", "deconv 2x2x6 stride 3 same", "15x12x6"),
        ("5x4x3", "globalavgpool", "3"),
        ("5x4x3", "globalmaxpool", "3"),
        ("5x4x3", "bn relu", "5x4x3"),
        ("5x4x3", "layernorm lrn scale 0.5", "5x4x3"),
        ("5x4x3", "zeropad 1x2x0x3", "8x7x3"),
        ("5x4x3", "crop 1", "3x2x3"),
        ("5x4x3", "upsample 2x3", "10x12x3"),
        ("5x4x3", "reshape 2x5x6", "2x5x6"),
        ("5x4x3", "reshape 60", "60"),
        ("5x4x3", "subsample 2", "2x2x3"),
        ("5x4x3", "distance 4", "4"),
        ("5x4x3", "conv 2x2x2 connect (0, 2) (1)", "4x3x2"),
    ] {
        assert_eq!(output(input, stage), shape, "{stage}");
    }
}

#[test]
fn any_stage_is_repeated_with_all_its_words() {
    let cell = "block cell(width) { conv 1x1x(width) bn } ";
    for (body, rows) in [
        ("3 * conv 3x3x8 same relu", 3),
        ("2 * residual { conv 3x3x4 same; relu } relu", 6),
        ("2 * { conv 3x3x4 same; bn relu }", 4),
        ("(1+1) * { dropout 0.5 } relu", 2),
        ("2 * cell(4) relu", 6),
        ("2 * repeat 2 { relu }", 4),
        ("2 * maxpool 2", 2),
    ] {
        let blocks = if body.contains("cell") { cell } else { "" };
        assert_eq!(graph(blocks, "8x8x4", body).layers.len(), rows, "{body}");
    }
}

#[test]
fn the_sizes_of_what_comes_in_are_numbers_in_a_block() {
    let squeeze = "block squeeze(ratio = in.channels/4) { mul { } { globalavgpool; dense (ratio) relu; dense (in.channels) sigmoid } }
        block whole() { avgpool (in.height)x(in.width); flatten; dense (2*in.channels) } ";
    let graph = graph(squeeze, "6x4x8", "squeeze(); conv 1x1x16; squeeze(); squeeze(ratio = in.channels); whole()");
    let texts: Vec<&str> =
        graph.layers.iter().map(|layer| layer.text.as_str()).filter(|text| text.starts_with("dense")).collect();
    // At the call and outside of blocks, `in` is the network's own input.
    assert_eq!(
        texts,
        [
            "dense 2 relu",
            "dense 8 sigmoid",
            "dense 4 relu",
            "dense 16 sigmoid",
            "dense 8 relu",
            "dense 16 sigmoid",
            "dense 32"
        ]
    );
    assert_eq!(output("9", "dense (3*in.features)"), "27");
}

#[test]
fn the_text_of_a_layer_holds_all_its_words_and_no_others() {
    let block = "block two(width, start) { dense (width) init normal (start) bias (start/2); dense (width) as first; dense 8 init he_uniform bias 0.1 tanh; dense (width) relu tied first nobias } ";
    let graph = graph(block, "8x8x4", "conv 3x3x4 relu stride 2 init he; two(8, 0.5)");
    let texts: Vec<&str> = graph.layers.iter().map(|layer| layer.text.as_str()).collect();
    assert_eq!(texts[0], "conv 3x3x4 stride 2 init he relu");
    assert_eq!(texts[1], "dense 8 init normal 0.5 bias 0.25");
    assert_eq!(texts[3], "dense 8 init he_uniform bias 0.1 tanh");
    assert_eq!(texts[4], "dense 8 tied first nobias relu");
}

#[test]
fn a_series_has_one_axis_in_every_layer() {
    for (input, body, shape) in [
        ("128x1", "conv 7x8", "122x8"),
        ("128x1", "conv 7x8 same stride 2 relu; bn; maxpool 2", "32x8"),
        ("128x3", "conv 3x6 groups 3 dilate 2 pad 2x1", "127x6"),
        ("128x2", "avgpool 4", "32x2"),
        ("128x2", "dwconv 5 same multiplier 2; sepconv 3x7", "126x7"),
        ("16x2", "deconv 2x3 stride 2", "32x3"),
        ("16x2", "upsample 3; zeropad 1x2; crop 3x4; subsample 2", "22x2"),
        ("16x2", "globalavgpool", "2"),
        ("16x2", "flatten", "32"),
        ("16x2", "dense 5", "5"),
        ("32", "reshape 16x2; conv 3x4 same; layernorm prelu lrn dropout 0.5", "16x4"),
        ("16x2", "conv 16x4; reshape 2x2x1; conv 2x2x3", "1x1x3"),
        (
            "16x2",
            "residual { conv 3x2 same }; concat { conv 1x3 } { }; mul { } { globalavgpool; dense 5 sigmoid }; add { } { }",
            "16x5",
        ),
        ("16x2", "tap wide; maxpool 2; upsample 2; concat wide; conv 3x4 same connect (0, 1) (2) (3) (0, 3)", "16x4"),
        ("16x6", "conv 3x(in.channels/2); avgpool (in.length-2)", "1x3"),
    ] {
        assert_eq!(output(input, body), shape, "{body}");
    }
}

#[test]
fn layers_have_their_parameters() {
    for (input, stage, trained, statistics) in [
        ("9x8x3", "dwconv 3x3 multiplier 2", 9 * 6 + 6, 0),
        ("9x8x3", "sepconv 3x3x7", 27 + 21 + 7, 0),
        ("9x8x3", "sepconv 3x3x7 multiplier 2 nobias", 54 + 42, 0),
        ("5x4x3", "deconv 2x2x6 stride 2", 72 + 6, 0),
        ("5x4x3", "bn", 6, 6),
        ("5x4x3", "bn noscale", 3, 6),
        ("5x4x3", "bn noscale nocenter", 0, 6),
        ("5x4x3", "layernorm", 6, 0),
        ("5x4x3", "lrn", 0, 0),
        ("5x4x3", "subsample 2", 6, 0),
        ("5x4x3", "conv 2x2x2 connect (0, 2) (1)", 12 + 2, 0),
    ] {
        let graph = graph("", input, stage);
        assert_eq!((graph.count(true), graph.count(false)), (trained, statistics), "{stage}");
    }
}

#[test]
fn lenet5_of_1998_has_60000_parameters() {
    let table = "(0, 1, 2) (1, 2, 3) (2, 3, 4) (3, 4, 5) (0, 4, 5) (0, 1, 5) (0, 1, 2, 3) (1, 2, 3, 4) (2, 3, 4, 5)
        (0, 3, 4, 5) (0, 1, 4, 5) (0, 1, 2, 5) (0, 1, 3, 4) (1, 2, 4, 5) (0, 2, 3, 5) (0, 1, 2, 3, 4, 5)";
    let body = format!(
        "conv 5x5x6; subsample 2 tanh; conv 5x5x16 connect {table}; subsample 2 tanh; conv 5x5x120 tanh; dense 84 tanh;
         distance 10"
    );
    let graph = graph("", "32x32x1", &body);
    assert_eq!((graph.count(true), graph.count(false)), (60_000, 0));
    let counts: Vec<usize> = (0..graph.layers.len())
        .map(|layer| graph.tensors_of(LayerId(layer)).iter().map(|tensor| tensor.len()).sum())
        .collect();
    assert_eq!(counts, [156, 12, 1_516, 32, 48_120, 10_164, 0]);
}

#[test]
fn rows_are_named_by_word_and_block() {
    let block = "block cell(w) { residual { conv 1x1x(w) as project } bn }";
    assert_eq!(
        rows(block, "4x4x2", "2 * cell(2); concat { } { } as both relu"),
        ["cell1.project", "cell1.add1", "cell1.batchnorm1", "cell2.project", "cell2.add1", "cell2.batchnorm1", "both"],
    );
}

#[test]
fn blocks_have_defaults_expressions_and_blocks_inside() {
    let cell = "block cell(width, stride = 1, out = 2*width) { conv 1x1x(width) stride (stride); conv 1x1x(out) }";
    assert_eq!(output_of(cell, "8x8x3", "cell(5)"), "8x8x10");
    assert_eq!(output_of(cell, "8x8x3", "cell(5, 2, 7)"), "4x4x7");
    let blocks = &format!("{cell} block two(w) {{ cell(w); cell(w + 1, 2) }}");
    assert_eq!(output_of(blocks, "8x8x3", "two(3); repeat 2 { two(3) }"), "1x1x8");
    assert_eq!(rows(blocks, "8x8x3", "two(3)")[2], "two1.cell2.conv1");
}

#[test]
fn taps_end_with_their_braces_and_stay_out_of_blocks() {
    let inside = "repeat 2 { tap a; conv 3x3x2 same; add a }; tap a; residual { conv 1x1x2; add a }";
    assert_eq!(output("4x4x2", inside), "4x4x2");
    let local = "block b() { tap a; conv 1x1x2; add a }";
    assert_eq!(output_of(local, "4x4x2", "tap a; b(); b(); add a"), "4x4x2");
    says(
        mistake("block b() { conv 1x1x2; add a }", "4x4x2", "tap a; b(); add a"),
        "a",
        &["no tap before this stage is called `a`", "a block sees only its own taps", "in the block called as `b()`"],
    );
    says(
        mistake("", "4x4x2", "residual { tap a; add a }; add a"),
        "a",
        &["no tap before this stage is called `a`", "a tap ends with the braces that it stands in"],
    );
}

#[test]
fn a_name_at_the_end_is_that_of_the_branches() {
    for (body, names) in [
        ("add { conv 1x1x4 } { } relu as sum", ["conv1", "sum"].as_slice()),
        ("residual { conv 1x1x4 } as sum relu", &["conv1", "sum"]),
        ("concat { conv 1x1x4 } { } bn relu as both", &["conv1", "both", "batchnorm1"]),
        ("tap a; conv 1x1x4 bn relu as last; mul a sigmoid as gated", &["last", "batchnorm1", "gated"]),
    ] {
        assert_eq!(rows("", "8x8x4", body), names, "{body}");
    }
    let twice = mistake("", "8x8x4", "add { conv 1x1x4 } { } as sum relu as total");
    says(twice, "as total", &["`as` is given twice"]);
    let again = mistake("", "8x8x4", "conv 1x1x4 as sum; residual { conv 1x1x4 } relu as sum");
    says(again, "as sum", &["two layers are called `sum`"]);
}

#[test]
fn nothing_unfolds_without_end() {
    let doubling: String = (1..30).map(|n| format!("block b{n}() {{ b{}(); b{}() }} ", n - 1, n - 1)).collect();
    let found = lowered(&format!("block b0() {{ }} {doubling} Net(4) {{ b29() }}")).expect_err("it is too large");
    assert!(found[0].message.contains("unfolds to more than"), "{found:#?}");
    for body in ["repeat 20000 { repeat 20000 { repeat 20000 { } } }", "repeat 20000 { repeat 20000 { conv 99x99x1 } }"]
    {
        lowered(&format!("Net(4x4x1) {{ {body} }}")).expect_err(body);
    }
    let chain: String = (1..300).map(|n| format!("block c{n}() {{ c{}() }} ", n - 1)).collect();
    let found = lowered(&format!("block c0() {{ relu }} {chain} Net(4) {{ c299() }}")).expect_err("it is too deep");
    assert!(found[0].message.contains("more than 128 deep"), "{found:#?}");
}

#[test]
fn enormous_sizes_are_refused_and_never_overflow() {
    let big = "2000000000";
    for stage in [
        format!("conv {big}x{big}x1 stride {big} pad {big}"),
        format!("dwconv {big}x{big} stride {big} pad {big}"),
        format!("deconv {big}x{big}x{big}"),
        format!("deconv 1x1x1 stride {big} same"),
        format!("subsample 1; upsample {big}"),
        format!("zeropad {big}"),
        format!("dwconv 1x1 multiplier {big}"),
        format!("concat {{ upsample 10000 }} {{ upsample 10000 }}; upsample {big}"),
    ] {
        lowered(&format!("Net(4x4x64) {{ {stage} }}")).expect_err(&stage);
    }
}
