//! Methods against overfitting, each tried on the same few digits.

use netwright::Error;
use netwright::head::Softmax;
use netwright::prelude::*;
use netwright::random::Random;
use netwright::train::{Augmentation, Bagging, EpochRecord, History, evaluate};

netwright::network! {
    /// A network with far more parameters than 200 digits have pixels.
    pub Plain(8x8x1) { dense 128 relu; dense 128 relu; softmax 10 }
    /// The same with dropout: each step drops half of the units.
    pub Dropped(8x8x1) { dense 128 relu dropout 0.5; dense 128 relu dropout 0.5; softmax 10 }
    /// A convolutional network: all positions of the image share the weights.
    pub Shared(8x8x1) { conv 3x3x16 same relu; maxpool 2; conv 3x3x32 same relu; maxpool 2; softmax 10 }
    /// Shared weights and dropout.
    pub SharedDropped(8x8x1) {
        conv 3x3x16 same relu; maxpool 2; conv 3x3x32 same relu; maxpool 2; dropout 0.5; softmax 10
    }
}

/// The number of weights of the plain network, n₁n₂ + n₂n₃ + … (slide 13).
pub(crate) const WEIGHTS: usize = 64 * 128 + 128 * 128 + 128 * 10;

const _: () = assert!(Plain::PARAMETERS == WEIGHTS + 128 + 128 + 10);

pub(crate) type Digits = Dataset<Tensor<8, 8, 1>>;

/// The epochs of each run, and the members of an ensemble.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) epochs: u64,
    pub(crate) members: usize,
}

/// Accuracies on both sets, from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accuracy {
    pub(crate) train: f64,
    pub(crate) test: f64,
}

/// Trains on the first set and returns accuracies on both; the number is the seed.
type Method = fn(&Digits, &Digits, Budget, u64) -> Result<Vec<Accuracy>, Error>;

/// The rows of the table: the method, its slide, and the number of trained parameters.
pub(crate) const ROWS: [(&str, &str, usize); 11] = [
    ("nothing", "13", Plain::PARAMETERS),
    ("L1 penalty", "5", Plain::PARAMETERS),
    ("L2 penalty", "5", Plain::PARAMETERS),
    ("early stopping", "14", Plain::PARAMETERS),
    ("augmentation", "15", Plain::PARAMETERS),
    ("bagging, a member alone", "17", Plain::PARAMETERS),
    ("bagging, majority", "17", Plain::PARAMETERS),
    ("bagging, mean", "17", Plain::PARAMETERS),
    ("dropout", "18", Dropped::PARAMETERS),
    ("weight sharing", "19", Shared::PARAMETERS),
    ("shared, dropped, augmented", "", SharedDropped::PARAMETERS),
];

/// The methods in the order of the rows; bagging fills three of them.
const METHODS: [Method; 9] =
    [nothing, l1_penalty, l2_penalty, early_stopping, augmentation, bagging, dropout, sharing, everything];

/// Runs every method on the same digits; returns accuracies for each of [`ROWS`].
pub(crate) fn all(train: &Digits, test: &Digits, budget: Budget, seed: u64) -> Result<Vec<Accuracy>, Error> {
    let mut rows = Vec::new();
    for method in METHODS {
        rows.extend(method(train, test, budget, seed)?);
    }
    Ok(rows)
}

/// Splits the digits into `count` for training, with the classes in proportion, and all others for testing; `wrong` is the share of the training
/// digits that get a random label.
pub(crate) fn few(digits: &Digits, count: usize, wrong: f64, seed: u64) -> Result<(Digits, Digits), Error> {
    let (others, few) = digits.clone().split(count as f64 / digits.len() as f64, seed)?;
    let (images, mut labels) = few.into_parts();
    let mut random = Random::new(seed);
    let mut order: Vec<usize> = (0..labels.len()).collect();
    random.shuffle(&mut order);
    for &sample in &order[..(wrong * labels.len() as f64).round() as usize] {
        labels[sample] = random.below(10) as usize;
    }
    Ok((Dataset::new(images, labels)?, others))
}

pub(crate) trait DigitClassifier: Network<Scalar = f32, Head = Softmax, Input = Tensor<8, 8, 1>> {}
impl<N: Network<Scalar = f32, Head = Softmax, Input = Tensor<8, 8, 1>>> DigitClassifier for N {}

pub(crate) type Run<N> = Trainer<'static, N, usize, CrossEntropy, Sgd>;

/// Returns a trainer with the settings that all methods share.
pub(super) fn trainer<N: DigitClassifier>(budget: Budget, seed: u64) -> Result<Run<N>, Error> {
    let trainer = Trainer::new().epochs(budget.epochs)?.batch(20)?.seed(seed).threads(1)?.progress(false);
    Ok(trainer.loss(CrossEntropy::new()).optimizer(descent()?))
}

fn descent() -> Result<Sgd, Error> {
    Sgd::new(0.02)?.momentum(0.9)
}

fn right<N: DigitClassifier>(network: &N, digits: &Digits) -> Result<f64, Error> {
    Ok(evaluate(network, digits, &CrossEntropy::new())?.accuracy().unwrap_or(f64::NAN))
}

fn fitted<N: DigitClassifier>(run: Run<N>, train: &Digits, test: &Digits, seed: u64) -> Result<Vec<Accuracy>, Error> {
    let mut network = N::init(seed);
    run.fit(&mut network, train, None)?;
    Ok(vec![Accuracy { train: right(&network, train)?, test: right(&network, test)? }])
}

fn nothing(train: &Digits, test: &Digits, budget: Budget, seed: u64) -> Result<Vec<Accuracy>, Error> {
    fitted(trainer::<Plain>(budget, seed)?, train, test, seed)
}

fn l1_penalty(train: &Digits, test: &Digits, budget: Budget, seed: u64) -> Result<Vec<Accuracy>, Error> {
    fitted(trainer::<Plain>(budget, seed)?.optimizer(descent()?.l1(2e-3)?), train, test, seed)
}

fn l2_penalty(train: &Digits, test: &Digits, budget: Budget, seed: u64) -> Result<Vec<Accuracy>, Error> {
    fitted(trainer::<Plain>(budget, seed)?.optimizer(descent()?.l2(0.01)?), train, test, seed)
}

/// Holds out a fifth of the training digits for validation.
fn early_stopping(train: &Digits, test: &Digits, budget: Budget, seed: u64) -> Result<Vec<Accuracy>, Error> {
    let (rest, validation) = train.clone().split(0.2, seed)?;
    let mut network = Plain::init(seed);
    stopping(budget, seed)?.fit(&mut network, &rest, Some(&validation))?;
    Ok(vec![Accuracy { train: right(&network, train)?, test: right(&network, test)? }])
}

/// Returns a trainer that stops when the validation loss has not fallen for ten epochs, and restores the best weights.
fn stopping(budget: Budget, seed: u64) -> Result<Run<Plain>, Error> {
    Ok(trainer(budget, seed)?.early_stopping(EarlyStopping::new(10)?))
}

/// A whole run, and where early stopping ends it.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// The history of a run without early stopping.
    pub(crate) whole: History,
    /// The epoch after which early stopping ends it.
    pub(crate) last: u64,
    /// The epoch whose weights it restores.
    pub(crate) best: u64,
}

/// Trains without and with early stopping on the same digits, with a fifth of them held out for validation.
pub(crate) fn course(train: &Digits, budget: Budget, seed: u64) -> Result<Course, Error> {
    let (rest, validation) = train.clone().split(0.2, seed)?;
    let whole = trainer(budget, seed)?.fit(&mut Plain::init(seed), &rest, Some(&validation))?;
    let stopped = stopping(budget, seed)?.fit(&mut Plain::init(seed), &rest, Some(&validation))?;
    let best = stopped.epochs.iter().find(|record| Some(record.step) == stopped.best.map(|best| best.step));
    let epoch = |record: Option<&EpochRecord>| record.map_or(0, |record| record.epoch);
    Ok(Course { whole, last: epoch(stopped.last()), best: epoch(best) })
}

fn changes() -> Result<Augmentation, Error> {
    Augmentation::new().shift(0.5)?.rotate(10.0)?.scale(0.1)
}

fn augmentation(train: &Digits, test: &Digits, budget: Budget, seed: u64) -> Result<Vec<Accuracy>, Error> {
    fitted(trainer::<Plain>(budget, seed)?.augment(changes()?), train, test, seed)
}

/// Returns the mean accuracy of the members, and the accuracies of their majority vote and of the mean of their outputs.
fn bagging(train: &Digits, test: &Digits, budget: Budget, seed: u64) -> Result<Vec<Accuracy>, Error> {
    let bag = Bagging::new(budget.members)?.seed(seed).fit(train, |member, network: &mut Plain, sample| {
        trainer(budget, seed + member as u64)?.fit(network, sample, None).map(|_| ())
    })?;
    let (train, test) = (bag.accuracy(train)?, bag.accuracy(test)?);
    let alone = |members: &[f64]| members.iter().sum::<f64>() / members.len() as f64;
    Ok(vec![
        Accuracy { train: alone(&train.members), test: alone(&test.members) },
        Accuracy { train: train.vote, test: test.vote },
        Accuracy { train: train.mean, test: test.mean },
    ])
}

fn dropout(train: &Digits, test: &Digits, budget: Budget, seed: u64) -> Result<Vec<Accuracy>, Error> {
    fitted(trainer::<Dropped>(budget, seed)?, train, test, seed)
}

fn sharing(train: &Digits, test: &Digits, budget: Budget, seed: u64) -> Result<Vec<Accuracy>, Error> {
    fitted(trainer::<Shared>(budget, seed)?, train, test, seed)
}

fn everything(train: &Digits, test: &Digits, budget: Budget, seed: u64) -> Result<Vec<Accuracy>, Error> {
    fitted(trainer::<SharedDropped>(budget, seed)?.augment(changes()?), train, test, seed)
}
