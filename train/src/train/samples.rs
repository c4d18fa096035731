//! Data for training: samples by index.

use crate::error::Error;

/// The name in errors of samples without a name of their own.
pub(crate) const UNNAMED: &str = "the data";

/// Inputs and their targets by index: a data set, two slices, or a choice from another set.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no samples with inputs of type `{I}`",
    label = "these inputs are not what the network takes",
    note = "the network takes `{I}`, as the shape behind its name says; samples are a `Dataset`, `Pairs` or a `Choice`"
)]
pub trait Samples<I, Y>: Sync {
    /// Returns the number of samples.
    fn len(&self) -> usize;
    /// Returns whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Returns the input of a sample; `index` is less than [`Samples::len`].
    fn input(&self, index: usize) -> &I;
    /// Returns the target of a sample; `index` is less than [`Samples::len`].
    fn target(&self, index: usize) -> &Y;
    /// Returns the name of the data in errors.
    fn origin(&self) -> &str {
        UNNAMED
    }
}

impl<I, Y, S: Samples<I, Y> + ?Sized> Samples<I, Y> for &S {
    fn len(&self) -> usize {
        (**self).len()
    }
    fn input(&self, index: usize) -> &I {
        (**self).input(index)
    }
    fn target(&self, index: usize) -> &Y {
        (**self).target(index)
    }
    fn origin(&self) -> &str {
        (**self).origin()
    }
}

/// Two slices of equal length: inputs and targets.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<'a, I, Y> {
    inputs: &'a [I],
    targets: &'a [Y],
}

impl<'a, I, Y> Pairs<'a, I, Y> {
    /// Returns the inputs.
    pub fn inputs(&self) -> &'a [I] {
        self.inputs
    }

    /// Creates samples from inputs and their targets.
    ///
    /// # Errors
    /// [`Error::Count`] where the numbers of targets and inputs differ.
    pub fn new(inputs: &'a [I], targets: &'a [Y]) -> Result<Self, Error> {
        if inputs.len() == targets.len() {
            Ok(Self { inputs, targets })
        } else {
            Err(Error::Count { origin: UNNAMED.to_owned(), inputs: inputs.len(), targets: targets.len() })
        }
    }
}

impl<I: Sync, Y: Sync> Samples<I, Y> for Pairs<'_, I, Y> {
    fn len(&self) -> usize {
        self.inputs.len()
    }
    fn input(&self, index: usize) -> &I {
        &self.inputs[index]
    }
    fn target(&self, index: usize) -> &Y {
        &self.targets[index]
    }
}

/// A selection of samples of another set, in any order; a sample may occur several times.
#[derive(Clone, Debug)]
pub struct Choice<'a, S> {
    samples: &'a S,
    indices: Vec<usize>,
}

impl<'a, S> Choice<'a, S> {
    /// Selects the samples with these indices.
    ///
    /// # Errors
    /// [`Error::NoSuchSample`] for an index out of range.
    pub fn new<I, Y>(samples: &'a S, indices: Vec<usize>) -> Result<Self, Error>
    where
        S: Samples<I, Y>,
    {
        let len = samples.len();
        match indices.iter().find(|&&index| index >= len) {
            Some(&sample) => Err(Error::NoSuchSample { sample, len }),
            None => Ok(Self { samples, indices }),
        }
    }

    /// Returns the selected indices.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

impl<I, Y, S: Samples<I, Y>> Samples<I, Y> for Choice<'_, S> {
    fn len(&self) -> usize {
        self.indices.len()
    }
    fn input(&self, index: usize) -> &I {
        self.samples.input(self.indices[index])
    }
    fn target(&self, index: usize) -> &Y {
        self.samples.target(self.indices[index])
    }
    fn origin(&self) -> &str {
        self.samples.origin()
    }
}

impl<I: Sync, Y: Sync> Samples<I, Y> for crate::data::Dataset<I, Y> {
    fn len(&self) -> usize {
        self.inputs().len()
    }
    fn input(&self, index: usize) -> &I {
        &self.inputs()[index]
    }
    fn target(&self, index: usize) -> &Y {
        &self.targets()[index]
    }
}
