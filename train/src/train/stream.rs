//! Streams of samples: from files too large for memory, over a network, from a generator.

use core::borrow::Borrow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use super::source::{Drawn, Sampler, Source};
use super::target::Target;
use crate::error::{Error, count_setting, panic_message};
use crate::random::{Random, key};

/// The purpose of random draws for shuffling; it is part of the key, so that one seed serves all purposes.
const SHUFFLING: u64 = 19;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Samples from an iterator that is created anew for each epoch: for data that need not be in memory.
///
/// `open` takes the epoch, from 0, and returns an iterator over `Result<(input, target), error>`. An input or a target may be in a `Box`
/// or an `Arc`, so that large ones do not go through the stack. An epoch takes the first `samples` samples, so the iterator may be
/// infinite; one that ends too early is an [`Error::StreamEnd`], and an error of its own becomes an [`Error::Sample`] with the
/// sample's number.
///
/// Samples come in the order of the iterator, unless [`Stream::shuffle`] draws from a buffer of them. Mixup blends a sample with one of
/// its batch.
///
/// # Resuming from a checkpoint
///
/// A run that resumes in the middle of an epoch opens that epoch again, and skips the samples that it has trained on without using
/// them. It gives the bits of a run that was not stopped if the iterator gives the same samples whenever an epoch is
/// opened: they may depend on the epoch, not on how often or when it is opened.
///
/// ```
/// use netwright_runtime::{Error, head::Softmax, network::Network};
/// use netwright_train::{loss::CrossEntropy, optim::Sgd};
/// use netwright_train::train::{History, Stream, Trainer};
///
/// fn train<N>(network: &mut N, read: impl Fn(u64) -> Result<(N::Input, usize), std::io::Error> + Sync) -> Result<History, Error>
/// where
///     N: Network<Scalar = f32, Head = Softmax, Input: Clone>,
/// {
///     let files = Stream::new(10_000, |_epoch| (0..10_000).map(|file| read(file)))?.shuffle(512)?;
///     Trainer::new().epochs(3)?.loss(CrossEntropy::new()).optimizer(Sgd::new(0.1)?).fit_stream(network, &files, None)
/// }
/// ```
#[derive(Clone)]
pub struct Stream<F> {
    open: F,
    samples: usize,
    buffer: usize,
    name: String,
}

impl<F> Stream<F> {
    /// Creates a stream with epochs of `samples` samples from the iterators that `open` returns.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0 samples.
    pub fn new(samples: usize, open: F) -> Result<Self, Error> {
        count_setting("samples of an epoch", samples, samples > 0, "at least 1")?;
        Ok(Self { open, samples, buffer: 1, name: "the stream".to_owned() })
    }

    /// Creates a stream with epochs of as many samples as the iterator for epoch 0 has, which is exhausted once to count them.
    ///
    /// # Errors
    /// [`Error::Sample`] and [`Error::Panicked`] of the iterator, [`Error::Empty`] where it has no samples.
    pub fn counted<X, E, It>(open: F) -> Result<Self, Error>
    where
        F: Fn(u64) -> It,
        It: IntoIterator<Item = Result<X, E>>,
        E: Into<Cause>,
    {
        let mut stream = Self::new(1, open)?;
        let mut samples = 0;
        let mut iterator = stream.guard(0, || (stream.open)(0).into_iter())?;
        while let Some(sample) = stream.guard(samples, || iterator.next())? {
            sample.map_err(|error| stream.failed(samples, error.into()))?;
            samples += 1;
        }
        if samples == 0 {
            return Err(Error::Empty { origin: stream.name });
        }
        stream.samples = samples as usize;
        Ok(stream)
    }

    /// Draws samples at random from a buffer of up to `buffer` samples: 1, the default, keeps the order, and the size of an epoch shuffles
    /// uniformly.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn shuffle(mut self, buffer: usize) -> Result<Self, Error> {
        count_setting("shuffle buffer", buffer, buffer > 0, "at least 1 sample")?;
        self.buffer = buffer;
        Ok(self)
    }

    /// Sets the name in errors; the default is `the stream`.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Runs user code, and converts a panic into an error.
    fn guard<R>(&self, sample: u64, work: impl FnOnce() -> R) -> Result<R, Error> {
        // An iterator that has panicked is not called again: the error ends the epoch.
        catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Error::Panicked {
            origin: self.name.clone(),
            sample,
            what: "its iterator",
            message: panic_message(&*panic),
        })
    }

    fn failed(&self, sample: u64, source: Cause) -> Error {
        Error::Sample { origin: self.name.clone(), sample, source }
    }
}

impl<F> core::fmt::Debug for Stream<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { samples, buffer, name, .. } = self;
        write!(f, "Stream `{name}`: {samples} samples an epoch, a shuffle buffer of {buffer}")
    }
}

/// A type that a stream may use as the target of a sample: a `Y`, or a `Box` or `Arc` of a `Y` that is too large for the stack, such as a
/// label for each pixel of an image.
pub trait HeldTarget<Y> {
    /// Returns the target.
    fn target(&self) -> &Y;
}

impl<Y: Target> HeldTarget<Y> for Y {
    fn target(&self) -> &Y {
        self
    }
}

impl<Y: Target> HeldTarget<Y> for Box<Y> {
    fn target(&self) -> &Y {
        self
    }
}

impl<Y: Target> HeldTarget<Y> for Arc<Y> {
    fn target(&self) -> &Y {
        self
    }
}

impl<I, Y, X, Z, E, F, It> Source<I, Y> for Stream<F>
where
    Z: HeldTarget<Y> + Send + Sync,
    X: Borrow<I> + Send + Sync,
    E: Into<Cause>,
    F: Fn(u64) -> It + Sync,
    It: IntoIterator<Item = Result<(X, Z), E>, IntoIter: Send>,
{
    type Sampler<'s>
        = InTurn<'s, F, It::IntoIter, X, Z>
    where
        Self: 's;

    fn sampler(&self, seed: u64) -> InTurn<'_, F, It::IntoIter, X, Z> {
        InTurn {
            stream: self,
            seed,
            iterator: Mutex::new(None),
            read: 0,
            random: Random::new(0),
            held: Vec::with_capacity(self.buffer.min(self.samples)),
            drawn: Vec::new(),
        }
    }
}

/// A sample of a stream, and the number of samples before it.
struct Numbered<X, Y> {
    number: u64,
    input: X,
    target: Y,
}

/// The sampler of a [`Stream`], with its shuffle buffer.
pub struct InTurn<'s, F, It, X, Y> {
    stream: &'s Stream<F>,
    seed: u64,
    /// Never locked: the `Mutex` makes an iterator `Sync` that only one thread may call, while others borrow the sampler.
    iterator: Mutex<Option<It>>,
    /// The number of samples read in this epoch.
    read: u64,
    random: Random,
    held: Vec<Numbered<X, Y>>,
    drawn: Vec<Numbered<X, Y>>,
}

impl<F, It, X, Y> core::fmt::Debug for InTurn<'_, F, It, X, Y> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}, of which {} have been read", self.stream, self.read)
    }
}

impl<X, Y, E, F, It> InTurn<'_, F, It, X, Y>
where
    E: Into<Cause>,
    It: Iterator<Item = Result<(X, Y), E>>,
{
    /// Reads the next sample in the order of the iterator.
    fn read(&mut self) -> Result<Numbered<X, Y>, Error> {
        let (stream, number) = (self.stream, self.read);
        let iterator = self.iterator.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let next = match iterator {
            None => None,
            Some(iterator) => stream.guard(number, || iterator.next())?,
        };
        match next {
            None => {
                let origin = stream.name.clone();
                Err(Error::StreamEnd { origin, expected: stream.samples as u64, found: number })
            }
            Some(Err(error)) => Err(stream.failed(number, error.into())),
            Some(Ok((input, target))) => {
                self.read += 1;
                Ok(Numbered { number, input, target })
            }
        }
    }

    /// Returns the next sample of the epoch, drawn from the buffer.
    fn next(&mut self) -> Result<Numbered<X, Y>, Error> {
        while self.held.len() < self.stream.buffer && self.read < self.stream.samples as u64 {
            let sample = self.read()?;
            self.held.push(sample);
        }
        let index = self.random.below(self.held.len() as u64) as usize;
        Ok(self.held.swap_remove(index))
    }
}

impl<I, Y, X, Z, E, F, It> Sampler<I, Y> for InTurn<'_, F, It::IntoIter, X, Z>
where
    Z: HeldTarget<Y> + Send + Sync,
    X: Borrow<I> + Send + Sync,
    E: Into<Cause>,
    F: Fn(u64) -> It + Sync,
    It: IntoIterator<Item = Result<(X, Z), E>, IntoIter: Send>,
{
    fn epoch_len(&self) -> usize {
        self.stream.samples
    }

    fn order(&self) -> String {
        match self.stream.buffer {
            1 => "a stream as it comes".to_owned(),
            buffer => format!("a stream with a shuffle buffer of {buffer}"),
        }
    }

    fn origin(&self) -> &str {
        &self.stream.name
    }

    fn begin(&mut self, epoch: u64, skip: usize) -> Result<(), Error> {
        let stream = self.stream;
        let iterator = stream.guard(0, || (stream.open)(epoch).into_iter())?;
        self.iterator = Mutex::new(Some(iterator));
        self.read = 0;
        self.random = Random::new(key(self.seed, epoch, SHUFFLING, 0));
        self.held.clear();
        (0..skip).try_for_each(|_| self.next().map(drop))
    }

    fn draw(&mut self, count: usize) -> Result<(), Error> {
        self.drawn.clear();
        for _ in 0..count {
            let sample = self.next()?;
            self.drawn.push(sample);
        }
        Ok(())
    }

    fn at(&self, index: usize) -> Drawn<'_, I, Y> {
        let Numbered { number, input, target } = &self.drawn[index];
        Drawn { number: *number, input: input.borrow(), target: target.target() }
    }

    fn partner(&self, random: &mut Random) -> Drawn<'_, I, Y> {
        self.at(random.below(self.drawn.len() as u64) as usize)
    }
}
