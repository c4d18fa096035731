//! Every word survives a round trip through ONNX, and graphs are printed in the language.

use netwright_compiler::graph::Graph;
use netwright_compiler::layers::words;
use netwright_compiler::onnx::{printed, read};
use netwright_onnx::Model;
use netwright_onnx::write::Attribute;

use super::models::{assert_prints_itself, graph_of, lowered, model, node};
use super::onnx_file::file_of;

#[test]
fn every_word_goes_out_and_comes_back() {
    let mut back = 0;
    for word in words() {
        for example in word.examples {
            let graph = lowered(&format!("Net({}) {{ {} }}", example.input, example.stage));
            let bytes = file_of(&graph);
            let model = Model::read(&bytes).expect("what is written is a model");
            let read = read(&model, None).unwrap_or_else(|problem| panic!("{}: {problem}", example.stage));
            assert_eq!(read.graph.shape(read.graph.output), graph.shape(graph.output), "{}", example.stage);
            let elements =
                |graph: &Graph| graph.tensors.iter().map(netwright_compiler::graph::Tensor::len).sum::<usize>();
            assert!(elements(&read.graph) >= elements(&graph), "{}", example.stage);
            assert_prints_itself(&read.graph);
            back += 1;
        }
    }
    assert!(back > 60, "{back} examples came back");
}

#[test]
fn a_normalisation_over_an_even_number_of_channels_comes_back() {
    for (input, stage, expected) in [
        ("2x2x7", "lrn size 4 alpha 0.5 beta 0.75 k 1", "lrn size 4 alpha 0.5 beta 0.75 k 1"),
        ("2x2x7", "conv 1x1x3; lrn size 2 alpha 0.25 beta 0.5 k 1", "lrn size 2 alpha 0.25 beta 0.5 k 1"),
        ("3x5", "lrn size 4 alpha 0.5 beta 0.75 k 1", "lrn size 4 alpha 0.5 beta 0.75 k 1"),
        ("6", "lrn size 16 alpha 0.75 beta 0.75 k 1", "lrn size 16 alpha 0.75 beta 0.75 k 1"),
        // A single channel has no neighbours.
        ("2x2x1", "lrn size 4 alpha 0.5 beta 0.75 k 1", "lrn size 1 alpha 0.5 beta 0.75 k 1"),
    ] {
        let graph = lowered(&format!("Net({input}) {{ {stage} }}"));
        let read = graph_of(&file_of(&graph)).unwrap_or_else(|problem| panic!("{input}: {stage}: {problem}"));
        let text = printed(&read.graph, "Net").expect("it can be said");
        assert!(text.contains(expected), "{input}: {stage}\n{text}");
        assert_eq!(read.graph.shape(read.graph.output).len(), graph.shape(graph.output).len());
        assert_prints_itself(&read.graph);
    }
}

#[test]
fn structure_that_repeats_is_printed_as_blocks() {
    let source = "block cell(width, wide) { residual { conv 1x1x(width) relu; conv 3x3x(width) same bn relu; conv 1x1x(wide) } relu }
        pub Net(8x8x16) {
            conv 3x3x16 same relu; 2 * cell(4, 16); maxpool 2; conv 1x1x32; cell(8, 32); tap early; conv 3x3x32 same relu;
            add early; concat { conv 1x1x2 } { maxpool 3 stride 1 same; conv 1x1x3 sigmoid }; mul { } { globalavgpool; dense 5 sigmoid };
            globalavgpool; dense 10 softmax
        }";
    let graph = lowered(source);
    let read = graph_of(&file_of(&graph)).expect("it comes back");
    assert_prints_itself(&read.graph);
    let text = printed(&read.graph, "Net").expect("it can be said");
    let expected = "block cell_a(width) {
    residual { conv 1x1x(width) relu; conv 3x3x(width) same bn relu; conv 1x1x(4*width) } relu
}
pub Net(8x8x16) {
    conv 3x3x16 same relu;
    2 * cell_a(4);
    maxpool 2;
    conv 1x1x32;
    cell_a(8);
    residual { conv 3x3x32 same relu };
    concat { conv 1x1x2 } { maxpool 3 stride 1 same; conv 1x1x3 sigmoid };
    mul { } { globalavgpool; dense 5 sigmoid };
    globalavgpool;
    dense 10 softmax
}
";
    assert_eq!(text, expected);
}

#[test]
fn concatenations_are_printed_in_branches_however_the_file_nests_them() {
    let layer = |input: &str, name: &str, kernel: &str| node("Conv", &[input, kernel], name, &[]);
    let beside = |inputs: &[&str], name: &str| node("Concat", inputs, name, &[("axis", Attribute::Int(1))]);
    // Each layer of a DenseNet reads all layers before it.
    let dense = [
        layer("x", "a", "k3"),
        beside(&["x", "a"], "xa"),
        layer("xa", "b", "k5"),
        beside(&["x", "a", "b"], "xab"),
        layer("xab", "c", "k7"),
        beside(&["x", "a", "b", "c"], "y"),
    ];
    let sizes = |inputs| [2, inputs, 1, 1];
    let kernels = [("k3", &sizes(3)[..]), ("k5", &sizes(5)[..]), ("k7", &sizes(7)[..])];
    let text = printed(&graph_of(&model(&[3, 4, 4], &dense, &kernels)).expect("it can be had").graph, "Net")
        .expect("it can be said");
    assert_eq!(
        text,
        "block cell_a() {\n    concat { } { conv 1x1x2 nobias }\n}\npub Net(4x4x3) {\n    3 * cell_a()\n}\n"
    );
    // Two branches that fork after the first operand, in one concatenation: the last module of Inception v3.
    let forked = [
        layer("x", "a", "k3"),
        layer("x", "s", "l3"),
        layer("s", "b", "k2"),
        layer("s", "c", "l2"),
        beside(&["a", "b", "c"], "y"),
    ];
    let kernels = [("k3", &sizes(3)[..]), ("l3", &sizes(3)[..]), ("k2", &sizes(2)[..]), ("l2", &sizes(2)[..])];
    let text = printed(&graph_of(&model(&[3, 4, 4], &forked, &kernels)).expect("it can be had").graph, "Net")
        .expect("it can be said");
    let expected =
        "concat { conv 1x1x2 nobias } { conv 1x1x2 nobias; concat { conv 1x1x2 nobias } { conv 1x1x2 nobias } }";
    assert_eq!(text, format!("pub Net(4x4x3) {{\n    {expected}\n}}\n"));
    assert_eq!(lowered(&text).shape(lowered(&text).output).channels(), 6);
}
