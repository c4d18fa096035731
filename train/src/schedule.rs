//! Learning-rate schedules: factors that multiply the optimiser's own rate.
//!
//! ```
//! use netwright_train::schedule::{Cosine, Progress, Schedule, WarmUp};
//! # fn main() -> Result<(), netwright_runtime::Error> {
//! let schedule = WarmUp::new(2.0, Cosine::new())?;
//! let at = |epoch: u64| Progress { step: 100 * epoch, steps_per_epoch: 100, steps: 1200 };
//! assert_eq!(schedule.factor(&at(1)), 0.5);
//! assert_eq!(schedule.factor(&at(2)), 1.0);
//! assert_eq!(schedule.factor(&at(7)), 0.5);
//! # Ok(())
//! # }
//! ```

mod reduce_on_plateau;

use core::fmt::Debug;

use crate::error::{Error, setting};

pub use reduce_on_plateau::ReduceOnPlateau;

/// The progress of a training run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The number of steps made so far.
    pub step: u64,
    /// The number of steps in an epoch.
    pub steps_per_epoch: u64,
    /// The number of steps in the whole run.
    pub steps: u64,
}

impl Progress {
    /// Returns the number of epochs made so far, with a fraction.
    fn epoch(&self) -> f64 {
        self.step as f64 / self.steps_per_epoch.max(1) as f64
    }

    /// Returns the share of the whole run, from 0 to 1.
    fn share(&self) -> f64 {
        share(self.step as f64, self.steps as f64)
    }
}

/// Returns the share of `whole` that `part` is, clamped to 0 to 1; if `whole` is 0, it is 1 for a positive part, else 0.
fn share(part: f64, whole: f64) -> f64 {
    if part > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

/// Interpolates from `start` to `end` along half a cosine.
fn anneal(start: f64, end: f64, share: f64) -> f64 {
    end + (start - end) * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * share))
}

/// A learning-rate schedule. Checkpoints store its `Debug` output, which must show its settings, but not its state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no learning-rate schedule",
    label = "this is no schedule",
    note = "a schedule that can be made wrongly comes in a `Result`: put a `?` behind it, as in `Step::new(10.0, 0.1)?`"
)]
pub trait Schedule: Debug + Send {
    /// Returns the factor of the optimiser's rate for the next step.
    fn factor(&self, progress: &Progress) -> f64;

    /// Observes the result of a validation; lower is better.
    fn observe(&mut self, _metric: f64) {}

    /// Returns its state, for a checkpoint.
    fn state(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Restores the state that [`Self::state`] returned.
    ///
    /// # Errors
    /// [`Error::State`] where it has another length; the schedule is unchanged then.
    fn restore(&mut self, state: &[f64]) -> Result<(), Error> {
        match state {
            [] => Ok(()),
            _ => Err(Error::State { of: "the schedule", problem: "remembers what this schedule does not".to_owned() }),
        }
    }
}

impl Schedule for Box<dyn Schedule> {
    fn factor(&self, progress: &Progress) -> f64 {
        (**self).factor(progress)
    }
    fn observe(&mut self, metric: f64) {
        (**self).observe(metric);
    }
    fn state(&self) -> Vec<f64> {
        (**self).state()
    }
    fn restore(&mut self, state: &[f64]) -> Result<(), Error> {
        (**self).restore(state)
    }
}

/// The optimiser's own rate throughout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Constant;

impl Schedule for Constant {
    fn factor(&self, _: &Progress) -> f64 {
        1.0
    }
}

/// Multiplies the rate by γ at regular intervals of epochs: `StepLR` in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    epochs: f64,
    gamma: f64,
}

impl Step {
    /// Multiplies by `gamma` after every `epochs` epochs.
    ///
    /// # Errors
    /// [`Error::Setting`] unless both are greater than 0.
    pub fn new(epochs: f64, gamma: f64) -> Result<Self, Error> {
        let epochs = setting("epochs of a step", epochs, epochs > 0.0, "more than 0")?;
        Ok(Self { epochs, gamma: setting("gamma", gamma, gamma > 0.0, "more than 0")? })
    }
}

impl Schedule for Step {
    fn factor(&self, progress: &Progress) -> f64 {
        // The quotient 0.3 / 0.1 is a little less than 3.
        libm::pow(self.gamma, (progress.epoch() / self.epochs + 1e-9).floor())
    }
}

/// Multiplies the rate by γ in every epoch, smoothly, step by step: γ^epoch. `ExponentialDecay` in Keras; in PyTorch, `ExponentialLR` changes
/// it at the end of each epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    gamma: f64,
}

impl Exponential {
    /// Multiplies by `gamma` in every epoch.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is greater than 0.
    pub fn new(gamma: f64) -> Result<Self, Error> {
        Ok(Self { gamma: setting("gamma", gamma, gamma > 0.0, "more than 0")? })
    }
}

impl Schedule for Exponential {
    fn factor(&self, progress: &Progress) -> f64 {
        libm::pow(self.gamma, progress.epoch())
    }
}

/// Decays along half a cosine from the full rate to a last one, which the step after the end of the run would have (Loshchilov and Hutter,
/// 2017). `CosineAnnealingLR` in PyTorch, `CosineDecay` in Keras.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cosine {
    last: f64,
}

/// A constant with the name of its type, equal to [`Cosine::new`]: `.schedule(Cosine)`.
#[allow(non_upper_case_globals)]
pub const Cosine: Cosine = Cosine::new();

impl Cosine {
    /// Creates a decay to 0.
    pub const fn new() -> Self {
        Self { last: 0.0 }
    }

    /// Sets the factor at the end.
    ///
    /// # Errors
    /// [`Error::Setting`] for a factor outside of 0 to 1.
    pub fn last(self, factor: f64) -> Result<Self, Error> {
        Ok(Self { last: setting("last factor", factor, (0.0..=1.0).contains(&factor), "between 0 and 1")? })
    }
}

impl Schedule for Cosine {
    fn factor(&self, progress: &Progress) -> f64 {
        anneal(1.0, self.last, progress.share())
    }
}

/// Rises linearly to the first rate of another schedule, which then covers the rest of the run (Goyal et al., 2017). If the run is
/// shorter than the warm-up, it rises until the end.
///
/// Of w steps of warm-up, step t has the share t/w of the rate, as in Keras; step 0, which would have none, has the share of step 1.
/// With [`Self::first`] it rises from another share: `LinearLR` in PyTorch.
///
/// ```
/// use netwright_train::schedule::{Cosine, WarmUp};
/// // As `SequentialLR(LinearLR(start_factor=0.1), CosineAnnealingLR)`.
/// let schedule = WarmUp::new(2.0, Cosine)?.first(0.1)?;
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp<S> {
    epochs: f64,
    first: Option<f64>,
    then: S,
}

impl<S: Schedule> WarmUp<S> {
    /// Rises for `epochs` epochs, then follows `then`.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is greater than 0.
    pub fn new(epochs: f64, then: S) -> Result<Self, Error> {
        Ok(Self { epochs: setting("epochs of warm-up", epochs, epochs > 0.0, "more than 0")?, first: None, then })
    }

    /// Sets the share of the rate in the first step.
    ///
    /// # Errors
    /// [`Error::Setting`] for a share outside of 0 to 1.
    pub fn first(mut self, share: f64) -> Result<Self, Error> {
        self.first = Some(setting("first share", share, (0.0..=1.0).contains(&share), "between 0 and 1")?);
        Ok(self)
    }
}

impl<S: Schedule> Schedule for WarmUp<S> {
    fn factor(&self, progress: &Progress) -> f64 {
        let warm = (self.epochs * progress.steps_per_epoch as f64).round() as u64;
        let later = Progress {
            step: progress.step.saturating_sub(warm),
            steps: progress.steps.saturating_sub(warm),
            ..*progress
        };
        let factor = self.then.factor(&later);
        if progress.step >= warm {
            return factor;
        }
        match self.first {
            // Step 0 would have the rate 0.
            None => factor * progress.step.max(1) as f64 / warm as f64,
            Some(first) => factor * (first + (1.0 - first) * progress.step as f64 / warm as f64),
        }
    }

    fn observe(&mut self, metric: f64) {
        self.then.observe(metric);
    }

    fn state(&self) -> Vec<f64> {
        self.then.state()
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Error> {
        self.then.restore(state)
    }
}

/// Rises to the full rate and falls below the first one, each along half a cosine (Smith and Topin, 2018): `OneCycleLR` in PyTorch, with the
/// same factors; the momentum stays constant (`cycle_momentum=False`).
///
/// Of n steps, counted from 0, the full rate is at step 0.3 n − 1, which need not be an integer, and the last rate at step n − 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    peak: f64,
    first: f64,
    last: f64,
}

/// A constant with the name of its type, equal to [`OneCycle::new`]: `.schedule(OneCycle)`.
#[allow(non_upper_case_globals)]
pub const OneCycle: OneCycle = OneCycle::new();

impl OneCycle {
    /// Creates a cycle from 1/25 of the rate to the full rate after 0.3 of the run, then to 1/10,000 of the first rate.
    pub const fn new() -> Self {
        Self { peak: 0.3, first: 1.0 / 25.0, last: 1.0 / 250_000.0 }
    }

    /// Sets the share of the run at whose last step the rate is full: `pct_start` in PyTorch.
    ///
    /// # Errors
    /// [`Error::Setting`] for a share outside of 0 to 1.
    pub fn peak(mut self, share: f64) -> Result<Self, Error> {
        self.peak = setting("peak", share, (0.0..=1.0).contains(&share), "between 0 and 1")?;
        Ok(self)
    }

    /// Sets the first and the last factor: 1 / `div_factor` and 1 / (`div_factor` · `final_div_factor`) in PyTorch.
    ///
    /// # Errors
    /// [`Error::Setting`] for a factor outside of 0 to 1.
    pub fn ends(mut self, first: f64, last: f64) -> Result<Self, Error> {
        self.first = setting("first factor", first, (0.0..=1.0).contains(&first), "between 0 and 1")?;
        self.last = setting("last factor", last, (0.0..=1.0).contains(&last), "between 0 and 1")?;
        Ok(self)
    }
}

impl Default for OneCycle {
    fn default() -> Self {
        Self::new()
    }
}

impl Schedule for OneCycle {
    fn factor(&self, progress: &Progress) -> f64 {
        let (step, steps) = (progress.step as f64, progress.steps as f64);
        // Negative if the cycle begins with its fall.
        let peak = self.peak * steps - 1.0;
        // A run without steps, as after a warm-up longer than the run, has the first factor.
        if step < peak || steps == 0.0 {
            anneal(self.first, 1.0, share(step, peak))
        } else {
            anneal(1.0, self.last, share(step - peak, steps - 1.0 - peak))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(schedule: &impl Schedule, epochs: u64) -> Vec<f64> {
        (0..=epochs)
            .map(|epoch| schedule.factor(&Progress { step: 10 * epoch, steps_per_epoch: 10, steps: 10 * epochs }))
            .collect()
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn each_follows_its_formula() {
        close(&factors(&Constant, 2), &[1.0, 1.0, 1.0]);
        close(&factors(&Step::new(2.0, 0.1).unwrap(), 4), &[1.0, 1.0, 0.1, 0.1, 0.01]);
        let tenths = Step::new(0.1, 0.5).unwrap();
        for step in 0..100 {
            let factor = tenths.factor(&Progress { step, steps_per_epoch: 10, steps: 100 });
            assert_eq!(factor, 0.5_f64.powi(step as i32), "a step every tenth of an epoch: {step}");
        }
        close(&factors(&Exponential::new(0.5).unwrap(), 3), &[1.0, 0.5, 0.25, 0.125]);
        close(&factors(&Cosine::new(), 2), &[1.0, 0.5, 0.0]);
        close(&factors(&Cosine, 2), &[1.0, 0.5, 0.0]);
        close(&factors(&OneCycle, 10)[..4], &factors(&OneCycle::new(), 10)[..4]);
        close(&factors(&Cosine::new().last(0.2).unwrap(), 2), &[1.0, 0.6, 0.2]);
        let cycle = OneCycle::new().peak(0.6).unwrap().ends(0.1, 0.01).unwrap();
        let at = |step| cycle.factor(&Progress { step, steps_per_epoch: 1, steps: 5 });
        close(&[at(0), at(1), at(2), at(3), at(4), at(5)], &[0.1, 0.55, 1.0, 0.505, 0.01, 0.01]);
    }

    #[test]
    fn warm_up_rises_evenly_and_leaves_the_rest_to_the_other() {
        let schedule = WarmUp::new(1.0, Cosine::new()).unwrap();
        let at = |step| schedule.factor(&Progress { step, steps_per_epoch: 10, steps: 30 });
        close(&[at(0), at(1), at(5), at(9)], &[0.1, 0.1, 0.5, 0.9]);
        close(&[at(10), at(20), at(30)], &[1.0, 0.5, 0.0]);
    }

    #[test]
    fn the_rest_after_a_warm_up_is_counted_in_steps_and_may_be_nothing() {
        let half = WarmUp::new(0.5, Cosine::new()).unwrap();
        let at = |step| half.factor(&Progress { step, steps_per_epoch: 10, steps: 25 });
        close(&[at(4), at(5), at(15), at(25)], &[0.8, 1.0, 0.5, 0.0]);
        let long = WarmUp::new(5.0, OneCycle::new().ends(0.5, 0.0).unwrap()).unwrap();
        let at = |step| long.factor(&Progress { step, steps_per_epoch: 10, steps: 30 });
        close(&[at(1), at(10), at(29)], &[0.01, 0.1, 0.29]);
    }

    #[test]
    fn cycles_of_few_steps_have_their_ends() {
        let at = |peak, step, steps| {
            OneCycle::new().peak(peak).unwrap().factor(&Progress { step, steps_per_epoch: 1, steps })
        };
        let last = 1.0 / 250_000.0;
        close(&[at(0.3, 0, 1), at(0.5, 0, 2), at(0.5, 1, 2)], &[last, 1.0, last]);
        close(&[at(1.0, 0, 1), at(1.0, 0, 2), at(1.0, 1, 2)], &[1.0, 0.04, 1.0]);
        close(&[at(0.0, 9, 10), at(0.3, 0, 0), at(1.0, 0, 0)], &[last, 0.04, 0.04]);
    }

    #[test]
    fn a_plateau_lowers_the_rate_after_its_patience_and_survives_a_checkpoint() {
        let mut schedule = ReduceOnPlateau::new(0.5, 2).unwrap().min_delta(0.1).unwrap().least(0.2).unwrap();
        let at = Progress { step: 0, steps_per_epoch: 1, steps: 1 };
        schedule.observe(1.0);
        schedule.observe(0.95);
        assert_eq!(schedule.factor(&at), 1.0);
        let mut other = ReduceOnPlateau::new(0.5, 2).unwrap().min_delta(0.1).unwrap().least(0.2).unwrap();
        other.restore(&schedule.state()).unwrap();
        other.observe(0.95);
        assert_eq!(other.factor(&at), 0.5);
        for _ in 0..8 {
            other.observe(f64::NAN);
        }
        assert_eq!(other.factor(&at), 0.2);
        assert!(other.restore(&[1.0]).is_err());
        assert!(Constant.restore(&[1.0]).is_err());
    }

    #[test]
    fn nonsense_is_refused_when_set() {
        assert!(Step::new(0.0, 0.1).is_err());
        assert!(Step::new(1.0, f64::NAN).is_err());
        assert!(Exponential::new(-1.0).is_err());
        assert!(Cosine::new().last(2.0).is_err());
        assert!(WarmUp::new(-1.0, Constant).is_err());
        assert!(WarmUp::new(1.0, Constant).unwrap().first(1.5).is_err());
        assert!(OneCycle::new().peak(1.5).is_err());
        assert!(ReduceOnPlateau::new(1.5, 1).is_err());
        assert!(ReduceOnPlateau::new(0.5, 0).is_err());
    }
}
