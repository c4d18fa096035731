//! How weights lie that kernels have packed, as a number that files of them carry.

use crate::Scalar;
use crate::gemm::{self, Library};

/// Goes up by one with every change of where a kernel packs what, or of what it computes of weights; a test of the facade holds the bits
/// of packed weights to it.
const VERSION: u32 = 4;

/// The layout of packed weights: a version, and who multiplies. It is one for all instruction sets.
pub fn packed_layout<T: Scalar>() -> u32 {
    let library = match gemm::library::<T>() {
        Library::Netwright => 0,
        Library::MatrixMultiply => 1,
        Library::Blas => 2,
    };
    4 * VERSION + library
}
