//! `memory least`: predictions that need the least memory, also with `std`.

use netwright::plan::Direction;
use netwright::{Architecture, Tensor, network};

network! {
    Fast(28x28x1) {
        conv 5x5x6 same tanh; avgpool 2; conv 5x5x16 tanh; avgpool 2; dense 120 tanh; dense 84 tanh; softmax 10
    }
    Small(28x28x1) memory least {
        conv 5x5x6 same tanh; avgpool 2; conv 5x5x16 tanh; avgpool 2; dense 120 tanh; dense 84 tanh; softmax 10
    }
    Faces(64x64x1) memory least {
        conv 3x3x8; bn relu; conv 3x3x8; bn relu;
        sepconv 3x3x16 same; bn relu; maxpool 3 same stride 2; sepconv 3x3x32 same; bn relu; globalavgpool; softmax 7
    }
}

#[test]
fn lenet_5_predicts_in_28_kib() {
    let [fast, small] = [Fast::WORKSPACE, Small::WORKSPACE];
    assert!(small <= 28 * 1024 && fast > 2 * small, "{fast} and {small} bytes");
    assert_eq!((<Small>::PREPARED, <Small>::BLOCKS), (0, None));
    assert_eq!(<Small>::TRAINING, <Fast>::TRAINING, "training is planned for speed");
    let mut convolutions = Small::PLAN.of(Direction::Predicting).filter(|call| call.layer.starts_with("conv"));
    assert!(convolutions.all(|call| call.why.contains("for the least memory")), "{}", Small::PLAN);
}

#[test]
fn a_network_of_separable_convolutions_needs_little_more_memory_than_its_values() {
    let memory = <Faces>::PREDICTING;
    let values = memory.fixed - memory.scratch + memory.per_image;
    assert!(5 * memory.for_batch(1) <= 6 * values, "{memory:?}");
}

#[test]
fn the_outputs_are_those_of_the_fast_network() {
    let fast = Fast::init(7);
    let mut small = Small::init(1);
    small.parameters_mut().copy_from_slice(fast.parameters());
    for shift in 0..5 {
        let image = Tensor::<28, 28, 1>::from_fn(|row, column, _| ((row * 5 + column * 3 + shift) % 17) as f32 / 17.0);
        for (ours, theirs) in small.predict(&image).iter().zip(fast.predict(&image)) {
            assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs}");
        }
    }
}
