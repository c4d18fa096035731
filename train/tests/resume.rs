//! A run that is stopped or killed, and then resumed, gives the same bits as an uninterrupted one.

mod support;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use netwright_runtime::Error;
use netwright_runtime::network::Network;
use netwright_runtime::storage::safetensors::{Checksum, WeightFile, Writer};
use netwright_runtime::weights::SaveWeights;
use netwright_train::loss::CrossEntropy;
use netwright_train::optim::{Adam, Sgd};
use netwright_train::schedule::ReduceOnPlateau;
use netwright_train::train::augment::Augmentation;
use netwright_train::train::{Checkpoints, EarlyStopping, Ending, EpochRecord, History, Trainer};
use support::{Spot, SpotDropout, bits, data};

/// A folder that exists for one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netwright-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn file(&self) -> PathBuf {
        self.0.join("run.checkpoint")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How often the runs of these tests save checkpoints.
#[derive(Clone, Copy)]
struct Every {
    epochs: u64,
    steps: Option<u64>,
}

const END: Every = Every { epochs: 100, steps: None };
const STEP: Every = Every { epochs: 1, steps: Some(1) };

/// Creates a trainer with everything that has state: dropout, augmentation, Adam's moments, a plateau, early stopping.
fn trainer<'c>(checkpoint: Option<&Path>, every: Every) -> Trainer<'c, SpotDropout, usize, CrossEntropy, Adam> {
    let trainer = Trainer::new()
        .epochs(6)
        .unwrap()
        .batch(16)
        .unwrap()
        .seed(5)
        .threads(1)
        .unwrap()
        .loss(CrossEntropy::new())
        .optimizer(Adam::new(0.02).unwrap())
        .schedule(ReduceOnPlateau::new(0.5, 1).unwrap().min_delta(0.2).unwrap())
        .augment(Augmentation::new().noise(0.2).unwrap())
        .early_stopping(EarlyStopping::new(3).unwrap().min_delta(0.05).unwrap());
    let Some(path) = checkpoint else { return trainer };
    let checkpoints = Checkpoints::new(path).resume(true).every_epochs(every.epochs).unwrap();
    trainer.checkpoints(match every.steps {
        Some(steps) => checkpoints.every_steps(steps).unwrap(),
        None => checkpoints,
    })
}

/// Returns the values that must not depend on interruptions: all but the seconds.
fn figures(history: &History) -> Vec<[u64; 5]> {
    let bits = |number: Option<f64>| number.unwrap_or(f64::NAN).to_bits();
    let of = |e: &EpochRecord| [e.step, e.rate.to_bits(), e.loss.to_bits(), bits(e.accuracy), bits(e.validation_loss)];
    history.epochs.iter().map(of).collect()
}

#[test]
fn a_run_stopped_after_any_step_and_resumed_gives_the_same_bits() {
    let (train, validation) = (data(70, 1), data(33, 2));
    let mut whole = SpotDropout::init(1);
    let expected = trainer(None, END).fit(&mut whole, &train, Some(&validation)).unwrap();
    let last = expected.last().unwrap().step;
    for stop in 1..=last {
        let folder = Folder::new(&format!("resume-{stop}"));
        let mut network = SpotDropout::init(1);
        trainer(Some(&folder.file()), END)
            .on_step(|report| if report.step == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            .fit(&mut network, &train, Some(&validation))
            .unwrap();
        // Other weights, which must be replaced by the checkpoint's.
        let mut network = SpotDropout::init(2);
        let history = trainer(Some(&folder.file()), END).fit(&mut network, &train, Some(&validation)).unwrap();
        assert!(bits(&network) == bits(&whole), "stopped after step {stop}");
        assert_eq!(figures(&history), figures(&expected), "stopped after step {stop}");
        assert_eq!((history.ending, history.best), (expected.ending, expected.best));
    }
}

#[test]
fn a_finished_run_can_be_given_more_epochs() {
    let folder = Folder::new("more");
    let run = |epochs: u64, file: &Path| {
        let mut network = Spot::init(1);
        let trainer = Trainer::new().epochs(epochs).unwrap().batch(16).unwrap().loss(CrossEntropy::new());
        let trainer = trainer.optimizer(Sgd::new(0.1).unwrap().momentum(0.9).unwrap());
        let checkpoints = Checkpoints::new(file).resume(true);
        let history = trainer.checkpoints(checkpoints).fit(&mut network, &data(40, 1), None).unwrap();
        (bits(&network), history.epochs.len())
    };
    let at_once = run(4, &folder.0.join("whole"));
    assert_eq!(run(2, &folder.file()).1, 2);
    assert!(run(4, &folder.file()) == at_once);
}

/// Fits with a damaged or foreign checkpoint, and checks that nothing has changed.
fn refused(file: &Path, change: impl FnOnce(Trainer<'_, Spot, usize, CrossEntropy, Sgd>) -> Error) -> Error {
    let bytes = std::fs::read(file).unwrap();
    let trainer = Trainer::new().epochs(2).unwrap().batch(16).unwrap().threads(1).unwrap().loss(CrossEntropy::new());
    let trainer = trainer.optimizer(Sgd::new(0.1).unwrap().momentum(0.9).unwrap());
    let error = change(trainer.checkpoints(Checkpoints::new(file).resume(true)));
    assert_eq!(std::fs::read(file).unwrap(), bytes, "the file is as it was");
    error
}

#[test]
fn a_checkpoint_that_is_damaged_or_of_another_run_is_refused_and_nothing_changes() {
    let folder = Folder::new("refused");
    let (file, train) = (folder.file(), data(40, 1));
    let mut network = Spot::init(1);
    let trainer = Trainer::new().epochs(1).unwrap().batch(16).unwrap().loss(CrossEntropy::new());
    let trainer = trainer.optimizer(Sgd::new(0.1).unwrap().momentum(0.9).unwrap());
    trainer.checkpoints(Checkpoints::new(&file)).fit(&mut network, &train, None).unwrap();
    let good = std::fs::read(&file).unwrap();
    let before = bits(&network);
    let fit = |network: &mut Spot, trainer: Trainer<'_, Spot, usize, CrossEntropy, Sgd>| {
        trainer.fit(network, &train, None).unwrap_err()
    };

    let error = refused(&file, |trainer| fit(&mut network, trainer.seed(1)));
    assert!(matches!(&error, Error::Resume { what: "the seed", .. }), "{error}");
    let error = refused(&file, |trainer| fit(&mut network, trainer.batch(8).unwrap()));
    assert!(matches!(&error, Error::Resume { what: "the batch", .. }), "{error}");
    let error = refused(&file, |trainer| trainer.fit(&mut network, &data(41, 1), None).unwrap_err());
    assert!(matches!(&error, Error::Resume { what: "the number of samples", .. }), "{error}");
    let error = refused(&file, |trainer| {
        trainer.optimizer(Adam::new(0.1).unwrap()).fit(&mut network, &train, None).unwrap_err()
    });
    assert!(matches!(&error, Error::Resume { what: "the optimiser", .. }), "{error}");
    let foreign = Trainer::new().batch(16).unwrap().loss(CrossEntropy::new()).optimizer(Sgd::new(0.1).unwrap());
    let foreign = foreign.checkpoints(Checkpoints::new(&file).resume(true));
    let error = foreign.fit(&mut SpotDropout::init(1), &train, None).unwrap_err();
    assert!(matches!(&error, Error::Resume { what: "the network", .. }), "{error}");

    for length in 0..good.len() {
        std::fs::write(&file, &good[..length]).unwrap();
        let error = refused(&file, |trainer| fit(&mut network, trainer));
        // A file with fewer bytes than the length field of a header is reported as another format.
        let is_named =
            if length < 8 { matches!(&error, Error::Format { .. }) } else { matches!(&error, Error::Truncated { .. }) };
        assert!(is_named, "cut to {length}: {error}");
    }
    for place in 0..good.len() {
        let mut damaged = good.clone();
        damaged[place] ^= 4;
        std::fs::write(&file, &damaged).unwrap();
        refused(&file, |trainer| fit(&mut network, trainer));
    }
    let mut other = Writer::new();
    other.metadata("kind", "netwright checkpoint");
    other.metadata("version", "1");
    other.write(&file).unwrap();
    assert!(WeightFile::read(&file).is_ok());
    let error = refused(&file, |trainer| fit(&mut network, trainer));
    assert!(matches!(&error, Error::Format { found, .. } if found == "version 1"), "{error}");
    assert!(bits(&network) == before);
}

#[test]
fn a_checkpoint_is_no_file_of_weights_and_the_error_says_what_reads_it() {
    let folder = Folder::new("checkpoint-as-weights");
    let file = folder.file();
    let mut trained = SpotDropout::init(1);
    trainer(Some(&file), END).epochs(1).unwrap().fit(&mut trained, &data(70, 1), Some(&data(33, 2))).unwrap();
    let said = "expected a file of weights, found a checkpoint of a training run, whose weights `load_matching` of a network loads";
    let error = SpotDropout::from_file(&file).unwrap_err().to_string();
    assert_eq!(error, format!("{}: {said}", file.display()));
    let mut network = SpotDropout::init(2);
    let before = bits(&network);
    assert_eq!(network.load(&file).unwrap_err().to_string(), error);
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(network.load_bytes(&bytes).unwrap_err().to_string(), format!("the bytes: {said}"));
    assert!(bits(&network) == before);
    network.load_matching(&file).unwrap();
    assert!(bits(&network) == bits(&trained));
}

#[test]
fn a_loss_that_is_no_number_names_the_last_good_checkpoint() {
    let folder = Folder::new("nan");
    let mut network = Spot::init(1);
    let trainer = Trainer::new()
        .epochs(5)
        .unwrap()
        .batch(16)
        .unwrap()
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(1e38).unwrap());
    let checkpoints = Checkpoints::new(folder.file()).every_steps(1).unwrap();
    let error = trainer.checkpoints(checkpoints).fit(&mut network, &data(64, 1), None).unwrap_err();
    assert!(matches!(&error, Error::NotFinite { checkpoint: Some(file), .. } if *file == folder.file()), "{error}");
    assert!(error.to_string().contains("run.checkpoint"), "{error}");
}

/// The environment variable that tells a copy of the test process to be the run that is killed.
const KILLED: &str = "NETWRIGHT_TEST_RUN_TO_KILL";

#[test]
#[cfg(unix)]
fn a_run_killed_at_random_moments_and_resumed_gives_the_same_bits() {
    let (train, validation) = (data(70, 1), data(33, 2));
    if let Ok(file) = std::env::var(KILLED) {
        let mut network = SpotDropout::init(1);
        let _ = trainer(Some(Path::new(&file)), STEP).fit(&mut network, &train, Some(&validation));
        return;
    }
    let folder = Folder::new("kill");
    let file = folder.file();
    let mut whole = SpotDropout::init(1);
    trainer(None, END).fit(&mut whole, &train, Some(&validation)).unwrap();
    for kill in 0..20_u32 {
        let before = std::fs::read(&file).ok();
        let mut run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_run_killed_at_random_moments_and_resumed_gives_the_same_bits"])
            .env(KILLED, &file)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Until there is one more checkpoint, and then up to a random moment of the next step or its checkpoint.
        while std::fs::read(&file).ok() == before && run.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        (0..kill * 7919 % 1000).for_each(|_| std::thread::yield_now());
        run.kill().unwrap();
        run.wait().unwrap();
        let left = WeightFile::read(&file).unwrap();
        assert_eq!(left.checksum(), Checksum::Matches, "what a kill leaves is whole");
    }
    let mut network = SpotDropout::init(2);
    let history = trainer(Some(&file), STEP).fit(&mut network, &train, Some(&validation)).unwrap();
    assert!(matches!(history.ending, Ending::Finished | Ending::Early));
    assert!(bits(&network) == bits(&whole));
}
