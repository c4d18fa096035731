//! All that changes while a network is trained.

use core::time::Duration;
use std::path::{Path, PathBuf};

use super::batch_loss::BatchLoss;
use super::early_stopping::{EarlyStopping, Watcher};
use super::gradient::GradientEngine;
use super::history::{Ending, EpochRecord, History, MetricSeries};
use super::target::Target;
use super::update::Update;
use super::validation::Validation;
use crate::error::{Error, count_setting};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::network::{Gradients, Weights};
use crate::once::{Facts, Number, Trainable};
use crate::optim::Optimizer;
use crate::pass::Pass;
use crate::scalar::Precision;
use crate::schedule::{Constant, Progress, Schedule};
use crate::settings::Settings;

/// Where a run stands. With the seed, which all random draws hang on, it is all that a run remembers besides its network, its
/// optimiser and its schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Position {
    /// The epochs made.
    pub epoch: u64,
    /// The batches of the current epoch made.
    pub batch: u64,
    /// The steps made.
    pub step: u64,
    /// The loss of the current epoch so far.
    pub running: BatchLoss,
    /// The learning rate of the last step.
    pub rate: f64,
}

/// What must be the same in a run that goes on from a checkpoint, besides its network, its optimiser and the names of its metrics: see
/// [`Loader::identity`](super::Loader::identity).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What all draws hang on.
    pub seed: u64,
    /// The samples of a step.
    pub batch: usize,
    /// The samples of an epoch.
    pub samples: usize,
    /// How they are ordered: see [`Sampler::order`](super::Sampler::order).
    pub order: String,
    /// What else its steps depend on. The loader knows of augmentation and mixup, the run of its optimiser and schedule; a loop of one's own
    /// can add what it likes.
    pub settings: Settings,
}

/// A network on its way through training, with all that changes meanwhile: what a checkpoint saves. [`Trainer`](super::Trainer) keeps its
/// books with it, and a loop of one's own can, to get the same bits.
///
/// ```
/// use std::time::Instant;
///
/// use netwright_runtime::{Error, Pass, head::Softmax, network::Network};
/// use netwright_train::{loss::CrossEntropy, optim::{Adam, Optimizer}, schedule::Cosine};
/// use netwright_train::train::{Checkpoints, EarlyStopping, Ending, GradientEngine, Loader, Preparation, Run, Samples, Validator};
///
/// fn train<N>(network: &mut N, train: &impl Samples<N::Input, usize>, validation: &impl Samples<N::Input, usize>) -> Result<(), Error>
/// where
///     N: Network<Scalar = f32, Head = Softmax, Input: Clone>,
/// {
///     let loss = CrossEntropy::new().label_smoothing(0.1)?;
///     let mut engine = GradientEngine::<N>::new(64, 2)?;
///     let mut loader = Loader::new(train, 64, Preparation::new(1))?.threads(engine.threads());
///     let mut validator = Validator::new(validation)?;
///     let checkpoints = Checkpoints::new("run.checkpoint").resume(true);
///     let mut run = Run::new(network, Adam::new(0.01)?, 20, loader.steps_per_epoch())?
///         .schedule(Cosine::new())
///         .early_stopping(EarlyStopping::new(3)?);
///     checkpoints.resume_run(&loader.identity(), &mut run)?;
///     while run.position.epoch < run.epochs {
///         let start = Instant::now();
///         loader.begin(run.position.epoch, run.position.batch);
///         while let Some(made) = loader.step(|batch| {
///             let pass = Pass { seed: 1, step: run.position.step, ..Pass::default() };
///             run.train(&mut engine, batch.inputs(), batch.targets(), &loss, pass)
///         })? {
///             made?;
///         }
///         let validation = validator.measure(run.network, &loss, engine.threads())?;
///         run.end_epoch(Some(&validation), start.elapsed())?;
///         if run.watch(&validation) {
///             run.history.ending = Ending::Early;
///             break;
///         }
///         checkpoints.save(&loader.identity(), &mut run)?;
///     }
///     run.restore_best();
///     Ok(())
/// }
/// ```
pub struct Run<'n, N: Trainable, O> {
    /// The network.
    pub network: &'n mut N,
    /// What moves its weights.
    pub optimizer: O,
    /// How the learning rate changes.
    pub schedule: Box<dyn Schedule>,
    /// Early stopping, where there is some.
    pub watcher: Option<Watcher<N::Scalar>>,
    /// Where the run stands.
    pub position: Position,
    /// The epochs so far.
    pub history: History,
    /// The epochs of the whole run: schedules depend on it.
    pub epochs: u64,
    /// The steps of one epoch.
    pub steps_per_epoch: u64,
    /// The file of the last checkpoint, once it exists.
    pub saved: Option<PathBuf>,
}

/// Adds the metric of a name, which has no values yet.
fn add_series(history: &mut History, name: &'static str) -> Result<(), Error> {
    super::metric_name::check(name, &mut history.metrics.iter().map(|known| known.name))?;
    history.metrics.push(MetricSeries { name, values: Vec::new() });
    Ok(())
}

impl<'n, N: Trainable, O: Optimizer<N::Scalar>> Run<'n, N, O> {
    /// A run of `epochs` epochs that has yet to make its first step, with a constant rate and without early stopping.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0 epochs or 0 steps, and those of [`Optimizer::prepare`].
    pub fn new(network: &'n mut N, mut optimizer: O, epochs: u64, steps_per_epoch: u64) -> Result<Self, Error> {
        count_setting("epochs", epochs, epochs > 0, "at least 1")?;
        count_setting("steps of an epoch", steps_per_epoch, steps_per_epoch > 0, "at least 1")?;
        optimizer.prepare(N::LAYERS, N::PARAMETERS)?;
        Ok(Self {
            network,
            optimizer,
            schedule: Box::new(Constant),
            watcher: None,
            position: Position::default(),
            history: History::default(),
            epochs,
            steps_per_epoch,
            saved: None,
        })
    }

    /// With a learning rate that changes.
    pub fn schedule(mut self, schedule: impl Schedule + 'static) -> Self {
        self.schedule = Box::new(schedule);
        self
    }

    /// With early stopping, which hears of validations by [`Run::watch`].
    pub fn early_stopping(mut self, rules: EarlyStopping) -> Self {
        self.watcher = Some(Watcher::new(rules));
        self
    }

    /// With the metrics of these names in its history: those of the validator, see [`Validator::names`](super::Validator::names).
    ///
    /// # Errors
    /// [`Error::MetricName`] for a name that could be taken for another's or for a number that every run notes (`loss`, …).
    pub fn metrics(mut self, names: impl IntoIterator<Item = &'static str>) -> Result<Self, Error> {
        self.history.metrics.clear();
        for name in names {
            add_series(&mut self.history, name)?;
        }
        Ok(self)
    }

    /// The run without the types of its network and its optimiser.
    pub(super) fn view(&mut self) -> View<'_, N::Scalar> {
        View {
            facts: Facts::of::<N>(),
            weights: self.network.weights_mut(),
            optimizer: &mut self.optimizer,
            schedule: &mut *self.schedule,
            watcher: self.watcher.as_mut(),
            position: &mut self.position,
            history: &mut self.history,
            epochs: self.epochs,
            steps_per_epoch: self.steps_per_epoch,
            saved: &mut self.saved,
        }
    }

    /// Moves the weights along the gradient of a batch, at the rate that the schedule gives, and counts the step. Returns the loss it
    /// was given.
    ///
    /// # Errors
    /// Those of [`Optimizer::step`].
    pub fn step(&mut self, loss: BatchLoss, gradients: &Gradients<N>) -> Result<BatchLoss, Error> {
        N::Scalar::step_run(&mut self.view(), loss, gradients.as_slice())?;
        Ok(loss)
    }

    /// Makes a whole step with a batch, at the rate that the schedule gives, and counts it: see [`GradientEngine::step`]. The same bits as
    /// [`GradientEngine::gradient`] and [`Run::step`], sooner, where nothing comes in between.
    ///
    /// # Errors
    /// Those of [`GradientEngine::step`].
    pub fn train<Y: Target, L: Loss<N::Head, Y>>(
        &mut self,
        engine: &mut GradientEngine<N>,
        inputs: &[N::Input],
        targets: &[Y],
        loss: &L,
        pass: Pass,
    ) -> Result<BatchLoss, Error> {
        let rate = N::Scalar::step_rate(&self.view());
        let update = Update { optimizer: &mut self.optimizer, rate };
        let loss = engine.step(self.network, inputs, targets, loss, pass, update)?;
        N::Scalar::count_step(&mut self.view(), loss, rate);
        Ok(loss)
    }

    /// Ends an epoch: tells the schedule of the validation loss (without a validation, of the training loss), writes the history, and goes
    /// to the beginning of the next.
    ///
    /// # Errors
    /// Those of [`Run::check_weights`].
    pub fn end_epoch(&mut self, validation: Option<&Validation>, took: Duration) -> Result<EpochRecord, Error> {
        N::Scalar::end_epoch(&mut self.view(), validation, took)
    }

    /// Lets early stopping see a validation, where there is some; whether to stop.
    pub fn watch(&mut self, validation: &Validation) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        watcher.observe(&*self.network, validation.watched(watcher.rules().watched()), self.position.step)
    }

    /// Whether early stopping has decided to stop, perhaps before a checkpoint from which the run goes on.
    pub fn is_over(&self) -> bool {
        self.history.ending == Ending::Early || self.watcher.as_ref().is_some_and(Watcher::is_over)
    }

    /// Ends the run as [`History::ending`] says: notes the best validation in the history, and gives the network its weights back where
    /// early stopping is to. A run that was interrupted, or ended by a callback, keeps its last weights, for it may go on.
    pub fn restore_best(&mut self) {
        if let Some(watcher) = &self.watcher {
            self.history.best = watcher.best();
            if matches!(self.history.ending, Ending::Finished | Ending::Early) {
                watcher.restore(self.network);
            }
        }
    }

    /// A step can move weights too far though its gradient was finite: the last of an epoch, and the last before a checkpoint,
    /// have no next loss to show it.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for weights that are NaN or infinite.
    pub fn check_weights(&self) -> Result<(), Error> {
        let (step, saved) = (self.position.step, self.saved.as_deref());
        N::Scalar::check_weights(N::LAYERS, self.network.parameters(), step, saved)
    }

    /// An error of a step, which names the last good checkpoint where it is one of numbers that are not finite.
    pub fn with_checkpoint(&self, error: Error) -> Error {
        match error {
            Error::NotFinite { step, origin, .. } => Error::NotFinite { step, origin, checkpoint: self.saved.clone() },
            other => other,
        }
    }
}

/// A [`Run`] as [`Once`] is given it.
pub struct View<'r, T> {
    pub(crate) facts: Facts,
    pub(crate) weights: &'r mut Weights<T>,
    pub(crate) optimizer: &'r mut dyn Optimizer<T>,
    pub(crate) schedule: &'r mut dyn Schedule,
    pub(crate) watcher: Option<&'r mut Watcher<T>>,
    pub(crate) position: &'r mut Position,
    pub(crate) history: &'r mut History,
    pub(crate) epochs: u64,
    pub(crate) steps_per_epoch: u64,
    pub(crate) saved: &'r mut Option<PathBuf>,
}

impl<T: Precision> View<'_, T> {
    /// What its steps depend on, in words.
    pub(super) fn settings(&self) -> Settings {
        self.optimizer.settings().with("the schedule", format!("{:?}", self.schedule))
    }

    /// The factor of the learning rate at a step of a run of so many epochs.
    pub(super) fn factor(&self, step: u64, epochs: u64) -> f64 {
        let steps = epochs.saturating_mul(self.steps_per_epoch);
        self.schedule.factor(&Progress { step, steps_per_epoch: self.steps_per_epoch, steps })
    }

    /// [`Run::check_weights`].
    pub(super) fn check_weights(&self) -> Result<(), Error> {
        check_weights(self.facts.layers, self.weights.parameters(), self.position.step, self.saved.as_deref())
    }
}

/// [`Run::check_weights`] after so many steps, with the last checkpoint.
pub(crate) fn check_weights<T: Precision>(
    layers: &'static [Layer],
    parameters: &[T],
    step: u64,
    saved: Option<&Path>,
) -> Result<(), Error> {
    match T::broken_weights(layers, parameters) {
        Some(origin) => Err(Error::NotFinite { step, origin, checkpoint: saved.map(Path::to_owned) }),
        None => Ok(()),
    }
}

/// [`Run::step`].
pub(crate) fn step<T: Precision>(run: &mut View<'_, T>, loss: BatchLoss, gradients: &[T]) -> Result<(), Error> {
    let rate = step_rate(run);
    let (parameters, _) = run.weights.buffers_mut();
    run.optimizer.step(rate, run.facts.layers, parameters, gradients)?;
    count_step(run, loss, rate);
    Ok(())
}

/// The learning rate of the next step.
pub(crate) fn step_rate<T: Precision>(run: &View<'_, T>) -> f64 {
    run.optimizer.rate() * run.factor(run.position.step, run.epochs)
}

/// Counts a step that has been made.
pub(crate) fn count_step<T: Precision>(run: &mut View<'_, T>, loss: BatchLoss, rate: f64) {
    run.position.rate = rate;
    run.position.running.add(&loss);
    run.position.step += 1;
    run.position.batch += 1;
}

/// [`Run::end_epoch`].
pub(crate) fn end_epoch<T: Precision>(
    run: &mut View<'_, T>,
    validation: Option<&Validation>,
    took: Duration,
) -> Result<EpochRecord, Error> {
    run.check_weights()?;
    let Position { epoch, step, running, rate, .. } = *run.position;
    let measured = validation.map(|validation| validation.loss);
    run.schedule.observe(measured.unwrap_or(running).mean());
    let record = EpochRecord {
        epoch: epoch + 1,
        step,
        rate,
        loss: running.mean(),
        accuracy: running.accuracy(),
        validation_loss: measured.map(|loss| loss.mean()),
        validation_accuracy: measured.and_then(|loss| loss.accuracy()),
        seconds: took.as_secs_f64(),
    };
    run.history.epochs.push(record);
    for series in &mut run.history.metrics {
        series.values.push(validation.and_then(|validation| validation.metric(series.name)).unwrap_or(f64::NAN));
    }
    *run.position = Position { epoch: epoch + 1, batch: 0, running: BatchLoss::default(), ..*run.position };
    Ok(record)
}

impl<T> core::fmt::Debug for View<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { facts, position, epochs, steps_per_epoch, .. } = self;
        write!(f, "Run of {}: {epochs} epochs of {steps_per_epoch} steps, at {position:?}", facts.name)
    }
}

impl<N: Trainable, O> core::fmt::Debug for Run<'_, N, O> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { position, epochs, steps_per_epoch, .. } = self;
        write!(f, "Run of {}: {epochs} epochs of {steps_per_epoch} steps, at {position:?}", N::NAME)
    }
}
