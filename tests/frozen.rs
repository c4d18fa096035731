//! `frozen` in the language, and `freeze` and `rate_for` of an optimiser.

use std::ops::ControlFlow;

use netwright::loss::CrossEntropy;
use netwright::optim::{AdamW, Optimizer, Sgd};
use netwright::train::adversarial::input_gradient;
use netwright::train::{GradientEngine, Trainer};
use netwright::{Architecture, Network, Pass, Tensor, network};

network! {
    block features(width) { conv 3x3x(width) same as first; bn relu; maxpool 2 }

    /// Frozen features, a trained normalisation between frozen layers, and a head.
    Frozen(6x6x2) { features(4) frozen; conv 3x3x4 same connect (0, 1) (1, 2) (3) (0, 3) prelu frozen; bn nocenter; dense 8 tanh frozen; softmax 3 }
    /// The same, trained.
    Free(6x6x2) { features(4); conv 3x3x4 same connect (0, 1) (1, 2) (3) (0, 3) prelu; bn nocenter; dense 8 tanh; softmax 3 }
    /// Only the head is trained.
    HeadAlone(6x6x2) { repeat 2 { conv 3x3x4 same; bn relu dropout 0.5 } frozen; add { conv 1x1x4 } { } frozen; softmax 3 }
    /// All layers are frozen except a normalisation, which couples the images of a batch.
    Coupled(6x6x2) { conv 3x3x4 same frozen; bn; softmax 3 frozen }
    /// Shared weights belong to the layer that declares them.
    Shared(8) { dense 4 as encode frozen; dense 8 tied encode; dense 4 tied encode bias 0.1; softmax 3 }
}

type Image = Tensor<6, 6, 2>;

fn samples(count: usize) -> (Vec<Image>, Vec<usize>) {
    let image =
        |i: usize| Tensor::from_fn(|y, x, c| ((i * 72 + y * 12 + x * 2 + c) as f32 * 0.7).sin() + i as f32 / 9.0);
    (0..count).map(|i| (image(i), i % 3)).unzip()
}

/// Trains a network, and returns the layers whose weights or statistics have changed.
macro_rules! changed {
    ($network:ty, $trainer:expr) => {{
        let (images, labels) = samples(20);
        let data = netwright::data::Dataset::new(images, labels).unwrap();
        let start = <$network>::init(3);
        let mut network = start.clone();
        let trainer = Trainer::new().epochs(3).unwrap().batch(8).unwrap().loss(CrossEntropy);
        trainer.optimizer($trainer).fit(&mut network, &data, None).unwrap();
        let moved = |layer: &str, tensor: &str| network.tensor(layer, tensor) != start.tensor(layer, tensor);
        let layers = <$network>::LAYERS.iter();
        let layers = layers.filter(|layer| layer.tensors.iter().any(|tensor| moved(layer.name, tensor.name)));
        layers.map(|layer| layer.name).collect::<Vec<_>>()
    }};
}

#[test]
fn frozen_layers_keep_weights_and_statistics_and_the_rest_is_trained() {
    let adam = || AdamW::new(0.01).unwrap().weight_decay(0.5).unwrap().decay_biases(true).decay_scales(true);
    assert_eq!(changed!(Frozen, adam()), ["batchnorm1", "softmax1"]);
    let all = ["features1.first", "features1.batchnorm1", "conv1", "prelu1", "batchnorm1", "dense1", "softmax1"];
    assert_eq!(changed!(Free, adam()), all);
    assert_eq!(changed!(HeadAlone, adam()), ["softmax1"]);
    assert_eq!(changed!(Coupled, Sgd::new(0.1).unwrap()), ["batchnorm1"]);
}

#[test]
fn freezing_by_an_optimiser_and_in_the_text_is_the_same() {
    let sgd = || Sgd::new(0.1).unwrap().weight_decay(0.1).unwrap().momentum(0.9).unwrap();
    let kept = sgd().freeze("features").freeze("conv1").freeze("prelu").freeze("dense");
    assert_eq!(changed!(Free, kept), ["batchnorm1", "softmax1"]);
    assert_eq!(changed!(Free, sgd().freeze("").rate_for("softmax", 0.1).unwrap()), ["softmax1"]);
    assert_eq!(changed!(Frozen, sgd().freeze("batchnorm1")), ["softmax1"]);

    let (images, labels) = samples(20);
    let data = netwright::data::Dataset::new(images, labels).unwrap();
    let mut gradients = Vec::new();
    let (mut frozen, mut free) = (Frozen::init(3), Free::init(3));
    let trainer = Trainer::new().epochs(2).unwrap().batch(8).unwrap().loss(CrossEntropy).optimizer(sgd());
    let trainer = trainer.on_step(|report| {
        gradients.push(report.gradients.as_slice().to_vec());
        ControlFlow::Continue(())
    });
    trainer.fit(&mut frozen, &data, None).unwrap();
    let mut step = 0;
    let kept = sgd().freeze("features").freeze("conv1").freeze("prelu").freeze("dense");
    let trainer = Trainer::new().epochs(2).unwrap().batch(8).unwrap().loss(CrossEntropy).optimizer(kept);
    let trainer = trainer.on_step(|report| {
        assert_eq!(report.gradients.as_slice(), gradients[step], "step {step}");
        step += 1;
        ControlFlow::Continue(())
    });
    trainer.fit(&mut free, &data, None).unwrap();
    assert_eq!(frozen.parameters(), free.parameters());
    assert_eq!(frozen.statistics(), free.statistics());
}

#[test]
fn frozen_normalisation_predicts_and_does_not_couple_a_batch() {
    const { assert!(!HeadAlone::<f32>::BATCH_COUPLED && Coupled::<f32>::BATCH_COUPLED && Frozen::<f32>::BATCH_COUPLED) };
    let (images, _) = samples(5);
    let mut network = HeadAlone::init(1);
    let mut workspace = HeadAlone::workspace(5);
    // A frozen pass has no dropout, and frozen normalisation uses the moving statistics in any pass.
    let frozen = network.forward(Pass { frozen: true, ..Pass::default() }, &images, &mut workspace).unwrap().to_vec();
    for (trained, predicted) in frozen.iter().flatten().zip(network.predict_batch(&images).iter().flatten()) {
        assert!((trained - predicted).abs() < 1e-5, "{trained} {predicted}");
    }
    let before = network.statistics().to_vec();
    let trained = network.forward(Pass::default(), &images, &mut workspace).unwrap().to_vec();
    assert_ne!(trained, frozen, "dropout drops");
    assert_eq!(network.statistics(), before);
}

#[test]
fn the_gradient_of_an_image_is_the_same_whatever_is_frozen() {
    let (images, labels) = samples(4);
    let (frozen, free) = (Frozen::<f32>::init(3), Free::<f32>::init(3));
    for pass in [Pass::default(), Pass { frozen: true, ..Pass::default() }] {
        // With statistics of the batch, the two networks compute different functions.
        let pass = Pass { frozen_statistics: true, ..pass };
        let expected = input_gradient(&free, &images, &labels, &CrossEntropy, pass).unwrap();
        assert!(expected.iter().any(|slope| slope.abs() > 1e-4));
        assert_eq!(input_gradient(&frozen, &images, &labels, &CrossEntropy, pass).unwrap(), expected);
    }
}

#[test]
fn frozen_weights_get_no_gradient_on_any_number_of_threads() {
    let (images, labels) = samples(64);
    let mut all = Vec::new();
    for threads in [1, 3] {
        let mut network = HeadAlone::<f32>::init(1);
        let mut engine = GradientEngine::<HeadAlone>::new(64, threads).unwrap();
        engine.gradient(&mut network, &images, &labels, &CrossEntropy, Pass::default()).unwrap();
        for layer in HeadAlone::<f32>::LAYERS.iter().filter(|layer| layer.frozen) {
            for tensor in layer.tensors.iter().filter(|tensor| tensor.kind.is_trained()) {
                let gradient = engine.gradients().tensor(layer.name, tensor.name).unwrap();
                assert!(gradient.iter().all(|slope| *slope == 0.0), "{}.{}", layer.name, tensor.name);
            }
        }
        all.push(engine.gradients().as_slice().to_vec());
    }
    assert_eq!(all[0], all[1]);
}

#[test]
fn weights_tied_to_a_frozen_layer_stay_and_own_biases_are_trained() {
    let rows: Vec<[f32; 8]> = (0..20).map(|i| std::array::from_fn(|j| ((i * 8 + j) as f32).sin())).collect();
    let data = netwright::data::Dataset::new(rows, (0..20).map(|i| i % 3).collect()).unwrap();
    let start = Shared::init(2);
    let mut network = start.clone();
    let trainer = Trainer::new().epochs(2).unwrap().batch(8).unwrap().loss(CrossEntropy);
    trainer.optimizer(Sgd::new(0.1).unwrap().weight_decay(0.1).unwrap()).fit(&mut network, &data, None).unwrap();
    let moved = |layer: &str, tensor: &str| network.tensor(layer, tensor) != start.tensor(layer, tensor);
    assert!(!moved("encode", "kernel") && !moved("encode", "bias"));
    assert!(moved("dense1", "bias") && moved("dense2", "bias") && moved("softmax1", "kernel"));
}

#[test]
fn the_table_says_what_is_frozen_and_how_much_is_left_to_train() {
    assert_eq!(Frozen::<f32>::PARAMETERS, Free::<f32>::PARAMETERS);
    assert_eq!(Free::<f32>::TRAINABLE, Free::<f32>::PARAMETERS);
    assert_eq!(Frozen::<f32>::TRAINABLE, 4 + 8 * 3 + 3);
    assert_eq!(HeadAlone::<f32>::TRAINABLE, 6 * 6 * 4 * 3 + 3);
    let texts: Vec<_> = Frozen::<f32>::LAYERS.iter().map(|layer| layer.text).collect();
    assert!(texts.contains(&"conv 3x3x4 same frozen") && texts.contains(&"bn relu frozen"), "{texts:?}");
    let mut sgd = Sgd::<f32>::new(0.1).unwrap();
    sgd.prepare(Frozen::<f32>::LAYERS, Frozen::<f32>::PARAMETERS).unwrap();
    let frozen: Vec<bool> = Frozen::<f32>::LAYERS.iter().map(|layer| layer.frozen).collect();
    assert_eq!(sgd.frozen_layers(), frozen);
}
