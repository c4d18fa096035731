//! Blends of samples and of their targets.

mod support;

use netwright_runtime::network::Network;
use netwright_train::data::Dataset;
use netwright_train::loss::{BinaryCrossEntropy, CrossEntropy};
use netwright_train::optim::Sgd;
use netwright_train::train::{Mixup, Trainer};
use support::{Gate, Spot, bits, quick, spots};

#[test]
fn mixup_trains_on_shares() {
    let (images, labels) = spots(60, 1);
    let shares: Vec<[f32; 3]> = labels.iter().map(|&label| netwright_train::loss::one_hot(label)).collect();
    let train = Dataset::new(images, shares).unwrap();
    let run = |mixup: Option<Mixup>| {
        let trainer = Trainer::new().epochs(30).unwrap().batch(20).unwrap().loss(CrossEntropy::new());
        let trainer = trainer.optimizer(Sgd::new(0.2).unwrap().momentum(0.9).unwrap());
        let mut network = Spot::init(1);
        let trainer = if let Some(mixup) = mixup { trainer.mixup(mixup) } else { trainer };
        let history = trainer.fit(&mut network, &train, Some(&train)).unwrap();
        (history.last().unwrap().loss, history.last().unwrap().validation_accuracy.unwrap())
    };
    let (plain, mixed) = (run(None), run(Some(Mixup::new(1.0).unwrap())));
    assert!(mixed.0 > plain.0 + 0.1, "blends cannot be fitted exactly: {mixed:?} against {plain:?}");
    assert!(mixed.1 > 0.9, "{mixed:?}");
}

#[test]
fn mixed_labels_are_trained_on_as_the_distributions_they_stand_for() {
    let (images, labels) = spots(60, 1);
    let shares: Vec<[f64; 3]> = labels.iter().map(|&label| netwright_train::loss::one_hot(label)).collect();
    let shares = Dataset::new(images.clone(), shares).unwrap();
    let labels = Dataset::new(images, labels).unwrap();
    let (mut by_labels, mut by_shares) = (Spot::init(1), Spot::init(1));
    let loss = CrossEntropy::new().label_smoothing(0.1).unwrap();
    let settings = |threads: usize| {
        let trainer = quick().threads(threads).unwrap().epochs(4).unwrap().seed(3);
        trainer.loss(loss).mixup(Mixup::new(1.0).unwrap())
    };
    let history = settings(2).fit(&mut by_labels, &labels, Some(&labels)).unwrap();
    let trainer = Trainer::new().batch(16).unwrap().epochs(4).unwrap().seed(3).threads(1).unwrap();
    let trainer = trainer.loss(loss).optimizer(Sgd::new(0.1).unwrap()).mixup(Mixup::new(1.0).unwrap());
    let expected = trainer.fit(&mut by_shares, &shares, None).unwrap();
    assert!(bits(&by_labels) == bits(&by_shares));
    assert_eq!(history.last().unwrap().loss.to_bits(), expected.last().unwrap().loss.to_bits());
    let accuracy = history.last().unwrap().accuracy.unwrap();
    assert!((0.1..0.95).contains(&accuracy), "the shares of the classes that were named: {accuracy}");

    let mut one_thread = Spot::init(1);
    settings(1).fit(&mut one_thread, &labels, None).unwrap();
    assert!(bits(&one_thread) == bits(&by_labels));
    let mut unmixed = Spot::init(1);
    quick().threads(1).unwrap().epochs(4).unwrap().seed(3).loss(loss).fit(&mut unmixed, &labels, None).unwrap();
    assert!(bits(&unmixed) != bits(&by_labels));
}

#[test]
fn yes_and_no_can_be_mixed_too() {
    let inputs = [[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]].repeat(4);
    let gate = |trainer: Trainer<'_, Gate, bool>| {
        let or = Dataset::new(inputs.clone(), [false, true, true, true].repeat(4)).unwrap();
        let trainer = trainer.epochs(60).unwrap().batch(4).unwrap().loss(BinaryCrossEntropy);
        let trainer = trainer.optimizer(Sgd::new(0.5).unwrap()).mixup(Mixup::new(0.2).unwrap());
        let mut network = Gate::init(2);
        let history = trainer.fit(&mut network, &or, Some(&or)).unwrap();
        (bits(&network), history.last().unwrap().validation_accuracy)
    };
    let shares = |trainer: Trainer<'_, Gate, [f64; 1]>| {
        let or = Dataset::new(inputs.clone(), [[0.0], [1.0], [1.0], [1.0]].repeat(4)).unwrap();
        let trainer = trainer.epochs(60).unwrap().batch(4).unwrap().loss(BinaryCrossEntropy);
        let trainer = trainer.optimizer(Sgd::new(0.5).unwrap()).mixup(Mixup::new(0.2).unwrap());
        let mut network = Gate::init(2);
        let history = trainer.fit(&mut network, &or, Some(&or)).unwrap();
        (bits(&network), history.last().unwrap().validation_accuracy)
    };
    let mixed = gate(Trainer::new());
    assert_eq!(mixed.1, Some(1.0));
    assert!(mixed == shares(Trainer::new()));
}
