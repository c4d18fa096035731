//! The selection of kernels, and its override by the text.

use netwright_compiler::graph::Graph;
use netwright_compiler::lower::lower;
use netwright_compiler::ops::Phase;
use netwright_compiler::passes::{expand, fold, fuse, initial_weights, predict, select};
use netwright_compiler::program::Step;
use netwright_compiler::selection::{Direction, Objective};
use netwright_grammar::Diagnostics;

fn selected(input: &str, body: &str, phase: Phase) -> Graph {
    selected_for(Objective::Speed, input, body, phase)
}

fn selected_for(objective: Objective, input: &str, body: &str, phase: Phase) -> Graph {
    let source = format!("Net({input}) {{ {body} }}");
    let mut diagnostics = Diagnostics::default();
    let file = netwright_grammar::parse(&source, &mut diagnostics);
    let graph = lower(&source, &file, &mut diagnostics).pop().map(|lowered| lowered.graph);
    assert_eq!(diagnostics.into_sorted(), []);
    let graph = initial_weights(graph.expect("there is a network"));
    let graph = if phase == Phase::Predicting { fold(graph) } else { graph };
    let graph = select(expand(fuse(graph, phase), phase), phase, objective);
    netwright_compiler::verify::verify(&graph).expect("the graph holds together");
    graph
}

/// The selected candidates of a network's only layer, by direction.
fn names(input: &str, stage: &str) -> [Option<&'static str>; 4] {
    let of = |phase| {
        let graph = selected(input, stage, phase);
        let node = graph.nodes.last().expect("there is a layer").clone();
        Direction::ALL.map(|direction| node.selected(direction).map(|selected| selected.name))
    };
    let ([predicting, ..], [_, forward, input, weights]) = (of(Phase::Predicting), of(Phase::Training));
    [predicting, forward, input, weights]
}

#[test]
fn each_direction_gets_a_kernel_of_its_own() {
    // With `exact`, the feature `winograd` has no effect.
    assert_eq!(names("16x16x64", "conv 3x3x64 same exact"), [Some("gemm"), Some("gemm"), Some("gemm"), Some("direct")]);
    assert_eq!(names("28x28x1", "conv 5x5x8 same")[0], Some("pixels"));
    assert_eq!(names("14x14x6", "conv 5x5x16")[0], Some("direct"));
    assert_eq!(names("8x8x32", "conv 3x3x32 groups 32 same"), [Some("depthwise"); 4]);
    assert_eq!(names("56x56x128", "conv 3x3x128 groups 32 same"), [Some("grouped"); 4]);
    assert_eq!(names("12", "dense 4"), [Some("gemm"); 4]);
    assert_eq!(names("12", "dense 4 relu; layernorm"), [None; 4]);
}

#[test]
fn a_connection_table_gets_the_kernels_of_all_channels() {
    for (input, sizes, table) in [("14x14x6", "5x5x16", " (0, 1, 2)".repeat(16)), ("8x8x2", "3x3x2", " (0) (1)".into())]
    {
        let conv = format!("conv {sizes} exact");
        assert_eq!(names(input, &format!("{conv} connect{table}")), names(input, &conv), "{conv}");
    }
    let asked = "conv 3x3x2 kernel gemm connect (0) (1)";
    assert_eq!(names("8x8x2", asked), [Some("gemm"); 4]);
    // Weights are expanded and packed once for all predictions; training expands them in each pass.
    let calls = |phase| {
        let graph = selected("8x8x2", asked, phase);
        let nodes = graph.nodes.iter().map(|node| node.op.name());
        nodes.collect::<Vec<_>>()
    };
    assert_eq!(calls(Phase::Predicting), ["expand", "pack", "conv"]);
    assert_eq!(calls(Phase::Training), ["expand", "conv"]);
}

#[test]
fn blocks_of_images_are_selected_in_training_for_tiny_images_and_filters() {
    let trains = |stage: &str, input: &str| names(input, stage).map(|kernel| kernel == Some("blocks"));
    assert_eq!(trains("conv 5x5x6 same", "28x28x1"), [false, true, true, true]);
    assert!(trains("conv 5x5x16", "14x14x6")[2]);
    assert_eq!(trains("conv 5x5x6 same kernel gemm", "28x28x1"), [false; 4]);
    for (stage, input) in [
        ("conv 5x5x6 same", "64x64x1"),
        ("conv 3x3x64 same", "7x7x64"),
        ("conv 3x3x8 stride 2", "15x15x4"),
        ("conv 1x1x8", "15x15x4"),
        ("conv 3x3x8 groups 2", "15x15x4"),
    ] {
        assert_eq!(trains(stage, input), [false; 4], "{stage}");
    }
    assert_eq!(trains("conv 3x3x16 same kernel blocks", "8x8x16"), [false, true, true, true]);
}

#[test]
fn winograd_is_selected_automatically_for_many_channels_with_the_feature() {
    let or_winograd = |other| Some(if cfg!(feature = "winograd") { "winograd" } else { other });
    let taken = [or_winograd("gemm"), or_winograd("gemm"), or_winograd("gemm"), or_winograd("direct")];
    assert_eq!(names("56x56x64", "conv 3x3x64 same"), taken);
    assert_eq!(names("7x7x512", "conv 3x3x512 same")[3] == Some("winograd"), cfg!(feature = "winograd"));
    // For 5x5 windows, every Winograd form rounds more than forward training allows.
    let of_5x5 = names("28x28x64", "conv 5x5x64 same");
    assert_eq!(of_5x5[..3], [or_winograd("gemm"), Some("gemm"), or_winograd("gemm")]);
    assert_eq!(names("56x56x64", "conv 3x3x64 same exact"), [Some("gemm"), Some("gemm"), Some("gemm"), Some("direct")]);
    assert_eq!(names("56x56x64", "conv 3x3x64 same stride 2")[..3], [Some("gemm"); 3]);
}

#[test]
fn a_text_overrules_the_estimate_wherever_the_kernel_computes_the_direction() {
    assert_eq!(names("28x28x1", "conv 5x5x6 same kernel direct"), [Some("direct"); 4]);
    assert_eq!(names("8x8x32", "conv 3x3x32 groups 32 same kernel gemm"), [Some("gemm"); 4]);
    assert_eq!(names("6x6x16", "conv 3x3x16 same kernel winograd"), [Some("winograd"); 4]);
    let [others @ .., of_weights] = names("6x6x16", "conv 5x5x16 same kernel winograd");
    assert_eq!(others, [Some("winograd"); 3]);
    assert!(of_weights.is_some_and(|kernel| kernel != "winograd"), "{of_weights:?}");
    let [predicting, training @ ..] = names("6x6x16", "conv 3x3x16 same kernel pixels");
    assert_eq!(predicting, Some("pixels"));
    assert!(training.iter().all(|kernel| *kernel != Some("pixels")), "{training:?}");
    assert_eq!(names("6x6x4", "sepconv 3x3x8 kernel direct")[0], Some("direct"));
    assert_eq!(names("12", "dense 4 kernel direct"), [Some("direct"), Some("direct"), Some("gemm"), Some("gemm")]);
}

#[test]
fn a_call_states_its_estimate_and_that_of_the_runner_up() {
    let why = |stage: &str| {
        let program = predict(&selected("28x28x1", stage, Phase::Predicting)).predict;
        let whys = program.steps.iter().filter_map(|step| match step {
            Step::Call(call) => Some(format!("{}: {}", call.kernel.name, call.why)),
            Step::Outside { .. } => None,
        });
        whys.collect::<Vec<_>>().join("\n")
    };
    let text = why("conv 5x5x6 same relu");
    assert!(text.starts_with("conv_pixels_forward: pixels side by side in the vector: 3."), "{text}");
    assert!(text.contains(" µs an image, gemm 5."), "{text}");
    let text = why("conv 5x5x6 same kernel direct");
    assert!(
        text.starts_with("conv_direct_forward: windows and filters read where they lie, as asked for: 1"),
        "{text}"
    );
    assert!(text.contains(" µs an image, pixels 3."), "{text}");
}

#[test]
fn filters_are_prepared_only_for_kernels_that_read_prepared_filters() {
    let prepared = |stage: &str| {
        let program = predict(&selected("6x6x16", stage, Phase::Predicting)).prepare;
        program.steps.iter().filter(|step| matches!(step, Step::Call(_))).count()
    };
    for (kernel, count) in [("gemm", 1), ("winograd", 1), ("direct", 0)] {
        assert_eq!(prepared(&format!("conv 3x3x16 same kernel {kernel}")), count, "{kernel}");
    }
}

#[test]
fn for_the_least_memory_nothing_is_prepared_and_no_kernel_asks_for_scratch() {
    let body = "conv 5x5x6 same tanh; dwconv 3x3 bn; conv 1x1x32 relu; conv 3x3x32 groups 4; conv 3x3x32 same; maxpool 2; dense 40 relu; softmax 10";
    let program = predict(&selected_for(Objective::Memory, "28x28x1", body, Phase::Predicting));
    let calls = |steps: &[Step]| -> Vec<(&'static str, bool, String)> {
        let calls = steps.iter().filter_map(|step| if let Step::Call(call) = step { Some(call) } else { None });
        calls.map(|call| (call.kernel.name, call.kernel.has_scratch, call.why.to_string())).collect()
    };
    let prepared: Vec<&str> = calls(&program.prepare.steps).iter().map(|call| call.0).collect();
    assert_eq!(prepared, ["batchnorm_fold"]);
    let predicted = calls(&program.predict.steps);
    let asking: Vec<&str> = predicted.iter().filter(|call| call.1).map(|call| call.0).collect();
    // A depthwise kernel with one filter per channel needs a size of 0.
    assert_eq!(asking, ["depthwise_forward"]);
    assert!(predicted[0].2.contains(", for the least memory: "), "{}", predicted[0].2);
}
