//! The libraries for matrix products.

/// A library that computes matrix products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// The kernels of this project, which allocate nothing.
    Netwright,
    /// The crate `matrixmultiply`, which allocates a buffer at every call.
    MatrixMultiply,
    /// A library with the C interface of BLAS. One row times a matrix, which is memory-bound, is left to our own kernels.
    Blas,
}

impl Library {
    /// Returns the library of an element type, given whether `matrixmultiply` and `blas` are compiled in. The crate `matrixmultiply` is for
    /// double precision, for which our own kernels have no vectors. The choice depends neither on a layer's sizes nor on the number of its
    /// images: an image gets the same bits alone and in a batch.
    #[must_use]
    pub const fn of_products(is_double: bool, matrixmultiply: bool, blas: bool) -> Self {
        match (blas, matrixmultiply && is_double) {
            (true, _) => Self::Blas,
            (false, true) => Self::MatrixMultiply,
            (false, false) => Self::Netwright,
        }
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Netwright => "netwright",
            Self::MatrixMultiply => "matrixmultiply",
            Self::Blas => "BLAS",
        }
    }
}

impl core::fmt::Display for Library {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
