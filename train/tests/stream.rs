//! Training on streams of samples.

mod support;

use std::ops::ControlFlow;
use std::path::PathBuf;

use netwright_runtime::network::Network;
use netwright_runtime::{Architecture, Error, Pass, Tensor};
use netwright_train::loss::CrossEntropy;
use netwright_train::optim::{Adam, Optimizer, Sgd};
use netwright_train::train::augment::Augmentation;
use netwright_train::train::{
    Checkpoints, Ending, GradientEngine, Loader, Mixup, Preparation, Source, Stream, Threads, Trainer,
};
use support::{Spot, SpotDropout, bits, spots};

type Image = Tensor<6, 6, 1>;

/// Generates samples, which differ from epoch to epoch.
fn generated(epoch: u64) -> impl Iterator<Item = Result<(Image, usize), String>> + Send {
    let (images, labels) = spots(70, 100 + epoch);
    images.into_iter().zip(labels).map(Ok)
}

/// Returns the numbers of all samples in the order of an epoch.
fn order<S: Source<Image, usize>>(stream: &S, seed: u64, epoch: u64) -> Vec<u64> {
    let mut loader = Loader::with_sampler(stream.sampler(seed), 16, Preparation::new(seed)).unwrap();
    loader.begin(epoch, 0);
    let mut order = Vec::new();
    while let Some(batch) = loader.next_batch().unwrap() {
        order.extend_from_slice(batch.numbers());
    }
    order
}

#[test]
fn a_stream_is_trained_on_as_it_comes() {
    let stream = Stream::new(70, generated).unwrap();
    let mut network = Spot::init(1);
    let trainer = Trainer::new().epochs(3).unwrap().batch(16).unwrap().threads(2).unwrap();
    let trainer = trainer.loss(CrossEntropy::new()).optimizer(Sgd::new(0.1).unwrap());
    let history = trainer.fit_stream(&mut network, &stream, None).unwrap();
    assert_eq!(history.epochs.iter().map(|epoch| epoch.step).collect::<Vec<_>>(), [5, 10, 15]);

    let mut by_hand = Spot::init(1);
    let mut engine = GradientEngine::<Spot>::new(16, 1).unwrap();
    let (mut optimizer, mut step) = (Sgd::new(0.1).unwrap(), 0);
    for epoch in 0..3 {
        let (images, labels): (Vec<_>, Vec<_>) = generated(epoch).map(Result::unwrap).unzip();
        for (images, labels) in images.chunks(16).zip(labels.chunks(16)) {
            let pass = Pass { step, ..Pass::default() };
            engine.gradient(&mut by_hand, images, labels, &CrossEntropy::new(), pass).unwrap();
            let gradients = engine.gradients().as_slice();
            optimizer.step(0.1, Spot::LAYERS, by_hand.parameters_mut(), gradients).unwrap();
            step += 1;
        }
    }
    assert!(bits(&network) == bits(&by_hand));
}

#[test]
fn a_shuffle_buffer_gives_every_sample_once_and_none_before_it_is_read() {
    let stream = |buffer: usize| Stream::new(70, generated).unwrap().shuffle(buffer).unwrap();
    let in_order: Vec<u64> = (0..70).collect();
    assert_eq!(order(&stream(1), 1, 0), in_order);
    let shuffled = order(&stream(8), 1, 0);
    assert_eq!(shuffled, order(&stream(8), 1, 0), "the seed and the epoch decide");
    assert_ne!(shuffled, order(&stream(8), 2, 0));
    assert_ne!(shuffled, order(&stream(8), 1, 1));
    for buffer in [2, 8, 70, 1000] {
        let mut found = order(&stream(buffer), 1, 0);
        assert!(found.iter().enumerate().all(|(place, &number)| (number as usize) < place + buffer), "{buffer}");
        assert_ne!(found, in_order, "{buffer}");
        found.sort_unstable();
        assert_eq!(found, in_order, "{buffer}");
    }
    let early: u64 = order(&stream(1000), 1, 0)[..35].iter().sum();
    assert!((35 * 24..35 * 45).contains(&early), "shuffled as a whole: {}", early as f64 / 35.0);
}

#[test]
fn an_iterator_may_go_on_for_ever_and_inputs_may_stand_elsewhere() {
    let (images, labels) = spots(12, 3);
    let boxed = Stream::new(30, |_| {
        let samples = images.iter().zip(&labels).cycle();
        samples.map(|(image, label)| Ok::<_, std::convert::Infallible>((Box::new(*image), *label)))
    });
    let mut network = Spot::init(1);
    let trainer = Trainer::new().epochs(2).unwrap().batch(8).unwrap().threads(1).unwrap();
    let trainer = trainer.loss(CrossEntropy::new()).optimizer(Sgd::new(0.1).unwrap());
    let history = trainer.fit_stream(&mut network, &boxed.unwrap(), None).unwrap();
    assert_eq!(history.last().unwrap().step, 8);
}

/// Creates a trainer with everything that depends on the stream: dropout, augmentation, mixup, a shuffle buffer.
fn trainer<'c>(
    threads: usize,
) -> Trainer<'c, SpotDropout, usize, CrossEntropy, Adam, netwright_train::train::MixedLabel> {
    Trainer::new()
        .epochs(3)
        .unwrap()
        .batch(16)
        .unwrap()
        .seed(5)
        .threads(threads)
        .unwrap()
        .loss(CrossEntropy::new())
        .optimizer(Adam::new(0.02).unwrap())
        .augment(Augmentation::new().noise(0.2).unwrap())
        .mixup(Mixup::new(0.3).unwrap())
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netwright-stream-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_run_on_a_stream_stopped_after_any_step_and_resumed_gives_the_same_bits() {
    let stream = Stream::new(70, generated).unwrap().shuffle(20).unwrap();
    let mut whole = SpotDropout::init(1);
    let expected = trainer(2).fit_stream(&mut whole, &stream, None).unwrap();
    let mut other = SpotDropout::init(1);
    trainer(7).fit_stream(&mut other, &stream, None).unwrap();
    assert!(bits(&other) == bits(&whole), "on any number of threads");
    for stop in 1..=15 {
        let folder = Folder::new(&format!("resume-{stop}"));
        let checkpoints = || Checkpoints::new(folder.0.join("run")).resume(true);
        let mut network = SpotDropout::init(1);
        trainer(2)
            .checkpoints(checkpoints())
            .on_step(|report| if report.step == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            .fit_stream(&mut network, &stream, None)
            .unwrap();
        let mut network = SpotDropout::init(2);
        let history = trainer(1).checkpoints(checkpoints()).fit_stream(&mut network, &stream, None).unwrap();
        assert!(bits(&network) == bits(&whole), "stopped after step {stop}");
        assert_eq!((history.ending, history.epochs.len()), (Ending::Finished, 3));
        assert_eq!(history.last().unwrap().loss.to_bits(), expected.last().unwrap().loss.to_bits());
    }
}

#[test]
fn a_checkpoint_of_another_order_is_refused() {
    let folder = Folder::new("order");
    let checkpoints = || Checkpoints::new(folder.0.join("run")).resume(true);
    let stream = |buffer: usize| Stream::new(70, generated).unwrap().shuffle(buffer).unwrap();
    trainer(1).checkpoints(checkpoints()).fit_stream(&mut SpotDropout::init(1), &stream(20), None).unwrap();
    let fit = trainer(1).checkpoints(checkpoints()).fit_stream(&mut SpotDropout::init(1), &stream(21), None);
    assert!(matches!(fit.unwrap_err(), Error::Resume { what: "the order of samples", .. }));
    let (images, labels) = spots(70, 1);
    let set = netwright_train::data::Dataset::new(images, labels).unwrap();
    let fit = trainer(1).checkpoints(checkpoints()).fit(&mut SpotDropout::init(1), &set, None);
    assert!(matches!(fit.unwrap_err(), Error::Resume { what: "the order of samples", .. }));
}

/// Trains on a stream whose sample 40 is replaced, and returns the error and the number of steps before it.
fn failing<It>(threads: usize, open: impl Fn(u64) -> It + Sync) -> (Error, u64)
where
    It: Iterator<Item = Result<(Image, usize), String>> + Send,
{
    let mut steps = 0;
    let trainer = Trainer::new().epochs(2).unwrap().batch(16).unwrap().threads(threads).unwrap();
    let trainer = trainer.loss(CrossEntropy::new()).optimizer(Sgd::new(0.1).unwrap()).on_step(|report| {
        steps = report.step;
        ControlFlow::Continue(())
    });
    let stream = Stream::new(70, open).unwrap().named("the archive");
    let error = trainer.fit_stream(&mut Spot::init(1), &stream, None).unwrap_err();
    (error, steps)
}

#[test]
fn what_goes_wrong_in_a_stream_names_the_sample_and_leaves_the_steps_before() {
    for threads in [1, 2] {
        let (error, steps) = failing(threads, |epoch| {
            generated(epoch)
                .enumerate()
                .map(|(number, sample)| if number == 40 { Err("no tape".into()) } else { sample })
        });
        assert!(matches!(&error, Error::Sample { sample: 40, .. }), "{error}");
        assert_eq!((error.to_string(), steps), ("the archive: sample 40: no tape".to_owned(), 2));

        let (error, steps) = failing(threads, |epoch| generated(epoch).take(40));
        assert!(matches!(&error, Error::StreamEnd { expected: 70, found: 40, .. }), "{error}");
        let text = "the archive: it ended after 40 samples; an epoch has 70";
        assert_eq!((error.to_string().as_str(), steps), (text, 2));

        let (error, steps) = failing(threads, |epoch| {
            generated(epoch).enumerate().map(|(number, sample)| if number == 40 { panic!("torn tape") } else { sample })
        });
        assert!(matches!(&error, Error::Panicked { sample: 40, .. }), "{error}");
        let text = "the archive: sample 40: its iterator panicked: torn tape";
        assert_eq!((error.to_string().as_str(), steps), (text, 2));

        let (error, steps) = failing(threads, |epoch| {
            generated(epoch)
                .enumerate()
                .map(|(number, sample)| sample.map(|(image, label)| (image, if number == 40 { 3 } else { label })))
        });
        assert!(matches!(&error, Error::Label { sample: 40, label: 3, classes: 3, .. }), "{error}");
        assert!(error.to_string().starts_with("the archive: sample 40 has the label 3") && steps == 2, "{error}");
    }
}

#[test]
fn a_stream_can_be_counted_and_one_without_sense_is_refused() {
    let counted = Stream::counted(generated).unwrap();
    assert_eq!(order(&counted, 1, 0).len(), 70);
    let fails = Stream::counted(|_| [Ok((0, 0)), Err("no tape")].into_iter());
    assert!(matches!(fails, Err(Error::Sample { sample: 1, .. })));
    let empty = Stream::counted(|_| std::iter::empty::<Result<(Image, usize), String>>());
    assert!(matches!(empty, Err(Error::Empty { .. })));
    assert!(matches!(Stream::new(0, generated), Err(Error::Setting { setting: "samples of an epoch", .. })));
    let stream = Stream::new(70, generated).unwrap();
    assert!(matches!(stream.shuffle(0), Err(Error::Setting { setting: "shuffle buffer", .. })));
    assert!(Threads::new(0).is_err());
}
