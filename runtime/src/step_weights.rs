//! The weights that a training pass reads.

use crate::architecture::Architecture;
use crate::context::Context;
use crate::memory::Buffer;
use crate::threads::Threads;

/// The parameters of a network as a training pass reads them: alone, or with the weights that were packed for all passes of a step.
///
/// It borrows both, so that neither can change without the other.
#[derive(Clone, Copy)]
pub struct StepWeights<'a, T> {
    parameters: &'a [T],
    prepared: &'a [T],
}

impl<'a, T> StepWeights<'a, T> {
    /// Returns all trained elements.
    pub fn parameters(&self) -> &'a [T] {
        self.parameters
    }

    pub(crate) fn prepared(&self) -> &'a [T] {
        self.prepared
    }
}

/// Wraps parameters without packed weights: kernels then pack them in each pass.
impl<'a, T> From<&'a [T]> for StepWeights<'a, T> {
    fn from(parameters: &'a [T]) -> Self {
        Self { parameters, prepared: &[] }
    }
}

impl<T> core::fmt::Debug for StepWeights<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "StepWeights of {} parameters, {} elements prepared", self.parameters.len(), self.prepared.len())
    }
}

/// The memory for the packed weights of a training step, [`Architecture::STEP_PREPARED`] elements.
pub struct PreparedStep<N: Architecture> {
    elements: Buffer<N::Scalar>,
}

impl<N: Architecture> Default for PreparedStep<N> {
    fn default() -> Self {
        Self { elements: Buffer::zeros(N::STEP_PREPARED) }
    }
}

impl<N: Architecture> PreparedStep<N> {
    /// Packs parameters on `threads`, for all passes that read them until they change. Any number of threads gives the same bits, which are
    /// also those of passes that pack weights themselves.
    pub fn prepare<'a>(&'a mut self, parameters: &'a [N::Scalar], threads: &Threads) -> StepWeights<'a, N::Scalar> {
        N::prepare_step(&Context::on(0, threads), parameters, &mut self.elements);
        StepWeights { parameters, prepared: &self.elements }
    }
}

impl<N: Architecture> core::fmt::Debug for PreparedStep<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PreparedStep<{}> of {} elements", N::NAME, N::STEP_PREPARED)
    }
}
