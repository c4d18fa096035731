//! The interface between the compiler and the runtime: shapes, activation functions, epilogues, initialisers, kinds of parameters, the
//! sizes of each kernel, and the table of kernels with their operands in order.
//!
//! The compiler builds each call from [`kernels`], so that a misspelt kernel, a missing operand or the sizes of another kernel do not
//! compile. The runtime implements every row of the same table ([`for_each_kernel`]). Neither imports the other.
#![no_std]

mod activation;
mod direction;
mod file_kind;
mod init;
mod kernel;
pub mod kernels;
mod layout;
mod library;
pub mod locals;
mod micro_batch;
mod nearest;
mod parameter_kind;
mod shape;
pub mod spec;
mod weight_layout;

pub use activation::{Activation, Epilogue, RELU6_CEILING, SELU_ALPHA, SELU_SCALE, Saturation};
pub use direction::{Computes, Direction};
pub use file_kind::FileKind;
pub use init::Init;
pub use layout::{LANES, Layout};
pub use library::Library;
pub use micro_batch::micro_batch_size;
pub use nearest::{meant, nearest};
pub use parameter_kind::ParameterKind;
pub use shape::{LARGEST_VALUE, Shape};
pub use weight_layout::{Axes, WeightLayout};
