//! The diagnostics for errors in graphs and layers: their spans, the shapes involved, and the suggestions.

mod support;

use support::{lowered, mistake, output, says};

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
fn an_interval_needs_an_end_and_something_between_two() {
    let form = "help: write `clip min -1 max 1`, or one of the two";
    says(mistake("", "8", "dense 8 clip"), "clip", &["`clip` has no ends to keep to", form]);
    let message = "nothing lies between 2 and -1: `min` must be less than `max`";
    says(mistake("", "8", "dense 8 clip min 2 max -1"), "clip min 2 max -1", &[message, form]);
    says(mistake("", "8", "dense 8 clip max 1 min 1"), "clip max 1 min 1", &["nothing lies between 1 and 1"]);
    says(mistake("", "8", "dense 8 clip min -1x1"), "-1x1", &["`min` is one number, not 2", "write `min -1`"]);
    says(mistake("", "8", "dense 8 hardtanh"), "hardtanh", &["an interval is kept to by `clip min -1 max 1`"]);
}

#[test]
fn branches_of_other_shapes_name_both_shapes_and_a_fix() {
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
        (
            "3x3x9",
            "mul { } { conv 3x3x9 }",
            "mul",
            "for one number for each channel, end the second branch with `flatten`; for one shape, give its windows `same` or `pad`",
        ),
        (
            "8x8x6",
            "mul { avgpool 8; conv 1x1x3 } { }",
            "mul",
            "for one number for each channel, end the first branch with `flatten; dense 6`; for one shape, give its windows `same` or `pad`",
        ),
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
fn an_error_in_a_branch_is_reported_once() {
    let place = "conv 9x9x4";
    says(mistake("", "8x8x4", "add { conv 9x9x4 } { conv 1x1x5 } relu"), place, &["larger than its 8x8x4 input"]);
    let two = lowered("Net(8x8x4) { add { conv 9x9x4 } { conv 1x1x4; maxpool 9 } }").expect_err("two mistakes");
    assert_eq!(two.len(), 2, "{two:#?}");
}

#[test]
fn the_shapes_in_a_branch_are_those_on_its_own_path() {
    says(
        mistake("", "8x8x4", "concat { conv 3x3x9 } { maxpool 2; conv 5x5x1 }"),
        "conv 5x5x1",
        &["the shapes so far: 8x8x4 → maxpool 4x4x4"],
    );
}

#[test]
fn an_error_in_a_block_names_its_span_and_its_call() {
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
fn wrong_calls_are_reported_at_their_span() {
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
fn arithmetic_outside_of_parentheses_is_reported_as_a_whole() {
    for (stage, written, place, help) in [
        ("conv 3x3x2*w", "", "3x3x2*w", "write `3x3x(2*w)`"),
        ("conv 3x3x(w)/2", "", "3x3x(w)/2", "write `3x3x(w/2)`"),
        ("conv (w)x(w)x(w+1)/2", "", "(w)x(w)x(w+1)/2", "write `(w)x(w)x((w+1)/2)`"),
        ("dense w*2 + 1", "", "w*2 + 1", "write `(w*2+1)`"),
        ("conv 1x1x4 stride w/4 relu", "", "w/4", "write `(w/4)`"),
        ("repeat w { relu }", "", "w", "write `repeat (w) { … }`"),
        ("dense w", "", "w", "write `dense (w)`"),
        ("w * other(4)", "block other(n) { dense (n) }", "w", "write `(w) * cell(64)`"),
    ] {
        let found = mistake(&format!("block cell(w) {{ {stage} }} {written}"), "8x8x4", "cell(8)");
        says(found, place, &[help]);
    }
    let like_an_option = mistake("block cell(stride) { conv 3x3x4 stride stride nobias }", "8x8x4", "cell(2)");
    says(like_an_option, "stride", &["the parameter `stride` needs parentheses", "write `stride (stride)`"]);
    let without = mistake("block cell(groups) { conv 3x3x4 stride groups 2; dense (groups) }", "8x8x4", "cell(2)");
    says(without, "stride", &["`stride` needs numbers"]);
}

#[test]
fn options_of_weights_need_weights() {
    for (stage, place, part) in [
        ("maxpool 2 init he", "init", "`maxpool` has no weights for `init` to start"),
        ("bn init zeros", "init", "`dense 10 init … batchnorm`"),
        ("conv 1x1x4 as a; maxpool 2 tied a", "tied", "`maxpool` has no weights for `tied` to share"),
        ("dense 4 as a; residual { dense 4 } relu tied a", "tied", "`relu` has no weights"),
        ("subsample 2 init he", "init he", "`subsample` has no weights"),
        ("dense 8 as a; dense 8; dense 8 tied a init he", "init he", "has the weights of another layer"),
        ("dense 8 nobias bias 0.1", "bias 0.1", "because of its `nobias`"),
        ("softmax nobias", "nobias", "`nobias` is about weights, and `softmax` without a number has none"),
        ("logsoftmax kernel gemm", "kernel gemm", "write the number of classes: `logsoftmax 10 kernel gemm`"),
        ("dense 8; dense 8 tied dense2", "tied dense2", "no layer before this one is called `dense2`"),
    ] {
        // The later `dense 8` is tied to a layer with the same sizes.
        let input = if stage.contains("dense 8") { "8" } else { "8x8x4" };
        says(mistake("", input, stage), place, &[part]);
    }
    let inside = mistake("block b() { dense 8 as code }", "8", "b(); dense 8 tied code");
    says(inside, "tied code", &["`b1.code` is inside of a block", "within one block"]);
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
    let unet = mistake("", "15x14x4", "tap a; maxpool 2; deconv 2x2x4 stride 2; concat a");
    says(unet, "concat", &["put `zeropad 0x1x0x0` before this stage"]);
    let valid = mistake("", "15x14x4", "tap a; zeropad 2x1; concat a");
    says(valid, "concat", &["or put `crop 2x2x1x1` before this stage"]);
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
        (
            "8x8x4",
            "crop 99999999999",
            "99999999999",
            "the number of rows and columns to take off is enormous: 9.9999999999e10",
        ),
        ("8x8x4", "zeropad 99999999999", "99999999999", "padding is enormous"),
        ("8", "softmax 4; softmax 3", "softmax 3", "its input has been through a softmax already"),
        ("8", "softmax 4 softmax", "softmax", "its input has been through a softmax already"),
        ("8", "logsoftmax 4; softmax", "softmax", "its input has been through a softmax already"),
        ("8", "dense 4 softmax; softmax", "softmax", "its input has been through a softmax already"),
        ("8x8x4", "reshape 7x7x4", "reshape 7x7x4", "must multiply to 256"),
        ("8x8x4", "bn momentum 2", "momentum 2", "between 0 and 1"),
        ("8x8x4", "bn eps 0", "eps 0", "must be more than 0"),
        ("8x8x1", "layernorm", "layernorm", "it would be 0, whatever comes in"),
        ("128x1", "conv 3x3x16", "conv 3x3x16", "write length x filters: `conv 3x16`"),
        ("28x28", "conv 5x5x6", "conv 5x5x6", "if grey images come in, declare the input as `28x28x1`"),
        ("5x4", "conv 7x8", "conv 7x8", "the window of 7 is larger than its 5x4 input"),
        ("8x4", "conv 3x8 stride 2x1", "2x1", "write one number: `stride 2`"),
        ("8x4", "maxpool 2x2", "2x2", "write one number: `maxpool 2`"),
        ("8x4", "crop 1x2x0x3", "1x2x0x3", "before x behind"),
        ("8x4", "conv 3", "conv 3", "`conv 3x16`"),
        ("128", "conv 7x8", "conv 7x8", "`reshape 128x1`"),
        ("128", "conv 1x7x8", "conv 1x7x8", "`reshape 1x128x1`"),
        ("128", "conv 7x1x8", "conv 7x1x8", "`reshape 128x1x1`"),
        ("16", "maxpool 2", "maxpool 2", "`reshape 4x4x1`"),
        ("8x4", "add { conv 1x8 } { }", "add", "put a branch in the place of the input: `{ conv 1x8 }`"),
        ("8x4", "conv1d 3x8", "conv1d", "`conv 7x16`: length x filters"),
        ("4", "softmax 1", "softmax 1", "`dense 1 sigmoid`"),
        ("8x8x4", "softmax 1", "softmax 1", "for a yes or no write `dense 1 sigmoid`, for two classes `softmax 2`"),
        ("4", "dense 1 softmax", "softmax", "`dense 1 sigmoid`"),
        ("4", "distance 1 softmax", "softmax", "always 1"),
        ("8x8x4", "conv 1x1x1; softmax; conv 1x1x4", "softmax", "for a yes or no write `sigmoid` in its place"),
        ("4", "mul { dense 1; softmax } { }; dense 2", "softmax", "always 1"),
        ("8x8x4", "flatten globalavgpool", "globalavgpool", "put a `;` before"),
        ("16", "globalavgpool", "globalavgpool", "needs an image"),
        ("8x8x4", "scale 0", "0", "leaves nothing"),
        ("8x8x4", "subsample 9", "subsample 9", "help: use a window of at most 8x8"),
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
fn a_network_of_empty_blocks_and_repeats_has_no_layers() {
    for body in ["", "repeat 3 { }", "nothing(); nothing()"] {
        let found = lowered(&format!("block nothing() {{ }} Net(4) {{ {body} }} Other(4) {{ nothing(); relu }}"));
        let found = found.expect_err(body);
        assert!(matches!(found.as_slice(), [one] if one.message == "`Net` has no layers"), "{body}: {found:#?}");
    }
}

#[test]
fn numbers_must_fit_single_precision() {
    for (stage, number) in [
        ("scale 1e300", "1e300"),
        ("scale -1e39", "-1e39"),
        ("prelu 1e200", "1e200"),
        ("lrn alpha 1e300", "1e300"),
        ("lrn k 1e-300", "1e-300"),
        ("bn eps 1e-300", "1e-300"),
        ("scale 1e-999", "1e-999"),
        ("leaky_relu 1e-320", "1e-320"),
        ("clip min -1e300 max 1", "-1e300"),
        ("dense 4 init normal 1e300", "1e300"),
        ("dense 4 init uniform (1e20*1e20)", "1e20*1e20"),
        ("dense 4 init constant 1e39", "1e39"),
        ("dense 4 bias 1e39", "1e39"),
        ("distance 2 to (1e300, 1, 1, 1) (0, 0, 0, 0)", "1e300"),
    ] {
        says(
            mistake("", "1x1x4", stage),
            number,
            &["single precision cannot hold", "up to 3.4e38", "above 0 is 1.4e-45"],
        );
    }
    let cell = "block cell(factor) { scale (factor) }";
    says(mistake(cell, "4", "cell(1e300)"), "1e300", &["single precision cannot hold 1e300"]);
    let inside = mistake("block cell(factor) { scale (factor*factor) }", "4", "cell(1e30)");
    says(inside, "factor*factor", &["single precision cannot hold 1", "in the block called as `cell("]);
    for stage in ["scale 3.4e38", "scale 1e-45", "bn eps 1e-40", "dense 4 init constant 0e999"] {
        assert!(lowered(&format!("Net(4) {{ {stage} }}")).is_ok(), "{stage}");
    }
}
