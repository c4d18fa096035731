//! Predicting with borrowed weights and a borrowed workspace: `core` alone, nothing on a heap, weights may stay in flash.

use crate::architecture::Architecture;
use crate::context::Context;
use crate::observer::{Observer, Unobserved};
use crate::prediction_file::PredictionFileError;
use crate::prediction_weights::PredictionWeights;
use crate::prepared_weights::PreparedWeights;
use crate::simd::{InstructionSet, Isa, MissingInstructions};
use crate::tensor::{Output, Sample};

/// A network that predicts, with weights and memory that belong to someone else.
///
/// `parameters` has [`Architecture::PARAMETERS`] elements and `statistics` [`Architecture::STATISTICS`], as `network.parameters()`
/// and `network.statistics()` gave them where it was trained; `prepared` is what [`PreparedWeights::of`] computes of them, or
/// `network.prepared()` has; `workspace` has at least `N::PREDICTING.for_batch(1)`.
pub struct Predictor<'a, N: Architecture> {
    weights: PredictionWeights<'a, N::Scalar>,
    workspace: &'a mut [N::Scalar],
    isa: Isa,
}

/// A slice of another length than the network needs.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {found} elements, where {expected} were expected")]
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

impl LengthError {
    /// Unless the length is the one that was expected.
    pub(crate) fn unless_equal(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self { what, expected, found }) }
    }
}

impl<'a, N: Architecture> Predictor<'a, N> {
    /// The workspace of one image, in elements: the length of an array for it.
    pub const WORKSPACE: usize = N::PREDICTING.for_batch(1);

    /// A predictor over these weights.
    ///
    /// # Errors
    /// [`LengthError`] where a slice has not the length that the network needs.
    pub fn new(
        parameters: &'a [N::Scalar],
        statistics: &'a [N::Scalar],
        prepared: PreparedWeights<'a, N>,
        workspace: &'a mut [N::Scalar],
    ) -> Result<Self, LengthError> {
        LengthError::unless_equal("parameters", N::PARAMETERS, parameters.len())?;
        LengthError::unless_equal("statistics", N::STATISTICS, statistics.len())?;
        Self::with_weights(PredictionWeights::all(parameters, statistics, prepared.elements()), workspace)
    }

    /// A predictor over what [`OwnedPredictor::save`](crate::owned_predictor::OwnedPredictor::save) has written, where it lies: in flash,
    /// or in a file that is mapped to memory. Nothing is copied, and of the elements nothing is read before the first prediction, so that
    /// damage among them does not show.
    ///
    /// # Errors
    /// [`PredictionFileError`] for bytes that are no such file, of another network or of kernels that read it otherwise, too short or too
    /// long, or that do not lie where elements can; and for a workspace that is too short.
    pub fn from_bytes(bytes: &'a [u8], workspace: &'a mut [N::Scalar]) -> Result<Self, PredictionFileError> {
        Ok(Self::with_weights(crate::prediction_file::borrow::<N>(bytes)?, workspace)?)
    }

    fn with_weights(
        weights: PredictionWeights<'a, N::Scalar>,
        workspace: &'a mut [N::Scalar],
    ) -> Result<Self, LengthError> {
        let (expected, found) = (Self::WORKSPACE, workspace.len());
        if found < expected {
            return Err(LengthError { what: "workspace", expected, found });
        }
        Ok(Self { weights, workspace, isa: Isa::detect() })
    }

    /// The same with another instruction set than the widest that the processor has, or, without `std`, that the target promises.
    /// [`InstructionSet::Portable`] gives single precision the same bits on every machine.
    ///
    /// # Errors
    /// [`MissingInstructions`] where the processor lacks it.
    pub fn with_instructions(self, instructions: InstructionSet) -> Result<Self, MissingInstructions> {
        Ok(Self { isa: Isa::of(instructions)?, ..self })
    }

    /// The answer for one image, by value: one of more than 256 KiB does not compile, but goes to [`Predictor::predict_into`].
    pub fn predict(&mut self, image: &N::Input) -> N::Output {
        self.predict_observed(image, &mut Unobserved)
    }

    /// The answer for one image, with an observer between the kernels.
    pub fn predict_observed<O: Observer<N::Scalar>>(&mut self, image: &N::Input, observer: &mut O) -> N::Output {
        let mut answer = by_value::<N>();
        self.predict_into_observed(image, &mut answer, observer);
        answer
    }

    /// The answer for one image, written over `answer`.
    pub fn predict_into(&mut self, image: &N::Input, answer: &mut N::Output) {
        self.predict_into_observed(image, answer, &mut Unobserved);
    }

    /// [`Predictor::predict_into`] with an observer between the kernels.
    pub fn predict_into_observed<O: Observer<N::Scalar>>(
        &mut self,
        image: &N::Input,
        answer: &mut N::Output,
        observer: &mut O,
    ) {
        let (image, elements) = (image.elements(), answer.elements_mut());
        let context = Context::of(1).with_isa(self.isa);
        N::predict_pass(&context, self.weights, image, self.workspace, elements, &mut [], observer);
    }
}

/// The most bytes of an answer that is returned by value: it takes several times its size of a stack where nothing is optimised, and a
/// thread has 2 MiB as a rule.
const LARGEST_BY_VALUE: usize = 256 * 1024;

/// Room for an answer that is returned by value.
pub fn by_value<N: Architecture>() -> N::Output {
    const {
        assert!(
            size_of::<N::Output>() <= LARGEST_BY_VALUE,
            "an answer of more than 256 KiB would overflow a stack: `predict_into(&image, &mut answer)` writes it to memory of yours, \
             such as `Tensor::boxed_zeros()`"
        );
    }
    N::Output::zeros()
}

impl<N: Architecture> core::fmt::Debug for Predictor<'_, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Predictor<{}>", N::NAME)
    }
}
