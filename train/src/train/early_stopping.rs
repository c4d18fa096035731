//! Early stopping: ends a run when the validation no longer improves (slide 14).

use super::history::Best;
use crate::error::{Error, count_setting, setting};
use crate::network::Network;

/// The value that early stopping watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// The validation loss.
    #[default]
    Loss,
    /// 1 − the validation accuracy.
    Error,
    /// A metric of [`Trainer::metric`](super::Trainer::metric) for which lower is better, by its name.
    Lowest(&'static str),
    /// A metric for which higher is better; [`Best::metric`] is then its negative.
    Highest(&'static str),
}

/// Ends a run whose validation has not improved for a while (slide 14), and restores the weights of the best validation.
///
/// The validation runs after each epoch, or after every k batches: "can do this every few iterations to reduce
/// overhead".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyStopping {
    patience: u64,
    min_delta: f64,
    every_batches: Option<u64>,
    restore_best: bool,
    watch: Watch,
}

impl EarlyStopping {
    /// Stops after `patience` consecutive validations without improvement.
    ///
    /// # Errors
    /// [`Error::Setting`] for a patience of 0.
    pub fn new(patience: u64) -> Result<Self, Error> {
        count_setting("patience", patience, patience > 0, "at least 1")?;
        Ok(Self { patience, min_delta: 0.0, every_batches: None, restore_best: true, watch: Watch::Loss })
    }

    /// Sets how much lower the watched value must be to count as an improvement; the default is 0.
    ///
    /// # Errors
    /// [`Error::Setting`] where it is negative or not finite.
    pub fn min_delta(mut self, delta: f64) -> Result<Self, Error> {
        self.min_delta = setting("min_delta", delta, delta >= 0.0, "at least 0")?;
        Ok(self)
    }

    /// Validates after every `batches` steps instead of after each epoch. A [`Trainer`](super::Trainer) refuses more steps than the whole
    /// run has, since the validation would never run.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn every_batches(mut self, batches: u64) -> Result<Self, Error> {
        count_setting("every_batches", batches, batches > 0, "at least 1")?;
        self.every_batches = Some(batches);
        Ok(self)
    }

    /// Sets whether the network ends with the weights of the best validation, which is the default, or with the last ones.
    pub fn restore_best(mut self, restore: bool) -> Self {
        self.restore_best = restore;
        self
    }

    /// Sets the watched value; the default is the loss.
    pub fn watch(mut self, watch: Watch) -> Self {
        self.watch = watch;
        self
    }

    /// Returns whether early stopping validates after `step` steps.
    pub fn is_due_after_step(&self, step: u64) -> bool {
        self.every_batches.is_some_and(|every| step.is_multiple_of(every))
    }

    /// Refuses an interval that is longer than the run of `steps` steps.
    pub(super) fn check_steps(&self, steps: u64) -> Result<(), Error> {
        let every = self.every_batches.unwrap_or(0);
        count_setting("every_batches", every, every <= steps, "at most as many as the steps of the whole run")
    }

    /// Returns the watched value.
    pub fn watched(&self) -> Watch {
        self.watch
    }

    /// Returns whether early stopping observes the validation after each epoch, which it does unless it validates between steps.
    pub fn is_due_after_epoch(&self) -> bool {
        self.every_batches.is_none()
    }
}

/// The state of early stopping: it observes validations, keeps the best weights, and decides when to stop.
///
/// ```
/// use netwright_runtime::{Error, network::Network};
/// use netwright_train::train::{EarlyStopping, Watcher};
///
/// /// Trains by `epoch`, which gives a validation loss.
/// fn train<N: Network>(network: &mut N, mut epoch: impl FnMut(&mut N) -> f64) -> Result<(), Error> {
///     let mut watcher = Watcher::new(EarlyStopping::new(3)?.min_delta(0.001)?);
///     for number in 0..100 {
///         let loss = epoch(network);
///         if watcher.observe(network, loss, number) {
///             break;
///         }
///     }
///     watcher.restore(network);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Watcher<T> {
    rules: EarlyStopping,
    pub(super) best: Option<Best>,
    pub(super) waited: u64,
    /// The parameters and, in the next field, the statistics of the network at the best validation.
    pub(super) parameters: Vec<T>,
    pub(super) statistics: Vec<T>,
}

impl<T: Clone + Copy> Watcher<T> {
    /// Creates the state without any observation.
    pub fn new(rules: EarlyStopping) -> Self {
        Self { rules, best: None, waited: 0, parameters: Vec::new(), statistics: Vec::new() }
    }

    /// Returns its rules.
    pub fn rules(&self) -> &EarlyStopping {
        &self.rules
    }

    /// Returns the best validation so far.
    pub fn best(&self) -> Option<Best> {
        self.best
    }

    /// Observes the result of a validation after `step` steps, where lower is better; returns whether to stop. A NaN never is an improvement.
    pub fn observe<N: Network<Scalar = T>>(&mut self, network: &N, metric: f64, step: u64) -> bool {
        if !metric.is_nan() && self.best.is_none_or(|best| metric < best.metric - self.rules.min_delta) {
            self.best = Some(Best { step, metric });
            self.waited = 0;
            if self.rules.restore_best {
                self.parameters.clear();
                self.parameters.extend_from_slice(network.parameters());
                self.statistics.clear();
                self.statistics.extend_from_slice(network.statistics());
            }
            return false;
        }
        self.waited += 1;
        self.is_over()
    }

    /// Returns whether the patience has run out.
    pub fn is_over(&self) -> bool {
        self.waited >= self.rules.patience
    }

    /// Restores the best weights in the network, if the rules say so and there was a validation.
    pub fn restore<N: Network<Scalar = T>>(&self, network: &mut N) {
        let kept = (self.parameters.len(), self.statistics.len()) == (N::PARAMETERS, N::STATISTICS);
        if self.rules.restore_best && self.best.is_some() && kept {
            network.parameters_mut().copy_from_slice(&self.parameters);
            network.statistics_mut().copy_from_slice(&self.statistics);
        }
    }
}
