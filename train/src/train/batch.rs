//! The inputs and targets of a step.

use crate::Shape;
use crate::error::{Error, Origin};
use crate::head::Head;
use crate::loss::Loss;

/// The inputs and targets of a step.
#[derive(Debug)]
pub struct Batch<I, T> {
    pub(super) inputs: Vec<I>,
    pub(super) targets: Vec<T>,
    /// The index of each sample.
    pub(super) numbers: Vec<u64>,
    /// The number of samples; further inputs and targets are buffers for a larger batch.
    pub(super) len: usize,
    /// The indices of the samples that these are mixed with, where there is mixup.
    pub(super) partner_numbers: Vec<u64>,
    /// Buffers for the partner inputs of a mixup.
    pub(super) partners: Vec<I>,
    /// The name of the data in errors.
    pub(super) origin: String,
}

impl<I, T> Batch<I, T> {
    /// Allocates memory for `len` samples.
    pub(super) fn with_capacity(len: usize, partners: usize, origin: &str) -> Self {
        let (inputs, targets, numbers) = (Vec::with_capacity(len), Vec::with_capacity(len), Vec::with_capacity(len));
        let partner_numbers = Vec::with_capacity(if partners > 0 { len } else { 0 });
        let partners = Vec::with_capacity(partners);
        Self { inputs, targets, numbers, len: 0, partner_numbers, partners, origin: origin.to_owned() }
    }

    /// Returns the number of samples.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the inputs.
    pub fn inputs(&self) -> &[I] {
        &self.inputs[..self.len]
    }

    /// Returns their targets.
    pub fn targets(&self) -> &[T] {
        &self.targets[..self.len]
    }

    /// Returns the index of each sample: its index in the set, or the number of samples before it in the stream's epoch.
    pub fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// Checks that `loss` accepts all targets for outputs of the shape `outputs`. An error names the sample by its index.
    ///
    /// # Errors
    /// Those of [`Loss::check`].
    pub fn check<H: Head, L: Loss<H, T>>(&self, outputs: Shape, loss: &L) -> Result<(), Error> {
        loss.check(outputs, self.targets(), &self.origin).map_err(|error| self.name_sample(error))
    }

    /// Replaces the index within this batch in an error, such as one of
    /// [`GradientEngine::gradient`](super::GradientEngine::gradient), by the name of the data set and the sample's index there. Other
    /// errors are returned unchanged.
    pub fn name_sample(&self, error: Error) -> Error {
        name_sample(error, &self.origin, &self.numbers, &self.partner_numbers)
    }
}

/// Implements [`Batch::name_sample`].
fn name_sample(error: Error, set: &str, numbers: &[u64], partners: &[u64]) -> Error {
    let number = |index: usize| numbers.get(index).copied();
    match error {
        Error::NotFinite { step, origin: Origin::BatchInput(index), checkpoint } => {
            let partner = partners.get(index).copied();
            let origin = number(index).map_or(Origin::BatchInput(index), |sample| Origin::Input { sample, partner });
            Error::NotFinite { step, origin, checkpoint }
        }
        other => other.of_sample(set, &|index| number(index).map_or(index, |number| number as usize)),
    }
}
