//! Functions that are compiled once for all networks. A generic function is compiled in the crate that calls it with its own types, so a program
//! that trains would compile the trainer anew after every changed line. Functions that need only the elements and the tables of a network are
//! therefore generic over the scalar alone, and [`Once`] instantiates them in this crate. For `f32` a program links them. For `f64` it does so in
//! debug builds; in release builds they are compiled where they are called, so that programs in single precision do not build them.

use std::path::Path;

use crate::Shape;
use crate::architecture::Architecture;
use crate::error::{Error, Origin};
use crate::foreign::{Map, TensorFile, WholeTensor};
use crate::layer::Layer;
use crate::memory::{Buffer, Prepared, WorkspacePool};
use crate::network::Weights;
use crate::owned_predictor::{Held, HeldPlan};
use crate::pass::Pass;
use crate::prediction_file::Expected;
use crate::prediction_weights::KeptTensors;
use crate::weights::Loaded;

/// The facts in the tables of an [`Architecture`].
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The name of the network.
    pub name: &'static str,
    /// The shape of its input.
    pub input: Shape,
    /// The rows of its table of layers.
    pub layers: &'static [Layer],
    /// The number of trained elements.
    pub parameters: usize,
    /// The number of elements of statistics.
    pub statistics: usize,
}

impl Facts {
    /// Returns the facts of a network.
    pub const fn of<N: Architecture>() -> Self {
        Self { name: N::NAME, input: N::INPUT, layers: N::LAYERS, parameters: N::PARAMETERS, statistics: N::STATISTICS }
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __once {
    ($(#[$about:meta])* trait $trait:ident: $super:path; $(fn $name:ident $(<$life:lifetime>)? ($($argument:ident: $type:ty),* $(,)?) $(-> $returns:ty)? = $function:path;)*) => {
        $(#[$about])*
        pub trait $trait: $super {
            $(
                #[doc(hidden)]
                fn $name $(<$life>)? ($($argument: $type),*) $(-> $returns)?;
            )*
        }
        impl $trait for f32 {
            $(
                #[inline(never)]
                fn $name $(<$life>)? ($($argument: $type),*) $(-> $returns)? {
                    $function($($argument),*)
                }
            )*
        }
        impl $trait for f64 {
            $(
                #[cfg_attr(debug_assertions, inline(never))]
                #[cfg_attr(not(debug_assertions), inline)]
                fn $name $(<$life>)? ($($argument: $type),*) $(-> $returns)? {
                    $function($($argument),*)
                }
            )*
        }
    };
}

__once! {
    /// The functions of this crate that are compiled in this crate.
    trait Once: Sized;


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
    fn read_weights(facts: Facts, path: &Path) -> Result<Weights<Self>, Error> = crate::weights::read;
    fn read_held(plan: &HeldPlan<Self>, path: &Path) -> Result<Held<Self>, Error> = crate::owned_predictor::read;
    fn save_held(expected: &Expected, held: &Held<Self>, path: &Path) -> Result<(), Error> = crate::owned_predictor::save;
    fn hold(kept: KeptTensors, buffers: [Buffer<Self>; 2], prepared: Buffer<Self>) -> Held<Self> = Held::of_network;
    fn weights_to_bytes(facts: Facts, weights: &Weights<Self>) -> Vec<u8> = crate::weights::to_bytes;

    fn read_foreign(facts: Facts, file: &dyn TensorFile, map: &Map) -> Result<(Weights<Self>, Loaded), Error>
        = crate::foreign::read;
    fn foreign_tensors(facts: Facts, weights: &Weights<Self>, map: &Map) -> Result<Vec<WholeTensor<Self>>, Error>
        = crate::foreign::tensors;

    fn all_finite(elements: &[Self]) -> bool = crate::finite::all_finite;
    fn broken_weights(layers: &'static [Layer], parameters: &[Self]) -> Option<Origin>
        = crate::finite::broken_weights;
    fn broken_gradient(layers: &'static [Layer], gradients: &[Self]) -> Option<Origin>
        = crate::finite::broken_gradient;

    fn clear_frozen(layers: &[Layer], pass: &Pass<'_>, gradients: &mut [Self]) = crate::finite::clear_frozen;
}
