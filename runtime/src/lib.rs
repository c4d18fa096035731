//! The runtime of networks: the items that code emitted by `network!` uses, and that users call to predict and train. Use it through the
//! `netwright` crate.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "std"), no_std)]

pub mod architecture;
#[cfg(feature = "std")]
mod debug_as_sentence;
pub mod emitted;
#[cfg(feature = "std")]
pub mod error;
#[cfg(feature = "std")]
mod finite;
#[cfg(feature = "std")]
mod first_weights;
#[cfg(feature = "std")]
pub mod foreign;
pub mod head;
pub mod init;
pub mod layer;
#[cfg(feature = "std")]
pub mod memory;
#[cfg(feature = "std")]
pub mod network;
#[cfg(feature = "std")]
pub mod norm;
pub mod observer;
#[cfg(feature = "std")]
pub mod once;
#[cfg(feature = "onnx")]
pub mod onnx;
/// Without `std`, no functions are compiled once for all networks.
#[cfg(not(feature = "std"))]
mod once {
    pub trait Once {}
    impl Once for f32 {}
    impl Once for f64 {}
}
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod order;
#[cfg(feature = "std")]
pub mod owned_predictor;
pub mod pass;
pub mod plan;
#[cfg(feature = "std")]
mod predicting;
pub mod prediction_file;
pub mod prediction_weights;
pub mod predictor;
pub mod prepared_weights;
pub mod scalar;
#[cfg(feature = "std")]
pub mod step_weights;
#[cfg(feature = "std")]
pub mod storage;
#[cfg(feature = "std")]
pub mod suggest;
#[cfg(feature = "std")]
pub mod summary;
pub mod tensor;
#[cfg(all(test, feature = "std"))]
mod test_folder;
#[cfg(feature = "std")]
pub mod threads;
#[cfg(feature = "std")]
mod training_workspace;
#[cfg(feature = "std")]
pub mod weights;

pub use netwright_compute::{context, epilogue, gemm, kernels, random, simd};

pub use architecture::{Architecture, BackwardRule, BufferSlot, Memory, Pass};
#[cfg(feature = "std")]
pub use error::Error;
pub use netwright_abi::Shape;
pub use observer::{Observer, Unobserved};
pub use scalar::{Precision, Scalar};
pub use tensor::Tensor;
