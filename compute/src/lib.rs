//! The kernels of netwright: vectors, matrix products, the forward and backward kernels of every operation, and the inner loops of
//! optimisers. Use it through the `netwright` crate.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

mod cache;
pub mod configuration;
pub mod context;
pub mod epilogue;
pub mod gemm;
pub mod kernels;
pub mod packed_layout;
pub mod pass;
pub mod random;
pub mod scalar;
pub mod simd;
pub mod update;

pub use pass::Pass;
pub use scalar::Scalar;
