//! Batch normalisation couples the images of a batch: ghost batches, and any number of threads.

use netwright::data::Dataset;
use netwright::loss::CrossEntropy;
use netwright::optim::Adam;
use netwright::random::Random;
use netwright::train::augment::Augmentation;
use netwright::train::{GradientEngine, Trainer};
use netwright::{Architecture, Error, Network, Pass, Tensor};

netwright::network! {
    Normalised(6x6x1) { conv 3x3x4 same nobias bn momentum 0.9 relu; maxpool 2; dense 8 bn tanh; dropout 0.3; softmax 3 }
    /// The same without dropout, whose mask depends on an image's index in its batch.
    Exact(6x6x1) { conv 3x3x4 same nobias bn momentum 0.9 relu; maxpool 2; dense 8 bn tanh; softmax 3 }
}

type Image<T> = Tensor<6, 6, 1, T>;

/// Creates noisy images with two bright rows; their position is the label.
fn rows<T: netwright::Precision>(count: usize, seed: u64) -> (Vec<Image<T>>, Vec<usize>) {
    let mut random = Random::new(seed);
    let image = |label: usize, random: &mut Random| {
        Image::from_fn(|y, _, _| T::from_f64(0.5 * random.normal() + f64::from(u8::from(y / 2 == label))))
    };
    (0..count).map(|sample| (image(sample % 3, &mut random), sample % 3)).unzip()
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

#[test]
fn one_two_and_seven_threads_give_the_same_bits_with_ghost_batches_and_without() {
    let (images, labels) = rows(150, 1);
    let train = Dataset::new(images, labels).unwrap();
    let run = |threads: usize, ghost: Option<usize>| {
        let mut network = Normalised::init(1);
        let trainer = Trainer::new()
            .epochs(2)
            .unwrap()
            .batch(64)
            .unwrap()
            .seed(3)
            .threads(threads)
            .unwrap()
            .loss(CrossEntropy::new());
        let trainer = trainer.optimizer(Adam::new(0.01).unwrap()).augment(Augmentation::new().shift(1.0).unwrap());
        let trainer = match ghost {
            Some(images) => trainer.ghost_batch(images).unwrap(),
            None => trainer,
        };
        let history = trainer.fit(&mut network, &train, Some(&train)).unwrap();
        let losses: Vec<_> = history.epochs.iter().map(|e| (e.loss.to_bits(), e.validation_loss)).collect();
        (bits(network.parameters()), bits(network.statistics()), losses)
    };
    for ghost in [None, Some(10)] {
        let one = run(1, ghost);
        assert!(run(2, ghost) == one, "two threads, ghost batches {ghost:?}");
        assert!(run(7, ghost) == one, "seven threads, ghost batches {ghost:?}");
    }
    assert!(run(1, None) != run(1, Some(10)), "a ghost batch has a mean of its own");
}

#[test]
fn ghost_batches_are_normalised_separately() {
    let (images, labels) = rows::<f64>(24, 2);
    let (loss, pass) = (CrossEntropy::new(), Pass::default());
    let start: Exact<f64> = Network::init(2);
    let mut ghost = start.clone();
    let mut engine = GradientEngine::ghost_batches(24, 10, 2).unwrap();
    let found = engine.gradient(&mut ghost, &images, &labels, &loss, pass).unwrap();

    // 24 images in micro-batches of at most 10 are three micro-batches of 8.
    let (mut sum, mut gradient) = (0.0, vec![0.0; Exact::<f64>::PARAMETERS]);
    let mut statistics = vec![0.0; Exact::<f64>::STATISTICS];
    for (images, labels) in images.chunks(8).zip(labels.chunks(8)) {
        let mut alone = start.clone();
        let mut engine = GradientEngine::new(8, 1).unwrap();
        sum += engine.gradient(&mut alone, images, labels, &loss, pass).unwrap().sum;
        gradient.iter_mut().zip(engine.gradients().as_slice()).for_each(|(sum, g)| *sum += g / 3.0);
        statistics.iter_mut().zip(alone.statistics()).for_each(|(sum, s)| *sum += s / 3.0);
    }
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!((found.sum - sum).abs() < 1e-12 && found.images == 24);
    assert!(close(engine.gradients().as_slice(), &gradient));
    assert!(close(ghost.statistics(), &statistics) && ghost.statistics() != start.statistics());
}

#[test]
fn a_batch_is_cut_so_that_no_ghost_batch_is_a_single_image() {
    let (images, labels) = rows(33, 3);
    let mut engine = GradientEngine::ghost_batches(33, 32, 1).unwrap();
    let mut network = Normalised::init(1);
    // For a single image, the dense layer's normalisation would output its shift only, and the gradient would be 0.
    engine.gradient(&mut network, &images, &labels, &CrossEntropy::new(), Pass::default()).unwrap();
    assert!(engine.gradients().tensor("dense1", "kernel").unwrap().iter().any(|g| g.abs() > 1e-6));
    assert!(matches!(
        GradientEngine::<Normalised>::ghost_batches(8, 1, 1),
        Err(Error::Setting { setting: "ghost batch", .. })
    ));
    assert!(Trainer::<Normalised>::new().ghost_batch(0).is_err());
}
