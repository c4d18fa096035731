//! The functions of training that are compiled once for all networks, in this crate: see [`netwright_runtime::once`].

use core::ops::Range;
use core::time::Duration;
use std::path::Path;

use netwright_compute::kernels::dense;
use netwright_compute::simd::Isa;
pub(crate) use netwright_runtime::once::{Facts, Once};

use crate::error::Error;
use crate::layer::Layer;
use crate::network::Network;
use crate::optim::StepParts;
use crate::scalar::Precision;
use crate::threads::Threads;
use crate::train::checkpoint::Checkpoints;
use crate::train::fused::Fused;
use crate::train::run::{self, Identity, View};
use crate::train::{BatchLoss, EpochRecord, Update, Validation};

/// A network that can be trained: implemented for every network.
pub trait Trainable: Network<Scalar: Number> {}

impl<N: Network<Scalar: Number>> Trainable for N {}

netwright_runtime::__once! {
    /// The scalar types of training, `f32` and `f64`, with the functions of this crate that are compiled in this crate.
    trait Number: Precision;


    fn step_run(run: &mut View<'_, Self>, loss: BatchLoss, gradients: &[Self]) -> Result<(), Error> = run::step;
    fn step_rate(run: &View<'_, Self>) -> f64 = run::step_rate;
    fn count_step(run: &mut View<'_, Self>, loss: BatchLoss, rate: f64) = run::count_step;
    fn move_parameters(update: &mut Update<'_, Self>, threads: &Threads, layers: &[Layer], parameters: &mut [Self], gradients: &[Self]) -> Result<(), Error>
        = Update::step;
    fn update_fused(fused: &Fused<'_, Self>, parts: StepParts<'_, Self>, scratch: &mut [Self]) = Fused::update;
    fn are_surely_finite(fused: &Fused<'_, Self>) -> bool = Fused::is_surely_finite;
    fn is_surely_finite<'x>(isa: Isa, micro_batches: usize, factors: &dyn Fn(usize) -> [&'x [Self]; 2]) -> bool
        = dense::is_surely_finite;
    fn gradient_blocks<'x>(
        isa: Isa,
        sizes: [usize; 2],
        rows: Range<usize>,
        micro_batches: usize,
        factors: &dyn Fn(usize) -> [&'x [Self]; 2],
        scratch: &mut [Self],
        use_block: &mut dyn FnMut(Range<usize>, &[Self]),
    ) = dense::gradient_blocks;
    fn end_epoch(run: &mut View<'_, Self>, validation: Option<&Validation>, took: Duration) -> Result<EpochRecord, Error>
        = run::end_epoch;
    fn check_weights(layers: &'static [Layer], parameters: &[Self], step: u64, saved: Option<&Path>) -> Result<(), Error>
        = run::check_weights;
    fn save_checkpoint(checkpoints: &Checkpoints, identity: &Identity, run: &mut View<'_, Self>) -> Result<(), Error>
        = crate::train::checkpoint::save;
    fn resume_checkpoint(checkpoints: &Checkpoints, identity: &Identity, run: &mut View<'_, Self>) -> Result<bool, Error>
        = crate::train::checkpoint::resume;
}
