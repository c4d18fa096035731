//! Samples that come one after the other: from files too large for memory, over a network, out of a generator.

use core::borrow::Borrow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use super::source::{Drawn, Sampler, Source};
use super::target::Target;
use crate::error::{Error, count_setting, panic_message};
use crate::random::{Random, key};

/// What random draws are for, so that one seed serves for all.
const SHUFFLING: u64 = 19;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Samples from an iterator that is made anew for each epoch: data that need not be in memory.
///
/// `open` gets the epoch, from 0, and gives what iterates over `Result<(input, target), error>`. An input or a target may stand in a `Box`
/// or an `Arc`, which spares large ones the way over the stack. An epoch has the first so many of its samples, so that the iterator may go
/// on for ever; one that ends too early is an [`Error::StreamEnd`], and an error of its own becomes an [`Error::Sample`] that names the
/// sample's number.
///
/// Samples come as the iterator gives them, unless [`Stream::shuffle`] holds some back to draw from. Mixup blends a sample with one of
/// its batch.
///
/// # Going on from a checkpoint
///
/// A run that goes on in the middle of an epoch opens that epoch anew, and reads past the samples that it has trained on; nothing else is
/// done with them. Its bits are those of a run that was not stopped where the iterator gives the same samples whenever an epoch is
/// opened: it may depend on the epoch, not on how often or when it is opened.
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
    /// An epoch has `samples` samples of what `open` gives for it.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0 samples.
    pub fn new(samples: usize, open: F) -> Result<Self, Error> {
        count_setting("samples of an epoch", samples, samples > 0, "at least 1")?;
        Ok(Self { open, samples, buffer: 1, name: "the stream".to_owned() })
    }

    /// An epoch has as many samples as `open` gives for epoch 0, which is gone through once to count them.
    ///
    /// # Errors
    /// [`Error::Sample`] and [`Error::Panicked`] of the iterator, [`Error::Empty`] where it gives nothing.
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

    /// Holds back up to `buffer` samples and draws the next from among them: 1, as without, leaves the order as it is, and as many as an
    /// epoch has shuffle it evenly.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn shuffle(mut self, buffer: usize) -> Result<Self, Error> {
        count_setting("shuffle buffer", buffer, buffer > 0, "at least 1 sample")?;
        self.buffer = buffer;
        Ok(self)
    }

    /// What errors call it: `the stream` unless said.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Runs code of the user's, and makes a panic an error.
    fn guard<R>(&self, sample: u64, work: impl FnOnce() -> R) -> Result<R, Error> {
        // An iterator that has panicked is not asked again: the error ends the epoch.
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

/// What a stream gives as the target of a sample: a `Y`, or a `Box` or `Arc` of one that is too large for a stack, such as a label for
/// each pixel of an image.
pub trait HeldTarget<Y> {
    /// The target.
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

/// A sample of a stream, and how many came before it.
struct Numbered<X, Y> {
    number: u64,
    input: X,
    target: Y,
}

/// Goes through a [`Stream`], some samples of which it holds back.
pub struct InTurn<'s, F, It, X, Y> {
    stream: &'s Stream<F>,
    seed: u64,
    /// Never locked: it makes an iterator that only one thread may ask one that others may look at.
    iterator: Mutex<Option<It>>,
    /// The samples read of this epoch.
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
    /// The next sample in the order of the iterator.
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

    /// The next sample of the epoch.
    fn next(&mut self) -> Result<Numbered<X, Y>, Error> {
        while self.held.len() < self.stream.buffer && self.read < self.stream.samples as u64 {
            let sample = self.read()?;
            self.held.push(sample);
        }
        let place = self.random.below(self.held.len() as u64) as usize;
        Ok(self.held.swap_remove(place))
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

    fn at(&self, place: usize) -> Drawn<'_, I, Y> {
        let Numbered { number, input, target } = &self.drawn[place];
        Drawn { number: *number, input: input.borrow(), target: target.target() }
    }

    fn partner(&self, random: &mut Random) -> Drawn<'_, I, Y> {
        self.at(random.below(self.drawn.len() as u64) as usize)
    }
}
