//! The element types of networks.

pub use netwright_compute::Scalar;

use crate::kernels::Kernels;
use crate::once::Once;
use crate::tensor::Element;

/// The precision of a network: `f32` for speed, `f64` to check gradients. It has every kernel, and the functions that are compiled once for all
/// networks.
pub trait Precision: Scalar + Kernels + Element + Once {}

impl Precision for f32 {}
impl Precision for f64 {}
