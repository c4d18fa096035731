//! Where the samples of a run come from, and in which order.

use core::ops::Range;

use super::samples::Samples;
use crate::error::Error;
use crate::random::{Random, key};

/// What random draws are for, so that one seed serves for all. It is that of `Dataset::order`.
const SHUFFLING: u64 = 2;

/// Samples that need not be in memory: a [`Stream`](super::Stream), or a kind of one's own.
pub trait Source<I, Y> {
    /// What goes through the samples.
    type Sampler<'s>: Sampler<I, Y>
    where
        Self: 's;

    /// What goes through the samples, in an order that depends on `seed` and the epoch alone.
    fn sampler(&self, seed: u64) -> Self::Sampler<'_>;
}

/// Goes through samples, epoch after epoch: what a [`Loader`](super::Loader) makes batches of.
pub trait Sampler<I, Y>: Send + Sync {
    /// How many samples make an epoch.
    fn epoch_len(&self) -> usize;

    /// How an epoch is ordered, in words. A run goes on from a checkpoint only where it is the same.
    fn order(&self) -> String;

    /// What errors call the source.
    fn origin(&self) -> &str;

    /// Goes to the beginning of an epoch and past its first `skip` samples.
    ///
    /// # Errors
    /// Those of the source.
    fn begin(&mut self, epoch: u64, skip: usize) -> Result<(), Error>;

    /// Brings the next `count` samples to the places from 0 on, instead of those there.
    ///
    /// # Errors
    /// Those of the source.
    fn draw(&mut self, count: usize) -> Result<(), Error>;

    /// The sample at a place, below the `count` of [`Sampler::draw`].
    fn at(&self, place: usize) -> Drawn<'_, I, Y>;

    /// Another sample, to be mixed with one: drawn from `random`.
    fn partner(&self, random: &mut Random) -> Drawn<'_, I, Y>;
}

/// A sample that a [`Sampler`] has drawn.
#[derive(Clone, Copy, Debug)]
pub struct Drawn<'s, I, Y> {
    /// Its number: its place in the set, or how many come before it in the stream's epoch.
    pub number: u64,
    /// The input.
    pub input: &'s I,
    /// The target.
    pub target: &'s Y,
}

/// Goes through all samples of a set in memory, shuffled anew for each epoch.
#[derive(Debug)]
pub struct Shuffled<'s, S> {
    samples: &'s S,
    seed: u64,
    order: Vec<usize>,
    /// The part of the order that stands at the places from 0 on.
    drawn: Range<usize>,
}

impl<'s, S> Shuffled<'s, S> {
    /// In the order that [`Dataset::order`](crate::data::Dataset::order) gives for the same seed.
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
        self.order.clear();
        self.order.extend(0..self.samples.len());
        Random::new(key(self.seed, epoch, SHUFFLING, 0)).shuffle(&mut self.order);
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
