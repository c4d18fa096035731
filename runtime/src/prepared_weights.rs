//! What was prepared of a network's weights, by the type of the network.

use crate::architecture::Architecture;
use crate::predictor::LengthError;

/// What predictions of the network `N` read in place of some weights: scales and shifts of folded normalisations, packed filters.
///
/// Elements alone do not tell for which network and which kernels they were prepared. These are known: `network.prepared()` gave them, or
/// [`PreparedWeights::of`] computed them, in this program. Those of another network are of another type. What another program prepared comes
/// with a header that is compared: [`Predictor::from_bytes`](crate::predictor::Predictor::from_bytes).
pub struct PreparedWeights<'a, N: Architecture> {
    elements: &'a [N::Scalar],
}

impl<'a, N: Architecture> PreparedWeights<'a, N> {
    /// How many elements there are.
    pub const LEN: usize = N::PREPARED;

    /// Computes them in `memory`, which has [`PreparedWeights::LEN`] elements.
    ///
    /// # Errors
    /// [`LengthError`] where a slice has not the length that the network needs.
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

    /// Those that a network keeps.
    #[cfg(feature = "std")]
    pub(crate) fn of_network(elements: &'a [N::Scalar]) -> Self {
        Self { elements }
    }

    /// The elements.
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
