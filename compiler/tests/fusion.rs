//! The results of folding and fusing graphs.

use netwright_compiler::graph::Graph;
use netwright_compiler::lower::lower;
use netwright_compiler::ops::Phase;
use netwright_compiler::passes::{self, fold, fuse, initial_weights, plan_memory};
use netwright_compiler::program::Listing;
use netwright_compiler::selection::Objective;
use netwright_grammar::Diagnostics;

fn graph(input: &str, body: &str) -> Graph {
    let source = format!("Net({input}) {{ {body} }}");
    let mut diagnostics = Diagnostics::default();
    let file = netwright_grammar::parse(&source, &mut diagnostics);
    let graph = lower(&source, &file, &mut diagnostics).pop().map(|lowered| lowered.graph);
    assert_eq!(diagnostics.into_sorted(), []);
    initial_weights(graph.expect("there is a network"))
}

/// The names of a graph's nodes, with their epilogues.
fn nodes(graph: &Graph) -> Vec<String> {
    netwright_compiler::verify::verify(graph).expect("the graph holds together");
    let row = |layer: netwright_compiler::graph::LayerId| graph.layers[layer.0].name.as_str();
    let node = |node: &netwright_compiler::graph::Node| {
        let before = node.before.iter().map(|before| format!("{}, ", before.op.name()));
        let mut text: String = before.chain([node.op.name().to_owned()]).collect();
        if node.epilogue.affine.is_some() {
            text.push_str(" affine");
        }
        if node.epilogue.sum.is_some() {
            text.push_str(" sum");
        }
        if let Some(activation) = node.epilogue.activation {
            text.push_str(&format!(" {}", activation.name()));
        }
        if let Some(pool) = &node.epilogue.pool {
            text.push_str(&format!(" {pool}"));
        }
        let rows: Vec<&str> = node.epilogue.rows.iter().map(|&layer| row(layer)).chain([row(node.layer)]).collect();
        format!("{text} ({})", rows.join(", "))
    };
    graph.nodes.iter().map(node).collect()
}

fn predicted(input: &str, body: &str) -> Vec<String> {
    nodes(&fuse(fold(graph(input, body)), Phase::Predicting))
}

/// After fusing pools into the selected kernels.
fn pooled(input: &str, body: &str) -> Vec<String> {
    let fused = fuse(fold(graph(input, body)), Phase::Predicting);
    let mut nodes = nodes(&passes::fuse_pools(passes::select(fused, Phase::Predicting, Objective::Speed)));
    nodes.retain(|node| !node.starts_with("pack"));
    nodes
}

/// After fusing depthwise convolutions into the selected kernels.
fn separable(input: &str, body: &str) -> Vec<String> {
    let fused = fuse(fold(graph(input, body)), Phase::Predicting);
    nodes(&passes::fuse_depthwise(passes::select(fused, Phase::Predicting, Objective::Speed)))
}

fn trained(input: &str, body: &str) -> Vec<String> {
    nodes(&fuse(graph(input, body), Phase::Training))
}

#[test]
fn a_pool_that_the_selected_kernel_can_compute_is_computed_by_it() {
    let conv = "conv 3x3x16 same kernel winograd";
    for stage in ["relu", "relu6", "", "bn relu"] {
        let nodes = pooled("9x12x16", &format!("{conv} {stage}; maxpool 2; softmax 3"));
        let is_pooled = |node: &String| node.starts_with("conv") && node.contains("the largest of each window of 2x2");
        assert!(nodes.iter().any(is_pooled) && !nodes.iter().any(|node| node.starts_with("maxpool")), "{nodes:?}");
    }
    for body in [
        format!("{conv} tanh; maxpool 2; softmax 3"),
        format!("{conv} relu; maxpool 3; softmax 3"),
        format!("{conv} relu; maxpool 2 stride 1; softmax 3"),
        format!("{conv} relu; maxpool 2 pad 1; softmax 3"),
        format!("{conv} relu; avgpool 2; softmax 3"),
        format!("residual {{ {conv} }} relu; maxpool 2; softmax 3"),
        "conv 3x3x16 same kernel gemm relu; maxpool 2; softmax 3".to_owned(),
        format!("{conv} relu; concat {{ maxpool 2 }} {{ avgpool 2 }}; softmax 3"),
    ] {
        let nodes = pooled("9x12x16", &body);
        assert!(nodes.iter().any(|node| node.contains("pool")), "{body}: {nodes:?}");
        assert!(!nodes.iter().any(|node| node.contains("each window")), "{body}: {nodes:?}");
    }
}

#[test]
fn a_depthwise_convolution_is_computed_by_the_one_that_reads_its_pixels() {
    let after = "conv 1x1x32 kernel gemm";
    for body in [
        format!("dwconv 3x3 same; {after}"),
        format!("dwconv 3x3 stride 2 pad 1 nobias bn relu6; {after} bn"),
        format!("dwconv 3x3 tanh; {after} nobias bn relu"),
        format!("conv 3x3x16 groups 16 kernel depthwise relu; {after}"),
        format!("conv 1x1x32; residual {{ dwconv 5x5 same; {after} }} relu"),
        "sepconv 3x3x32 kernel gemm bn relu".to_owned(),
    ] {
        let nodes = separable("12x12x16", &format!("{body}; globalavgpool; softmax 3"));
        assert!(nodes.iter().any(|node| node.contains("conv, conv")), "{body}: {nodes:?}");
        assert!(!nodes.iter().any(|node| node.starts_with("dwconv ")), "{body}: {nodes:?}");
    }
    for body in [
        format!("dwconv 3x3 multiplier 2; {after}"),
        "dwconv 3x3; conv 1x1x32 kernel direct".to_owned(),
        "dwconv 3x3; conv 1x1x32 stride 2 kernel gemm".to_owned(),
        "dwconv 3x3; conv 3x3x32 kernel gemm".to_owned(),
        format!("dwconv 3x3; concat {{ {after} }} {{ conv 1x1x8 }}"),
        format!("residual {{ dwconv 3x3 same }}; {after}"),
    ] {
        let nodes = separable("12x12x16", &format!("{body}; globalavgpool; softmax 3"));
        assert!(!nodes.iter().any(|node| node.contains(", conv")), "{body}: {nodes:?}");
    }
}

/// A fused value is not stored and has no slot.
#[test]
fn a_fused_value_takes_no_memory() {
    let body = "conv 3x3x16 same relu; dwconv 3x3 same relu; conv 1x1x16 kernel gemm; globalavgpool; softmax 3";
    let selected = |graph| passes::select(fuse(fold(graph), Phase::Predicting), Phase::Predicting, Objective::Speed);
    let [apart, together] = [|graph| graph, passes::fuse_depthwise]
        .map(|fuse: fn(Graph) -> Graph| plan_memory(&passes::predict(&fuse(selected(graph("24x24x3", body)))).predict));
    assert_eq!(apart.sum_of_values - together.sum_of_values, 24 * 24 * 16);
}

#[test]
fn a_normalisation_becomes_the_scale_and_shift_of_what_is_before_it() {
    for stage in [
        "conv 3x3x4 groups 2",
        "dwconv 3x3",
        "deconv 2x2x4 stride 2",
        "conv 3x3x4 nobias",
        "conv 3x3x2 connect (0, 1) (3)",
        "subsample 2",
        "dense 5",
    ] {
        for bn in ["bn", "bn noscale", "bn nocenter", "bn noscale nocenter"] {
            let folded = fold(graph("6x6x4", &format!("{stage} {bn}")));
            let [.., preparing, layer] = &folded.nodes[..] else { panic!("{stage} {bn}: {folded}") };
            assert_eq!(layer.epilogue.affine, Some([preparing.output, preparing.saved[0]]));
            assert_eq!(layer.output, folded.output);
            let names: Vec<&str> = preparing.tensors.iter().map(|tensor| folded.tensors[tensor.0].name).collect();
            assert_eq!(names.contains(&"bias"), !stage.contains("nobias"), "{stage} {bn}: {names:?}");
            assert_eq!(names.contains(&"gamma"), !bn.contains("noscale"), "{stage} {bn}: {names:?}");
            assert_eq!(names.contains(&"beta"), !bn.contains("nocenter"), "{stage} {bn}: {names:?}");
        }
    }
    assert_eq!(
        predicted("6x6x4", "maxpool 2; bn relu"),
        ["fold (batchnorm1)", "maxpool affine Relu (maxpool1, batchnorm1)"]
    );
    let rows = "conv affine Relu (conv1, batchnorm1)";
    assert_eq!(predicted("6x6x4", "conv 3x3x4 bn relu"), ["fold (batchnorm1)", rows]);
    assert_eq!(
        predicted("6x6x4", "sepconv 3x3x4 bn tanh"),
        ["dwconv (sepconv1)", "fold (batchnorm1)", "conv affine Tanh (sepconv1, batchnorm1)"]
    );
}

#[test]
fn a_value_with_another_reader_is_not_folded() {
    let tapped = "conv 3x3x4 same; tap z; bn; add z";
    assert_eq!(predicted("6x6x4", tapped), ["conv (conv1)", "batchnorm (batchnorm1)", "add (add1)"]);
    assert_eq!(predicted("6x6x4", "lrn; bn relu"), ["lrn (lrn1)", "batchnorm Relu (batchnorm1)"]);
    assert_eq!(predicted("6x6x4", "conv 3x3x4 relu; bn"), ["conv Relu (conv1)", "batchnorm (batchnorm1)"]);
}

#[test]
fn a_residual_block_fuses_into_its_convolutions() {
    let body = "residual { conv 1x1x2 bn relu; conv 3x3x4 same bn } relu";
    assert_eq!(
        predicted("6x6x4", body),
        [
            "fold (batchnorm1)",
            "conv affine Relu (conv1, batchnorm1)",
            "fold (batchnorm2)",
            "conv affine sum Relu (conv2, batchnorm2, add1)"
        ]
    );
    let scaled = "conv 1x1x4; residual { conv 1x1x2 relu; conv 1x1x4; scale 0.2 } relu";
    assert_eq!(
        predicted("6x6x4", scaled).last().map(String::as_str),
        Some("conv affine sum Relu (conv3, scale1, add1)")
    );
    let both = "add { conv 1x1x4 bn } { conv 3x3x4 same bn } relu";
    assert_eq!(
        predicted("6x6x4", both),
        [
            "fold (batchnorm1)",
            "conv affine (conv1, batchnorm1)",
            "fold (batchnorm2)",
            "conv affine sum Relu (conv2, batchnorm2, add1)"
        ]
    );
    assert_eq!(predicted("6x6x4", "add { avgpool 3 stride 1 same } { } relu"), ["avgpool sum Relu (avgpool1, add1)"]);
    assert_eq!(
        predicted("6x6x4", "add { conv 1x1x4 } { avgpool 3 stride 1 same } relu"),
        ["conv (conv1)", "avgpool sum Relu (avgpool1, add1)"],
        "the convolution does not wait for the pool, with its input in memory"
    );
    assert_eq!(predicted("6x6x4", "tap a; conv 1x1x4 relu; add a"), ["conv Relu (conv1)", "add (add1)"]);
}

#[test]
fn operations_without_filters_take_sums_and_activations_but_no_scale() {
    for (word, name) in [("layernorm", "layernorm"), ("prelu", "prelu"), ("lrn", "lrn"), ("upsample 1x1", "upsample")] {
        let row = name.to_owned() + "1";
        let sum = format!("add {{ {word} }} {{ }} gelu");
        assert_eq!(predicted("6x6x4", &sum), [format!("{name} sum Gelu ({row}, add1)")]);
        assert_eq!(trained("6x6x4", &format!("{word} tanh")), [format!("{name} Tanh ({row})")]);
        let normed = "batchnorm Relu (batchnorm1)".to_owned();
        assert_eq!(predicted("6x6x4", &format!("{word}; bn relu")), [format!("{name} ({row})"), normed]);
    }
    assert_eq!(
        predicted("6x6x4", "add { mul { } { globalavgpool } } { conv 1x1x4 } relu").last().map(String::as_str),
        Some("conv sum Relu (conv1, add1)")
    );
    assert_eq!(
        predicted("6x6x4", "residual { mul { } { globalavgpool } } relu").last().map(String::as_str),
        Some("mul sum Relu (mul1, add1)")
    );
}

#[test]
fn the_earlier_term_is_read_where_the_sum_is_written() {
    let graph = fuse(fold(graph("6x6x4", "conv 1x1x4; residual { conv 3x3x4 same } relu")), Phase::Predicting);
    let program = passes::predict(&graph).predict;
    let plan = plan_memory(&program);
    let calls: Vec<String> = Listing(&program, &graph).to_string().lines().map(str::to_owned).collect();
    // The second convolution reads the first one's output while it writes its own: the copy stays.
    assert!(calls[1].contains("copy") && !plan.elided[1], "{calls:?}");
    let graph = fuse(fold(self::graph("6x6x4", "add { conv 1x1x4 } { conv 3x3x4 same } relu")), Phase::Predicting);
    let program = passes::predict(&graph).predict;
    let plan = plan_memory(&program);
    assert_eq!((plan.elided[1], plan.per_image), (true, 144), "{}", Listing(&program, &graph));
}

#[test]
fn training_fuses_activations_whose_derivative_follows_from_the_output() {
    assert_eq!(trained("6x6x4", "conv 3x3x4 relu"), ["conv Relu (conv1)"]);
    assert_eq!(trained("6x6x4", "conv 3x3x4 silu"), ["conv (conv1)", "Silu (conv1)"]);
    assert_eq!(trained("6x6x4", "conv 3x3x2 connect (0) (1, 3) tanh"), ["conv_table Tanh (conv1)"]);
    assert_eq!(trained("6x6x4", "subsample 2 tanh"), ["subsample Tanh (subsample1)"]);
    assert_eq!(trained("6x6x4", "avgpool 2 tanh"), ["avgpool Tanh (avgpool1)"]);
    assert_eq!(
        trained("6x6x4", "maxpool 2 relu"),
        ["maxpool (maxpool1)", "Relu (maxpool1)"],
        "its gradient reads its output"
    );
    assert_eq!(trained("6x6x4", "conv 3x3x4; relu"), ["conv (conv1)", "Relu (relu1)"]);
    assert_eq!(trained("6x6x4", "conv 3x3x4 bn relu"), ["conv (conv1)", "batchnorm Relu (batchnorm1)"]);
    assert_eq!(trained("6x6x4", "residual { conv 3x3x4 same } relu"), ["conv (conv1)", "add Relu (add1)"]);
}

#[test]
fn the_input_of_the_head_is_stored_for_a_loss() {
    let apart = ["dense Tanh (dense1)", "dense (dense2)", "Sigmoid (dense2)"];
    assert_eq!(trained("6", "dense 4 tanh; dense 1 sigmoid"), apart);
    assert_eq!(predicted("6", "dense 4 tanh; dense 1 sigmoid"), apart);
    assert_eq!(predicted("6", "dense 4 sigmoid; dense 1 tanh"), ["dense Sigmoid (dense1)", "dense Tanh (dense2)"]);
}
