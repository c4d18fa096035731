//! Callbacks: user code that observes a training run, and can end it.

use core::ops::ControlFlow;

use super::batch_loss::BatchLoss;
use super::history::{EpochRecord, History};
use crate::error::Error;
use crate::network::Gradients;
use crate::network::Network;

/// The report before the first step of a new or resumed run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunReport {
    /// The number of epochs of the whole run.
    pub epochs: u64,
    /// The number of steps in an epoch.
    pub steps_per_epoch: u64,
    /// The number of images in an epoch.
    pub images: u64,
    /// The number of steps made before; greater than 0 for a resumed run.
    pub step: u64,
}

/// The report after a step.
#[derive(Debug)]
pub struct StepReport<'a, N: Network> {
    /// The epoch, from 1.
    pub epoch: u64,
    /// The number of steps made, including this one.
    pub step: u64,
    /// The loss of its batch.
    pub loss: BatchLoss,
    /// The loss of all batches of this epoch so far.
    pub running: BatchLoss,
    /// The learning rate.
    pub rate: f64,
    /// The network after the step.
    pub network: &'a N,
    /// The gradient of the mean loss of the batch.
    pub gradients: &'a Gradients<N>,
}

/// The report after an epoch.
#[derive(Debug)]
pub struct EpochReport<'a, N: Network> {
    /// The record of the epoch.
    pub record: EpochRecord,
    /// The history of all epochs so far, including this one.
    pub history: &'a History,
    /// The network after the epoch.
    pub network: &'a N,
}

impl<N: Network> EpochReport<'_, N> {
    /// Returns a value of this epoch by its name: one that every run records (`loss`, `validation_accuracy`, …: [`EpochRecord::NAMES`]), or
    /// a metric.
    ///
    /// # Errors
    /// [`Error::NoSuchMetric`] for an unknown name, or for a value that was not measured, such as the accuracy of a regression.
    pub fn metric(&self, name: &str) -> Result<f64, Error> {
        self.history.last_number(name)
    }
}

/// Prints a line: the epoch, its losses and accuracies, the metrics, and its duration.
impl<N: Network> core::fmt::Display for EpochReport<'_, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.history.write_last(&self.record, f)
    }
}

/// Observes every step and epoch. `ControlFlow::Break(())` ends the run there, with its checkpoint saved; an error ends it and
/// is returned.
pub trait Callback<N: Network>: Send {
    /// Called before the first step.
    ///
    /// # Errors
    /// Errors of the callback, which end the run.
    fn on_start(&mut self, run: &RunReport) -> Result<(), Error> {
        let _ = run;
        Ok(())
    }

    /// Called after each step.
    ///
    /// # Errors
    /// Errors of the callback, which end the run.
    fn on_step(&mut self, step: &StepReport<'_, N>) -> Result<ControlFlow<()>, Error> {
        let _ = step;
        Ok(ControlFlow::Continue(()))
    }

    /// Returns whether the callback reads [`StepReport::gradients`]. If no callback does, steps do not store the gradients of large dense layers,
    /// which are 0 in the report.
    fn reads_gradients(&self) -> bool {
        true
    }

    /// Called after each epoch and its validation.
    ///
    /// # Errors
    /// Errors of the callback, which end the run.
    fn on_epoch(&mut self, epoch: &EpochReport<'_, N>) -> Result<ControlFlow<()>, Error> {
        let _ = epoch;
        Ok(ControlFlow::Continue(()))
    }

    /// Called after the last step of a run that ended without error.
    ///
    /// # Errors
    /// Errors of the callback.
    fn on_end(&mut self, history: &History) -> Result<(), Error> {
        let _ = history;
        Ok(())
    }
}

/// Implemented for references, so that a callback can be read after the run.
impl<N: Network, C: Callback<N> + ?Sized> Callback<N> for &mut C {
    fn on_start(&mut self, run: &RunReport) -> Result<(), Error> {
        (**self).on_start(run)
    }
    fn on_step(&mut self, step: &StepReport<'_, N>) -> Result<ControlFlow<()>, Error> {
        (**self).on_step(step)
    }
    fn reads_gradients(&self) -> bool {
        (**self).reads_gradients()
    }
    fn on_epoch(&mut self, epoch: &EpochReport<'_, N>) -> Result<ControlFlow<()>, Error> {
        (**self).on_epoch(epoch)
    }
    fn on_end(&mut self, history: &History) -> Result<(), Error> {
        (**self).on_end(history)
    }
}

/// The return type of a closure that observes steps or epochs: `()` continues the run; `ControlFlow::Break(())` ends it; and the error of a
/// `Result` of either ends it and is returned.
#[diagnostic::on_unimplemented(
    message = "a closure that hears of a run cannot return `{Self}`",
    label = "this closure returns neither `()` nor a `ControlFlow<()>`",
    note = "a `Result` of one of them, with the error `netwright::Error`, will do too"
)]
pub trait Decision {
    /// Returns whether the run continues.
    ///
    /// # Errors
    /// Those of the closure.
    fn decide(self) -> Result<ControlFlow<()>, Error>;
}

impl Decision for () {
    fn decide(self) -> Result<ControlFlow<()>, Error> {
        Ok(ControlFlow::Continue(()))
    }
}

impl Decision for ControlFlow<()> {
    fn decide(self) -> Result<ControlFlow<()>, Error> {
        Ok(self)
    }
}

impl<D: Decision> Decision for Result<D, Error> {
    fn decide(self) -> Result<ControlFlow<()>, Error> {
        self.and_then(D::decide)
    }
}

/// A closure that observes steps.
pub(crate) struct OnStep<F>(pub(crate) F);
/// A closure that observes epochs.
pub(crate) struct OnEpoch<F>(pub(crate) F);

impl<N: Network, D: Decision, F: FnMut(&StepReport<'_, N>) -> D + Send> Callback<N> for OnStep<F> {
    fn on_step(&mut self, step: &StepReport<'_, N>) -> Result<ControlFlow<()>, Error> {
        (self.0)(step).decide()
    }
}

impl<N: Network, D: Decision, F: FnMut(&EpochReport<'_, N>) -> D + Send> Callback<N> for OnEpoch<F> {
    fn reads_gradients(&self) -> bool {
        false
    }

    fn on_epoch(&mut self, epoch: &EpochReport<'_, N>) -> Result<ControlFlow<()>, Error> {
        (self.0)(epoch).decide()
    }
}
