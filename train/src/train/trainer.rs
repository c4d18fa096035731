//! The trainer and its settings.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::adversarial::AdversarialTraining;
use super::augment::{Augment, Mix, MixTarget, Mixup};
use super::callback::{Callback, Decision, EpochReport, OnEpoch, OnStep, StepReport};
use super::checkpoint::Checkpoints;
use super::early_stopping::EarlyStopping;
use super::fit::RunOptions;
use super::history::History;
use super::micro_batch::Attacking;
use super::preparation::Preparation;
use super::samples::Samples;
use super::source::{Shuffled, Source};
use super::target::Target;
use super::validation::NamedMeasure;
use crate::error::{Error, count_setting};
use crate::loss::Loss;
use crate::memory::Stored;
use crate::once::Trainable;
use crate::optim::Optimizer;
use crate::schedule::{Constant, Schedule};
use crate::tensor::Output;
use crate::threads::Threads;

/// The type of a missing loss: call `Trainer::loss`.
#[derive(Clone, Copy, Debug)]
pub struct NoLoss;

/// The type of a missing optimiser: call `Trainer::optimizer`.
#[derive(Clone, Copy, Debug)]
pub struct NoOptimizer;

/// Trains a network: epochs of shuffled batches, and optionally validation, schedules, early stopping, augmentation,
/// checkpoints and callbacks.
///
/// The same settings and seed give the same bits on any number of threads. The trainer combines parts that can also be used without
/// it: see [`Run`](super::Run), and the example `own_loop`.
///
/// ```
/// use netwright_runtime::{Error, Tensor, head::Softmax, network::Network};
/// use netwright_train::{data::Dataset, loss::CrossEntropy, optim::Sgd};
/// use netwright_train::train::{Augmentation, EarlyStopping, History, Trainer};
///
/// fn train<N>(network: &mut N, digits: Dataset<N::Input>) -> Result<History, Error>
/// where
///     N: Network<Scalar = f32, Head = Softmax, Input = Tensor<28, 28, 1>>,
/// {
///     let (train, validation) = digits.split(0.1, 1)?;
///     Trainer::new()
///         .epochs(10)?
///         .batch(64)?
///         .seed(1)
///         .loss(CrossEntropy::new())
///         .optimizer(Sgd::new(0.1)?.momentum(0.9)?)
///         .augment(Augmentation::new().shift(2.0)?.rotate(10.0)?)
///         .early_stopping(EarlyStopping::new(3)?)
///         .fit(network, &train, Some(&validation))
/// }
/// ```
///
/// `Y` is the type of the data's targets, `T` the type of the targets in training, which differs where labels are mixed.
pub struct Trainer<'c, N: Trainable, Y = usize, L = NoLoss, O = NoOptimizer, T = Y> {
    plan: RunOptions<'c, N, Y, L, O, T>,
}

impl<'c, N: Trainable, Y: Stored> Trainer<'c, N, Y> {
    /// Creates a trainer with the defaults: 10 epochs, batches of 64, seed 0, all processors, a constant rate, and, on a terminal, a progress
    /// bar or lines (see [`Trainer::quiet`]).
    pub fn new() -> Self {
        let plan = RunOptions {
            epochs: 10,
            batch: 64,
            ghost_batch: None,
            threads: Threads::available(),
            loss: NoLoss,
            optimizer: NoOptimizer,
            schedule: Box::new(Constant),
            preparation: Preparation::new(0),
            attacking: None,
            metrics: Vec::new(),
            callbacks: Vec::new(),
            early_stopping: None,
            checkpoints: None,
            interrupt: None,
            progress: true,
        };
        Self { plan }
    }
}

impl<N: Trainable, Y: Stored> Default for Trainer<'_, N, Y> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'c, N: Trainable, Y, L, O, T> Trainer<'c, N, Y, L, O, T> {
    /// Sets the number of epochs: how often training goes through the data.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn epochs(mut self, epochs: u64) -> Result<Self, Error> {
        count_setting("epochs", epochs, epochs > 0, "at least 1")?;
        self.plan.epochs = epochs;
        Ok(self)
    }

    /// Sets the number of images in a step; the last step of an epoch has the remaining images. Where a batch normalisation would have a
    /// single value per channel (over a row of features or an image of one pixel, with one image), a batch of 1 is refused when training begins,
    /// and a single remaining image is merged into the batch before.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn batch(mut self, batch: usize) -> Result<Self, Error> {
        count_setting("batch", batch, batch > 0, "at least 1 image")?;
        self.plan.batch = batch;
        Ok(self)
    }

    /// Normalises groups of `images` images of a batch separately in batch normalisation, so that threads share whole groups: see
    /// [`GradientEngine::ghost_batches`](super::GradientEngine::ghost_batches). Without it, a network with batch normalisation
    /// processes a batch as a whole, and threads share its kernels.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer than 2 images.
    pub fn ghost_batch(mut self, images: usize) -> Result<Self, Error> {
        super::gradient::ghost_batch(images)?;
        self.plan.ghost_batch = Some(images);
        Ok(self)
    }

    /// Sets the seed of the order of samples, of dropout and of augmentation.
    pub fn seed(mut self, seed: u64) -> Self {
        self.plan.preparation = self.plan.preparation.with_seed(seed);
        self
    }

    /// Sets the number of threads; results do not depend on it.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0 and for more than 1024.
    pub fn threads(mut self, threads: usize) -> Result<Self, Error> {
        self.plan.threads = crate::threads::check(threads)?;
        Ok(self)
    }

    /// Sets the loss to minimise.
    pub fn loss<M>(self, loss: M) -> Trainer<'c, N, Y, M, O, T> {
        self.with(|_, optimizer, preparation| (loss, optimizer, preparation))
    }

    /// Sets the optimiser.
    pub fn optimizer<P>(self, optimizer: P) -> Trainer<'c, N, Y, L, P, T> {
        self.with(|loss, _, preparation| (loss, optimizer, preparation))
    }

    /// Sets the schedule of the learning rate; the default is constant. It observes the validation loss (or, without validation, the
    /// training loss) after each epoch.
    pub fn schedule(mut self, schedule: impl Schedule + 'static) -> Self {
        self.plan.schedule = Box::new(schedule);
        self
    }

    /// Trains on changed copies of the samples: see [`Augmentation`](super::augment::Augmentation).
    pub fn augment(mut self, augment: impl Augment<N::Input> + 'static) -> Self {
        self.plan.preparation = self.plan.preparation.augment(augment);
        self
    }

    /// Trains on blends of two samples; the target of two labels is a distribution over both, a
    /// [`MixedLabel`](super::augment::MixedLabel).
    pub fn mixup(self, mixup: Mixup) -> Trainer<'c, N, Y, L, O, Y::Mixed>
    where
        N::Input: Mix,
        Y: MixTarget,
    {
        self.with(|loss, optimizer, preparation| (loss, optimizer, preparation.mixup(mixup)))
    }

    /// Trains on a mix of attacked and clean images (slide 16).
    pub fn adversarial(mut self, training: AdversarialTraining) -> Self
    where
        N::Input: Output<N::Scalar>,
    {
        self.plan.attacking = Some(Attacking::new(training));
        self
    }

    /// Adds a metric, which measures all answers on the validation set after each epoch: a function of [`metrics`](super::metrics) or of
    /// your own, `.metric("top-3", |answers, labels| metrics::top_k(answers, labels, 3))?`. It appears in the history, in the run
    /// folder and on the progress bar under `name`, and early stopping can watch it. It needs a validation set.
    ///
    /// # Errors
    /// [`Error::MetricName`] for a name that could be confused with another metric's or with a value that every run records (`loss`, …), where
    /// case and punctuation do not count.
    pub fn metric(
        mut self,
        name: &'static str,
        measure: impl Fn(&[N::Output], &[Y]) -> Result<f64, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let measure = NamedMeasure::new(name, measure, &self.plan.metrics)?;
        self.plan.metrics.push(measure);
        Ok(self)
    }

    /// Stops when the validation no longer improves; needs a validation set.
    pub fn early_stopping(mut self, rules: EarlyStopping) -> Self {
        self.plan.early_stopping = Some(rules);
        self
    }

    /// Saves checkpoints, and resumes from one.
    pub fn checkpoints(mut self, checkpoints: Checkpoints) -> Self {
        self.plan.checkpoints = Some(checkpoints);
        self
    }

    /// Adds a callback that observes every step and epoch; callbacks are called in the order in which they were added.
    pub fn callback(mut self, callback: impl Callback<N> + 'c) -> Self {
        self.plan.callbacks.push(Box::new(callback));
        self
    }

    /// Calls a closure after each step. It returns `()`, or a `ControlFlow`, of which `Break(())` ends the run, or a `Result` of
    /// either: see [`Decision`].
    pub fn on_step<D: Decision>(self, call: impl FnMut(&StepReport<'_, N>) -> D + Send + 'c) -> Self {
        self.callback(OnStep(call))
    }

    /// Calls a closure after each epoch; its return value has the same meaning as in [`Trainer::on_step`].
    ///
    /// ```
    /// # use netwright_runtime::{head::Softmax, network::Network};
    /// # use netwright_train::{loss::CrossEntropy, optim::Sgd, train::Trainer};
    /// # fn speak<N: Network<Scalar = f32, Head = Softmax>>() {
    /// let trainer: Trainer<N> = Trainer::new().on_epoch(|report| println!("{}: {}", report.record.epoch, report.record.loss));
    /// # drop(trainer);
    /// # }
    /// ```
    pub fn on_epoch<D: Decision>(self, call: impl FnMut(&EpochReport<'_, N>) -> D + Send + 'c) -> Self {
        self.callback(OnEpoch(call))
    }

    /// Ends the run after the step in which `flag` becomes true, with its checkpoint saved.
    pub fn interrupt(mut self, flag: Arc<AtomicBool>) -> Self {
        self.plan.interrupt = Some(flag);
        self
    }

    /// Ends the run after the step in which Ctrl-C is pressed, with its checkpoint saved. From this call on, Ctrl-C no longer ends
    /// the program itself.
    ///
    /// # Errors
    /// [`Error::Interrupt`] where the program has a handler of its own.
    #[cfg(feature = "ctrlc")]
    pub fn stop_on_ctrl_c(self) -> Result<Self, Error> {
        let flag = super::interrupt::ctrl_c()?;
        Ok(self.interrupt(flag))
    }

    /// Sets whether to show the progress if standard error is a terminal: a progress bar with the feature `progress`, a line for each
    /// epoch without it. Nothing is written to other outputs.
    pub fn progress(mut self, show: bool) -> Self {
        self.plan.progress = show;
        self
    }

    /// Shows no progress, even on a terminal: `progress(false)`.
    pub fn quiet(self) -> Self {
        self.progress(false)
    }

    #[allow(clippy::type_complexity)]
    fn with<M, P, U>(
        self,
        change: impl FnOnce(L, O, Preparation<N::Input, Y, T>) -> (M, P, Preparation<N::Input, Y, U>),
    ) -> Trainer<'c, N, Y, M, P, U> {
        let (loss, optimizer, preparation) = change(self.plan.loss, self.plan.optimizer, self.plan.preparation);
        let plan = RunOptions {
            epochs: self.plan.epochs,
            batch: self.plan.batch,
            ghost_batch: self.plan.ghost_batch,
            threads: self.plan.threads,
            loss,
            optimizer,
            schedule: self.plan.schedule,
            preparation,
            attacking: self.plan.attacking,
            metrics: self.plan.metrics,
            callbacks: self.plan.callbacks,
            early_stopping: self.plan.early_stopping,
            checkpoints: self.plan.checkpoints,
            interrupt: self.plan.interrupt,
            progress: self.plan.progress,
        };
        Trainer { plan }
    }

    /// Trains `network` on `train`, and measures it on `validation` after each epoch.
    ///
    /// With several threads, the next batch is read, augmented and mixed during each step: see [`Loader`](super::Loader).
    ///
    /// # Errors
    /// Before the first step: [`Error::Empty`] without samples, [`Error::Label`], [`Error::Target`] or [`Error::Length`] for targets that
    /// the loss cannot compare, [`Error::NoValidation`], [`Error::UnknownMetric`], those of metrics, those of [`Optimizer::prepare`],
    /// those of a checkpoint from which the run cannot resume, and [`Error::Io`] where a checkpoint, the files of a
    /// [`RunFolder`](super::RunFolder) or of recorded statistics could not be written. Later: [`Error::NotFinite`] where a loss is NaN or
    /// infinite ([`Error::Input`] where that of the validation is, because of an input), [`Error::Panicked`] where an augmentation panics,
    /// those of callbacks, and [`Error::Io`] where a checkpoint cannot be written.
    pub fn fit<S>(
        self,
        network: &mut N,
        train: &S,
        validation: Option<&dyn Samples<N::Input, Y>>,
    ) -> Result<History, Error>
    where
        N: Trainable<Input: Clone>,
        S: Samples<N::Input, Y>,
        L: Loss<N::Head, Y> + Loss<N::Head, T>,
        O: Optimizer<N::Scalar>,
        Y: Target,
        T: Target,
    {
        super::evaluate::check::<N, Y, L>(train, &self.plan.loss, train.origin())?;
        let sampler = Shuffled::new(train, self.plan.preparation.seed());
        super::fit::fit(self.plan, network, sampler, false, validation)
    }

    /// Runs [`Trainer::fit`] on samples that need not be in memory: see [`Stream`](super::Stream).
    ///
    /// # Errors
    /// As [`Trainer::fit`], except for targets, which are checked when they are read: [`Error::Label`] and [`Error::Target`] then name the
    /// sample's number, as [`Error::Sample`] does for an error of the stream itself. [`Error::StreamEnd`] where it ends within an epoch,
    /// [`Error::Panicked`] where it panics.
    pub fn fit_stream<S>(
        self,
        network: &mut N,
        train: &S,
        validation: Option<&dyn Samples<N::Input, Y>>,
    ) -> Result<History, Error>
    where
        N: Trainable<Input: Clone>,
        S: Source<N::Input, Y>,
        L: Loss<N::Head, Y> + Loss<N::Head, T>,
        O: Optimizer<N::Scalar>,
        Y: Target,
        T: Target,
    {
        let sampler = train.sampler(self.plan.preparation.seed());
        super::fit::fit(self.plan, network, sampler, true, validation)
    }
}

impl<N: Trainable, Y, L, O, T> core::fmt::Debug for Trainer<'_, N, Y, L, O, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let RunOptions { epochs, batch, threads, preparation, .. } = &self.plan;
        let name = N::NAME;
        write!(f, "Trainer of {name}: {epochs} epochs, batch {batch}, {preparation:?}, {threads} threads")
    }
}
