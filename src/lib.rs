//! A neural network, written in a few words, compiled into plain Rust.
#![cfg_attr(not(feature = "std"), no_std)]

/// Declares networks, and the blocks they are built of.
#[macro_export]
macro_rules! network {
    ($($network:tt)*) => {
        $crate::private::network! { { $crate } $($network)* }
    };
}

pub use netwright_runtime::head;
pub use netwright_runtime::predictor::{LengthError, Predictor};
pub use netwright_runtime::{Architecture, Memory, Pass, Place, Scalar, Shape, Tensor};

#[cfg(feature = "std")]
pub use netwright_runtime::network::{Gradients, Network, PassError, TrainingWorkspace};

/// What emitted code needs: no interface for users.
#[doc(hidden)]
pub mod private {
    pub use netwright_macros::{network, test_every_example};
    pub use netwright_runtime::architecture::{Architecture, GradientSeed, Memory, Pass, Place};
    pub use netwright_runtime::emitted::*;
    pub use netwright_runtime::init::Init;
    pub use netwright_runtime::kernels::{self, Kernels};
    pub use netwright_runtime::layer::{Layer, ParameterTensor, PlannedCall, Role};
    #[cfg(feature = "std")]
    pub use netwright_runtime::network::{Gradients, Network, PassError, TrainingWorkspace, Weights};
    pub use netwright_runtime::tensor::{Output, Sample};
    pub use netwright_runtime::{Scalar, Shape, Tensor, head};
    #[cfg(feature = "std")]
    pub use std::vec::Vec;

    pub use crate::{__with_std as with_std, __without_std as without_std};
}

/// Keeps what needs the feature `std`.
#[cfg(feature = "std")]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_std {
    ($($items:tt)*) => { $($items)* };
}

/// Drops what needs the feature `std`.
#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_std {
    ($($items:tt)*) => {};
}

/// Drops what stands in where the feature `std` is off.
#[cfg(feature = "std")]
#[doc(hidden)]
#[macro_export]
macro_rules! __without_std {
    ($($items:tt)*) => {};
}

/// Keeps what stands in where the feature `std` is off.
#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __without_std {
    ($($items:tt)*) => { $($items)* };
}
