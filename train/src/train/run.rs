//! The state of a training run.

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

/// The position of a run. Together with the seed, on which all random draws depend, it is the only state of a run besides its network, its
/// optimiser and its schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Position {
    /// The number of completed epochs.
    pub epoch: u64,
    /// The number of completed batches of the current epoch.
    pub batch: u64,
    /// The number of completed steps.
    pub step: u64,
    /// The loss of the current epoch so far.
    pub running: BatchLoss,
    /// The learning rate of the last step.
    pub rate: f64,
}

/// The settings that must be the same in a run that resumes from a checkpoint, besides its network, its optimiser and the names of its metrics:
/// see [`Loader::identity`](super::Loader::identity).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The seed of all random draws.
    pub seed: u64,
    /// The number of samples in a step.
    pub batch: usize,
    /// The number of samples in an epoch.
    pub samples: usize,
    /// The order of samples: see [`Sampler::order`](super::Sampler::order).
    pub order: String,
    /// All other settings that the steps depend on. The loader adds augmentation and mixup, the run its optimiser and schedule; a training loop
    /// of your own may add more.
    pub settings: Settings,
}

/// The state of a training run, which a checkpoint saves. [`Trainer`](super::Trainer) uses it, and a training loop of your own can use it to get
/// the same bits.
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
    /// The optimiser.
    pub optimizer: O,
    /// The schedule of the learning rate.
    pub schedule: Box<dyn Schedule>,
    /// The state of early stopping, if there is any.
    pub watcher: Option<Watcher<N::Scalar>>,
    /// The position of the run.
    pub position: Position,
    /// The history of the epochs so far.
    pub history: History,
    /// The number of epochs of the whole run, on which schedules depend.
    pub epochs: u64,
    /// The number of steps in an epoch.
    pub steps_per_epoch: u64,
    /// The file of the last checkpoint, once there is one.
    pub saved: Option<PathBuf>,
}

/// Adds a metric without values to the history.
fn add_series(history: &mut History, name: &'static str) -> Result<(), Error> {
    super::metric_name::check(name, &mut history.metrics.iter().map(|known| known.name))?;
    history.metrics.push(MetricSeries { name, values: Vec::new() });
    Ok(())
}

impl<'n, N: Trainable, O: Optimizer<N::Scalar>> Run<'n, N, O> {
    /// Creates a run of `epochs` epochs before its first step, with a constant rate and without early stopping.
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

    /// Sets the schedule of the learning rate.
    pub fn schedule(mut self, schedule: impl Schedule + 'static) -> Self {
        self.schedule = Box::new(schedule);
        self
    }

    /// Sets early stopping, which observes validations by [`Run::watch`].
    pub fn early_stopping(mut self, rules: EarlyStopping) -> Self {
        self.watcher = Some(Watcher::new(rules));
        self
    }

    /// Sets the names of the metrics in its history: those of the validator, see [`Validator::names`](super::Validator::names).
    ///
    /// # Errors
    /// [`Error::MetricName`] for a name that could be confused with another's or with a value that every run records (`loss`, …).
    pub fn metrics(mut self, names: impl IntoIterator<Item = &'static str>) -> Result<Self, Error> {
        self.history.metrics.clear();
        for name in names {
            add_series(&mut self.history, name)?;
        }
        Ok(self)
    }

    /// Returns the run without the types of its network and its optimiser.
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

    /// Updates the weights by the gradient of a batch, at the rate of the schedule, and counts the step. Returns `loss`
    /// unchanged.
    ///
    /// # Errors
    /// Those of [`Optimizer::step`].
    pub fn step(&mut self, loss: BatchLoss, gradients: &Gradients<N>) -> Result<BatchLoss, Error> {
        N::Scalar::step_run(&mut self.view(), loss, gradients.as_slice())?;
        Ok(loss)
    }

    /// Makes a whole step with a batch, at the rate of the schedule, and counts it: see [`GradientEngine::step`]. It gives the same bits as
    /// [`GradientEngine::gradient`] followed by [`Run::step`], and is faster; use it if nothing happens between the two.
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

    /// Ends an epoch: passes the validation loss (without a validation, the training loss) to the schedule, writes the history, and moves
    /// to the beginning of the next epoch.
    ///
    /// # Errors
    /// Those of [`Run::check_weights`].
    pub fn end_epoch(&mut self, validation: Option<&Validation>, took: Duration) -> Result<EpochRecord, Error> {
        N::Scalar::end_epoch(&mut self.view(), validation, took)
    }

    /// Passes a validation to early stopping, if there is any; returns whether to stop.
    pub fn watch(&mut self, validation: &Validation) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        watcher.observe(&*self.network, validation.watched(watcher.rules().watched()), self.position.step)
    }

    /// Returns whether early stopping has ended the run, perhaps before the checkpoint from which the run was resumed.
    pub fn is_over(&self) -> bool {
        self.history.ending == Ending::Early || self.watcher.as_ref().is_some_and(Watcher::is_over)
    }

    /// Ends the run according to [`History::ending`]: records the best validation in the history, and restores its weights if
    /// early stopping says so. A run that was interrupted, or ended by a callback, keeps its last weights, since it may be resumed.
    pub fn restore_best(&mut self) {
        if let Some(watcher) = &self.watcher {
            self.history.best = watcher.best();
            if matches!(self.history.ending, Ending::Finished | Ending::Early) {
                watcher.restore(self.network);
            }
        }
    }

    /// Checks that the weights are finite. A step can move weights too far although its gradient was finite. After the last step of an epoch or
    /// before a checkpoint, no further loss would show it.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for weights that are NaN or infinite.
    pub fn check_weights(&self) -> Result<(), Error> {
        let (step, saved) = (self.position.step, self.saved.as_deref());
        N::Scalar::check_weights(N::LAYERS, self.network.parameters(), step, saved)
    }

    /// Adds the path of the last checkpoint to an error about values that are not finite; other errors are returned unchanged.
    pub fn with_checkpoint(&self, error: Error) -> Error {
        match error {
            Error::NotFinite { step, origin, .. } => Error::NotFinite { step, origin, checkpoint: self.saved.clone() },
            other => other,
        }
    }
}

/// A [`Run`] as the functions of [`Once`] take it.
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
    /// Describes the settings that its steps depend on.
    pub(super) fn settings(&self) -> Settings {
        self.optimizer.settings().with("the schedule", format!("{:?}", self.schedule))
    }

    /// Returns the factor of the learning rate at a step of a run of `epochs` epochs.
    pub(super) fn factor(&self, step: u64, epochs: u64) -> f64 {
        let steps = epochs.saturating_mul(self.steps_per_epoch);
        self.schedule.factor(&Progress { step, steps_per_epoch: self.steps_per_epoch, steps })
    }

    /// Runs [`Run::check_weights`].
    pub(super) fn check_weights(&self) -> Result<(), Error> {
        check_weights(self.facts.layers, self.weights.parameters(), self.position.step, self.saved.as_deref())
    }
}

/// Implements [`Run::check_weights`] after `step` steps; `saved` is the last checkpoint.
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

/// Implements [`Run::step`].
pub(crate) fn step<T: Precision>(run: &mut View<'_, T>, loss: BatchLoss, gradients: &[T]) -> Result<(), Error> {
    let rate = step_rate(run);
    let (parameters, _) = run.weights.buffers_mut();
    run.optimizer.step(rate, run.facts.layers, parameters, gradients)?;
    count_step(run, loss, rate);
    Ok(())
}

/// Returns the learning rate of the next step.
pub(crate) fn step_rate<T: Precision>(run: &View<'_, T>) -> f64 {
    run.optimizer.rate() * run.factor(run.position.step, run.epochs)
}

/// Counts a completed step.
pub(crate) fn count_step<T: Precision>(run: &mut View<'_, T>, loss: BatchLoss, rate: f64) {
    run.position.rate = rate;
    run.position.running.add(&loss);
    run.position.step += 1;
    run.position.batch += 1;
}

/// Implements [`Run::end_epoch`].
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
