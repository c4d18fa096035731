//! Stopping when the validation no longer gets better (slide 14).

use super::history::Best;
use crate::error::{Error, count_setting, setting};
use crate::network::Network;

/// What early stopping watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// The validation loss.
    #[default]
    Loss,
    /// 1 − the validation accuracy.
    Error,
    /// A metric of [`Trainer::metric`](super::Trainer::metric) of which less is better, by its name.
    Lowest(&'static str),
    /// A metric of which more is better; [`Best::metric`] is then its negative.
    Highest(&'static str),
}

/// Stops a run whose validation has not become better for a while (slide 14), and gives back the weights of the best one.
///
/// The validation is looked at after each epoch, or after every k batches: "can do this every few iterations to reduce
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
    /// Stops after `patience` validations without a better one.
    ///
    /// # Errors
    /// [`Error::Setting`] for a patience of 0.
    pub fn new(patience: u64) -> Result<Self, Error> {
        count_setting("patience", patience, patience > 0, "at least 1")?;
        Ok(Self { patience, min_delta: 0.0, every_batches: None, restore_best: true, watch: Watch::Loss })
    }

    /// How much lower a validation must be to count as better; 0 unless said.
    ///
    /// # Errors
    /// [`Error::Setting`] where it is negative or no number.
    pub fn min_delta(mut self, delta: f64) -> Result<Self, Error> {
        self.min_delta = setting("min_delta", delta, delta >= 0.0, "at least 0")?;
        Ok(self)
    }

    /// Validates after every `batches` steps instead of after each epoch. A [`Trainer`](super::Trainer) refuses more steps than the whole
    /// run has: nothing would ever be watched.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn every_batches(mut self, batches: u64) -> Result<Self, Error> {
        count_setting("every_batches", batches, batches > 0, "at least 1")?;
        self.every_batches = Some(batches);
        Ok(self)
    }

    /// Whether the network ends with the weights of the best validation, as it does unless said, or with the last ones.
    pub fn restore_best(mut self, restore: bool) -> Self {
        self.restore_best = restore;
        self
    }

    /// What is watched; the loss unless said.
    pub fn watch(mut self, watch: Watch) -> Self {
        self.watch = watch;
        self
    }

    /// Whether the validation after `step` steps is for early stopping.
    pub fn is_due_after_step(&self, step: u64) -> bool {
        self.every_batches.is_some_and(|every| step.is_multiple_of(every))
    }

    /// Refuses to look more seldom than once in a run of so many steps.
    pub(super) fn check_steps(&self, steps: u64) -> Result<(), Error> {
        let every = self.every_batches.unwrap_or(0);
        count_setting("every_batches", every, every <= steps, "at most as many as the steps of the whole run")
    }

    /// What is watched.
    pub fn watched(&self) -> Watch {
        self.watch
    }

    /// Whether the validation after an epoch is for early stopping.
    pub fn is_due_after_epoch(&self) -> bool {
        self.every_batches.is_none()
    }
}

/// Early stopping at work: it hears of validations, keeps the best weights, and says when to stop.
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
    /// The parameters and statistics of the best validation.
    pub(super) parameters: Vec<T>,
    pub(super) statistics: Vec<T>,
}

impl<T: Clone + Copy> Watcher<T> {
    /// Of these rules; it has heard of nothing yet.
    pub fn new(rules: EarlyStopping) -> Self {
        Self { rules, best: None, waited: 0, parameters: Vec::new(), statistics: Vec::new() }
    }

    /// Its rules.
    pub fn rules(&self) -> &EarlyStopping {
        &self.rules
    }

    /// The best validation so far.
    pub fn best(&self) -> Option<Best> {
        self.best
    }

    /// Hears what a validation after `step` steps found, of which less is better; whether to stop. A NaN is never better.
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

    /// Whether patience has run out.
    pub fn is_over(&self) -> bool {
        self.waited >= self.rules.patience
    }

    /// Gives the network its best weights back, where the rules had them kept and there was a validation.
    pub fn restore<N: Network<Scalar = T>>(&self, network: &mut N) {
        let kept = (self.parameters.len(), self.statistics.len()) == (N::PARAMETERS, N::STATISTICS);
        if self.rules.restore_best && self.best.is_some() && kept {
            network.parameters_mut().copy_from_slice(&self.parameters);
            network.statistics_mut().copy_from_slice(&self.statistics);
        }
    }
}
