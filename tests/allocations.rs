//! After the first call, neither a prediction nor a training step allocates.

use netwright::loss::Loss;
use netwright::optim::Optimizer;
use netwright::prelude::*;
use netwright::{GradientSeed, Pass};

fn allocations(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

netwright::network! {
    LeNet5(28x28x1) {
        conv 5x5x6 same tanh;  avgpool 2;
        conv 5x5x16 tanh;      avgpool 2;
        dense 120 tanh;        dropout 0.5; dense 84 tanh;
        softmax 10
    }
}

#[test]
fn neither_a_prediction_nor_a_training_step_allocates() {
    const BATCH: usize = 16;
    let mut network = LeNet5::init(1);
    let images = vec![Tensor::<28, 28, 1>::from_fn(|row, column, _| ((row * column) % 7) as f32 / 7.0); BATCH];
    let labels: Vec<usize> = (0..BATCH).map(|index| index % 10).collect();
    let mut answers = vec![[0.0; 10]; BATCH];

    assert_ne!(allocations(|| drop(std::hint::black_box(vec![1_u8]))), 0, "the counter counts");
    network.predict_batch_into(&images, &mut answers);
    let predicting = allocations(|| {
        for image in &images {
            std::hint::black_box(network.predict(image));
        }
        network.predict_batch_into(&images, &mut answers);
    });
    assert_eq!(predicting, 0, "allocations of predictions");

    let mut workspace = LeNet5::workspace(BATCH);
    let mut gradients = LeNet5::gradients();
    let mut optimizer = Sgd::new(0.01).and_then(|sgd| sgd.momentum(0.9)).expect("sensible settings");
    optimizer.prepare(LeNet5::LAYERS, LeNet5::PARAMETERS).expect("no layer is named");
    let loss = CrossEntropy::new();
    let mut step = |step: u64| {
        let pass = Pass { step, ..Pass::default() };
        gradients.clear();
        network.forward(pass, &images, &mut workspace).expect("the batch fits");
        let (logits, gradient) = workspace.loss_operands(GradientSeed::Logits);
        let sum =
            Loss::<netwright::head::Softmax, usize>::evaluate(&loss, logits, &labels, 1.0 / BATCH as f32, gradient);
        assert!(sum.is_finite());
        network.backward(pass, GradientSeed::Logits, &images, &mut workspace, &mut gradients).expect("the batch fits");
        optimizer.step(0.01, LeNet5::LAYERS, network.parameters_mut(), gradients.as_slice()).expect("as many of each");
    };
    step(0);
    assert_eq!(allocations(|| (1..4).for_each(&mut step)), 0, "allocations of training steps");
}
