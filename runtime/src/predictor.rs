//! Prediction with borrowed weights and a borrowed workspace: `core` alone, no heap; weights may stay in flash.

use crate::architecture::Architecture;
use crate::context::Context;
use crate::observer::{Observer, Unobserved};
use crate::prediction_file::PredictionFileError;
use crate::prediction_weights::PredictionWeights;
use crate::prepared_weights::PreparedWeights;
use crate::simd::{InstructionSet, Isa, MissingInstructions};
use crate::tensor::{Output, Sample};

/// A network that predicts with borrowed weights and memory.
///
/// `parameters` has [`Architecture::PARAMETERS`] elements and `statistics` has [`Architecture::STATISTICS`], as `network.parameters()`
/// and `network.statistics()` of the trained network return them; `prepared` comes from [`PreparedWeights::of`] or
/// `network.prepared()`; `workspace` has at least [`Predictor::WORKSPACE`] elements.
pub struct Predictor<'a, N: Architecture> {
    weights: PredictionWeights<'a, N::Scalar>,
    workspace: &'a mut [N::Scalar],
    isa: Isa,
}

/// The error of a slice that has another length than the network needs.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {found} elements, where {expected} were expected")]
pub struct LengthError {
    /// The name of the slice.
    pub what: &'static str,
    /// The length that is needed (the minimum, for a workspace).
    pub expected: usize,
    /// The length of the slice.
    pub found: usize,
}

/// Writes the same sentence as `Display`, since `main` prints errors by `Debug`.
impl core::fmt::Debug for LengthError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl LengthError {
    /// Returns an error unless `found` equals `expected`.
    pub(crate) fn unless_equal(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self { what, expected, found }) }
    }
}

impl<'a, N: Architecture> Predictor<'a, N> {
    /// The workspace of one image, in elements: usable as the length of an array.
    pub const WORKSPACE: usize = N::PREDICTING.for_batch(1);

    /// Creates a predictor over borrowed weights.
    ///
    /// # Errors
    /// [`LengthError`] where a slice does not have the length that the network needs.
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

    /// Creates a predictor over the bytes that [`OwnedPredictor::save`](crate::owned_predictor::OwnedPredictor::save) has written, in place: in
    /// flash, or in a memory-mapped file. Nothing is copied, and only the header is read before the first prediction; damaged elements are not
    /// detected.
    ///
    /// # Errors
    /// [`PredictionFileError`] for bytes of another kind, of another network, of kernels with another packed layout, of another length, or
    /// not aligned as elements must be; and for a workspace that is too short.
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

    /// Selects an instruction set; the default is the widest of the processor or, without `std`, of the compilation target.
    /// [`InstructionSet::Portable`] gives single precision the same bits on every machine.
    ///
    /// # Errors
    /// [`MissingInstructions`] where the processor lacks it.
    pub fn with_instructions(self, instructions: InstructionSet) -> Result<Self, MissingInstructions> {
        Ok(Self { isa: Isa::of(instructions)?, ..self })
    }

    /// Predicts one image and returns the answer by value. For an answer of more than 256 KiB this does not compile: use
    /// [`Predictor::predict_into`].
    pub fn predict(&mut self, image: &N::Input) -> N::Output {
        self.predict_observed(image, &mut Unobserved)
    }

    /// Runs [`Predictor::predict`], and calls `observer` between the kernels.
    pub fn predict_observed<O: Observer<N::Scalar>>(&mut self, image: &N::Input, observer: &mut O) -> N::Output {
        let mut answer = by_value::<N>();
        self.predict_into_observed(image, &mut answer, observer);
        answer
    }

    /// Writes the answer for one image to `answer`.
    pub fn predict_into(&mut self, image: &N::Input, answer: &mut N::Output) {
        self.predict_into_observed(image, answer, &mut Unobserved);
    }

    /// Runs [`Predictor::predict_into`], and calls `observer` between the kernels.
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

/// The largest answer in bytes that is returned by value. Without optimisation it takes several times its size on the stack, and a
/// thread usually has a stack of 2 MiB.
const LARGEST_BY_VALUE: usize = 256 * 1024;

/// Returns zeros for an answer that is returned by value; does not compile for one that is too large.
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
