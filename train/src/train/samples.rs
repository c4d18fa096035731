//! What training reads: samples by their number.

use crate::error::Error;

/// Inputs and their targets, by number: a data set, two slices, or a choice from another set.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no samples with inputs of type `{I}`",
    label = "these inputs are not what the network takes",
    note = "the network takes `{I}`, as the shape behind its name says; samples are a `Dataset`, `Pairs` or a `Choice`"
)]
pub trait Samples<I, Y>: Sync {
    /// How many.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The input of a sample, below [`Samples::len`].
    fn input(&self, index: usize) -> &I;
    /// The target of a sample, below [`Samples::len`].
    fn target(&self, index: usize) -> &Y;
    /// What errors call it.
    fn origin(&self) -> &str {
        "the data"
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

/// Two slices side by side, equally long.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<'a, I, Y> {
    inputs: &'a [I],
    targets: &'a [Y],
}

impl<'a, I, Y> Pairs<'a, I, Y> {
    /// The inputs.
    pub fn inputs(&self) -> &'a [I] {
        self.inputs
    }

    /// The inputs and their targets.
    ///
    /// # Errors
    /// [`Error::Count`] where there are not as many targets as inputs.
    pub fn new(inputs: &'a [I], targets: &'a [Y]) -> Result<Self, Error> {
        if inputs.len() == targets.len() {
            Ok(Self { inputs, targets })
        } else {
            Err(Error::Count { origin: "the data".to_owned(), inputs: inputs.len(), targets: targets.len() })
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

/// Some samples of another set, in an order of their own; one may come several times.
#[derive(Clone, Debug)]
pub struct Choice<'a, S> {
    samples: &'a S,
    indices: Vec<usize>,
}

impl<'a, S> Choice<'a, S> {
    /// The samples of these numbers.
    ///
    /// # Errors
    /// [`Error::NoSuchSample`] for a number outside the set.
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

    /// The numbers chosen.
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
