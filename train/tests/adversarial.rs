//! Adversarial attacks, and statistics of layers.

mod support;

use netwright_runtime::network::Network;
use netwright_runtime::{Error, Pass, Tensor};
use netwright_train::data::Dataset;
use netwright_train::loss::CrossEntropy;
use netwright_train::optim::Sgd;
use netwright_train::train::adversarial::{attack, evaluate_under, fgsm, input_gradient};
use netwright_train::train::statistics::layer_statistics;
use netwright_train::train::{AdversarialTraining, Attack, Pairs, Trainer, evaluate};
use support::{Spot, SpotExact, quick, spots};

fn trained(adversarial: Option<AdversarialTraining>) -> Spot {
    let (images, labels) = spots(300, 1);
    let train = Dataset::new(images, labels).unwrap();
    let mut network = Spot::init(1);
    let trainer = Trainer::new().epochs(25).unwrap().batch(20).unwrap().seed(1).loss(CrossEntropy::new());
    let trainer = trainer.optimizer(Sgd::new(0.1).unwrap().momentum(0.9).unwrap());
    let trainer = if let Some(adversarial) = adversarial { trainer.adversarial(adversarial) } else { trainer };
    trainer.fit(&mut network, &train, None).unwrap();
    network
}

#[test]
fn the_gradient_of_an_image_is_that_of_finite_differences() {
    let (images, labels) = spots(40, 3);
    let mut images: Vec<Tensor<6, 6, 1, f64>> =
        images.iter().map(|image| Tensor::from_fn(|y, x, c| f64::from(image[[y, x, c]]))).collect();
    let (network, loss) = (SpotExact::init(2), CrossEntropy::new());
    let gradient = input_gradient(&network, &images, &labels, &loss, Pass::default()).unwrap();
    for (sample, place) in [(0, 0), (7, 13), (39, 35)] {
        let step = 1e-5;
        let mut at = |by: f64| {
            images[sample].as_mut_slice()[place] += by;
            evaluate(&network, &Pairs::new(&images, &labels).unwrap(), &loss).unwrap().sum
        };
        let slope = (at(step) - at(-2.0 * step)) / (2.0 * step);
        at(step);
        assert!((slope - gradient[sample * 36 + place]).abs() < 1e-8);
    }
}

#[test]
fn an_attack_stays_within_epsilon_and_range_and_raises_the_loss() {
    let network = trained(None);
    let (images, labels) = spots(60, 2);
    let loss = CrossEntropy::new();
    let (epsilon, step) = (0.2, 0.05);
    let pgd = Attack::pgd(epsilon, step, 8).unwrap().range(0.0, 1.0).unwrap();
    let changed = attack(&network, &images, &labels, &loss, &pgd).unwrap();
    for (changed, image) in changed.iter().zip(&images) {
        for (a, b) in changed.as_slice().iter().zip(image.as_slice()) {
            assert!((a - b).abs() <= 0.2 + 1e-6 && (0.0..=1.0).contains(a));
        }
    }
    let clean = evaluate(&network, &Pairs::new(&images, &labels).unwrap(), &loss).unwrap().mean();
    let once = fgsm(&network, &images, &labels, &loss, epsilon).unwrap();
    let mean = |images: &[_]| evaluate(&network, &Pairs::new(images, &labels).unwrap(), &loss).unwrap().mean();
    assert!(mean(&once) > 2.0 * clean && mean(&changed) > 2.0 * clean);
    assert!(Attack::pgd(0.1, 0.1, 0).is_err() && Attack::fgsm(-0.1).is_err());
    assert!(Attack::pgd(0.1, 0.0, 4).is_err() && Attack::pgd(0.0, 0.0, 4).is_ok());
    assert!(Attack::fgsm(0.1).unwrap().range(1.0, 0.0).is_err());
}

#[test]
fn an_attack_on_what_is_no_number_is_refused_by_its_sample() {
    let network = trained(None);
    let (mut images, labels) = spots(60, 2);
    images[41].as_mut_slice()[3] = f32::NAN;
    let loss = CrossEntropy::new();
    let error = fgsm(&network, &images, &labels, &loss, 0.1).unwrap_err();
    assert_eq!(error.to_string(), "the images: the input of sample 41 is NaN or infinite");
    let samples = Pairs::new(&images, &labels).unwrap();
    let error = evaluate_under(&network, &samples, &loss, &Attack::fgsm(0.1).unwrap()).unwrap_err();
    assert!(matches!(error, Error::Input { sample: 41, .. }), "{error}");

    let attacked = AdversarialTraining::new(Attack::fgsm(0.1).unwrap().range(0.0, 1.0).unwrap()).share(1.0).unwrap();
    let data = Dataset::new(images, labels.clone()).unwrap();
    let error = quick().adversarial(attacked).fit(&mut trained(None), &data, None).unwrap_err();
    assert!(error.to_string().ends_with("the input of sample 41"), "{error}");

    let mut broken = trained(None);
    broken.parameters_mut()[0] = f32::INFINITY;
    let error = fgsm(&broken, &spots(60, 2).0, &labels, &loss, 0.1).unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
}

#[test]
fn training_against_an_attack_raises_the_accuracy_under_it() {
    let fgsm = Attack::fgsm(0.04).unwrap();
    let (images, labels) = spots(300, 2);
    let test = Dataset::new(images, labels).unwrap();
    let loss = CrossEntropy::new();
    let under = |network: &Spot| evaluate_under(network, &test, &loss, &fgsm).unwrap().accuracy().unwrap();
    let plain = under(&trained(None));
    let hardened = trained(Some(AdversarialTraining::new(fgsm)));
    assert!(under(&hardened) > plain + 0.05, "{} against {plain}", under(&hardened));
    let clean = |network: &Spot| evaluate(network, &test, &loss).unwrap().accuracy().unwrap();
    assert!(clean(&hardened) > 0.85, "{} against {}", clean(&hardened), clean(&trained(None)));
}

#[test]
fn statistics_show_saturated_layers_and_their_gradients() {
    let (images, labels) = spots(30, 1);
    let mut network = Spot::init(1);
    let before = layer_statistics(&network, &images, &labels, &CrossEntropy::new()).unwrap();
    network.tensor_mut("dense1", "kernel").unwrap().iter_mut().for_each(|weight| *weight *= 100.0);
    let after = layer_statistics(&network, &images, &labels, &CrossEntropy::new()).unwrap();
    let saturated = |statistics: &netwright_train::train::statistics::NetworkStatistics| {
        statistics.layers[0].activations.unwrap().saturated.unwrap()
    };
    assert!(saturated(&before) < 0.1 && saturated(&after) > 0.8, "{before}{after}");
    assert!(after.layers[0].gradient_norm < before.layers[0].gradient_norm, "saturation stops the gradient");
    assert_eq!(after.layers[1].activations.unwrap().saturated, None);
    assert_eq!(after.to_string().lines().count(), 3);
    let error = layer_statistics(&network, &[], &[] as &[usize], &CrossEntropy::new()).unwrap_err();
    assert!(matches!(error, Error::Pass(_)), "{error}");
}
