//! `PLAN`: the kernel of each call in each direction, and the reason for it.

use netwright::network;
use netwright::plan::{Computes, Direction, PlannedCall};

network! {
    LeNet5(28x28x1) {
        conv 5x5x6 same relu; avgpool 2; conv 5x5x16 relu; avgpool 2; dense 120 relu; dense 84 relu; softmax 10
    }
    Norm(8x8x16) { conv 3x3x32 same; bn relu; prelu; conv 3x3x32 same kernel direct; globalavgpool; dense 3 }
    Packed(14x14x1) { conv 3x3x6 same; conv 5x5x16 same kernel gemm; dense 3 }
    Frozen(8x8x3) { conv 3x3x4 frozen; conv 3x3x3 connect (0) (1, 2) (3) frozen; dense 2 }
}

fn of(direction: Direction, layer: &str) -> PlannedCall {
    let mut calls =
        LeNet5::PLAN.of(direction).filter(|call| call.layer == layer && !call.kernel.starts_with("activation"));
    calls.next().unwrap_or_else(|| panic!("no call of {layer} for {direction:?}:\n{}", LeNet5::PLAN))
}

#[test]
fn a_layer_has_a_kernel_in_each_direction_with_the_runner_up() {
    let kernels = Direction::ALL.map(|direction| of(direction, "conv2"));
    let [predicting, forward, ..] = kernels.map(|call| call.kernel);
    assert_eq!((predicting, forward), ("conv_registers_forward", "conv_blocks_forward"));
    assert!(kernels[2].kernel.ends_with("_grad_input") && kernels[3].kernel.ends_with("_grad_weights"), "{kernels:?}");
    for call in kernels {
        let others =
            ["direct", "gemm", "blocks"].iter().filter(|name| call.why.contains(&format!(" an image, {name} ")));
        assert_eq!(others.count(), 1, "one runner-up: {call:?}");
    }
}

#[test]
fn kernels_of_small_layers_are_compiled_for_their_sizes_when_predicting() {
    for direction in [Direction::Predicting, Direction::Forward] {
        let is_fixed = |layer| of(direction, layer).has_constant_sizes;
        // A debug build uses kernels that read their sizes at run time.
        let expected = direction == Direction::Predicting && !cfg!(debug_assertions);
        assert_eq!(["conv1", "avgpool1", "dense1"].map(is_fixed), [expected; 3], "{}", LeNet5::PLAN);
    }
    assert_eq!(of(Direction::Predicting, "conv1").kernel, "conv_pixels_forward");
}

#[test]
fn every_layer_is_planned_forward_and_backward() {
    for layer in LeNet5::LAYERS {
        assert_eq!(of(Direction::Predicting, layer.name).layer, layer.name);
        assert_eq!(of(Direction::Forward, layer.name).layer, layer.name);
        assert_eq!(of(Direction::InputGradient, layer.name).layer, layer.name);
    }
    let weights = LeNet5::PLAN.of(Direction::WeightGradient).map(|call| call.layer);
    assert!(weights.eq(["softmax1", "dense2", "dense1", "conv2", "conv1"]));
}

#[test]
fn a_choice_in_the_text_holds_in_each_direction() {
    for direction in Direction::ALL {
        let call = Norm::PLAN.of(direction).find(|call| call.layer == "conv2").expect("it is planned");
        assert!(call.kernel.starts_with("conv_direct_") && call.why.contains("as asked for"), "{call:?}");
    }
}

#[test]
fn a_kernel_of_both_gradients_is_listed_in_both_directions() {
    let both = |call: &PlannedCall| call.computes == Computes::Gradients;
    let calls: Vec<PlannedCall> = Norm::PLAN.calls().filter(both).collect();
    assert!(calls.iter().any(|call| call.layer == "prelu1"), "{}", Norm::PLAN);
    assert!(calls.iter().all(|call| Norm::PLAN.of(Direction::WeightGradient).any(|other| other == *call)));
}

#[test]
fn frozen_weights_have_no_gradient() {
    assert!(Frozen::PLAN.of(Direction::WeightGradient).all(|call| call.layer == "dense1"));
}

#[test]
fn the_table_has_a_line_for_each_call_and_its_parts() {
    let text = Packed::PLAN.to_string();
    let headings: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(
        headings,
        [
            "preparing, once for all predictions",
            "predicting",
            "preparing, once a training step of several micro-batches",
            "training, forward",
            "training, backward"
        ]
    );
    assert_eq!(text.lines().count(), headings.len() + Packed::PLAN.calls().count());
}

#[test]
fn the_preparation_of_weights_is_planned_too() {
    let of = |plan: netwright::plan::Plan, computes| -> Vec<(&str, &str)> {
        plan.calls().filter(|call| call.computes == computes).map(|call| (call.layer, call.kernel)).collect()
    };
    assert_eq!(of(LeNet5::PLAN, Computes::Preparation).len(), <LeNet5 as netwright::Architecture>::PREPARATION.len());
    assert_eq!(
        of(Norm::PLAN, Computes::Preparation).first(),
        Some(&("batchnorm1", "batchnorm_fold")),
        "{}",
        Norm::PLAN
    );
    assert_eq!(of(LeNet5::PLAN, Computes::StepPreparation), [("conv2", "conv_gemm_pack_rotated")]);
    assert_eq!(of(Norm::PLAN, Computes::StepPreparation), [], "a batch that is normalised is not cut");
}
