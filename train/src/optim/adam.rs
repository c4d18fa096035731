//! Adam, and Adam with decoupled weight decay.

use super::parts::{Rule, StepParts};
use super::update::AdamStep;
use super::{
    Epsilon, Moment, Optimizer, below_one, finish_step, for_f32_and_f64, named, penalties, positive,
    treatment::Treatment,
};
use crate::error::Error;
use crate::layer::Layer;
use crate::scalar::Precision;
use crate::settings::Settings;

/// The settings and moments of Adam and AdamW.
#[derive(Clone, Debug)]
struct Moments<T> {
    rate: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    placement: Epsilon,
    steps: u64,
    first: Moment<T>,
    second: Moment<T>,
}

impl<T: Precision> Moments<T> {
    fn new(rate: f64) -> Result<Self, Error> {
        Ok(Self {
            rate: super::rate(rate)?,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            placement: Epsilon::Torch,
            steps: 0,
            first: Moment(Vec::new()),
            second: Moment(Vec::new()),
        })
    }

    fn settings(&self) -> Settings {
        Settings::new()
            .with("the learning rate", self.rate)
            .with("beta1", self.beta1)
            .with("beta2", self.beta2)
            .with("epsilon", self.epsilon)
            .with("the placement of epsilon", self.placement)
    }

    fn begin_step<'s>(
        &'s mut self,
        treatment: &'s mut Treatment,
        rate: f64,
        layers: &[Layer],
        parameters: &'s mut [T],
        gradients: Option<&[T]>,
    ) -> Result<Option<StepParts<'s, T>>, Error> {
        let Some(treated) = treatment.begin(rate, layers, parameters.len(), gradients)? else { return Ok(None) };
        self.first.ready(parameters.len())?;
        self.second.ready(parameters.len())?;
        self.steps = self.steps.saturating_add(1);
        // Beyond some ten thousand steps the powers vanish.
        let exponent = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let correction1 = 1.0 - self.beta1.powi(exponent);
        let root2 = (1.0 - self.beta2.powi(exponent)).sqrt();
        let (scaled_rate, root_scale) = match self.placement {
            Epsilon::Torch => (rate / correction1, 1.0 / root2),
            Epsilon::Keras => (rate * root2 / correction1, 1.0),
        };
        let rule = Rule::Adam(AdamStep {
            beta1: T::from_f64(self.beta1),
            rest1: T::from_f64(1.0 - self.beta1),
            beta2: T::from_f64(self.beta2),
            rest2: T::from_f64(1.0 - self.beta2),
            rate: T::from_f64(scaled_rate),
            root_scale: T::from_f64(root_scale),
            epsilon: T::from_f64(self.epsilon),
        });
        Ok(Some(StepParts::new(parameters, [&mut self.first.0, &mut self.second.0], rule, treated)))
    }

    fn restore(&mut self, of: &'static str, state: &[(&str, &[T])], steps: u64) -> Result<(), Error> {
        let [first, second] = named(of, ["first", "second"], state)?;
        (self.first, self.second, self.steps) = (Moment(first.to_vec()), Moment(second.to_vec()), steps);
        Ok(())
    }
}

macro_rules! adam {
    ($(#[$doc:meta])* $name:ident, $label:literal, $weight_decay:literal, $(#[$new:meta])*) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<T = f32> {
            moments: Moments<T>,
            treatment: Treatment,
        }

        penalties!($name);

        impl<T: Precision> $name<T> {
            $(#[$new])*
            ///
            /// # Errors
            /// [`Error::Setting`] where the learning rate is negative or not finite.
            pub fn new(rate: f64) -> Result<Self, Error> {
                let mut treatment = Treatment::new(rate);
                treatment.set("weight decay", $weight_decay)?;
                Ok(Self { moments: Moments::new(rate)?, treatment })
            }

            /// Sets β₁ and β₂, the weights of the old moments.
            ///
            /// # Errors
            /// [`Error::Setting`] unless each is at least 0 and less than 1.
            pub fn betas(mut self, beta1: f64, beta2: f64) -> Result<Self, Error> {
                self.moments.beta1 = below_one("beta1", beta1)?;
                self.moments.beta2 = below_one("beta2", beta2)?;
                Ok(self)
            }

            /// Sets ε.
            ///
            /// # Errors
            /// [`Error::Setting`] unless it is greater than 0.
            pub fn epsilon(mut self, epsilon: f64) -> Result<Self, Error> {
                self.moments.epsilon = positive("epsilon", epsilon)?;
                Ok(self)
            }

            /// Sets whether ε is added to the root before or after the correction of its bias.
            pub fn epsilon_placement(mut self, placement: Epsilon) -> Self {
                self.moments.placement = placement;
                self
            }
        }

        for_f32_and_f64! {
            impl Optimizer<T> for $name<T> {
                fn name(&self) -> &'static str {
                    $label
                }

                fn rate(&self) -> f64 {
                    self.moments.rate
                }

                fn settings(&self) -> Settings {
                    self.moments.settings().and(self.treatment.settings())
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
                    self.moments.begin_step(&mut self.treatment, rate, layers, parameters, gradients)
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
                    if self.moments.first.0.is_empty() {
                        return Vec::new();
                    }
                    vec![("first", &self.moments.first.0), ("second", &self.moments.second.0)]
                }

                fn steps(&self) -> u64 {
                    self.moments.steps
                }

                fn restore(&mut self, state: &[(&str, &[T])], steps: u64) -> Result<(), Error> {
                    self.moments.restore($label, state, steps)
                }
            }
        }
    };
}

adam!(
    /// Adam (Kingma and Ba, 2015): m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², both corrected for their bias towards zero, and
    /// w ← w − rate · m̂ / (√v̂ + ε).
    Adam, "Adam", 0.0,
    /// Creates the optimiser with β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and no penalties.
);
adam!(
    /// [`Adam`] with decoupled weight decay (Loshchilov and Hutter, 2019).
    AdamW, "AdamW", 0.01,
    /// Creates the optimiser with β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and weight decay 0.01.
);
