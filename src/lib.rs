//! A neural network, written in a few words, compiled into plain Rust.
//!
//! ```
//! netwright::network! {
//!     /// LeNet-5 (LeCun et al., 1998).
//!     pub LeNet5(28x28x1) {
//!         conv 5x5x6 same tanh;  avgpool 2;
//!         conv 5x5x16 tanh;      avgpool 2;
//!         dense 120 tanh;        dense 84 tanh;
//!         softmax 10
//!     }
//! }
//!
//! # use netwright::Tensor;
//! const _: () = assert!(LeNet5::PARAMETERS == 61_706);
//! let network = LeNet5::init(1);
//! let probabilities: [f32; 10] = network.predict(&Tensor::zeros());
//! ```
//!
//! [`network!`] checks every shape while your crate compiles, plans memory, selects a kernel for every layer, and generates forward
//! and backward passes. A network whose shapes do not fit does not compile, and the error points to the layer that is wrong.
//! At run time there is a struct of weights and a straight sequence of kernel calls: no graph, no interpreter, and, after
//! start-up in single precision, no allocation.
//!
//! | | |
//! |---|---|
//! | [`network!`] | the language, and the code it generates |
//! | [`words`] | the language word by word |
//! | [`Network`], [`Tensor`] | the methods of every network, and its inputs |
//! | [`train`], [`optim`], [`loss`], [`schedule`] | training, by a trainer or by its parts |
//! | [`see`] | filters, curves and maps, in the terminal and as pictures |
//! | [`data`] | data sets in memory, and readers of their files |
//! | [`SaveWeights`] | weights on disk |
//! | [`OwnedPredictor`] | prediction without a second copy of the weights |
//! | [`Predictor`] | prediction without `std`, with borrowed weights and memory |
//!
//! # Training
//!
//! ```
//! use netwright::prelude::*;
//!
//! netwright::network! { Xor(2) { dense 4 tanh; dense 1 sigmoid } }
//!
//! # fn main() -> Result<(), netwright::Error> {
//! let table = [([0.0, 0.0], 0), ([0.0, 1.0], 1), ([1.0, 0.0], 1), ([1.0, 1.0], 0)];
//! let data: Dataset<[f32; 2]> = Dataset::from_pairs(table)?;
//! let mut network = Xor::init(1);
//! let history = Trainer::new()
//!     .epochs(500)?
//!     .batch(4)?
//!     .loss(BinaryCrossEntropy)
//!     .optimizer(Sgd::new(0.5)?.momentum(0.9)?)
//!     .fit(&mut network, &data, None)?;
//! assert!(network.predict(&[0.0, 1.0])[0] > 0.9);
//! # assert!(history.last().is_some());
//! # Ok(())
//! # }
//! ```
//!
//! [`guide`] continues from here: data, schedules, augmentation, early stopping, checkpoints, pictures.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `std` | yes | training, data, files; without it a network predicts with `core` alone |
//! | `winograd` | yes | Winograd's algorithm for 3x3 convolutions where it is estimated faster: 2.25 to 4 times fewer multiplications, a little more rounding |
//! | `progress` | no | a progress bar on terminals, instead of a line for each epoch |
//! | `ctrlc` | no | on Ctrl-C, a run finishes its step and saves |
//! | `images` | no | folders of PNG and JPEG files |
//! | `onnx` | no | networks from ONNX files at compile time, and networks written as ONNX files |
//! | `plots` | no | charts, filters and maps as PNG and SVG files, with a built-in font |
//! | `matrixmultiply` | yes | matrix products in double precision by the crate of that name, two to three times as fast for a batch |
//! | `double` | no | the kernels in double precision are compiled once, with netwright, and optimised in debug builds as those of `f32` are |
//! | `blas` | no | matrix products by any library with the C interface of BLAS |
//!
//! # Matrix products
//!
//! A dense layer is a single matrix product, and in training so is a convolution with windows of one pixel. In single precision netwright's own
//! kernels compute them, and nothing is allocated after start-up. In double precision the crate `matrixmultiply` computes them, by default features;
//! it allocates a buffer in every call. With the feature `blas`, an external library computes all of them except those of a single row: add the crate
//! `blas-src` with the feature of the library, or link a library of the system (`RUSTFLAGS='-l openblas'` for Debian's `libopenblas-dev`). Such a
//! library may allocate and start threads of its own (`OPENBLAS_NUM_THREADS=1` prevents that). Both `matrixmultiply` and such a library may give
//! other bits for a single image than for the same image in a batch, so that the last digits of their products may depend on the number of
//! threads.
//! [`PlannedCall::library`](plan::PlannedCall::library) names the library that computes a call of a plan.
//!
//! # Debug builds
//!
//! Kernels and training code are compiled once, in crates of their own. These lines in your `Cargo.toml` keep a debug build usable:
//!
//! ```toml
//! [profile.dev.package.netwright-compute]
//! opt-level = 3
//! [profile.dev.package.netwright-runtime]
//! opt-level = 3
//! [profile.dev.package.netwright-train]
//! opt-level = 3
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(all(doc, feature = "std"))]
pub mod guide;

#[doc = include_str!("../docs/language.md")]
#[macro_export]
macro_rules! network {
    ($($network:tt)*) => {
        $crate::private::network! { { $crate } $($network)* }
    };
}

pub use netwright_runtime::prediction_file::PredictionFileError;
pub use netwright_runtime::predictor::{LengthError, Predictor};
pub use netwright_runtime::prepared_weights::PreparedWeights;
pub use netwright_runtime::simd::{InstructionSet, MissingInstructions};
pub use netwright_runtime::tensor::{Element, Nested, Output, Sample};
pub use netwright_runtime::{
    Architecture, BackwardRule, BufferSlot, Memory, Observer, Pass, Precision, Scalar, Shape, Tensor, Unobserved,
};
pub use netwright_runtime::{head, init, layer, plan};

#[cfg(feature = "std")]
pub use netwright_runtime::architecture::GradientSeed;
#[cfg(feature = "std")]
pub use netwright_runtime::network::{Gradients, Network, PassError, TrainingWorkspace};
#[cfg(feature = "onnx")]
pub use netwright_runtime::onnx;
#[cfg(feature = "std")]
pub use netwright_runtime::owned_predictor::OwnedPredictor;
#[cfg(feature = "std")]
pub use netwright_runtime::step_weights::{PreparedStep, StepWeights};
#[cfg(feature = "std")]
pub use netwright_runtime::summary::Summary;
#[cfg(feature = "std")]
pub use netwright_runtime::weights::{Checksum, Loaded, SaveWeights};
#[cfg(feature = "std")]
pub use netwright_runtime::{Error, error, foreign, random};
#[cfg(feature = "std")]
pub use netwright_train::{data, loss, optim, schedule, see, settings, train};

/// Values that are created on the heap: images, answers and targets that are larger than the stack. See [`guide`].
#[cfg(feature = "std")]
pub mod memory {
    pub use netwright_runtime::memory::{Stored, boxed_from, boxed_zeros, copies, values_from, zeros};
}

/// The usual imports of a program that trains: `use netwright::prelude::*;`
#[cfg(feature = "std")]
pub mod prelude {
    pub use crate::data::Dataset;
    pub use crate::foreign::ForeignWeights;
    pub use crate::loss::{BinaryCrossEntropy, CrossEntropy, SquaredError};
    #[cfg(feature = "onnx")]
    pub use crate::onnx::{FromOnnx, ToOnnx};
    pub use crate::optim::{Adam, AdamW, RmsProp, Sgd};
    #[cfg(feature = "plots")]
    pub use crate::see::Drawing;
    pub use crate::train::{
        Augmentation, Checkpoints, ConfusionMatrix, EarlyStopping, RunFolder, Trainer, evaluate, predict_all,
    };
    pub use crate::{Network, SaveWeights, Tensor};
}

mod emitted;
pub mod words;

/// Items that emitted code uses: no interface for users.
#[doc(hidden)]
pub mod private {
    pub use core;

    pub use netwright_macros::{network, test_every_example};
    pub use netwright_runtime::architecture::{
        Architecture, BufferSlot, FusedGradient, GradientSeed, ImageBlocks, Memory, Pass,
    };
    pub use netwright_runtime::context::Context;
    #[cfg(not(feature = "std"))]
    pub use netwright_runtime::emitted::NoWeights as Weights;
    pub use netwright_runtime::emitted::*;
    pub use netwright_runtime::init::Init;
    pub use netwright_runtime::kernels::{self, Kernels, activation::Activation};
    pub use netwright_runtime::layer::{Axes, Layer, ParameterKind, ParameterTensor, WeightLayout};
    #[cfg(feature = "std")]
    pub use netwright_runtime::network::{Gradients, Network, PassError, TrainingWorkspace, Weights};
    pub use netwright_runtime::observer::Observer;
    #[cfg(feature = "onnx")]
    pub use netwright_runtime::onnx;
    #[cfg(feature = "std")]
    pub use netwright_runtime::owned_predictor::OwnedPredictor;
    pub use netwright_runtime::plan::Plan;
    pub use netwright_runtime::prediction_weights::{KeptTensors, PredictionWeights, PreparationPart, Tensors};
    pub use netwright_runtime::prepared_weights::PreparedWeights;
    pub use netwright_runtime::tensor::{Nested, Output, Sample};
    pub use netwright_runtime::{Precision, Scalar, Shape, Tensor, head};
    #[cfg(feature = "std")]
    pub use netwright_runtime::{error::Error, summary::Summary, weights::SaveWeights};
    #[cfg(feature = "std")]
    pub use std::{path::Path, vec::Vec};

    /// The type of a network with an error: [`Mistaken::Network`] depends on a constant that does not compile.
    pub trait Mistaken<const MISTAKE: usize> {
        /// The placeholder for the type of the network.
        type Network;
    }
    impl<T, const MISTAKE: usize> Mistaken<MISTAKE> for T {
        type Network = T;
    }

    /// The names in scope of emitted code; they take precedence over those of the user's module.
    pub mod scope {
        pub use core::clone::Clone;
        pub use core::convert::AsRef;
        pub use core::fmt;
        pub use core::ops::Range;
        pub use core::option::Option::{self, None, Some};
        pub use core::primitive::{bool, f32, f64, str, u64, usize};
        pub use core::result::Result;

        pub use super::Weights;
        pub use super::{
            Activation, Architecture, Axes, BufferSlot, Context, Epilogue, FusedGradient, GradientSeed, ImageBlocks,
            Init, KeptTensors, Kernels, Layer, Memory, Observer, ParameterKind, ParameterTensor, Pass, Plan, Precision,
            PredictionWeights, PreparationPart, PreparedWeights, Shape, Tensor, Tensors, WeightLayout, computed,
            disjoint, given, gradient, head, kernels, largest, unless_fused, unless_observed,
        };
        #[cfg(feature = "std")]
        pub use super::{
            Error, Gradients, Network, OwnedPredictor, PassError, Path, SaveWeights, Summary, TrainingWorkspace, Vec,
        };
        #[cfg(not(feature = "std"))]
        pub use super::{FeatureStd, needs_std};
    }

    pub use crate::{
        __compiled_for as compiled_for, __constant_sizes as constant_sizes, __methods as methods, __views as views,
        __with_std as with_std, __without_std as without_std,
    };
}

/// Keeps items that need the feature `std`.
#[cfg(feature = "std")]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_std {
    ($($items:tt)*) => { $($items)* };
}

/// Drops items that need the feature `std`.
#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_std {
    ($($items:tt)*) => {};
}

/// Drops the replacements for builds without the feature `std`.
#[cfg(feature = "std")]
#[doc(hidden)]
#[macro_export]
macro_rules! __without_std {
    ($($items:tt)*) => {};
}

/// Keeps the replacements for builds without the feature `std`.
#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __without_std {
    ($($items:tt)*) => { $($items)* };
}
