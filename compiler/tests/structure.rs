//! Branches, blocks, taps and repeats: shapes, counts, rows, and what mistakes say.

#[path = "../../tests/support/resnet50.rs"]
mod resnet50;

use netwright_compiler::graph::{Graph, Init, LayerId};
use netwright_compiler::lower::lower;
use netwright_grammar::{Diagnostic, Diagnostics};
use resnet50::resnet50;

fn lowered(source: &str) -> Result<Graph, Vec<Diagnostic>> {
    let mut diagnostics = Diagnostics::default();
    let file = netwright_grammar::parse(source, &mut diagnostics);
    let graph = lower(source, &file, &mut diagnostics).pop().map(|lowered| lowered.graph);
    match (diagnostics.into_sorted(), graph) {
        (none, Some(graph)) if none.is_empty() => Ok(graph),
        (found, _) => Err(found),
    }
}

/// The graph of a body behind an input, with blocks before it.
fn graph(blocks: &str, input: &str, body: &str) -> Graph {
    let source = format!("{blocks} Net({input}) {{ {body} }}");
    let graph = lowered(&source).unwrap_or_else(|found| panic!("{source}\n{found:#?}"));
    netwright_compiler::verify::verify(&graph).expect("the graph holds together");
    graph
}

fn output_of(blocks: &str, input: &str, body: &str) -> String {
    let graph = graph(blocks, input, body);
    graph.shape(graph.output).to_string()
}

fn output(input: &str, body: &str) -> String {
    output_of("", input, body)
}

fn rows(blocks: &str, input: &str, body: &str) -> Vec<String> {
    graph(blocks, input, body).layers.iter().map(|layer| layer.name.clone()).collect()
}

/// The only mistake: the words it stands under, and all that it says.
#[track_caller]
fn mistake(blocks: &str, input: &str, body: &str) -> (String, String) {
    let source = format!("{blocks} Net({input}) {{ {body} }}");
    let found = lowered(&source).expect_err(&source);
    assert_eq!(found.len(), 1, "{source}\n{found:#?}");
    (source[found[0].span.range()].to_owned(), found[0].to_string())
}

#[track_caller]
fn says((at, text): (String, String), place: &str, parts: &[&str]) {
    assert_eq!(at, place, "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
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
fn depth_counts_the_words_of_the_longest_way() {
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
    assert_eq!(output("8x8x6", "mul { avgpool 8 } { } { globalmaxpool }"), "8x8x6");
    assert_eq!(output("9", "residual { dense 4 relu; dense 9 } relu"), "9");
    assert_eq!(output("8x8x6", "residual { residual { residual { } } }"), "8x8x6");
    assert_eq!(output("8x8x2", "tap a; conv 3x3x5 same; tap b; conv 3x3x2 same; concat a b relu"), "8x8x9");
    assert_eq!(output("8x8x2", "tap a; concat { conv 1x1x3 } { } a as joined relu"), "8x8x7");
}

#[test]
fn layers_make_their_shapes() {
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
fn a_block_that_nothing_calls_is_a_mistake() {
    let help = "what stands in a block is checked where it is called";
    says(mistake("block b() { relu }", "4", "dense 3"), "b", &["the block `b` is never called", help]);
    let chain = "block a() { b } block b() { relu }";
    says(mistake(chain, "4", "dense 3"), "a", &["the block `a` is never called"]);
    says(mistake(chain, "4", "b"), "a", &["the block `a` is never called"]);
    says(mistake("block b() { rellu }", "4", "dens 3"), "dens", &["did you mean `dense`?"]);
    let each_other = lowered("block a() { b } block b() { a } Net(4) { dense 3 }").expect_err("neither is called");
    assert_eq!(each_other.len(), 2, "{each_other:#?}");
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
fn branches_that_do_not_meet_name_both_shapes_and_what_would_fit() {
    says(
        mistake("", "28x28x64", "add { conv 3x3x64 same } { conv 1x1x64 stride 2 }"),
        "add",
        &[
            "the first branch is 28x28x64, and the second branch is 14x14x64: the shapes must agree",
            "the second branch: … → conv 14x14x64",
            "help: give the first branch `stride 2`",
        ],
    );
    for (input, body, place, help) in [
        (
            "28x28x64",
            "residual { conv 3x3x128 stride 2 same }",
            "residual",
            "write `add { … } { conv 1x1x128 stride 2 }`, so that what comes in gets the new shape too",
        ),
        (
            "28x28x64",
            "residual { conv 3x3x128 same }",
            "residual",
            "write `add { … } { conv 1x1x128 }`, so that what comes in gets the new shape too",
        ),
        ("28x28x64", "add { conv 3x3x64 same } { conv 1x1x32 } { }", "add", "end the second branch with `conv 1x1x64`"),
        (
            "28x28x8",
            "concat { conv 3x3x8 } { conv 1x1x8 }",
            "concat",
            "add `same` or `pad` to the windows of the first branch",
        ),
        ("28x28x8", "concat { conv 1x1x8 } { globalavgpool }", "concat", "end the first branch with `flatten`"),
        ("28x28x8", "mul { } { globalavgpool; dense 4 }", "mul", "end the second branch with `dense 8`"),
        ("6", "add { dense 4 } { }", "add", "put a branch in the place of the input: `{ dense 4 }`"),
        ("8x8x4", "tap skip; conv 2x2x4 stride 2; add skip", "add", "put `upsample 2` before this stage"),
    ] {
        says(mistake("", input, body), place, &[&format!("help: {help}")]);
    }
    says(
        mistake("", "8x8x4", "tap skip; conv 2x2x4 stride 2; add skip"),
        "add",
        &["what comes in is 4x4x4, and the tap `skip` is 8x8x4"],
    );
}

#[test]
fn a_mistake_in_a_branch_is_told_once() {
    let place = "conv 9x9x4";
    says(mistake("", "8x8x4", "add { conv 9x9x4 } { conv 1x1x5 } relu"), place, &["larger than its 8x8x4 input"]);
    let two = lowered("Net(8x8x4) { add { conv 9x9x4 } { conv 1x1x4; maxpool 9 } }").expect_err("two mistakes");
    assert_eq!(two.len(), 2, "{two:#?}");
}

#[test]
fn the_shapes_in_a_branch_are_those_on_its_own_way() {
    says(
        mistake("", "8x8x4", "concat { conv 3x3x9 } { maxpool 2; conv 5x5x1 }"),
        "conv 5x5x1",
        &["the shapes so far: 8x8x4 → maxpool 4x4x4"],
    );
}

#[test]
fn a_mistake_in_a_block_names_its_place_and_its_call() {
    let blocks = "block inner(k) { conv (k)x(k)x4 } block outer(k) { inner(k + 1) }";
    says(
        mistake(blocks, "8x8x4", "outer(8)"),
        "conv (k)x(k)x4",
        &["the 9x9 window is larger", "in the block called as `inner(9)`, in `outer(8)`"],
    );
    says(
        mistake("block down(s) { residual { conv 1x1x4 stride (s) } }", "8x8x4", "down(1); down(2)"),
        "residual",
        &["in the block called as `down(2)`"],
    );
}

#[test]
fn wrong_calls_are_told_at_their_place() {
    let cell = "block cell(width, stride = 1) { conv 1x1x(width) stride (stride) }";
    says(
        mistake(cell, "8x8x4", "cell()"),
        "cell()",
        &["`cell` takes 1 or 2 arguments, and 0 are given", "block cell(width, stride = 1)"],
    );
    says(mistake(cell, "8x8x4", "cell(1, 2, 3)"), "cell(1, 2, 3)", &["takes 1 or 2 arguments, and 3 are given"]);
    says(mistake(cell, "8x8x4", "cell(stride = 2)"), "cell(stride = 2)", &["`cell` has no value for `width`"]);
    says(mistake(cell, "8x8x4", "cell(1, 2, stride = 3)"), "cell(1, 2, stride = 3)", &["and 3 are given"]);
    says(mistake(cell, "8x8x4", "cell(8, width = 3)"), "width = 3", &["`width` is given twice"]);
    says(mistake(cell, "8x8x4", "cell(stride = 2, 8)"), "8", &["arguments with names stand last"]);
    says(mistake(cell, "8x8x4", "cell(8, strde = 2)"), "strde", &["has no parameter `strde`", "mean `stride`?"]);
    says(mistake(cell, "8x8x4", "cell(8, stride: 2)"), "stride: 2", &["write `stride = 2`"]);
    says(mistake(cell, "8x8x4", "cell(8); dense (w = 2)"), "w = 2", &["only the arguments of a block have names"]);
    for call in ["cell 8", "cell[8]", "cell { 8 }"] {
        says(mistake(cell, "8x8x4", call), call, &["stand in parentheses", "write `cell(8)`"]);
    }
    says(mistake(cell, "8x8x4", "cel(1)"), "cel", &["no block is called `cel`", "did you mean `cell`?"]);
    says(mistake("block a() { a() }", "8x8x4", "a()"), "a", &["the block `a` calls itself", "the calls: a → a"]);
    says(
        mistake("block a() { b() } block b() { residual { a() } }", "8x8x4", "a()"),
        "a",
        &["the block `a` calls itself", "a → b → a"],
    );
    says(mistake("block c(w, w) { conv 1x1x(w) }", "8x8x4", "c(1, 2)"), "w", &["two parameters are called `w`"]);
    says(mistake("block tap() { relu }", "8x8x4", "relu"), "tap", &["`tap` is a word of the language"]);
}

#[test]
fn arithmetic_outside_of_parentheses_is_told_whole() {
    for (stage, written, place, help) in [
        ("conv 3x3x2*w", "", "3x3x2*w", "write `3x3x(2*w)`"),
        ("conv 3x3x(w)/2", "", "3x3x(w)/2", "write `3x3x(w/2)`"),
        ("dense w*2 + 1", "", "w*2 + 1", "write `(w*2+1)`"),
        ("conv 1x1x4 stride w/4 relu", "", "w/4", "write `(w/4)`"),
        ("repeat w { relu }", "", "w", "write `repeat (w) { … }`"),
        ("w * other(4)", "block other(n) { dense (n) }", "w", "write `(w) * cell(64)`"),
    ] {
        let found = mistake(&format!("block cell(w) {{ {stage} }} {written}"), "8x8x4", "cell(8)");
        says(found, place, &[help]);
    }
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
fn what_is_said_of_weights_needs_weights() {
    for (stage, place, part) in [
        ("maxpool 2 init he", "init", "`maxpool` has no weights for `init` to start"),
        ("bn init zeros", "init", "`dense 10 init … batchnorm`"),
        ("conv 1x1x4 as a; maxpool 2 tied a", "tied", "`maxpool` has no weights for `tied` to share"),
        ("dense 4 as a; residual { dense 4 } relu tied a", "tied", "`relu` has no weights"),
        ("subsample 2 init he", "init he", "`subsample` has no weights"),
        ("dense 8 as a; dense 8; dense 8 tied a init he", "init he", "has the weights of another layer"),
        ("dense 8 nobias bias 0.1", "bias 0.1", "because of its `nobias`"),
        ("dense 8; dense 8 tied dense2", "tied dense2", "no layer before this one is called `dense2`"),
    ] {
        // The later `dense 8` is tied to a layer of the same sizes.
        let input = if stage.contains("dense 8") { "8" } else { "8x8x4" };
        says(mistake("", input, stage), place, &[part]);
    }
    let inside = mistake("block b() { dense 8 as code }", "8", "b(); dense 8 tied code");
    says(inside, "tied code", &["`b1.code` is inside of a block", "within one block"]);
    let init = |body: &str| graph("", "8x8x4", body).tensors[0].init;
    for stage in
        ["conv 3x3x4 bn relu init orthogonal", "softmax 3 init orthogonal", "dense 3 dropout 0.5 init orthogonal"]
    {
        assert_eq!(init(stage), Some(Init::Orthogonal), "{stage}");
    }
}

#[test]
fn branches_that_miss_each_other_by_their_padding_are_not_told_to_stride() {
    for (body, help) in [
        (
            "add { conv 3x3x4 } { conv 5x5x4 }",
            "write `same` on the windows of both branches, or `pad` those of the second",
        ),
        ("concat { avgpool 3 stride 4 } { maxpool 3 stride 4 same }", "or `pad` those of the first branch"),
        ("concat { maxpool 2 } { maxpool 2; maxpool 2 }", "give the first branch `stride 2`"),
        ("add { conv 1x1x4 stride 2 } { }", "`{ conv 1x1x4 stride 2 }`"),
    ] {
        says(mistake("", "10x10x4", body), body.split(' ').next().unwrap_or_default(), &[help]);
    }
    let odd = mistake("", "7x9x4", "tap a; conv 3x3x4 stride 2 same; add a");
    says(odd, "add", &["put `upsample 2; crop 0x1x0x1` before this stage"]);
    assert_eq!(output("7x9x4", "tap a; conv 3x3x4 stride 2 same; upsample 2; crop 0x1x0x1; add a"), "7x9x4");
    let commas = mistake("", "8x8x4", "add { conv 1x1x4 }, { conv 1x1x4 }, { } relu; tanh");
    says(commas, ",", &["leave the `,` out"]);
}

#[test]
fn incomplete_joins_say_how_they_are_written() {
    for (body, place, part) in [
        ("add { relu }", "add", "needs two branches or more, and has one"),
        ("concat", "concat", "needs branches in braces, or the name of a tap"),
        ("mul relu", "mul", "needs branches in braces"),
        ("residual conv 1x1x4", "residual", "needs its stages in braces"),
        ("residual { relu } { tanh }", "residual", "takes one branch, not 2"),
        ("repeat { relu }", "repeat", "does not say how often"),
        ("repeat 3 relu", "repeat", "and its stages in braces"),
        ("tap; relu", "tap", "`tap` needs a name"),
        ("tap a relu; add a", "relu", "nothing follows the name of a tap"),
        ("tap relu", "relu", "`relu` is a word of the language"),
        ("tap a; tap a; add a", "a", "a tap is called `a` before"),
        ("tap skip; relu", "skip", "the tap `skip` is never used"),
        ("tap skip; relu; add skpi", "skpi", "did you mean `skip`?"),
        ("relu; add other", "other", "write `tap other` behind the stage"),
        ("conv 1x1x4 as encode; relu; add encode", "encode", "to join its output, write `tap encode` behind it"),
        ("tap a; relu add a", "add", "put a `;` before `add`"),
    ] {
        says(mistake("", "8x8x4", body), place, &[part]);
    }
    says(mistake("block c() { relu }", "8x8x4", "add c"), "c", &["`add { c(…) } { }`"]);
}

#[test]
fn layers_say_what_would_fit() {
    for (input, body, place, part) in [
        ("8x8x4", "dwconv 3x3x8", "dwconv 3x3x8", "write the window alone, `dwconv 3x3`"),
        ("8x8x4", "sepconv 3x3", "sepconv 3x3", "no number of filters"),
        ("8x8x4", "deconv 2x2x4 pad 5", "deconv 2x2x4 pad 5", "cuts off 10 rows"),
        ("8x8x4", "crop 4", "crop 4", "8 rows and 8 columns"),
        ("8x8x4", "reshape 7x7x4", "reshape 7x7x4", "must multiply to 256"),
        ("8x8x4", "bn momentum 2", "momentum 2", "between 0 and 1"),
        ("8x8x4", "bn eps 0", "eps 0", "must be more than 0"),
        ("8x8x1", "layernorm", "layernorm", "would always become 0"),
        ("8x8x4", "flatten globalavgpool", "globalavgpool", "put a `;` before"),
        ("16", "globalavgpool", "globalavgpool", "needs an image"),
        ("8x8x4", "scale 0", "0", "leaves nothing"),
        ("8x8x4", "conv 3x3x2 connect (0, 1)", "connect (0, 1)", "connects 1 filters, and the layer has 2"),
        ("8x8x4", "conv 3x3x2 connect (0) (4)", "conv 3x3x2 connect (0) (4)", "names channel 4, and its input has 4"),
        ("8x8x4", "conv 3x3x2 connect (0, 0) (1)", "0", "listed twice"),
        ("8x8x4", "conv 3x3x2 groups 2 connect (0) (1)", "groups 2", "keep one"),
        ("4", "distance 2 to \"##..\"", "distance 2 to \"##..\"", "has 1 patterns"),
        ("4", "distance 1 to \"##.\"", "distance 1 to \"##.\"", "pattern 1 has 3 numbers, and the input 4"),
        ("4", "distance 1 to \"##x.\"", "\"##x.\"", "made of `#` and `.`"),
        ("9999999", "distance 9999", "distance 9999", "together they may have 65536 numbers"),
    ] {
        says(mistake("", input, body), place, &[part]);
    }
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
