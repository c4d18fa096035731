//! What a user's code hears from a training run, and how it stops one.

use core::ops::ControlFlow;

use super::batch_loss::BatchLoss;
use super::history::{EpochRecord, History};
use crate::error::Error;
use crate::network::Gradients;
use crate::network::Network;

/// A run that is about to begin or to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunReport {
    /// The epochs of the whole run.
    pub epochs: u64,
    /// The steps of one epoch.
    pub steps_per_epoch: u64,
    /// The images of one epoch.
    pub images: u64,
    /// The steps made before: not 0 where a run is resumed.
    pub step: u64,
}

/// A step that has been made.
#[derive(Debug)]
pub struct StepReport<'a, N: Network> {
    /// The epoch, from 1.
    pub epoch: u64,
    /// The steps made, this one included.
    pub step: u64,
    /// The loss of its batch.
    pub loss: BatchLoss,
    /// That of all batches of this epoch so far.
    pub running: BatchLoss,
    /// The learning rate.
    pub rate: f64,
    /// The network after the step.
    pub network: &'a N,
    /// The gradient of the mean loss of the batch.
    pub gradients: &'a Gradients<N>,
}

/// An epoch that has ended.
#[derive(Debug)]
pub struct EpochReport<'a, N: Network> {
    /// Its numbers.
    pub record: EpochRecord,
    /// All epochs so far, this one included.
    pub history: &'a History,
    /// The network after it.
    pub network: &'a N,
}

impl<N: Network> EpochReport<'_, N> {
    /// A number of this epoch by its name: one of the run's own (`loss`, `validation_accuracy`, …: [`EpochRecord::NAMES`]), or a metric.
    ///
    /// # Errors
    /// [`Error::NoSuchMetric`] for a name that is not there, or that was not measured, such as the accuracy of values.
    pub fn metric(&self, name: &str) -> Result<f64, Error> {
        self.history.last_number(name)
    }
}

/// A line: the epoch, its losses and accuracies, the metrics, and how long it took.
impl<N: Network> core::fmt::Display for EpochReport<'_, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.history.write_last(&self.record, f)
    }
}

/// Hears of every step and epoch. `ControlFlow::Break(())` ends the run there, with its checkpoint saved; an error ends it and
/// is handed on.
pub trait Callback<N: Network>: Send {
    /// Before the first step.
    ///
    /// # Errors
    /// Its own, which end the run.
    fn on_start(&mut self, run: &RunReport) -> Result<(), Error> {
        let _ = run;
        Ok(())
    }

    /// After each step.
    ///
    /// # Errors
    /// Its own, which end the run.
    fn on_step(&mut self, step: &StepReport<'_, N>) -> Result<ControlFlow<()>, Error> {
        let _ = step;
        Ok(ControlFlow::Continue(()))
    }

    /// Whether it reads [`StepReport::gradients`]. Where no callback does, steps do not store the gradients of large dense layers, and those
    /// are 0 in the report.
    fn reads_gradients(&self) -> bool {
        true
    }

    /// After each epoch and its validation.
    ///
    /// # Errors
    /// Its own, which end the run.
    fn on_epoch(&mut self, epoch: &EpochReport<'_, N>) -> Result<ControlFlow<()>, Error> {
        let _ = epoch;
        Ok(ControlFlow::Continue(()))
    }

    /// After the last step of a run that ended without error.
    ///
    /// # Errors
    /// Its own.
    fn on_end(&mut self, history: &History) -> Result<(), Error> {
        let _ = history;
        Ok(())
    }
}

/// A callback that is read after the run.
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

/// What a closure that hears of steps or epochs may return: nothing, and the run goes on; a `ControlFlow`, of which `Break(())` ends
/// it; or a `Result` of one of these, whose error ends it and is handed on.
#[diagnostic::on_unimplemented(
    message = "a closure that hears of a run cannot return `{Self}`",
    label = "this closure returns neither `()` nor a `ControlFlow<()>`",
    note = "a `Result` of one of them, with the error `netwright::Error`, will do too"
)]
pub trait Decision {
    /// Whether the run goes on.
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

/// A closure that hears of steps.
pub(crate) struct OnStep<F>(pub(crate) F);
/// A closure that hears of epochs.
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
