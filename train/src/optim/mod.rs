//! Optimisers: they move the flat buffer of parameters against its gradient. And the penalties that keep weights small, and
//! gradients that are cut where they are too long.

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

/// An optimiser: what a gradient does to the parameters. It may keep state as long as the parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not move weights of type `{T}`",
    label = "no optimiser for this network",
    note = "`NoOptimizer` stands where none was chosen: `.optimizer(Adam::new(0.001)?)`",
    note = "an optimiser's numbers are those of the network: `Adam<f64>` for a network in `f64`",
    note = "an optimiser comes in a `Result`: put a `?` behind it"
)]
pub trait Optimizer<T: Precision>: Send {
    /// Its name: `Adam`.
    fn name(&self) -> &'static str;

    /// The learning rate it was made with; a [`Schedule`](crate::schedule::Schedule) multiplies it.
    fn rate(&self) -> f64;

    /// All that its steps depend on besides its state: the rate, and whatever else can be set.
    fn settings(&self) -> Settings {
        Settings::new().with("the learning rate", self.rate())
    }

    /// Moves `parameters` one step with the learning rate `rate`. The penalties go by `layers`, the network's table. Allocates
    /// in the first step alone.
    ///
    /// # Errors
    /// [`Error::Length`] where the slices differ in length from each other or from earlier steps, [`Error::UnknownLayer`] for
    /// a penalty, a rate or the freezing of a part that does not exist, [`Error::Setting`] for a negative rate or a NaN. The parameters are
    /// unchanged then.
    fn step(&mut self, rate: f64, layers: &[Layer], parameters: &mut [T], gradients: &[T]) -> Result<(), Error>;

    /// Whether a step can be made part by part, of gradients that are nowhere known as a whole: [`Self::begin_step`] without them. Where the
    /// length of the gradient is cut, it cannot.
    fn moves_by_parts(&self) -> bool {
        false
    }

    /// Begins a step as [`Self::step`] makes it, and leaves it to the caller to move each parameter once. `gradients` are the whole gradient,
    /// where that is known. Nothing, and nothing has changed, where the optimiser makes its steps by [`Self::step`] alone, or by whole gradients alone.
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

    /// Checks against a network what the first step would: call it to hear of mistakes early.
    ///
    /// # Errors
    /// [`Error::UnknownLayer`], [`Error::Length`] as [`Self::step`].
    fn prepare(&mut self, layers: &[Layer], parameters: usize) -> Result<(), Error>;

    /// For each layer, whether it is frozen, as [`Pass::frozen_layers`](crate::pass::Pass::frozen_layers) takes it; empty where none is. Known
    /// after [`Self::prepare`].
    fn frozen_layers(&self) -> &[bool] {
        &[]
    }

    /// What the penalties add to the loss: Σ l1 |w| + l2/2 w². Decoupled decay adds nothing.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    fn penalty(&mut self, layers: &[Layer], parameters: &[T]) -> Result<f64, Error>;

    /// Its state for a checkpoint: named slices as long as the parameters. None before the first step.
    fn state(&self) -> Vec<(&'static str, &[T])>;

    /// How many steps it has made, where the update depends on it; else 0.
    fn steps(&self) -> u64;

    /// Takes state that [`Self::state`] and [`Self::steps`] gave.
    ///
    /// # Errors
    /// [`Error::State`] where the names are others or the slices differ in length; nothing has changed then.
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

/// Where ε keeps a division from growing without bound, in the two forms in use.
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

/// The learning rate that a constructor or a step was given.
fn rate(rate: f64) -> Result<f64, Error> {
    crate::error::setting("learning rate", rate, rate >= 0.0, "a number, at least 0")
}

/// A share that may not reach 1: momentum, the decay of a moving mean.
fn below_one(name: &'static str, share: f64) -> Result<f64, Error> {
    crate::error::setting(name, share, (0.0..1.0).contains(&share), "at least 0 and less than 1")
}

fn positive(name: &'static str, value: f64) -> Result<f64, Error> {
    crate::error::setting(name, value, value > 0.0, "more than 0")
}

fn same_length(what: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Length { what, expected, found }) }
}

/// A moment of the gradient, zero until it is needed.
#[derive(Clone, Debug, Default)]
struct Moment<T>(Vec<T>);

impl<T: Precision> Moment<T> {
    /// Zeros for the first step; later only a check.
    fn ready(&mut self, len: usize) -> Result<(), Error> {
        if self.0.is_empty() {
            self.0 = vec![T::ZERO; len];
        }
        same_length("the optimiser's state", len, self.0.len())
    }
}

/// Moves all parameters by the whole gradient, with which the step was begun.
fn finish_step<T: Precision>(begun: Option<StepParts<'_, T>>, gradients: &[T]) {
    if let Some(mut parts) = begun {
        parts.apply(0..gradients.len(), gradients);
    }
}

/// The slices that belong to `names`, in their order; none of them where there is no state at all.
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
/// crate: fast in a debug build too, where the user's profile optimises dependencies. In release, those of `f64`, which serves checks, are
/// compiled where they are called.
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

/// The builder methods for penalties, clipping, freezing and rates of layers that all optimisers share; the struct has a field `treatment`.
macro_rules! penalties {
    ($optimizer:ident) => {
        impl<T: crate::scalar::Scalar> $optimizer<T> {
            /// Adds l1 Σ|w| to the loss: the gradient gets l1 · sign(w). Weights only (slide 5), unless asked.
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or no number.
            pub fn l1(mut self, l1: f64) -> Result<Self, Error> {
                self.treatment.set("l1", l1)?;
                Ok(self)
            }

            /// Adds l2/2 Σw² to the loss: the gradient gets l2 · w. Weights only (slide 5), unless asked.
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or no number.
            pub fn l2(mut self, l2: f64) -> Result<Self, Error> {
                self.treatment.set("l2", l2)?;
                Ok(self)
            }

            /// Decoupled weight decay (Loshchilov and Hutter, 2019): w shrinks by rate · decay · w before the step. Weights
            /// only, unless asked.
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or no number.
            pub fn weight_decay(mut self, decay: f64) -> Result<Self, Error> {
                self.treatment.set("weight decay", decay)?;
                Ok(self)
            }

            /// [`Self::l1`] for one part of the network, instead of the general one: a layer, a block, or all of them of this word, as
            /// [`Layer::is_in`](crate::layer::Layer::is_in) has it.
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or no number. A part that does not exist shows in the first step.
            pub fn l1_for(mut self, layer: &str, l1: f64) -> Result<Self, Error> {
                self.treatment.set_for(layer, "l1", l1)?;
                Ok(self)
            }

            /// [`Self::l2`] for one part of the network, instead of the general one: a layer, a block, or all of them of this word, as
            /// [`Layer::is_in`](crate::layer::Layer::is_in) has it.
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or no number. A part that does not exist shows in the first step.
            pub fn l2_for(mut self, layer: &str, l2: f64) -> Result<Self, Error> {
                self.treatment.set_for(layer, "l2", l2)?;
                Ok(self)
            }

            /// [`Self::weight_decay`] for one part of the network, instead of the general one: a layer, a block, or all of them of this word, as
            /// [`Layer::is_in`](crate::layer::Layer::is_in) has it.
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or no number. A part that does not exist shows in the first step.
            pub fn weight_decay_for(mut self, layer: &str, decay: f64) -> Result<Self, Error> {
                self.treatment.set_for(layer, "weight decay", decay)?;
                Ok(self)
            }

            /// Freezes a part of the network, by the names of its table of layers: a layer (`conv1`), the call of a block (`features1`),
            /// or all of them (`conv`, `features`); see [`Layer::is_in`](crate::layer::Layer::is_in). Its weights stay as they are:
            /// they are neither moved nor decayed nor penalised, count in no clipping norm, and cost no gradient. Its batch normalisation
            /// uses its moving statistics, as when predicting, and leaves them alone, as in Keras with `trainable = False`; its
            /// dropout drops. In a loop of one's own a pass is told by [`Optimizer::frozen_layers`](crate::optim::Optimizer::frozen_layers).
            ///
            /// The word `frozen` of the language freezes for good, and spares the way back too.
            ///
            /// A part that does not exist shows when a run begins, or in the first step: [`Error::UnknownLayer`].
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

            /// The learning rate of a part of the network, instead of the general one, named as in [`Self::freeze`]. A schedule multiplies
            /// both by the same factor. Of several parts that a layer lies in, here or in [`Self::freeze`], the last that was
            /// named decides.
            ///
            /// # Errors
            /// [`Error::Setting`] where it is negative or no number, or the general rate is 0. A part that does not exist shows when a run
            /// begins, or in the first step.
            pub fn rate_for(mut self, part: &str, rate: f64) -> Result<Self, Error> {
                self.treatment.set_rate_for(part, rate)?;
                Ok(self)
            }

            /// Whether the penalties hold for biases too; they do not by themselves.
            pub fn decay_biases(mut self, decay: bool) -> Self {
                self.treatment.biases = decay;
                self
            }

            /// Whether the penalties hold for the scales, shifts and slopes of normalisations and activations too; they do
            /// not by themselves.
            pub fn decay_scales(mut self, decay: bool) -> Self {
                self.treatment.scales = decay;
                self
            }

            /// Cuts each number of the gradient to ±`limit`, before penalties are added.
            ///
            /// # Errors
            /// [`Error::Setting`] unless it is more than 0.
            pub fn clip_value(mut self, limit: f64) -> Result<Self, Error> {
                self.treatment.clip_value = super::positive("clipping value", limit)?;
                Ok(self)
            }

            /// Shortens the whole gradient to the length `limit` where it is longer, before penalties are added and before
            /// [`Self::clip_value`].
            ///
            /// # Errors
            /// [`Error::Setting`] unless it is more than 0.
            pub fn clip_norm(mut self, limit: f64) -> Result<Self, Error> {
                self.treatment.clip_norm = super::positive("clipping norm", limit)?;
                Ok(self)
            }
        }
    };
}
pub(crate) use penalties;
