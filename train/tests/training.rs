//! Properties of training.

mod support;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use netwright_runtime::error::Origin;
use netwright_runtime::network::Network;
use netwright_runtime::{Architecture, Error, Pass, Tensor};
use netwright_train::data::Dataset;
use netwright_train::loss::{BinaryCrossEntropy, CrossEntropy, SquaredError};
use netwright_train::optim::{Adam, AdamW, RmsProp, Sgd};
use netwright_train::schedule::{Cosine, ReduceOnPlateau};
use netwright_train::train::augment::Augmentation;
use netwright_train::train::{
    AdversarialTraining, Attack, Bagging, Checkpoints, ConfusionMatrix, EarlyStopping, Ending, GradientEngine, Mixup,
    Pairs, RunFolder, Threads, Trainer, Watch, evaluate, metrics, predict_all,
};
use support::{Gate, Spot, SpotDropout, SpotExact, Spots, bits, data, quick, spots};

#[test]
fn it_learns_to_find_the_spot() {
    let (train, test) = (data(300, 1), data(90, 2));
    let mut network = Spot::init(1);
    let history = Trainer::new()
        .epochs(40)
        .unwrap()
        .batch(20)
        .unwrap()
        .seed(1)
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(0.03).unwrap().momentum(0.9).unwrap())
        .fit(&mut network, &train, Some(&test))
        .unwrap();
    let last = history.last().unwrap();
    assert_eq!((history.epochs.len(), last.epoch, last.step, history.ending), (40, 40, 600, Ending::Finished));
    assert!(last.loss < history.epochs[0].loss / 4.0, "{last:?}");
    assert!(last.validation_accuracy.unwrap() > 0.95, "{last:?}");
    let measured = evaluate(&network, &test, &CrossEntropy::new()).unwrap();
    assert_eq!(measured.accuracy(), last.validation_accuracy);
    assert_eq!(Some(measured.mean()), last.validation_loss);
    let matrix = ConfusionMatrix::of(&predict_all::<_, usize, _>(&network, &test), test.targets()).unwrap();
    assert_eq!(Some(matrix.accuracy()), last.validation_accuracy);
}

#[test]
fn one_two_and_seven_threads_give_the_same_bits() {
    let (train, validation) = (data(205, 1), data(130, 2));
    let run = |threads: usize| {
        let mut network = SpotDropout::init(3);
        let history = Trainer::new()
            .epochs(3)
            .unwrap()
            .batch(128)
            .unwrap()
            .seed(9)
            .threads(threads)
            .unwrap()
            .loss(CrossEntropy::new())
            .optimizer(Adam::new(0.01).unwrap())
            .schedule(Cosine::new())
            .augment(Augmentation::new().shift(1.0).unwrap().noise(0.1).unwrap())
            .adversarial(AdversarialTraining::new(Attack::pgd(0.1, 0.05, 2).unwrap()))
            .fit(&mut network, &train, Some(&validation))
            .unwrap();
        let figures: Vec<_> = history
            .epochs
            .iter()
            .map(|e| (e.loss.to_bits(), e.accuracy, e.validation_loss, e.rate.to_bits()))
            .collect();
        (bits(&network), figures)
    };
    let one = run(1);
    assert!(run(2) == one);
    assert!(run(7) == one);
}

#[test]
fn a_batch_is_cut_the_same_way_whatever_the_threads() {
    for threads in [1, 2, 7] {
        assert_eq!(GradientEngine::<Spot>::new(64, threads).unwrap().micro_batch_size(), 32);
        assert_eq!(GradientEngine::<Spot>::new(800, threads).unwrap().micro_batch_size(), 100);
    }
}

#[test]
fn the_gradient_of_the_micro_batches_is_that_of_the_whole_and_of_finite_differences() {
    let (images, labels) = spots(50, 4);
    let images: Vec<Tensor<6, 6, 1, f64>> =
        images.iter().map(|image| Tensor::from_fn(|y, x, c| f64::from(image[[y, x, c]]))).collect();
    let loss = CrossEntropy::new();
    let mut network = SpotExact::init(5);
    let mut engine = GradientEngine::<SpotExact>::new(50, 2).unwrap();
    let found = engine.gradient(&mut network, &images, &labels, &loss, Pass::default()).unwrap();
    let gradients = engine.gradients().as_slice().to_vec();
    let pairs = Pairs::new(&images, &labels).unwrap();
    let mean = |network: &SpotExact| evaluate(network, &pairs, &loss).unwrap().mean();
    assert!((found.mean() - mean(&network)).abs() < 1e-12);
    for index in (0..SpotExact::PARAMETERS).step_by(7) {
        let step = 1e-5;
        let at = |network: &mut SpotExact, by: f64| {
            network.parameters_mut()[index] += by;
            mean(network)
        };
        let (above, below) = (at(&mut network, step), at(&mut network, -2.0 * step));
        network.parameters_mut()[index] += step;
        let slope = (above - below) / (2.0 * step);
        assert!((slope - gradients[index]).abs() < 1e-8, "{index}: {slope} against {}", gradients[index]);
    }
}

#[test]
fn an_epoch_goes_through_the_order_of_the_dataset() {
    let train = data(40, 1);
    let mut by_trainer = Spot::init(1);
    Trainer::new()
        .epochs(1)
        .unwrap()
        .batch(16)
        .unwrap()
        .seed(8)
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(0.1).unwrap())
        .fit(&mut by_trainer, &train, None)
        .unwrap();
    let mut by_hand = Spot::init(1);
    let mut engine = GradientEngine::<Spot>::new(16, 1).unwrap();
    let mut sgd = Sgd::new(0.1).unwrap();
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (step, indices) in train.order(8, 0).chunks(16).enumerate() {
        train.gather(indices, &mut images, &mut labels);
        let pass = Pass { seed: 8, step: step as u64, ..Pass::default() };
        engine.gradient(&mut by_hand, &images, &labels, &CrossEntropy::new(), pass).unwrap();
        let gradients = engine.gradients().as_slice();
        netwright_train::optim::Optimizer::step(&mut sgd, 0.1, Spot::LAYERS, by_hand.parameters_mut(), gradients)
            .unwrap();
    }
    assert!(bits(&by_trainer) == bits(&by_hand));
}

#[test]
fn a_sigmoid_gate_learns_from_labels_and_from_values() {
    let inputs = vec![[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let labels = Dataset::new(inputs.clone(), vec![false, true, true, false]).unwrap();
    let mut network = Gate::init(1);
    let history = Trainer::new()
        .epochs(600)
        .unwrap()
        .batch(4)
        .unwrap()
        .loss(BinaryCrossEntropy)
        .optimizer(Adam::new(0.05).unwrap())
        .fit(&mut network, &labels, Some(&labels))
        .unwrap();
    assert_eq!(history.last().unwrap().validation_accuracy, Some(1.0));
    let values = Dataset::new(inputs, vec![[0.0_f32], [1.0], [1.0], [0.0]]).unwrap();
    let measured = evaluate(&network, &values, &SquaredError).unwrap();
    assert!(measured.mean() < 0.1 && measured.accuracy() == Some(1.0), "{measured:?}");
}

#[test]
fn what_cannot_be_trained_is_refused_before_the_first_step() {
    let train = data(40, 1);
    let mut network = Spot::init(1);
    let before = bits(&network);
    let mut refused = |trainer: Trainer<'_, Spot, usize, CrossEntropy, Sgd>, train: &Spots| {
        trainer.fit(&mut network, train, None).unwrap_err()
    };
    let (images, mut labels) = spots(40, 1);
    labels[17] = 3;
    let wrong = Dataset::new(images, labels).unwrap();
    let error = refused(quick(), &wrong);
    assert!(matches!(error, Error::Label { sample: 17, label: 3, classes: 3, .. }));
    assert_eq!(error.to_string(), "the data: sample 17 has the label 3; the classes are 0 to 2");
    let error = quick().fit(&mut network, &train, Some(&wrong)).unwrap_err().to_string();
    assert_eq!(error, "the validation set: sample 17 has the label 3; the classes are 0 to 2");
    let empty = Pairs::<Tensor<6, 6, 1>, usize>::new(&[], &[]).unwrap();
    let error = quick().fit(&mut network, &train, Some(&empty)).unwrap_err().to_string();
    assert_eq!(error, "the validation set: no samples; at least one is needed");
    let mut refused = |trainer: Trainer<'_, Spot, usize, CrossEntropy, Sgd>, train: &Spots| {
        trainer.fit(&mut network, train, None).unwrap_err()
    };
    let stopping = quick().early_stopping(EarlyStopping::new(2).unwrap());
    assert!(matches!(refused(stopping, &train), Error::NoValidation { .. }));
    let nothing = Pairs::<Tensor<6, 6, 1>, usize>::new(&[], &[]).unwrap();
    assert!(matches!(quick().fit(&mut network, &nothing, None), Err(Error::Empty { .. })));
    // Two classes with share 1 each are not a distribution.
    let mut shares = vec![[0.2_f32, 0.2, 0.6]; 40];
    shares[17] = [1.0, 0.0, 1.0];
    let shares = train.clone().with_targets(shares).unwrap();
    let trainer = Trainer::new().loss(CrossEntropy).optimizer(Sgd::new(0.1).unwrap()).progress(false);
    let error = trainer.fit(&mut network, &shares, None).unwrap_err().to_string();
    assert_eq!(error, "the data: the target of sample 17 is 2; it must be 1, the sum of the shares of all classes");
    // Targets that are values have no classes to count.
    let trainer = Trainer::new().loss(SquaredError).optimizer(Sgd::new(0.1).unwrap()).progress(false);
    let counted = trainer.metric("right", metrics::accuracy).unwrap();
    let error = counted.fit(&mut network, &shares, Some(&shares)).unwrap_err();
    assert!(matches!(error, Error::NoLabels { .. }), "{error}");
    assert!(bits(&network) == before);
}

#[test]
fn settings_without_sense_are_refused_when_they_are_set() {
    let names = |error: Option<Error>, wanted: &str| {
        assert!(matches!(&error, Some(Error::Setting { setting, .. }) if *setting == wanted), "{wanted}: {error:?}");
    };
    names(quick().batch(0).err(), "batch");
    for threads in [0, 1025, 1_000_000, usize::MAX] {
        names(quick().threads(threads).err(), "threads");
        names(Threads::new(threads).err(), "threads");
    }
    names(quick().epochs(0).err(), "epochs");
    names(quick().ghost_batch(1).err(), "ghost batch");
    names(Bagging::new(0).err(), "members");
    names(Bagging::new(2).unwrap().threads(0).err(), "threads");
    names(EarlyStopping::new(0).err(), "patience");
    names(EarlyStopping::new(1).unwrap().every_batches(0).err(), "every_batches");
    let seldom = |steps| quick().early_stopping(EarlyStopping::new(1).unwrap().every_batches(steps).unwrap());
    names(seldom(1_000_000).fit(&mut Spot::init(1), &data(48, 1), Some(&data(48, 2))).err(), "every_batches");
    names(EarlyStopping::new(1).unwrap().min_delta(-0.1).err(), "min_delta");
    names(Checkpoints::new("x").every_epochs(0).err(), "epochs between checkpoints");
    names(Checkpoints::new("x").every_steps(0).err(), "steps between checkpoints");
    names(ReduceOnPlateau::new(0.5, 0).err(), "patience");
    for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        names(Mixup::new(alpha).err(), "alpha");
    }
    for share in [0.0, 1.0, -0.5, f64::NAN] {
        names(data(40, 1).split(share, 1).err(), "held-out share");
    }
    for rate in [-0.1, f64::NAN, f64::INFINITY] {
        names(Sgd::<f32>::new(rate).err(), "learning rate");
        names(Adam::<f32>::new(rate).err(), "learning rate");
        names(AdamW::<f32>::new(rate).err(), "learning rate");
        names(RmsProp::<f32>::new(rate).err(), "learning rate");
    }
    for momentum in [-0.1, 1.0, 1.5, f64::NAN] {
        names(Sgd::<f32>::new(0.1).unwrap().momentum(momentum).err(), "momentum");
        names(RmsProp::<f32>::new(0.1).unwrap().momentum(momentum).err(), "momentum");
    }
    let mut engine = GradientEngine::<Spot>::new(4, 1).unwrap();
    for count in [0, 5] {
        let (images, labels) = spots(count, 1);
        let refused =
            engine.gradient(&mut Spot::init(1), &images, &labels, &CrossEntropy, Pass::default()).unwrap_err();
        let expected = format!("{count} images, where there must be at least 1 and there is room for 4");
        assert_eq!(refused.to_string(), expected);
    }
    for limit in [0.0, -1.0, f64::NAN] {
        names(Sgd::<f32>::new(0.1).unwrap().clip_value(limit).err(), "clipping value");
        names(Sgd::<f32>::new(0.1).unwrap().clip_norm(limit).err(), "clipping norm");
    }
    for share in [-0.1, 1.0, f64::NAN] {
        names(CrossEntropy::new().label_smoothing(share).err(), "label smoothing");
    }
}

#[test]
fn a_loss_that_is_no_number_names_the_step_and_the_layer_and_leaves_the_weights() {
    let train = data(48, 1);
    let mut network = Spot::init(1);
    network.tensor_mut("head1", "bias").unwrap()[1] = f32::INFINITY;
    let before = bits(&network);
    let error = quick().fit(&mut network, &train, None).unwrap_err();
    assert!(
        matches!(error, Error::NotFinite { step: 0, origin: Origin::Weights("head1"), checkpoint: None }),
        "{error}"
    );
    assert!(bits(&network) == before);

    let (mut images, labels) = spots(48, 1);
    images[30][[2, 2, 0]] = f32::NAN;
    let broken = Dataset::new(images, labels).unwrap();
    let error = quick().fit(&mut Spot::init(1), &broken, None).unwrap_err();
    assert!(matches!(error, Error::NotFinite { origin: Origin::Input { sample: 30, partner: None }, .. }), "{error}");

    // The loss is finite and its gradient is not: the second layer's weights are as large as possible.
    let (images, labels) = spots(1, 1);
    let mut network = Spot::init(1);
    let kernel = network.tensor_mut("head1", "kernel").unwrap().iter_mut();
    kernel.enumerate().for_each(|(place, w)| *w = if place % 3 == labels[0] { f32::MAX } else { -f32::MAX });
    network.tensor_mut("dense1", "kernel").unwrap().fill(0.0);
    let mut engine = GradientEngine::<Spot>::new(4, 1).unwrap();
    let pass = Pass { step: 7, ..Pass::default() };
    let error = engine.gradient(&mut network, &images, &labels, &CrossEntropy::new(), pass).unwrap_err();
    assert!(matches!(error, Error::NotFinite { step: 7, origin: Origin::Gradient("dense1"), .. }), "{error}");
    assert_eq!(error.to_string(), "step 7: NaN or infinite, first in the gradient of `dense1`");

    let mut network = Spot::init(1);
    let wild = quick().optimizer(Sgd::new(1e38).unwrap());
    let error = wild.fit(&mut network, &train, None).unwrap_err();
    assert!(matches!(error, Error::NotFinite { step: 1.., .. }), "{error}");
}

#[test]
fn early_stopping_ends_the_run_and_restores_the_best_weights() {
    let (train, validation) = (data(30, 1), data(60, 2));
    let mut seen: Vec<(f64, Vec<u32>)> = Vec::new();
    let mut network = Spot::init(1);
    // A rate that soon makes the validation worse.
    let history = Trainer::new()
        .epochs(200)
        .unwrap()
        .batch(10)
        .unwrap()
        .seed(3)
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(3.0).unwrap().momentum(0.9).unwrap())
        .early_stopping(EarlyStopping::new(4).unwrap())
        .on_epoch(|report| {
            seen.push((report.record.validation_loss.unwrap(), bits(report.network)));
            ControlFlow::Continue(())
        })
        .fit(&mut network, &train, Some(&validation))
        .unwrap();
    assert_eq!(history.ending, Ending::Early);
    let best = seen.iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    assert!(bits(&network) == best.1, "the weights of the lowest validation loss");
    assert_eq!(history.best.unwrap().metric, best.0);
    assert!(seen.len() >= 5 && bits(&network) != seen.last().unwrap().1);
}

#[test]
fn early_stopping_can_validate_every_few_batches() {
    let (train, validation) = (data(60, 1), data(30, 2));
    let rules = EarlyStopping::new(1).unwrap().min_delta(100.0).unwrap().every_batches(2).unwrap().watch(Watch::Error);
    let mut steps = 0;
    let history = quick()
        .batch(10)
        .unwrap()
        .early_stopping(rules)
        .on_step(|report| {
            steps = report.step;
            ControlFlow::Continue(())
        })
        .fit(&mut Spot::init(1), &train, Some(&validation))
        .unwrap();
    // The first validation is the best so far; the second, after step 4, does not improve by 100.
    assert_eq!((history.ending, steps), (Ending::Early, 4));
    assert!(EarlyStopping::new(0).is_err());
}

#[test]
fn closures_say_whether_a_run_goes_on_and_the_interrupt_flag_ends_it_after_the_step() {
    let train = data(60, 1);
    let stop = |report: &netwright_train::train::StepReport<'_, Spot>| {
        if report.step == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let history = quick().on_step(stop).fit(&mut Spot::init(1), &train, None).unwrap();
    assert_eq!((history.ending, history.epochs.len()), (Ending::Callback, 0));
    let mut heard = 0;
    let history = quick().on_epoch(|_| heard += 1).fit(&mut Spot::init(1), &train, None).unwrap();
    assert_eq!((history.ending, history.epochs.len()), (Ending::Finished, heard));
    let error = quick().on_step(|_| Err::<(), _>(Error::other("no more"))).fit(&mut Spot::init(1), &train, None);
    assert_eq!(error.unwrap_err().to_string(), "no more");
    let history = quick().interrupt(Arc::new(AtomicBool::new(true))).fit(&mut Spot::init(1), &train, None).unwrap();
    assert_eq!(history.ending, Ending::Interrupted);
}

#[test]
fn an_ensemble_is_no_worse_than_its_mean_member_and_does_not_depend_on_threads() {
    let (train, test) = (data(90, 1), data(90, 2));
    let fit = |threads: usize| {
        let bagging = Bagging::new(5).unwrap().seed(4).threads(threads).unwrap();
        bagging
            .fit(&train, |member, network: &mut Spot, sample| {
                let trainer = quick().epochs(15).unwrap().seed(member as u64).progress(false);
                trainer.fit(network, sample, None).map(|_| ())
            })
            .unwrap()
    };
    let ensemble = fit(2);
    let accuracy = ensemble.accuracy(&test).unwrap();
    let mean = accuracy.members.iter().sum::<f64>() / 5.0;
    assert!(accuracy.mean >= mean - 0.02 && accuracy.vote >= mean - 0.02, "{accuracy:?}");
    assert_eq!(fit(1).accuracy(&test).unwrap(), accuracy);
    let bootstrap = Bagging::new(5).unwrap().sample(0, 1000);
    let distinct = bootstrap.iter().collect::<std::collections::HashSet<_>>().len();
    assert!((550..720).contains(&distinct), "about 1 − 1/e of the samples: {distinct}");
    assert!(Bagging::new(0).is_err());
    assert_eq!(Bagging::new(2).unwrap().bootstrap(false).sample(1, 4), [0, 1, 2, 3]);

    let together = ensemble.predict_batch(test.inputs());
    let alone: Vec<[f32; 3]> = test.inputs().iter().map(|image| ensemble.predict(image)).collect();
    assert_eq!(together, alone);
    assert_eq!(ConfusionMatrix::of(&together, test.targets()).unwrap().accuracy(), accuracy.mean);
    let votes = test.iter().filter(|(image, label)| ensemble.vote(image) == Some(**label)).count();
    assert_eq!(votes as f64 / test.len() as f64, accuracy.vote);
}

#[test]
fn a_run_folder_holds_every_epoch() {
    let folder = std::env::temp_dir().join(format!("netwright-run-{}", std::process::id()));
    let history =
        quick().callback(RunFolder::new(&folder).unwrap()).fit(&mut Spot::init(1), &data(32, 1), None).unwrap();
    let csv = std::fs::read_to_string(folder.join("metrics.csv")).unwrap();
    let json = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(csv, history.to_csv());
    for line in json.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(record["loss"].as_f64().unwrap() > 0.0 && record["validation_loss"].is_null());
    }
    assert_eq!((csv.lines().count(), json.lines().count()), (3, 2));
}

#[test]
fn a_file_that_cannot_be_written_is_found_out_before_the_first_step() {
    let folder = std::env::temp_dir().join(format!("netwright-unwritable-{}", std::process::id()));
    let run = RunFolder::new(folder.join("run")).unwrap();
    std::fs::write(folder.join("file"), b"").unwrap();
    std::fs::create_dir(folder.join("taken")).unwrap();
    let (train, mut network) = (data(32, 1), Spot::init(1));
    let before = bits(&network);
    for (name, named) in
        [("file/last.checkpoint", "file"), ("file/deep/er.checkpoint", "file/deep"), ("taken", "taken")]
    {
        let mut steps = 0;
        let trainer = quick().on_step(|_| steps += 1);
        let error =
            trainer.checkpoints(Checkpoints::new(folder.join(name))).fit(&mut network, &train, None).unwrap_err();
        assert!(matches!(&error, Error::Io { path, .. } if *path == folder.join(named)), "{error}");
        assert_eq!((steps, bits(&network) == before), (0, true));
    }
    // The folder of the run has been replaced by a file.
    std::fs::remove_dir(folder.join("run")).unwrap();
    std::fs::write(folder.join("run"), b"").unwrap();
    let error = quick().callback(run.clone()).fit(&mut network, &train, None).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if *path == folder.join("run")), "{error}");
    assert!(bits(&network) == before);
    // The folder was deleted: it is created again, and so is that of a checkpoint.
    std::fs::remove_file(folder.join("run")).unwrap();
    let checkpoints = Checkpoints::new(folder.join("new/er/last.checkpoint"));
    quick().checkpoints(checkpoints).callback(run).fit(&mut network, &train, None).unwrap();
    assert!(folder.join("run/metrics.csv").is_file() && folder.join("new/er/last.checkpoint").is_file());
    std::fs::remove_dir_all(&folder).unwrap();
}
