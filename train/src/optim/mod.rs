//! Optimisers, which update the flat buffer of parameters by its gradient; penalties on weights; and
//! gradient clipping.

mod adam;
mod clip;
mod parts;
mod rms_prop;
mod sgd;
mod treatment;
use netwright_compute::update;

pub use adam::{Adam, AdamW};
pub use clip::{clip_by_global_norm, clip_by_value, global_norm};
pub use parts::StepParts;
pub use rms_prop::RmsProp;
pub use sgd::Sgd;

use crate::error::Error;
use crate::layer::Layer;
use crate::scalar::Precision;
use crate::settings::Settings;

/// An optimiser: updates parameters by their gradient. It may have state as long as the parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not move weights of type `{T}`",
    label = "no optimiser for this network",
    note = "`NoOptimizer` stands where none was chosen: `.optimizer(Adam::new(0.001)?)`",
    note = "an optimiser's numbers are those of the network: `Adam<f64>` for a network in `f64`",
    note = "an optimiser comes in a `Result`: put a `?` behind it"
)]
pub trait Optimizer<T: Precision>: Send {
    /// Returns its name: `Adam`.
    fn name(&self) -> &'static str;

    /// Returns the learning rate it was created with; a [`Schedule`](crate::schedule::Schedule) multiplies it.
    fn rate(&self) -> f64;

    /// Describes the settings that its steps depend on besides its state: the rate, and all others.
    fn settings(&self) -> Settings {
        Settings::new().with("the learning rate", self.rate())
    }

    /// Updates `parameters` by one step at the learning rate `rate`. Penalties are set per part of the network, by its table `layers`.
    /// Allocates in the first step alone.
    ///
    /// # Errors
    /// [`Error::Length`] where the slices differ in length from each other or from earlier steps, [`Error::UnknownLayer`] for
    /// a penalty, a rate or the freezing of an unknown part, [`Error::Setting`] for a rate that is negative or not finite. The parameters are
    /// unchanged then.
    fn step(&mut self, rate: f64, layers: &[Layer], parameters: &mut [T], gradients: &[T]) -> Result<(), Error>;

    /// Returns whether a step can be made part by part, without the whole gradient: by [`Self::begin_step`] with `None`. It cannot if the norm
    /// of the gradient is clipped.
    fn moves_by_parts(&self) -> bool {
        false
    }

    /// Begins the step of [`Self::step`], and leaves it to the caller to update each parameter once. `gradients` is the whole gradient, if it
    /// is known. Returns `None`, without any change, if the optimiser supports [`Self::step`] alone, or needs the whole gradient.
    ///
    /// # Errors
    /// Those of [`Self::step`].
    fn begin_step<'s>(
        &'s mut self,
        rate: f64,
        layers: &[Layer],
        parameters: &'s mut [T],
        gradients: Option<&[T]>,
    ) -> Result<Option<StepParts<'s, T>>, Error> {
        let _ = (rate, layers, parameters, gradients);
        Ok(None)
    }

    /// Checks the settings against a network, as the first step would: call it to get errors early.
    ///
    /// # Errors
    /// [`Error::UnknownLayer`], [`Error::Length`] as [`Self::step`].
    fn prepare(&mut self, layers: &[Layer], parameters: usize) -> Result<(), Error>;

    /// Returns for each layer whether it is frozen, for [`Pass::frozen_layers`](crate::pass::Pass::frozen_layers); empty if none is. Known
    /// after [`Self::prepare`].
    fn frozen_layers(&self) -> &[bool] {
        &[]
    }

    /// Returns the penalties to add to the loss: Σ l1 |w| + l2/2 w². Decoupled weight decay adds nothing.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    fn penalty(&mut self, layers: &[Layer], parameters: &[T]) -> Result<f64, Error>;

    /// Returns its state for a checkpoint: named slices as long as the parameters. Empty before the first step.
    fn state(&self) -> Vec<(&'static str, &[T])>;

    /// Returns the number of steps it has made, if the update depends on it; else 0.
    fn steps(&self) -> u64;

    /// Restores the state that [`Self::state`] and [`Self::steps`] returned.
    ///
    /// # Errors
    /// [`Error::State`] where the names are others or the slices differ in length; the optimiser is unchanged then.
    fn restore(&mut self, state: &[(&str, &[T])], steps: u64) -> Result<(), Error>;
}

impl<T: Precision> Optimizer<T> for Box<dyn Optimizer<T>> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn rate(&self) -> f64 {
        (**self).rate()
    }
    fn settings(&self) -> Settings {
        (**self).settings()
    }
    fn step(&mut self, rate: f64, layers: &[Layer], parameters: &mut [T], gradients: &[T]) -> Result<(), Error> {
        (**self).step(rate, layers, parameters, gradients)
    }
    fn moves_by_parts(&self) -> bool {
        (**self).moves_by_parts()
    }
    fn begin_step<'s>(
        &'s mut self,
        rate: f64,
        layers: &[Layer],
        parameters: &'s mut [T],
        gradients: Option<&[T]>,
    ) -> Result<Option<StepParts<'s, T>>, Error> {
        (**self).begin_step(rate, layers, parameters, gradients)
    }
    fn prepare(&mut self, layers: &[Layer], parameters: usize) -> Result<(), Error> {
        (**self).prepare(layers, parameters)
    }
    fn frozen_layers(&self) -> &[bool] {
        (**self).frozen_layers()
    }
    fn penalty(&mut self, layers: &[Layer], parameters: &[T]) -> Result<f64, Error> {
        (**self).penalty(layers, parameters)
    }
    fn state(&self) -> Vec<(&'static str, &[T])> {
        (**self).state()
    }
    fn steps(&self) -> u64 {
        (**self).steps()
    }
    fn restore(&mut self, state: &[(&str, &[T])], steps: u64) -> Result<(), Error> {
        (**self).restore(state, steps)
    }
}

/// The position of ε, which keeps a denominator above 0, in the two forms in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Epsilon {
    /// As in PyTorch: Adam divides by √(v/(1 − β₂ᵗ)) + ε, RMSProp by √v + ε.
    #[default]
    Torch,
    /// As in Keras: Adam divides by (√v + ε)/√(1 − β₂ᵗ), RMSProp by √(v + ε).
    Keras,
}

impl core::fmt::Display for Epsilon {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Torch => "that of PyTorch",
            Self::Keras => "that of Keras",
        })
    }
}

/// Checks the learning rate of a constructor or a step.
fn rate(rate: f64) -> Result<f64, Error> {
    crate::error::setting("learning rate", rate, rate >= 0.0, "a number, at least 0")
}

/// Checks a share that must be less than 1: momentum, the decay of a moving mean.
fn below_one(name: &'static str, share: f64) -> Result<f64, Error> {
    crate::error::setting(name, share, (0.0..1.0).contains(&share), "at least 0 and less than 1")
}

fn positive(name: &'static str, value: f64) -> Result<f64, Error> {
    crate::error::setting(name, value, value > 0.0, "more than 0")
}

fn same_length(what: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Length { what, expected, found }) }
}

/// A moment of the gradient; empty until the first step.
#[derive(Clone, Debug, Default)]
struct Moment<T>(Vec<T>);

impl<T: Precision> Moment<T> {
    /// Allocates zeros for the first step; later checks the length.
    fn ready(&mut self, len: usize) -> Result<(), Error> {
        if self.0.is_empty() {
            self.0 = vec![T::ZERO; len];
        }
        same_length("the optimiser's state", len, self.0.len())
    }
}

/// Updates all parameters by the whole gradient, with which the step was begun.
fn finish_step<T: Precision>(begun: Option<StepParts<'_, T>>, gradients: &[T]) {
    if let Some(mut parts) = begun {
        parts.apply(0..gradients.len(), gradients);
    }
}

/// Returns the slices called `names`, in their order; empty slices if there is no state at all.
fn named<'s, T, const N: usize>(
    of: &'static str,
    names: [&str; N],
    state: &[(&str, &'s [T])],
) -> Result<[&'s [T]; N], Error> {
    let problem = |problem: String| Error::State { of, problem };
    let mut slices: [&[T]; N] = [&[]; N];
    if state.is_empty() {
        return Ok(slices);
    }
    for (name, slice) in names.iter().zip(&mut slices) {
        let found = state.iter().find(|(found, _)| found == name);
        *slice = found.ok_or_else(|| problem(format!("lacks `{name}`")))?.1;
    }
    if let Some((extra, _)) = state.iter().find(|(found, _)| !names.contains(found)) {
        return Err(problem(format!("has `{extra}`, which it does not know")));
    }
    if slices.iter().any(|slice| slice.len() != slices[0].len()) {
        return Err(problem("has parts of different lengths".to_owned()));
    }
    Ok(slices)
}

/// Implements [`Optimizer`] for `f32` and for `f64` by name and not for any scalar, so that the loops are compiled in this
/// crate: then they are fast in a debug build too, where the user's profile optimises dependencies. In release builds, those of `f64`, which is
/// for checks, are compiled where they are called.
macro_rules! for_f32_and_f64 {
    (
        impl Optimizer<T> for $optimizer:ty {
            $( fn $method:ident $(<$life:lifetime>)? ($($argument:tt)*) $(-> $result:ty)? $body:block )*
        }
    ) => {
        const _: () = {
            type T = f32;
            impl Optimizer<T> for $optimizer {
                $( fn $method $(<$life>)? ($($argument)*) $(-> $result)? $body )*
            }
        };
        const _: () = {
            type T = f64;
            impl Optimizer<T> for $optimizer {
                $(
                    #[cfg_attr(not(debug_assertions), inline)]
                    fn $method $(<$life>)? ($($argument)*) $(-> $result)? $body
                )*
            }
        };
    };
}
pub(crate) use for_f32_and_f64;

/// Emits the builder methods for penalties, clipping, freezing and rates of layers that all optimisers share; the struct has a field `treatment`.
macro_rules! penalties {
    ($optimizer:ident) => {
        impl<T: crate::scalar::Scalar> $optimizer<T> {
            /// Adds l1 Σ|w| to the loss: the gradient gets l1 · sign(w). By default for weights only (slide 5), not for biases and scales.
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or not finite.
            pub fn l1(mut self, l1: f64) -> Result<Self, Error> {
                self.treatment.set("l1", l1)?;
                Ok(self)
            }

            /// Adds l2/2 Σw² to the loss: the gradient gets l2 · w. By default for weights only (slide 5), not for biases and scales.
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or not finite.
            pub fn l2(mut self, l2: f64) -> Result<Self, Error> {
                self.treatment.set("l2", l2)?;
                Ok(self)
            }

            /// Sets decoupled weight decay (Loshchilov and Hutter, 2019): w shrinks by rate · decay · w before the step. By default for
            /// weights only, not for biases and scales.
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or not finite.
            pub fn weight_decay(mut self, decay: f64) -> Result<Self, Error> {
                self.treatment.set("weight decay", decay)?;
                Ok(self)
            }

            /// Sets [`Self::l1`] for a part of the network, instead of the general value. A part is a layer, a block, or all layers of a word: see
            /// [`Layer::is_in`](crate::layer::Layer::is_in).
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or not finite. An unknown part is an error in the first step.
            pub fn l1_for(mut self, layer: &str, l1: f64) -> Result<Self, Error> {
                self.treatment.set_for(layer, "l1", l1)?;
                Ok(self)
            }

            /// Sets [`Self::l2`] for a part of the network, instead of the general value. A part is a layer, a block, or all layers of a word: see
            /// [`Layer::is_in`](crate::layer::Layer::is_in).
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or not finite. An unknown part is an error in the first step.
            pub fn l2_for(mut self, layer: &str, l2: f64) -> Result<Self, Error> {
                self.treatment.set_for(layer, "l2", l2)?;
                Ok(self)
            }

            /// Sets [`Self::weight_decay`] for a part of the network, instead of the general value. A part is a layer, a block, or all layers
            /// of a word: see [`Layer::is_in`](crate::layer::Layer::is_in).
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or not finite. An unknown part is an error in the first step.
            pub fn weight_decay_for(mut self, layer: &str, decay: f64) -> Result<Self, Error> {
                self.treatment.set_for(layer, "weight decay", decay)?;
                Ok(self)
            }

            /// Freezes a part of the network, by the names in its table of layers: a layer (`conv1`), the call of a block (`features1`),
            /// or all of them (`conv`, `features`); see [`Layer::is_in`](crate::layer::Layer::is_in). Its weights stay unchanged:
            /// they are neither updated nor decayed nor penalised, do not count in a clipping norm, and no gradient is computed for them. Its
            /// batch normalisation uses its moving statistics, as in prediction, and does not update them, as in Keras with
            /// `trainable = False`; its dropout still drops. In a training loop of your own, pass
            /// [`Optimizer::frozen_layers`](crate::optim::Optimizer::frozen_layers) to the pass.
            ///
            /// The word `frozen` of the language freezes for good, and saves the backward pass too.
            ///
            /// An unknown part is an error when a run begins, or in the first step: [`Error::UnknownLayer`].
            ///
            /// ```
            /// use netwright_train::optim::{Adam, Sgd};
            /// # fn main() -> Result<(), netwright_runtime::Error> {
            /// let head_alone = Adam::<f32>::new(0.001)?.freeze("features");
            /// let fine_tuning = Sgd::<f32>::new(0.01)?.rate_for("features", 0.001)?.freeze("features.conv1");
            /// # Ok(())
            /// # }
            /// ```
            pub fn freeze(mut self, part: &str) -> Self {
                self.treatment.freeze(part);
                self
            }

            /// Sets the learning rate of a part of the network, instead of the general one, named as in [`Self::freeze`]. A schedule multiplies
            /// both by the same factor. If a layer is in several parts, here or in [`Self::freeze`], the last one that was
            /// set counts.
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or not finite, or the general rate is 0. An unknown part is an error when a run
            /// begins, or in the first step.
            pub fn rate_for(mut self, part: &str, rate: f64) -> Result<Self, Error> {
                self.treatment.set_rate_for(part, rate)?;
                Ok(self)
            }

            /// Sets whether the penalties apply to biases too; by default they do not.
            pub fn decay_biases(mut self, decay: bool) -> Self {
                self.treatment.biases = decay;
                self
            }

            /// Sets whether the penalties apply to the scales, shifts and slopes of normalisations and activations too; by default
            /// they do not.
            pub fn decay_scales(mut self, decay: bool) -> Self {
                self.treatment.scales = decay;
                self
            }

            /// Clamps each element of the gradient to ±`limit`, before penalties are added.
            ///
            /// # Errors
            /// [`Error::Setting`] unless it is greater than 0.
            pub fn clip_value(mut self, limit: f64) -> Result<Self, Error> {
                self.treatment.clip_value = super::positive("clipping value", limit)?;
                Ok(self)
            }

            /// Scales the whole gradient to the norm `limit` if its norm is larger, before penalties are added and before
            /// [`Self::clip_value`].
            ///
            /// # Errors
            /// [`Error::Setting`] unless it is greater than 0.
            pub fn clip_norm(mut self, limit: f64) -> Result<Self, Error> {
                self.treatment.clip_norm = super::positive("clipping norm", limit)?;
                Ok(self)
            }
        }
    };
}
pub(crate) use penalties;
