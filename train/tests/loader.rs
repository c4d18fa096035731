//! Batches do not depend on the number of threads and are prepared ahead of the step; problems while they are prepared are errors.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use netwright_runtime::network::Network;
use netwright_runtime::random::Random;
use netwright_runtime::{Error, Tensor};
use netwright_train::loss::CrossEntropy;
use netwright_train::optim::Sgd;
use netwright_train::train::augment::{Augmentation, MixedLabel};
use netwright_train::train::{Batch, Loader, Mixup, Preparation, Threads, Trainer};
use support::{Spot, data};

type Image = Tensor<6, 6, 1>;
type Read = (Vec<u64>, Vec<u32>, Vec<MixedLabel>);

fn changed() -> Preparation<Image, usize, MixedLabel> {
    let augmentation = Augmentation::new().shift(1.0).unwrap().rotate(20.0).unwrap().noise(0.1).unwrap();
    Preparation::new(5).augment(augmentation).mixup(Mixup::new(0.4).unwrap())
}

/// Returns all contents of a batch, to compare bit by bit.
fn contents(batch: &Batch<Image, MixedLabel>) -> Read {
    let pixels = batch.inputs().iter().flat_map(Image::as_slice).map(|pixel| pixel.to_bits());
    (batch.numbers().to_vec(), pixels.collect(), batch.targets().to_vec())
}

#[test]
fn one_two_and_seven_threads_make_the_same_batches() {
    let set = data(203, 1);
    let epochs = |threads: usize| {
        let threads = Threads::new(threads).unwrap();
        let mut loader = Loader::new(&set, 48, changed()).unwrap().threads(&threads);
        let mut read = Vec::new();
        for epoch in 0..2 {
            loader.begin(epoch, 0);
            while let Some(batch) = loader.step(contents).unwrap() {
                read.push(batch);
            }
        }
        read
    };
    let one = epochs(1);
    assert_eq!(one.iter().map(|batch| batch.0.len()).collect::<Vec<_>>(), [48, 48, 48, 48, 11].repeat(2));
    let numbers: Vec<u64> = one[..5].iter().flat_map(|batch| batch.0.iter().copied()).collect();
    assert_eq!(numbers, set.order(5, 0).iter().map(|&number| number as u64).collect::<Vec<_>>());
    assert!(one[0] != one[5], "each epoch draws anew");
    assert!(epochs(2) == one);
    assert!(epochs(7) == one);
}

#[test]
fn an_epoch_can_be_begun_at_any_batch() {
    let set = data(70, 1);
    let threads = Threads::new(2).unwrap();
    let mut loader = Loader::new(&set, 16, changed()).unwrap().threads(&threads);
    let from = |loader: &mut Loader<_, _, _, _>, batch: u64| {
        loader.begin(3, batch);
        let mut read = Vec::new();
        while let Some(batch) = loader.step(contents).unwrap() {
            read.push(batch);
        }
        read
    };
    let whole = from(&mut loader, 0);
    assert_eq!(loader.steps_per_epoch(), 5);
    for batch in 0..=6 {
        assert!(from(&mut loader, batch) == whole[(batch as usize).min(5)..], "from batch {batch}");
    }
    loader.begin(3, 0);
    assert_eq!(contents(loader.next_batch().unwrap().unwrap()), whole[0]);
    assert_eq!(loader.step(contents).unwrap().unwrap(), whole[1], "both ways take turns");
}

#[test]
fn the_next_batch_is_made_while_the_step_works_and_no_further_one() {
    let set = data(64, 1);
    let augmented = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&augmented);
    let preparation = Preparation::new(1).augment(move |source: &Image, copy: &mut Image, _: &mut Random| {
        copy.clone_from(source);
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let threads = Threads::new(2).unwrap();
    let mut loader = Loader::new(&set, 16, preparation).unwrap().threads(&threads);
    for made in 1..=4 {
        loader
            .step(|_| {
                // This step does not end before the next batch has been prepared.
                let wanted = 16 * (made + 1).min(4);
                let patience = Instant::now() + Duration::from_secs(120);
                while augmented.load(Ordering::SeqCst) < wanted && Instant::now() < patience {
                    std::thread::yield_now();
                }
                assert_eq!(augmented.load(Ordering::SeqCst), wanted, "beside step {made}");
            })
            .unwrap()
            .unwrap();
    }
    assert!(loader.step(|_| ()).unwrap().is_none());
}

#[test]
fn a_batch_is_made_by_several_threads_at_once() {
    let set = data(16, 1);
    // Both halves of the batch wait for each other, or this test does not end.
    let (meeting, calls) = (Barrier::new(2), AtomicUsize::new(0));
    let preparation = Preparation::new(1).augment(move |source: &Image, copy: &mut Image, _: &mut Random| {
        copy.clone_from(source);
        if calls.fetch_add(1, Ordering::SeqCst) < 2 {
            meeting.wait();
        }
    });
    let threads = Threads::new(2).unwrap();
    let mut loader = Loader::new(&set, 16, preparation).unwrap().threads(&threads);
    assert_eq!(loader.next_batch().unwrap().unwrap().len(), 16);
}

#[test]
fn an_augmentation_that_panics_is_an_error_that_names_the_sample_at_the_same_step_on_any_number_of_threads() {
    let set = data(64, 1);
    let order = set.order(0, 0);
    let ninth = *set.get(order[40]).unwrap().0;
    for threads in [1, 2, 7] {
        let (mut network, mut steps) = (Spot::init(1), 0);
        let trainer = Trainer::new()
            .batch(16)
            .unwrap()
            .threads(threads)
            .unwrap()
            .loss(CrossEntropy::new())
            .optimizer(Sgd::new(0.1).unwrap())
            .augment(move |source: &Image, copy: &mut Image, _: &mut Random| {
                assert!(*source != ninth, "an image that cannot be turned");
                copy.clone_from(source);
            });
        let trainer = trainer.on_step(|report| {
            steps = report.step;
            std::ops::ControlFlow::Continue(())
        });
        let error = trainer.fit(&mut network, &set, None).unwrap_err();
        assert!(
            matches!(&error, Error::Panicked { sample, .. } if *sample == order[40] as u64),
            "{threads} threads: {error}"
        );
        let text = error.to_string();
        assert!(text.ends_with("its augmentation panicked: an image that cannot be turned"), "{text}");
        assert_eq!(steps, 2, "the steps before are made: {threads} threads");
    }
}

#[test]
fn a_loader_without_sense_or_samples_is_refused() {
    let none = Preparation::<Image, usize>::new;
    assert!(matches!(Loader::new(&data(5, 1), 0, none(1)), Err(Error::Setting { setting: "batch", .. })));
    let nothing = netwright_train::train::Pairs::<Image, usize>::new(&[], &[]).unwrap();
    assert!(matches!(Loader::new(&nothing, 4, none(1)), Err(Error::Empty { .. })));
}
