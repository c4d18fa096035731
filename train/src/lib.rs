//! Training and visualisation: data, losses, optimisers, the trainer and its parts. Use it through the `netwright` crate.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// Unit tests use the networks of the integration tests, which refer to this crate by its name.
#[cfg(all(test, feature = "progress"))]
extern crate self as netwright_train;
#[cfg(all(test, feature = "progress"))]
#[path = "../tests/support/mod.rs"]
mod support;

pub mod data;
pub mod loss;
mod once;
pub mod optim;
pub mod schedule;
pub mod see;
pub mod settings;
#[cfg(test)]
#[path = "../../runtime/src/test_folder.rs"]
mod test_folder;
pub mod train;

use netwright_runtime::{
    Shape, architecture, context, error, head, kernels, layer, memory, network, norm, observer, order, pass, predictor,
    random, scalar, step_weights, storage, suggest, tensor, threads, weights,
};
