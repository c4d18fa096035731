//! What the code emitted by `network!` calls, and what its users call to train. Use it through the `netwright` crate.
#![cfg_attr(not(feature = "std"), no_std)]

pub mod architecture;
pub mod emitted;
pub mod gemm;
pub mod head;
pub mod init;
pub mod kernels;
pub mod layer;
#[cfg(feature = "std")]
pub mod memory;
#[cfg(feature = "std")]
pub mod network;
pub mod random;
pub mod predictor;
pub mod scalar;
pub mod shape;
pub mod tensor;

pub use architecture::{Architecture, Memory, Pass, Place};
pub use scalar::Scalar;
pub use shape::Shape;
pub use tensor::Tensor;
