//! The training loop.

use core::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::callback::{EpochReport, RunReport, StepReport};
use super::checkpoint::{Checkpoint, Identity};
use super::early_stopping::Watcher;
use super::feed::{Feed, SHUFFLING};
use super::finite::broken_weights;
use super::gradient::{BatchLoss, GradientEngine};
use super::history::{Ending, EpochRecord, History, MetricSeries};
use super::samples::Samples;
use super::target::Target;
use super::trainer::Trainer;
use super::validation::{Validation, Validator};
use crate::architecture::Pass;
use crate::error::Error;
use crate::loss::Loss;
use crate::network::Network;
use crate::optim::Optimizer;
use crate::random::{Random, key};
use crate::schedule::Progress;

/// Where a run stands. With the seed, which all random draws hang on, it is all that a run remembers besides its network, its
/// optimiser and its schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Position {
    /// The epochs made.
    pub(crate) epoch: u64,
    /// The batches of the current epoch made.
    pub(crate) batch: u64,
    /// The steps made.
    pub(crate) step: u64,
    /// The loss of the current epoch so far.
    pub(crate) running: BatchLoss,
    /// The learning rate of the last step.
    pub(crate) rate: f64,
}

/// A run on its way.
pub(crate) struct Session<'a, 'c, N: Network, Y, L, O, S> {
    trainer: Trainer<'c, N, Y, L, O>,
    network: &'a mut N,
    train: &'a S,
    validator: Option<Validator<'a, N, Y>>,
    watcher: Option<Watcher<N::Scalar>>,
    feeds: Vec<Feed<N, Y>>,
    order: Vec<usize>,
    position: Position,
    history: History,
    /// The file of the last checkpoint, once it exists.
    saved: Option<PathBuf>,
}

impl<'a, 'c, N, Y, L, O, S> Session<'a, 'c, N, Y, L, O, S>
where
    N: Network<Input: Clone>,
    Y: Target,
    L: Loss<N::Head, Y>,
    O: Optimizer<N::Scalar>,
    S: Samples<N::Input, Y>,
{
    /// Checks what can be checked before the first step, and goes on from a checkpoint where there is one to go on from.
    pub(crate) fn new(
        mut trainer: Trainer<'c, N, Y, L, O>,
        network: &'a mut N,
        train: &'a S,
        validation: Option<&'a dyn Samples<N::Input, Y>>,
    ) -> Result<Self, Error> {
        trainer.optimizer.prepare(N::LAYERS, N::PARAMETERS)?;
        let metrics = core::mem::take(&mut trainer.metrics);
        let validator = validation.map(|samples| Validator::new(samples, metrics));
        if let Some(validator) = &validator {
            validator.check(network, &trainer.loss, trainer.early_stopping.as_ref())?;
        }
        let names = validator.iter().flat_map(Validator::names);
        let metrics = names.map(|name| MetricSeries { name, values: Vec::new() }).collect();
        let mut session = Self {
            network,
            train,
            validator,
            watcher: trainer.early_stopping.map(Watcher::new),
            feeds: Vec::new(),
            order: Vec::with_capacity(train.len()),
            position: Position::default(),
            history: History { metrics, ..History::default() },
            saved: None,
            trainer,
        };
        session.resume()?;
        if session.trainer.progress {
            session.trainer.callbacks.extend(super::progress::bar());
        }
        Ok(session)
    }

    fn identity(&self) -> Identity {
        Identity {
            optimizer: self.trainer.optimizer.name(),
            seed: self.trainer.preparation.seed,
            batch: self.trainer.batch,
            samples: self.train.len(),
            metrics: self.history.metrics.iter().map(|series| series.name).collect(),
        }
    }

    fn resume(&mut self) -> Result<(), Error> {
        let Some(checkpoints) = &self.trainer.checkpoints else { return Ok(()) };
        if !checkpoints.is_to_resume() {
            return Ok(());
        }
        let path = checkpoints.path().to_owned();
        let checkpoint = Checkpoint::<N>::read(&path, &self.identity())?;
        let (optimizer, schedule) = (&mut self.trainer.optimizer, &mut *self.trainer.schedule);
        let names = self.history.metrics.iter().map(|series| series.name);
        let names: Vec<&'static str> = names.collect();
        let watcher = self.watcher.as_mut();
        let (position, history) = checkpoint.restore(&names, self.network, optimizer, schedule, watcher)?;
        (self.position, self.history, self.saved) = (position, history, Some(path));
        Ok(())
    }

    fn save(&mut self) -> Result<(), Error> {
        let Some(checkpoints) = &self.trainer.checkpoints else { return Ok(()) };
        // The checkpoint before must outlive weights that are lost.
        self.check_weights()?;
        let (optimizer, schedule) = (&self.trainer.optimizer, &*self.trainer.schedule);
        let writer = Checkpoint::write(
            &self.identity(),
            self.network,
            optimizer,
            schedule,
            self.watcher.as_ref(),
            &self.position,
            &self.history,
        );
        writer.write(checkpoints.path())?;
        self.saved = Some(checkpoints.path().to_owned());
        Ok(())
    }

    fn steps_per_epoch(&self) -> u64 {
        self.train.len().div_ceil(self.trainer.batch) as u64
    }

    /// Trains to the end.
    pub(crate) fn run(mut self) -> Result<History, Error> {
        let batch = self.trainer.batch.min(self.train.len());
        let mut engine = match self.trainer.ghost_batch {
            None => GradientEngine::new(batch, self.trainer.threads)?,
            Some(images) => GradientEngine::ghost_batches(batch, images, self.trainer.threads)?,
        };
        let pieces = batch.div_ceil(engine.piece_size());
        let images = engine.piece_size().min(batch);
        self.feeds = (0..pieces).map(|_| Feed::new(images, self.train, &self.trainer.preparation)).collect();
        let report = RunReport {
            epochs: self.trainer.epochs,
            steps_per_epoch: self.steps_per_epoch(),
            images: self.train.len() as u64,
            step: self.position.step,
        };
        for callback in &mut self.trainer.callbacks {
            callback.on_start(&report)?;
        }
        let ending = engine.install(|engine| self.all_epochs(engine))?;
        self.history.ending = ending;
        self.save()?;
        if let Some(watcher) = &self.watcher {
            self.history.best = watcher.best;
            if matches!(ending, Ending::Finished | Ending::Early) {
                watcher.restore(self.network);
            }
        }
        for callback in &mut self.trainer.callbacks {
            callback.on_end(&self.history)?;
        }
        Ok(self.history)
    }

    fn all_epochs(&mut self, engine: &mut GradientEngine<N>) -> Result<Ending, Error> {
        // A checkpoint may have been written after the decision to stop.
        if self.history.ending == Ending::Early || self.watcher.as_ref().is_some_and(Watcher::is_over) {
            return Ok(Ending::Early);
        }
        while self.position.epoch < self.trainer.epochs {
            if let ControlFlow::Break(ending) = self.epoch(engine)? {
                return Ok(ending);
            }
        }
        Ok(Ending::Finished)
    }

    fn epoch(&mut self, engine: &mut GradientEngine<N>) -> Result<ControlFlow<Ending>, Error> {
        let start = Instant::now();
        let epoch = self.position.epoch;
        self.order.clear();
        self.order.extend(0..self.train.len());
        Random::new(key(self.trainer.preparation.seed, epoch, SHUFFLING, 0)).shuffle(&mut self.order);
        while self.position.batch < self.steps_per_epoch() {
            if let ControlFlow::Break(ending) = self.step(engine)? {
                return Ok(ControlFlow::Break(ending));
            }
        }
        self.check_weights()?;
        let validation = self.validate(engine)?;
        let measured = validation.as_ref().map(|validation| validation.loss);
        self.trainer.schedule.observe(measured.unwrap_or(self.position.running).mean());
        let record = EpochRecord {
            epoch: epoch + 1,
            step: self.position.step,
            rate: self.position.rate,
            loss: self.position.running.mean(),
            accuracy: self.position.running.accuracy(),
            validation_loss: measured.map(|loss| loss.mean()),
            validation_accuracy: measured.and_then(|loss| loss.accuracy()),
            seconds: start.elapsed().as_secs_f64(),
        };
        self.history.epochs.push(record);
        let metrics = validation.iter().flat_map(|validation| &validation.metrics);
        self.history.metrics.iter_mut().zip(metrics).for_each(|(series, value)| series.values.push(*value));
        (self.position.epoch, self.position.batch, self.position.running) = (epoch + 1, 0, BatchLoss::default());
        let mut flow = ControlFlow::Continue(());
        if self.watcher.as_ref().is_some_and(|watcher| watcher.rules.is_due_after_epoch())
            && self.watch(validation.as_ref())
        {
            flow = ControlFlow::Break(Ending::Early);
        }
        let report = EpochReport { record, history: &self.history, network: &*self.network };
        for callback in &mut self.trainer.callbacks {
            if callback.on_epoch(&report)?.is_break() && flow.is_continue() {
                flow = ControlFlow::Break(Ending::Callback);
            }
        }
        if self.trainer.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.is_due_after_epoch(epoch + 1)) {
            self.save()?;
        }
        Ok(flow)
    }

    fn step(&mut self, engine: &mut GradientEngine<N>) -> Result<ControlFlow<Ending>, Error> {
        let Self { trainer, network, train, feeds, order, position, .. } = self;
        let Trainer { loss, optimizer, schedule, preparation, batch, epochs, .. } = trainer;
        let steps_per_epoch = train.len().div_ceil(*batch) as u64;
        let first = position.batch as usize * *batch;
        let indices = &order[first..train.len().min(first + *batch)];
        let pass = Pass { seed: preparation.seed, step: position.step, ..Pass::default() };
        let made = engine.step(&mut **network, pass, indices.len(), feeds, |step, images, piece, feed| {
            feed.run(step, images, piece, *train, indices, position.epoch, preparation, loss)
        });
        let made = made.map_err(|error| match error {
            Error::NotFinite { step, origin, .. } => Error::NotFinite { step, origin, checkpoint: self.saved.clone() },
            other => other,
        })?;
        let progress = Progress { step: position.step, steps_per_epoch, epochs: *epochs };
        position.rate = optimizer.rate() * schedule.factor(&progress);
        optimizer.step(position.rate, N::LAYERS, network.parameters_mut(), engine.gradients().as_slice())?;
        position.running.add(&made);
        position.step += 1;
        position.batch += 1;
        self.after_step(engine, made)
    }

    /// Validation, callbacks, checkpoints and interruptions between two steps.
    fn after_step(&mut self, engine: &GradientEngine<N>, loss: BatchLoss) -> Result<ControlFlow<Ending>, Error> {
        let mut flow = ControlFlow::Continue(());
        let step = self.position.step;
        if self.watcher.as_ref().is_some_and(|watcher| watcher.rules.is_due_after_step(step)) {
            let validation = self.validate(engine)?;
            if self.watch(validation.as_ref()) {
                flow = ControlFlow::Break(Ending::Early);
            }
        }
        let Position { epoch, running, rate, .. } = self.position;
        let (network, gradients) = (&*self.network, engine.gradients());
        let report = StepReport { epoch: epoch + 1, step, loss, running, rate, network, gradients };
        for callback in &mut self.trainer.callbacks {
            if callback.on_step(&report)?.is_break() && flow.is_continue() {
                flow = ControlFlow::Break(Ending::Callback);
            }
        }
        if self.trainer.interrupt.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            flow = ControlFlow::Break(Ending::Interrupted);
        }
        if self.trainer.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.is_due_after_step(step)) {
            self.save()?;
        }
        Ok(flow)
    }

    fn validate(&mut self, engine: &GradientEngine<N>) -> Result<Option<Validation>, Error> {
        let Some(validator) = &mut self.validator else { return Ok(None) };
        validator.run(&*self.network, &self.trainer.loss, engine.threads()).map(Some)
    }

    /// Lets early stopping see a validation; whether to stop.
    fn watch(&mut self, validation: Option<&Validation>) -> bool {
        let (Some(watcher), Some(validator), Some(validation)) = (&mut self.watcher, &self.validator, validation)
        else {
            return false;
        };
        let metric = validator.watched(watcher.rules.watched(), validation);
        watcher.observe(&*self.network, metric, self.position.step)
    }

    /// A step can move weights too far though its gradient was finite: the last of an epoch, and the last before a checkpoint,
    /// have no next loss to show it.
    fn check_weights(&self) -> Result<(), Error> {
        let (step, checkpoint) = (self.position.step, self.saved.clone());
        match broken_weights::<N>(self.network.parameters()) {
            Some(origin) => Err(Error::NotFinite { step, origin, checkpoint }),
            None => Ok(()),
        }
    }
}
