//! Who computes products of matrices.

/// Who computes products of matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// The kernels of this project, which allocate nothing.
    Netwright,
    /// The crate `matrixmultiply`, which allocates a buffer at every call.
    MatrixMultiply,
    /// A library with the C interface of BLAS. One row times a matrix, which is bound by memory, is left to our own kernels.
    Blas,
}

impl Library {
    /// That of one element type, `matrixmultiply` and `blas` being compiled in or not. The crate `matrixmultiply` is for double
    /// precision, for which our own kernels have no vectors. Neither a layer's sizes nor the number of its images matter: an image gets
    /// the same bits alone and among others.
    #[must_use]
    pub const fn of_products(is_double: bool, matrixmultiply: bool, blas: bool) -> Self {
        match (blas, matrixmultiply && is_double) {
            (true, _) => Self::Blas,
            (false, true) => Self::MatrixMultiply,
            (false, false) => Self::Netwright,
        }
    }

    /// Its name.
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
