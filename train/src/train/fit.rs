//! The training loop.

use core::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::batch_loss::BatchLoss;
use super::callback::{Callback, EpochReport, RunReport, StepReport};
use super::checkpoint::Checkpoints;
use super::early_stopping::{EarlyStopping, Watcher};
use super::gradient::GradientEngine;
use super::history::{Ending, History};
use super::loader::Loader;
use super::micro_batch::Attacking;
use super::preparation::Preparation;
use super::run::{Identity, Position, Run};
use super::samples::Samples;
use super::source::Sampler;
use super::target::Target;
use super::validation::{NamedMeasure, Validation, Validator};
use crate::error::Error;
use crate::loss::Loss;
use crate::network::enough_images;
use crate::once::Trainable;
use crate::optim::Optimizer;
use crate::pass::Pass;
use crate::schedule::Schedule;
use crate::settings::Settings;

/// The settings of a run.
pub(super) struct RunOptions<'c, N: Trainable, Y, L, O, T> {
    pub(super) epochs: u64,
    pub(super) batch: usize,
    pub(super) ghost_batch: Option<usize>,
    pub(super) threads: usize,
    pub(super) loss: L,
    pub(super) optimizer: O,
    pub(super) schedule: Box<dyn Schedule>,
    pub(super) preparation: Preparation<N::Input, Y, T>,
    pub(super) attacking: Option<Attacking<N>>,
    pub(super) metrics: Vec<NamedMeasure<N, Y>>,
    pub(super) callbacks: Vec<Box<dyn Callback<N> + 'c>>,
    pub(super) early_stopping: Option<EarlyStopping>,
    pub(super) checkpoints: Option<Checkpoints>,
    pub(super) interrupt: Option<Arc<AtomicBool>>,
    pub(super) progress: bool,
}

impl<N: Trainable, Y, L, O, T> RunOptions<'_, N, Y, L, O, T> {
    /// Describes the settings that steps depend on besides the optimiser, the schedule and the preparation of samples.
    fn settings(&self) -> Settings
    where
        L: core::fmt::Debug,
    {
        Settings::new()
            .with("the loss", format!("{:?}", self.loss))
            .with_set("the ghost batch", self.ghost_batch)
            .with_set("adversarial training", self.attacking.map(|attacking| format!("{attacking:?}")))
    }
}

/// The parts of a run, created from [`RunOptions`].
struct Session<'a, 'c, N: Trainable, Y, L, O, T, P> {
    run: Run<'a, N, O>,
    loader: Loader<P, N::Input, Y, T>,
    identity: Identity,
    loss: L,
    /// Whether targets are checked only when they are read.
    unseen: bool,
    validator: Option<Validator<'a, N, Y>>,
    checkpoints: Option<Checkpoints>,
    callbacks: Vec<Box<dyn Callback<N> + 'c>>,
    interrupt: Option<Arc<AtomicBool>>,
}

/// Trains `network` by the settings `plan` on the samples of `sampler`, whose targets were not checked yet if they are `unseen`. All other
/// checks run before the first step.
pub(super) fn fit<'a, N, Y, L, O, T, P>(
    plan: RunOptions<'_, N, Y, L, O, T>,
    network: &'a mut N,
    sampler: P,
    unseen: bool,
    validation: Option<&'a dyn Samples<N::Input, Y>>,
) -> Result<History, Error>
where
    N: Trainable<Input: Clone>,
    Y: Target,
    T: Target,
    L: Loss<N::Head, Y> + Loss<N::Head, T>,
    O: Optimizer<N::Scalar>,
    P: Sampler<N::Input, Y>,
{
    let settings = plan.settings();
    let loader = Loader::with_sampler(sampler, plan.batch, plan.preparation)?.join_left_over(N::FEWEST_IMAGES);
    match validation {
        None if plan.early_stopping.is_some() => return Err(Error::NoValidation { setting: "early stopping" }),
        None if !plan.metrics.is_empty() => return Err(Error::NoValidation { setting: "a metric" }),
        _ => {}
    }
    let validator = match validation {
        Some(samples) => Some(Validator::of(samples)?.measures(plan.metrics)),
        None => None,
    };
    let mut run = Run::new(network, plan.optimizer, plan.epochs, loader.steps_per_epoch())?;
    let pass = Pass { frozen_layers: run.optimizer.frozen_layers(), ..Pass::default() };
    enough_images::<N>(&pass, loader.capacity())?;
    if let Some(rules) = &plan.early_stopping {
        rules.check_steps(run.epochs.saturating_mul(run.steps_per_epoch))?;
    }
    if let Some(validator) = &validator {
        validator.check(run.network, &plan.loss, plan.early_stopping.as_ref())?;
        run = run.metrics(validator.name_list())?;
    }
    run.schedule = plan.schedule;
    run.watcher = plan.early_stopping.map(Watcher::new);
    let mut identity = loader.identity();
    identity.settings = identity.settings.and(settings);
    if let Some(checkpoints) = &plan.checkpoints {
        checkpoints.resume_run(&identity, &mut run)?;
    }
    let mut callbacks = plan.callbacks;
    if let (true, Some(shown)) = (plan.progress, super::progress::shown()) {
        callbacks.push(shown);
    }
    let mut engine = match plan.ghost_batch {
        None => GradientEngine::new(loader.capacity(), plan.threads)?,
        Some(images) => GradientEngine::ghost_batches(loader.capacity(), images, plan.threads)?,
    };
    if let Some(attacking) = plan.attacking {
        engine = engine.attack(attacking);
    }
    Session {
        run,
        loader: loader.threads(engine.threads()),
        identity,
        loss: plan.loss,
        unseen,
        validator,
        checkpoints: plan.checkpoints,
        callbacks,
        interrupt: plan.interrupt,
    }
    .train(&mut engine)
}

impl<N, Y, L, O, T, P> Session<'_, '_, N, Y, L, O, T, P>
where
    N: Trainable<Input: Clone>,
    Y: Target,
    T: Target,
    L: Loss<N::Head, Y> + Loss<N::Head, T>,
    O: Optimizer<N::Scalar>,
    P: Sampler<N::Input, Y>,
{
    /// Trains until the run ends.
    fn train(mut self, engine: &mut GradientEngine<N>) -> Result<History, Error> {
        let report = RunReport {
            epochs: self.run.epochs,
            steps_per_epoch: self.run.steps_per_epoch,
            images: self.identity.samples as u64,
            step: self.run.position.step,
        };
        for callback in &mut self.callbacks {
            callback.on_start(&report)?;
        }
        engine.keep_gradients(self.callbacks.iter().any(|callback| callback.reads_gradients()));
        self.run.history.ending = engine.install(|engine| self.all_epochs(engine))?;
        self.save()?;
        self.run.restore_best();
        for callback in &mut self.callbacks {
            callback.on_end(&self.run.history)?;
        }
        Ok(self.run.history)
    }

    fn save(&mut self) -> Result<(), Error> {
        let Some(checkpoints) = &self.checkpoints else { return Ok(()) };
        checkpoints.save(&self.identity, &mut self.run)
    }

    fn all_epochs(&mut self, engine: &mut GradientEngine<N>) -> Result<Ending, Error> {
        if self.run.is_over() {
            return Ok(Ending::Early);
        }
        while self.run.position.epoch < self.run.epochs {
            if let ControlFlow::Break(ending) = self.epoch(engine)? {
                return Ok(ending);
            }
        }
        Ok(Ending::Finished)
    }

    fn epoch(&mut self, engine: &mut GradientEngine<N>) -> Result<ControlFlow<Ending>, Error> {
        let start = Instant::now();
        self.loader.begin(self.run.position.epoch, self.run.position.batch);
        while let Some(loss) = self.step(engine)? {
            if let ControlFlow::Break(ending) = self.after_step(engine, loss)? {
                return Ok(ControlFlow::Break(ending));
            }
        }
        self.run.check_weights()?;
        let validation = self.validate(engine)?;
        let record = self.run.end_epoch(validation.as_ref(), start.elapsed())?;
        let mut flow = ControlFlow::Continue(());
        let due = self.run.watcher.as_ref().is_some_and(|watcher| watcher.rules().is_due_after_epoch());
        if due && validation.is_some_and(|validation| self.run.watch(&validation)) {
            flow = ControlFlow::Break(Ending::Early);
        }
        let report = EpochReport { record, history: &self.run.history, network: &*self.run.network };
        for callback in &mut self.callbacks {
            if callback.on_epoch(&report)?.is_break() && flow.is_continue() {
                flow = ControlFlow::Break(Ending::Callback);
            }
        }
        if self.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.is_due_after_epoch(record.epoch)) {
            self.save()?;
        }
        Ok(flow)
    }

    /// Makes a step with the next batch, while the batch after it is prepared; returns `None` at the end of an epoch.
    fn step(&mut self, engine: &mut GradientEngine<N>) -> Result<Option<BatchLoss>, Error> {
        let Self { run, loader, loss, unseen, .. } = self;
        let (seed, step) = (loader.preparation().seed(), run.position.step);
        let made = loader.step(|batch| {
            if *unseen {
                batch.check(N::OUTPUT, loss)?;
            }
            let pass = Pass { seed, step, ..Pass::default() };
            let made = run.train(engine, batch.inputs(), batch.targets(), loss, pass);
            made.map_err(|error| run.with_checkpoint(batch.name_sample(error)))
        })?;
        made.transpose()
    }

    /// Runs the validation, callbacks, checkpoints and interruptions that are due between two steps.
    fn after_step(&mut self, engine: &GradientEngine<N>, loss: BatchLoss) -> Result<ControlFlow<Ending>, Error> {
        let mut flow = ControlFlow::Continue(());
        let Position { epoch, step, running, rate, .. } = self.run.position;
        if self.run.watcher.as_ref().is_some_and(|watcher| watcher.rules().is_due_after_step(step)) {
            let validation = self.validate(engine)?;
            if validation.is_some_and(|validation| self.run.watch(&validation)) {
                flow = ControlFlow::Break(Ending::Early);
            }
        }
        let (network, gradients) = (&*self.run.network, engine.gradients());
        let report = StepReport { epoch: epoch + 1, step, loss, running, rate, network, gradients };
        for callback in &mut self.callbacks {
            if callback.on_step(&report)?.is_break() && flow.is_continue() {
                flow = ControlFlow::Break(Ending::Callback);
            }
        }
        if self.interrupt.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            flow = ControlFlow::Break(Ending::Interrupted);
        }
        if self.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.is_due_after_step(step)) {
            self.save()?;
        }
        Ok(flow)
    }

    fn validate(&mut self, engine: &GradientEngine<N>) -> Result<Option<Validation>, Error> {
        let Some(validator) = &mut self.validator else { return Ok(None) };
        validator.measure(&*self.run.network, &self.loss, engine.threads()).map(Some)
    }
}
