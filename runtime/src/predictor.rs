//! Predicting with borrowed weights and a borrowed workspace: `core` alone, nothing on a heap, weights may stay in flash.

use crate::architecture::Architecture;
use crate::observer::{Observer, Unobserved};
use crate::pass::Pass;
use crate::tensor::{Output, Sample};

/// A network that predicts, with weights and memory that belong to someone else.
///
/// `parameters` has [`Architecture::PARAMETERS`] numbers and `statistics` [`Architecture::STATISTICS`], as `network.parameters()`
/// and `network.statistics()` gave them where it was trained; `workspace` has at least
/// `N::PREDICTING.for_batch(1)`.
pub struct Predictor<'a, N: Architecture> {
    parameters: &'a [N::Scalar],
    statistics: &'a [N::Scalar],
    workspace: &'a mut [N::Scalar],
}

/// A slice of another length than the network needs.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {found} numbers, where {expected} were expected")]
pub struct LengthError {
    /// Which slice.
    pub what: &'static str,
    /// Its length should be this (or more, for a workspace).
    pub expected: usize,
    /// Its length.
    pub found: usize,
}

/// The sentence, which `main` prints by it.
impl core::fmt::Debug for LengthError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl<'a, N: Architecture> Predictor<'a, N> {
    /// The workspace of one image, in numbers: the length of an array for it.
    pub const WORKSPACE: usize = N::PREDICTING.for_batch(1);

    /// A predictor over these weights.
    ///
    /// # Errors
    /// [`LengthError`] where a slice has not the length that the network needs.
    pub fn new(
        parameters: &'a [N::Scalar],
        statistics: &'a [N::Scalar],
        workspace: &'a mut [N::Scalar],
    ) -> Result<Self, LengthError> {
        let exact =
            |what, expected, found| if expected == found { Ok(()) } else { Err(LengthError { what, expected, found }) };
        exact("parameters", N::PARAMETERS, parameters.len())?;
        exact("statistics", N::STATISTICS, statistics.len())?;
        if workspace.len() < Self::WORKSPACE {
            exact("workspace", Self::WORKSPACE, workspace.len())?;
        }
        Ok(Self { parameters, statistics, workspace })
    }

    /// The answer for one image.
    pub fn predict(&mut self, image: &N::Input) -> N::Output {
        self.predict_observed(image, &mut Unobserved)
    }

    /// The answer for one image, with an observer between the kernels.
    pub fn predict_observed<O: Observer<N::Scalar>>(&mut self, image: &N::Input, observer: &mut O) -> N::Output {
        let mut answer = N::Output::zeros();
        let pass = Pass { batch: 1, ..Pass::default() };
        let (image, numbers) = (image.numbers(), answer.numbers_mut());
        N::predict_pass(&pass, self.parameters, self.statistics, image, self.workspace, numbers, observer);
        answer
    }
}

impl<N: Architecture> core::fmt::Debug for Predictor<'_, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Predictor<{}>", N::NAME)
    }
}
