//! Prepared weights, tied to the type of their network.

use crate::architecture::Architecture;
use crate::predictor::LengthError;

/// The prepared weights of the network `N`, which predictions read instead of some weights: scales and shifts of folded normalisations, packed
/// filters.
///
/// Plain elements do not show for which network and which kernels they were prepared. The type ensures it: a value comes from
/// `network.prepared()` or from [`PreparedWeights::of`] in the same program, and prepared weights of another network have another type. Weights
/// that another program prepared have a header, which [`Predictor::from_bytes`](crate::predictor::Predictor::from_bytes) compares.
pub struct PreparedWeights<'a, N: Architecture> {
    elements: &'a [N::Scalar],
}

impl<'a, N: Architecture> PreparedWeights<'a, N> {
    /// The number of elements.
    pub const LEN: usize = N::PREPARED;

    /// Computes the prepared weights in `memory`, which has [`PreparedWeights::LEN`] elements.
    ///
    /// # Errors
    /// [`LengthError`] where a slice does not have the length that the network needs.
    pub fn of(
        parameters: &[N::Scalar],
        statistics: &[N::Scalar],
        memory: &'a mut [N::Scalar],
    ) -> Result<Self, LengthError> {
        LengthError::unless_equal("parameters", N::PARAMETERS, parameters.len())?;
        LengthError::unless_equal("statistics", N::STATISTICS, statistics.len())?;
        LengthError::unless_equal("memory for prepared weights", N::PREPARED, memory.len())?;
        N::prepare(parameters, statistics, memory);
        Ok(Self { elements: memory })
    }

    /// Wraps the elements that a network keeps.
    #[cfg(feature = "std")]
    pub(crate) fn of_network(elements: &'a [N::Scalar]) -> Self {
        Self { elements }
    }

    /// Returns the elements.
    pub fn elements(self) -> &'a [N::Scalar] {
        self.elements
    }
}

impl<N: Architecture> Clone for PreparedWeights<'_, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N: Architecture> Copy for PreparedWeights<'_, N> {}

impl<N: Architecture> core::fmt::Debug for PreparedWeights<'_, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PreparedWeights<{}> of {} elements", N::NAME, self.elements.len())
    }
}
