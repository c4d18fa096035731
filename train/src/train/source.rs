//! Sources of samples, and the order of their samples.

use core::ops::Range;

use super::samples::Samples;
use crate::data::shuffled;
use crate::error::Error;
use crate::random::Random;

/// A source of samples that need not be in memory: a [`Stream`](super::Stream), or an implementation of your own, for
/// [`Trainer::fit_stream`](super::Trainer::fit_stream) and [`Loader::with_sampler`](super::Loader::with_sampler).
pub trait Source<I, Y> {
    /// The type of its sampler.
    type Sampler<'s>: Sampler<I, Y>
    where
        Self: 's;

    /// Creates a sampler, whose order depends on `seed` and the epoch alone.
    fn sampler(&self, seed: u64) -> Self::Sampler<'_>;
}

/// Draws samples, epoch after epoch; a [`Loader`](super::Loader) makes batches of them. The loader begins an epoch, then draws, and
/// reads the samples of each draw from several threads.
///
/// Without shuffling, for example:
///
/// ```
/// use netwright_runtime::random::Random;
/// use netwright_train::train::{Drawn, Loader, Preparation, Sampler};
/// use netwright_runtime::Error;
/// use netwright_train::data::Dataset;
///
/// struct InOrder<'s> {
///     set: &'s Dataset<[f32; 2]>,
///     first: usize,
///     end: usize,
/// }
///
/// impl Sampler<[f32; 2], usize> for InOrder<'_> {
///     fn epoch_len(&self) -> usize {
///         self.set.len()
///     }
///     fn order(&self) -> String {
///         "in order".to_owned()
///     }
///     fn origin(&self) -> &str {
///         "the table"
///     }
///     fn begin(&mut self, _: u64, skip: usize) -> Result<(), Error> {
///         (self.first, self.end) = (skip, skip);
///         Ok(())
///     }
///     fn draw(&mut self, count: usize) -> Result<(), Error> {
///         (self.first, self.end) = (self.end, self.end + count);
///         Ok(())
///     }
///     fn at(&self, place: usize) -> Drawn<'_, [f32; 2], usize> {
///         let sample = self.first + place;
///         Drawn { number: sample as u64, input: &self.set.inputs()[sample], target: &self.set.targets()[sample] }
///     }
///     fn partner(&self, random: &mut Random) -> Drawn<'_, [f32; 2], usize> {
///         self.at(random.below((self.end - self.first) as u64) as usize)
///     }
/// }
///
/// let set = Dataset::from_pairs([([0.0, 0.0], 0), ([0.0, 1.0], 1), ([1.0, 0.0], 1)])?;
/// let mut loader = Loader::with_sampler(InOrder { set: &set, first: 0, end: 0 }, 2, Preparation::new(1))?;
/// assert_eq!(loader.next_batch()?.map(|batch| batch.numbers().to_vec()), Some(vec![0, 1]));
/// assert_eq!(loader.next_batch()?.map(|batch| batch.targets().to_vec()), Some(vec![1]));
/// # Ok::<(), Error>(())
/// ```
pub trait Sampler<I, Y>: Send + Sync {
    /// Returns the number of samples in an epoch.
    fn epoch_len(&self) -> usize;

    /// Describes the order of samples. A run resumes from a checkpoint only if the description is the same.
    fn order(&self) -> String;

    /// Returns the name of the source in errors.
    fn origin(&self) -> &str;

    /// Moves to the beginning of an epoch and skips its first `skip` samples.
    ///
    /// # Errors
    /// Those of the source.
    fn begin(&mut self, epoch: u64, skip: usize) -> Result<(), Error>;

    /// Draws the next `count` samples, which replace those of the previous draw; [`Sampler::at`] returns them by their index from 0.
    ///
    /// # Errors
    /// Those of the source.
    fn draw(&mut self, count: usize) -> Result<(), Error>;

    /// Returns a sample of the draw; `place` is less than the `count` of [`Sampler::draw`].
    fn at(&self, place: usize) -> Drawn<'_, I, Y>;

    /// Returns another sample to blend with, drawn by `random`.
    fn partner(&self, random: &mut Random) -> Drawn<'_, I, Y>;
}

/// A sample that a [`Sampler`] has drawn.
#[derive(Clone, Copy, Debug)]
pub struct Drawn<'s, I, Y> {
    /// Its index in the set, or the number of samples before it in the stream's epoch.
    pub number: u64,
    /// The input.
    pub input: &'s I,
    /// The target.
    pub target: &'s Y,
}

/// A sampler of all samples of a set in memory, shuffled anew for each epoch.
#[derive(Debug)]
pub struct Shuffled<'s, S> {
    samples: &'s S,
    seed: u64,
    order: Vec<usize>,
    /// The range of `order` that was drawn last.
    drawn: Range<usize>,
}

impl<'s, S> Shuffled<'s, S> {
    /// Creates a sampler with the order that [`Dataset::order`](crate::data::Dataset::order) returns for the same seed.
    pub fn new<I, Y>(samples: &'s S, seed: u64) -> Self
    where
        S: Samples<I, Y>,
    {
        Self { samples, seed, order: Vec::with_capacity(samples.len()), drawn: 0..0 }
    }

    fn sample<I, Y>(&self, index: usize) -> Drawn<'_, I, Y>
    where
        S: Samples<I, Y>,
    {
        Drawn { number: index as u64, input: self.samples.input(index), target: self.samples.target(index) }
    }
}

impl<I, Y, S: Samples<I, Y>> Sampler<I, Y> for Shuffled<'_, S> {
    fn epoch_len(&self) -> usize {
        self.samples.len()
    }

    fn order(&self) -> String {
        "all samples shuffled".to_owned()
    }

    fn origin(&self) -> &str {
        self.samples.origin()
    }

    fn begin(&mut self, epoch: u64, skip: usize) -> Result<(), Error> {
        shuffled(self.samples.len(), self.seed, epoch, &mut self.order);
        self.drawn = skip..skip;
        Ok(())
    }

    fn draw(&mut self, count: usize) -> Result<(), Error> {
        self.drawn = self.drawn.end..self.drawn.end + count;
        Ok(())
    }

    fn at(&self, place: usize) -> Drawn<'_, I, Y> {
        self.sample(self.order[self.drawn.clone()][place])
    }

    fn partner(&self, random: &mut Random) -> Drawn<'_, I, Y> {
        self.sample(random.below(self.samples.len() as u64) as usize)
    }
}
