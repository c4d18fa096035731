//! What of training is the same for every network, compiled here for `f32` and for `f64`: see [`netwright_runtime::once`].

use core::time::Duration;
use std::path::Path;

pub(crate) use netwright_runtime::once::{Facts, Once};

use crate::error::Error;
use crate::layer::Layer;
use crate::network::Network;
use crate::scalar::Precision;
use crate::train::checkpoint::Checkpoints;
use crate::train::run::{self, Identity, View};
use crate::train::{BatchLoss, EpochRecord, Validation};

/// A network that can be trained: every network.
pub trait Trainable: Network<Scalar: Number> {}

impl<N: Network<Scalar: Number>> Trainable for N {}

netwright_runtime::__once! {
    /// What training computes with, `f32` or `f64`: the functions of this crate that are compiled in it for both.
    trait Number: Precision;


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
