//! The version of the layout of packed weights, which files of packed weights carry.

use crate::Scalar;
use crate::gemm::{self, Library};

/// The version. It is raised with every change of the order in which a kernel packs weights, or of what it computes from them; a test of
/// the facade compares the bits of packed weights with those of this version.
const VERSION: u32 = 6;

/// Returns the layout of packed weights: the version, and the library that multiplies. It is the same for all instruction sets.
pub fn packed_layout<T: Scalar>() -> u32 {
    let library = match gemm::library::<T>() {
        Library::Netwright => 0,
        Library::MatrixMultiply => 1,
        Library::Blas => 2,
    };
    4 * VERSION + library
}
