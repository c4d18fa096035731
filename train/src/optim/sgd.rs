//! Stochastic gradient descent.

use super::parts::{Rule, StepParts};
use super::{Moment, Optimizer, below_one, finish_step, for_f32_and_f64, named, penalties, treatment::Treatment};
use crate::error::Error;
use crate::layer::Layer;
use crate::scalar::{Precision, Scalar};
use crate::settings::Settings;

/// Stochastic gradient descent (slide 5): w ← w − rate · g; with momentum μ, v ← μ v + g and w ← w − rate · v.
///
/// ```
/// use netwright_train::optim::Sgd;
/// # fn main() -> Result<(), netwright_runtime::Error> {
/// let sgd = Sgd::<f32>::new(0.1)?.momentum(0.9)?.nesterov(true).l2(1e-4)?;
/// assert!(Sgd::<f32>::new(0.1)?.momentum(1.5).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sgd<T = f32> {
    rate: f64,
    momentum: f64,
    nesterov: bool,
    treatment: Treatment,
    velocity: Moment<T>,
}

penalties!(Sgd);

impl<T: Precision> Sgd<T> {
    /// Creates the optimiser without momentum or penalties.
    ///
    /// # Errors
    /// [`Error::Setting`] where the learning rate is negative or not finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        let velocity = Moment(Vec::new());
        Ok(Self { rate: super::rate(rate)?, momentum: 0.0, nesterov: false, treatment: Treatment::new(rate), velocity })
    }

    /// Sets the momentum μ: the share of the last step's velocity that is kept.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is at least 0 and less than 1.
    pub fn momentum(mut self, momentum: f64) -> Result<Self, Error> {
        self.momentum = below_one("momentum", momentum)?;
        Ok(self)
    }

    /// Sets whether to use Nesterov's momentum: w ← w − rate · (g + μ v) (Nesterov 1983, in the form of Sutskever et al., 2013). Without
    /// [`Sgd::momentum`] it has no effect.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }
}

for_f32_and_f64! {
    impl Optimizer<T> for Sgd<T> {
        fn name(&self) -> &'static str {
            "Sgd"
        }

        fn rate(&self) -> f64 {
            self.rate
        }

        fn settings(&self) -> Settings {
            Settings::new()
                .with("the learning rate", self.rate)
                .with("the momentum", self.momentum)
                .with("Nesterov's momentum", self.nesterov)
                .and(self.treatment.settings())
        }

        fn step(&mut self, rate: f64, layers: &[Layer], parameters: &mut [T], gradients: &[T]) -> Result<(), Error> {
            finish_step(self.begin_step(rate, layers, parameters, Some(gradients))?, gradients);
            Ok(())
        }

        fn moves_by_parts(&self) -> bool {
            !self.treatment.wants_norm()
        }

        fn begin_step<'s>(
            &'s mut self,
            rate: f64,
            layers: &[Layer],
            parameters: &'s mut [T],
            gradients: Option<&[T]>,
        ) -> Result<Option<StepParts<'s, T>>, Error> {
            let Some(treated) = self.treatment.begin(rate, layers, parameters.len(), gradients)? else { return Ok(None) };
            let step = T::from_f64(rate);
            if self.momentum == 0.0 {
                return Ok(Some(StepParts::new(parameters, [&mut [], &mut []], Rule::Descent(step), treated)));
            }
            self.velocity.ready(parameters.len())?;
            let rule = Rule::Momentum(step, T::from_f64(self.momentum), self.nesterov);
            Ok(Some(StepParts::new(parameters, [&mut self.velocity.0, &mut []], rule, treated)))
        }

        fn frozen_layers(&self) -> &[bool] {
            self.treatment.frozen_layers()
        }

        fn prepare(&mut self, layers: &[Layer], parameters: usize) -> Result<(), Error> {
            self.treatment.prepare(layers, parameters)
        }

        fn penalty(&mut self, layers: &[Layer], parameters: &[T]) -> Result<f64, Error> {
            self.treatment.penalty(layers, parameters)
        }

        fn state(&self) -> Vec<(&'static str, &[T])> {
            if self.velocity.0.is_empty() { Vec::new() } else { vec![("velocity", &self.velocity.0)] }
        }

        fn steps(&self) -> u64 {
            0
        }

        fn restore(&mut self, state: &[(&str, &[T])], _: u64) -> Result<(), Error> {
            let [velocity] = named("Sgd", ["velocity"], state)?;
            self.velocity = Moment(velocity.to_vec());
            Ok(())
        }
    }
}
