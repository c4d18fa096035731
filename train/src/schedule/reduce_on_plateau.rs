//! A schedule that reacts to the validation.

use core::fmt::Debug;

use super::{Progress, Schedule};
use crate::error::{Error, count_setting, setting};

/// Lowers the rate when validations have stopped improving: `ReduceLROnPlateau` in Keras. PyTorch's waits for one validation more than its
/// `patience`.
#[derive(Clone, Copy, PartialEq)]
pub struct ReduceOnPlateau {
    gamma: f64,
    patience: u64,
    min_delta: f64,
    least: f64,
    factor: f64,
    best: f64,
    waited: u64,
}

impl ReduceOnPlateau {
    /// Multiplies by `gamma` after `patience` consecutive validations without improvement.
    ///
    /// # Errors
    /// [`Error::Setting`] unless `gamma` is greater than 0 and less than 1, and `patience` at least 1.
    pub fn new(gamma: f64, patience: u64) -> Result<Self, Error> {
        let valid = gamma > 0.0 && gamma < 1.0;
        count_setting("patience", patience, patience > 0, "at least 1")?;
        Ok(Self {
            gamma: setting("gamma", gamma, valid, "more than 0 and less than 1")?,
            patience,
            min_delta: 0.0,
            least: 0.0,
            factor: 1.0,
            best: f64::INFINITY,
            waited: 0,
        })
    }

    /// Sets how much lower a validation must be to count as an improvement.
    ///
    /// # Errors
    /// [`Error::Setting`] where it is negative.
    pub fn min_delta(mut self, delta: f64) -> Result<Self, Error> {
        self.min_delta = setting("min_delta", delta, delta >= 0.0, "at least 0")?;
        Ok(self)
    }

    /// Sets the smallest factor.
    ///
    /// # Errors
    /// [`Error::Setting`] for a factor outside of 0 to 1.
    pub fn least(mut self, factor: f64) -> Result<Self, Error> {
        self.least = setting("least factor", factor, (0.0..=1.0).contains(&factor), "between 0 and 1")?;
        Ok(self)
    }
}

impl Debug for ReduceOnPlateau {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { gamma, patience, min_delta, least, .. } = self;
        write!(
            f,
            "ReduceOnPlateau {{ gamma: {gamma:?}, patience: {patience}, min_delta: {min_delta:?}, least: {least:?} }}"
        )
    }
}

impl Schedule for ReduceOnPlateau {
    fn factor(&self, _: &Progress) -> f64 {
        self.factor
    }

    fn observe(&mut self, metric: f64) {
        if metric < self.best - self.min_delta {
            (self.best, self.waited) = (metric, 0);
            return;
        }
        self.waited += 1;
        if self.waited >= self.patience {
            (self.factor, self.waited) = ((self.factor * self.gamma).max(self.least), 0);
        }
    }

    fn state(&self) -> Vec<f64> {
        vec![self.factor, self.best, self.waited as f64]
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Error> {
        let &[factor, best, waited] = state else {
            let problem = format!("remembers {} numbers, not 3", state.len());
            return Err(Error::State { of: "ReduceOnPlateau", problem });
        };
        (self.factor, self.best, self.waited) = (factor, best, waited as u64);
        Ok(())
    }
}
