//! RMSProp.

use super::parts::{Rule, StepParts};
use super::update::RmsPropStep;
use super::{
    Epsilon, Moment, Optimizer, below_one, finish_step, for_f32_and_f64, named, penalties, positive,
    treatment::Treatment,
};
use crate::error::Error;
use crate::layer::Layer;
use crate::scalar::{Precision, Scalar};
use crate::settings::Settings;

/// RMSProp (Tieleman and Hinton, 2012): v ← ρ v + (1 − ρ) g², w ← w − rate · g / (√v + ε). With momentum μ, the steps accumulate before the
/// rate is applied: b ← μ b + g / (√v + ε), w ← w − rate · b.
#[derive(Clone, Debug)]
pub struct RmsProp<T = f32> {
    rate: f64,
    smoothing: f64,
    epsilon: f64,
    placement: Epsilon,
    momentum: f64,
    treatment: Treatment,
    squares: Moment<T>,
    velocity: Moment<T>,
}

penalties!(RmsProp);

impl<T: Precision> RmsProp<T> {
    /// Creates the optimiser with ρ = 0.99, ε = 1e-8 and no momentum.
    ///
    /// # Errors
    /// [`Error::Setting`] where the learning rate is negative or not finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        Ok(Self {
            rate: super::rate(rate)?,
            smoothing: 0.99,
            epsilon: 1e-8,
            placement: Epsilon::Torch,
            momentum: 0.0,
            treatment: Treatment::new(rate),
            squares: Moment(Vec::new()),
            velocity: Moment(Vec::new()),
        })
    }

    /// Sets ρ, the weight of the old mean square.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is at least 0 and less than 1.
    pub fn smoothing(mut self, rho: f64) -> Result<Self, Error> {
        self.smoothing = below_one("smoothing", rho)?;
        Ok(self)
    }

    /// Sets ε.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is greater than 0.
    pub fn epsilon(mut self, epsilon: f64) -> Result<Self, Error> {
        self.epsilon = positive("epsilon", epsilon)?;
        Ok(self)
    }

    /// Sets whether ε is added to the root or under it.
    pub fn epsilon_placement(mut self, placement: Epsilon) -> Self {
        self.placement = placement;
        self
    }

    /// Sets the momentum μ: the share of the last step that is kept.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is at least 0 and less than 1.
    pub fn momentum(mut self, momentum: f64) -> Result<Self, Error> {
        self.momentum = below_one("momentum", momentum)?;
        Ok(self)
    }
}

for_f32_and_f64! {
    impl Optimizer<T> for RmsProp<T> {
        fn name(&self) -> &'static str {
            "RmsProp"
        }

        fn rate(&self) -> f64 {
            self.rate
        }

        fn settings(&self) -> Settings {
            Settings::new()
                .with("the learning rate", self.rate)
                .with("the smoothing", self.smoothing)
                .with("the momentum", self.momentum)
                .with("epsilon", self.epsilon)
                .with("the placement of epsilon", self.placement)
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
            let (inside, outside) = match self.placement {
                Epsilon::Torch => (0.0, self.epsilon),
                Epsilon::Keras => (self.epsilon, 0.0),
            };
            let rule = Rule::RmsProp(RmsPropStep {
                rate: T::from_f64(rate),
                rho: T::from_f64(self.smoothing),
                rest: T::from_f64(1.0 - self.smoothing),
                inside: T::from_f64(inside),
                outside: T::from_f64(outside),
                momentum: T::from_f64(self.momentum),
            });
            self.squares.ready(parameters.len())?;
            let squares = &mut self.squares.0;
            if self.momentum == 0.0 {
                return Ok(Some(StepParts::new(parameters, [squares, &mut []], rule, treated)));
            }
            self.velocity.ready(parameters.len())?;
            Ok(Some(StepParts::new(parameters, [squares, &mut self.velocity.0], rule, treated)))
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
            let mut state: Vec<(&'static str, &[T])> = vec![("squares", &self.squares.0), ("velocity", &self.velocity.0)];
            state.retain(|(_, slice)| !slice.is_empty());
            state
        }

        fn steps(&self) -> u64 {
            0
        }

        fn restore(&mut self, state: &[(&str, &[T])], _: u64) -> Result<(), Error> {
            let (squares, velocity) = if self.momentum == 0.0 {
                let [squares] = named("RmsProp", ["squares"], state)?;
                (squares, &[] as &[T])
            } else {
                let [squares, velocity] = named("RmsProp", ["squares", "velocity"], state)?;
                (squares, velocity)
            };
            (self.squares, self.velocity) = (Moment(squares.to_vec()), Moment(velocity.to_vec()));
            Ok(())
        }
    }
}
