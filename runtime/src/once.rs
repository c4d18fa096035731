//! What is the same for every network. A generic function is compiled in the crate that calls it with its own types: a program that trains
//! would compile the trainer anew after every changed line. What needs of a network only its numbers and its tables is generic over
//! the scalar alone, and [`Once`] calls it from here, for `f32` and for `f64`: a program links it.

use core::time::Duration;
use std::path::Path;

use crate::architecture::Architecture;
use crate::error::{Error, Origin};
use crate::layer::Layer;
use crate::memory::{Prepared, WorkspacePool};
use crate::network::Weights;
use crate::pass::Pass;
use crate::shape::Shape;
use crate::train::checkpoint::Checkpoints;
use crate::train::run::{self, Identity, View};
use crate::train::{BatchLoss, EpochRecord, Validation};
use crate::weights::Loaded;

/// What the tables of an [`Architecture`] say of it.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub(crate) name: &'static str,
    pub(crate) input: Shape,
    pub(crate) layers: &'static [Layer],
    pub(crate) parameters: usize,
    pub(crate) statistics: usize,
}

impl Facts {
    /// Those of a network.
    pub(crate) const fn of<N: Architecture>() -> Self {
        Self { name: N::NAME, input: N::INPUT, layers: N::LAYERS, parameters: N::PARAMETERS, statistics: N::STATISTICS }
    }
}

macro_rules! once {
    ($(fn $name:ident $(<$life:lifetime>)? ($($argument:ident: $type:ty),* $(,)?) $(-> $returns:ty)? = $function:path;)*) => {
        /// The functions of this crate that are compiled in it, for both kinds of number.
        pub trait Once: Sized {
            $(
                #[doc(hidden)]
                fn $name $(<$life>)? ($($argument: $type),*) $(-> $returns)?;
            )*
        }
        impl Once for f32 {
            $(
                #[inline(never)]
                fn $name $(<$life>)? ($($argument: $type),*) $(-> $returns)? {
                    $function($($argument),*)
                }
            )*
        }
        impl Once for f64 {
            $(
                #[inline(never)]
                fn $name $(<$life>)? ($($argument: $type),*) $(-> $returns)? {
                    $function($($argument),*)
                }
            )*
        }
    };
}

once! {
    fn zero_weights(parameters: usize, statistics: usize) -> Weights<Self> = Weights::zeros;
    fn with_workspace(pool: &WorkspacePool<Self>, len: usize, work: &mut dyn FnMut(&mut [Self])) = WorkspacePool::with;
    fn prepared<'p>(prepared: &'p Prepared<Self>, len: usize, compute: &dyn Fn(&mut [Self])) -> &'p [Self]
        = Prepared::get_or_compute;
    fn initialise(layers: &[Layer], seed: u64, weights: &mut Weights<Self>) = crate::first_weights::initialise_weights;

    fn load_weights(facts: Facts, weights: &mut Weights<Self>, path: &Path, convert: bool) -> Result<Loaded, Error>
        = crate::weights::load;
    fn load_matching(facts: Facts, weights: &mut Weights<Self>, path: &Path) -> Result<Loaded, Error>
        = crate::weights::load_matching;
    fn load_bytes(facts: Facts, weights: &mut Weights<Self>, bytes: &[u8]) -> Result<Loaded, Error>
        = crate::weights::load_bytes;
    fn weights_to_bytes(facts: Facts, weights: &Weights<Self>) -> Vec<u8> = crate::weights::to_bytes;

    fn all_finite(numbers: &[Self]) -> bool = crate::train::finite::all_finite;
    fn broken_weights(layers: &'static [Layer], parameters: &[Self]) -> Option<Origin>
        = crate::train::finite::broken_weights;
    fn broken_gradient(layers: &'static [Layer], gradients: &[Self]) -> Option<Origin>
        = crate::train::finite::broken_gradient;

    fn clear_frozen(layers: &[Layer], pass: &Pass<'_>, gradients: &mut [Self]) = crate::train::gradient::clear_frozen;

    fn step_run(run: &mut View<'_, Self>, loss: BatchLoss, gradients: &[Self]) -> Result<(), Error> = run::step;
    fn end_epoch(run: &mut View<'_, Self>, validation: Option<&Validation>, took: Duration) -> Result<EpochRecord, Error>
        = run::end_epoch;
    fn check_weights(layers: &'static [Layer], parameters: &[Self], step: u64, saved: Option<&Path>) -> Result<(), Error>
        = run::check_weights;
    fn save_checkpoint(checkpoints: &Checkpoints, identity: &Identity, run: &mut View<'_, Self>) -> Result<(), Error>
        = crate::train::checkpoint::save;
    fn resume_checkpoint(checkpoints: &Checkpoints, identity: &Identity, run: &mut View<'_, Self>) -> Result<bool, Error>
        = crate::train::checkpoint::resume;
}
