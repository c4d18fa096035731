//! The gradients of large dense layers are fused into the optimiser's update if nothing else reads them, with the same bits.

use netwright::data::Dataset;
use netwright::loss::CrossEntropy;
use netwright::optim::{Adam, AdamW, Optimizer, RmsProp, Sgd};
use netwright::prelude::*;
use netwright::train::{GradientEngine, StepReport, Trainer, Update};
use netwright::{Error, Pass};

netwright::network! {
    /// Dense layers that are large enough to be fused, one of which reads the images directly, and one that is too small.
    Perceptron(9x11x1) { flatten; dense 130 relu; dropout 0.25; dense 90 tanh; dense 95 nobias; softmax 5 }

    /// Dense layers after convolutions and batch normalisation, so that the batch is not split; shared weights are not fused.
    Mixed(9x11x1) { conv 3x3x8 same bn relu; maxpool 2; dense 120 as wide relu; dense 70 as narrow; dense 120 tied narrow; softmax 5 }
}

type Image = Tensor<9, 11, 1>;

const IMAGES: usize = 70;

fn images() -> (Vec<Image>, Vec<usize>) {
    let image = |image: usize| {
        let mut tensor = Image::zeros();
        let elements = tensor.as_mut_slice().iter_mut().enumerate();
        elements.for_each(|(index, element)| *element = ((index * 37 + image * 53) % 101) as f32 / 50.0 - 1.0);
        tensor
    };
    ((0..IMAGES).map(image).collect(), (0..IMAGES).map(|image| image * 7 % 5).collect())
}

fn bits(elements: &[f32]) -> Vec<u32> {
    elements.iter().map(|element| element.to_bits()).collect()
}

/// The results of some steps: losses, parameters, statistics, and the optimiser's state.
#[derive(PartialEq, Debug)]
struct Outcome {
    losses: Vec<u64>,
    elements: Vec<Vec<u32>>,
    steps: u64,
}

/// Runs steps of several batch sizes: fused ones, or gradients followed by updates.
fn trained<N>(mut optimizer: Box<dyn Optimizer<f32>>, threads: usize, is_fused: bool) -> Outcome
where
    N: Network<Scalar = f32, Input = Image, Head = netwright::head::Softmax>,
{
    let (images, labels) = images();
    let (mut network, loss) = (N::init(3), CrossEntropy::new());
    let mut engine = GradientEngine::<N>::new(IMAGES, threads).unwrap();
    optimizer.prepare(N::LAYERS, N::PARAMETERS).unwrap();
    let mut losses = Vec::new();
    for (step, count) in [IMAGES, 33, 3, IMAGES].into_iter().enumerate() {
        let (images, labels, rate) = (&images[..count], &labels[..count], optimizer.rate() / (step + 1) as f64);
        let pass = Pass { seed: 7, step: step as u64, ..Pass::default() };
        let made = if is_fused {
            let update = Update { optimizer: &mut *optimizer, rate };
            engine.step(&mut network, images, labels, &loss, pass, update).unwrap()
        } else {
            let pass = Pass { frozen_layers: optimizer.frozen_layers(), ..pass };
            let made = engine.gradient(&mut network, images, labels, &loss, pass).unwrap();
            let gradients = engine.gradients().as_slice();
            optimizer.step(rate, N::LAYERS, network.parameters_mut(), gradients).unwrap();
            made
        };
        losses.push(made.sum.to_bits());
    }
    let state = optimizer.state().into_iter().map(|(_, state)| bits(state));
    let elements = [bits(network.parameters()), bits(network.statistics())].into_iter().chain(state).collect();
    Outcome { losses, elements, steps: optimizer.steps() }
}

/// Creates an optimiser.
type Make = fn() -> Result<Box<dyn Optimizer<f32>>, Error>;

fn optimizers() -> Vec<(&'static str, Make)> {
    vec![
        ("plain", || Ok(Box::new(Sgd::new(0.1)?))),
        ("momentum", || Ok(Box::new(Sgd::new(0.05)?.momentum(0.9)?.l2(1e-3)?))),
        ("Nesterov", || Ok(Box::new(Sgd::new(0.05)?.momentum(0.9)?.nesterov(true).weight_decay(0.01)?))),
        ("RMSProp", || Ok(Box::new(RmsProp::new(0.01)?))),
        ("RMSProp with momentum", || Ok(Box::new(RmsProp::new(0.01)?.momentum(0.9)?.l1_for("dense1", 1e-3)?))),
        ("Adam", || Ok(Box::new(Adam::new(0.01)?.rate_for("dense1", 0.02)?))),
        ("AdamW", || Ok(Box::new(AdamW::new(0.01)?.decay_biases(true)))),
        ("values cut", || Ok(Box::new(Sgd::new(0.1)?.momentum(0.5)?.clip_value(1e-3)?))),
        ("length cut", || Ok(Box::new(Adam::new(0.01)?.clip_norm(0.1)?))),
        ("a layer frozen", || Ok(Box::new(Sgd::new(0.1)?.momentum(0.9)?.freeze("dense1")))),
    ]
}

#[test]
fn every_optimizer_moves_to_the_same_bits_on_any_number_of_threads() {
    for (name, make) in optimizers() {
        let perceptron = trained::<Perceptron>(make().unwrap(), 1, false);
        let mixed = (name != "RMSProp with momentum" && name != "Adam" && name != "a layer frozen")
            .then(|| trained::<Mixed>(make().unwrap(), 1, false));
        for threads in [1, 2, 3] {
            assert!(trained::<Perceptron>(make().unwrap(), threads, true) == perceptron, "{name}, {threads} threads");
            if let Some(mixed) = &mixed {
                assert!(trained::<Mixed>(make().unwrap(), threads, true) == *mixed, "{name}, {threads} threads, mixed");
            }
        }
    }
}

/// Returns the layers whose gradients the plan fuses into the update.
fn fused<N: Network>() -> Vec<&'static str> {
    N::FUSED.iter().map(|gradient| N::LAYERS[gradient.layer].name).collect()
}

#[test]
fn the_plan_fuses_large_gradients_of_weights_that_are_not_shared() {
    assert_eq!(fused::<Perceptron<f32>>(), ["dense1", "dense2", "dense3"]);
    assert_eq!(fused::<Mixed<f32>>(), ["wide"]);
    let gradients = Perceptron::PLAN.of(netwright::plan::Direction::WeightGradient);
    let reasons: Vec<bool> = gradients.map(|call| call.why.contains("the optimiser's update takes")).collect();
    assert_eq!(reasons, [false, true, true, true]);
}

/// Returns the stored gradient of `dense1` after a step by `engine.step`.
fn stored_gradient(engine: &mut GradientEngine<Perceptron>, optimizer: &mut dyn Optimizer<f32>) -> Vec<u32> {
    let ((images, labels), mut network) = (images(), Perceptron::init(3));
    let (update, loss) = (Update { optimizer, rate: 0.1 }, CrossEntropy::new());
    engine.step(&mut network, &images, &labels, &loss, Pass::default(), update).unwrap();
    bits(engine.gradients().tensor("dense1", "kernel").unwrap())
}

#[test]
fn gradients_are_stored_for_clipping_and_on_request() {
    let mut engine = GradientEngine::<Perceptron>::new(IMAGES, 2).unwrap();
    let ((images, labels), mut network) = (images(), Perceptron::init(3));
    engine.gradient(&mut network, &images, &labels, &CrossEntropy::new(), Pass::default()).unwrap();
    let whole = bits(engine.gradients().tensor("dense1", "kernel").unwrap());
    assert!(whole.iter().any(|&element| element != 0));
    assert!(
        stored_gradient(&mut engine, &mut Sgd::new(0.1).unwrap()).iter().all(|&element| element == 0),
        "stored or stale"
    );
    assert!(stored_gradient(&mut engine, &mut Sgd::new(0.1).unwrap().clip_norm(1.0).unwrap()) == whole);
    engine.keep_gradients(true);
    assert!(stored_gradient(&mut engine, &mut Sgd::new(0.1).unwrap()) == whole);
}

#[test]
fn a_callback_sees_whole_gradients_and_changes_nothing() {
    let set = Dataset::new(images().0, images().1).unwrap();
    let run = |reads: bool| {
        let (mut network, mut seen) = (Perceptron::init(3), Vec::new());
        let trainer = Trainer::new().loss(CrossEntropy::new()).optimizer(Adam::new(0.01).unwrap()).quiet();
        let trainer = trainer.epochs(2).unwrap().batch(32).unwrap().threads(2).unwrap();
        if reads {
            let note = |step: &StepReport<'_, Perceptron>| {
                let gradient = step.gradients.tensor("dense1", "kernel").unwrap();
                seen.push(gradient.iter().any(|&element| element != 0.0));
            };
            trainer.on_step(note).fit(&mut network, &set, None).unwrap();
        } else {
            trainer.fit(&mut network, &set, None).unwrap();
        }
        (bits(network.parameters()), seen)
    };
    let (unseen, seen) = (run(false), run(true));
    assert!(seen.1.len() > 2 && seen.1.iter().all(|seen| *seen));
    assert!(unseen.0 == seen.0);
}

/// Returns the error of a step, and the parameters after it.
fn failed(is_fused: bool, change: fn(&mut [Image], &mut [f32])) -> (Option<String>, Vec<u32>) {
    let ((mut images, labels), mut network) = (images(), Perceptron::init(3));
    change(&mut images, network.parameters_mut());
    let mut engine = GradientEngine::<Perceptron>::new(IMAGES, 2).unwrap();
    let (mut optimizer, loss) = (Sgd::new(0.1).unwrap(), CrossEntropy::new());
    let before = bits(network.parameters());
    let error = if is_fused {
        let update = Update { optimizer: &mut optimizer, rate: 0.1 };
        engine.step(&mut network, &images, &labels, &loss, Pass::default(), update).err()
    } else {
        let made = engine.gradient(&mut network, &images, &labels, &loss, Pass::default());
        let moved = made
            .map(|_| optimizer.step(0.1, Perceptron::LAYERS, network.parameters_mut(), engine.gradients().as_slice()));
        moved.err()
    };
    assert!(error.is_none() || bits(network.parameters()) == before, "a failed step has moved weights");
    (error.map(|error| error.to_string()), bits(network.parameters()))
}

#[test]
fn a_step_that_is_not_finite_fails_alike_and_moves_nothing() {
    let nan = failed(true, |images, _| images[40].as_mut_slice()[7] = f32::NAN);
    assert!(nan.0.is_some() && nan == failed(false, |images, _| images[40].as_mut_slice()[7] = f32::NAN));
    // So large that gradients might overflow, though they do not.
    let large: fn(&mut [Image], &mut [f32]) = |images, parameters| {
        images[40].as_mut_slice()[7] = 1e38;
        parameters.iter_mut().for_each(|parameter| *parameter *= 1e-3);
    };
    let fused_step = failed(true, large);
    assert!(fused_step == failed(false, large));
    // So large that they do overflow.
    let larger: fn(&mut [Image], &mut [f32]) = |images, _| {
        for image in images {
            image.as_mut_slice().fill(3e38);
        }
    };
    let fused_step = failed(true, larger);
    assert!(fused_step.0.is_some() && fused_step == failed(false, larger));
}
