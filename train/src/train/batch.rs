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
    /// The numbers of the samples.
    pub(super) numbers: Vec<u64>,
    /// How many of the inputs and targets belong to it; those behind wait for a larger one.
    pub(super) len: usize,
    /// The numbers of the samples that these are mixed with, where there is mixup.
    pub(super) partner_numbers: Vec<u64>,
    /// Room for the other samples of a mixup.
    pub(super) partners: Vec<I>,
    /// What errors call where they come from.
    pub(super) origin: String,
}

impl<I, T> Batch<I, T> {
    /// Room for `len` samples.
    pub(super) fn with_capacity(len: usize, partners: usize, origin: &str) -> Self {
        let (inputs, targets, numbers) = (Vec::with_capacity(len), Vec::with_capacity(len), Vec::with_capacity(len));
        let partner_numbers = Vec::with_capacity(if partners > 0 { len } else { 0 });
        let partners = Vec::with_capacity(partners);
        Self { inputs, targets, numbers, len: 0, partner_numbers, partners, origin: origin.to_owned() }
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The inputs.
    pub fn inputs(&self) -> &[I] {
        &self.inputs[..self.len]
    }

    /// Their targets.
    pub fn targets(&self) -> &[T] {
        &self.targets[..self.len]
    }

    /// The number of each sample: its place in the set, or how many come before it in the stream's epoch.
    pub fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// Refuses targets that `loss` cannot compare with answers of the shape `outputs`. The error names the sample by its number.
    ///
    /// # Errors
    /// Those of [`Loss::check`].
    pub fn check<H: Head, L: Loss<H, T>>(&self, outputs: Shape, loss: &L) -> Result<(), Error> {
        loss.check(outputs, self.targets(), &self.origin).map_err(|error| self.name_sample(error))
    }

    /// An error about the sample at a place of this batch, such as those of
    /// [`GradientEngine::gradient`](super::GradientEngine::gradient), with the name of the set and the sample's number there. Other
    /// errors stay as they are.
    pub fn name_sample(&self, error: Error) -> Error {
        name_sample(error, &self.origin, &self.numbers, &self.partner_numbers)
    }
}

/// See [`Batch::name_sample`].
fn name_sample(error: Error, set: &str, numbers: &[u64], partners: &[u64]) -> Error {
    let number = |place: usize| numbers.get(place).copied();
    match error {
        Error::NotFinite { step, origin: Origin::BatchInput(place), checkpoint } => {
            let partner = partners.get(place).copied();
            let origin = number(place).map_or(Origin::BatchInput(place), |sample| Origin::Input { sample, partner });
            Error::NotFinite { step, origin, checkpoint }
        }
        other => other.of_sample(set, &|place| number(place).map_or(place, |number| number as usize)),
    }
}
