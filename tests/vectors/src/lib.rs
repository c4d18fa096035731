//! The vector layer of `netwright-compute` with its tests, from the same files.
#![allow(dead_code, unused)]

#[path = "../../../compute/src/random.rs"]
pub mod random;
#[path = "../../../compute/src/scalar.rs"]
pub mod scalar;
#[path = "../../../compute/src/simd/mod.rs"]
pub mod simd;

#[cfg(test)]
#[path = "../../../compute/src/kernels"]
mod kernels {
    pub(crate) mod check;
}
