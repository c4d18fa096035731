//! Batches that are prepared while the step before them runs.

use super::batch::Batch;
use super::parts;
use super::preparation::Preparation;
use super::run::Identity;
use super::samples::Samples;
use super::source::{Sampler, Shuffled};
use crate::error::{Error, count_setting};
use crate::memory::Stored;
use crate::threads::Threads;

/// Prepares the batches of a run, one epoch after another.
///
/// With several [`Loader::threads`], the next batch is read, augmented and mixed while [`Loader::step`] processes the current one: there
/// are two batches, whose memory is reused. The contents of a batch depend on the seed, the epoch and its index alone, so that
/// every number of threads gives the same bits, and a run can resume in the middle of an epoch.
///
/// ```
/// use netwright_runtime::{Error, Pass, head::Softmax, network::Network};
/// use netwright_train::{loss::CrossEntropy, optim::{Optimizer, Sgd}};
/// use netwright_train::train::{Augmentation, GradientEngine, Loader, Preparation};
/// use netwright_runtime::Tensor;
/// use netwright_train::data::Dataset;
///
/// fn train<N>(network: &mut N, digits: &Dataset<N::Input>) -> Result<(), Error>
/// where
///     N: Network<Scalar = f32, Head = Softmax, Input = Tensor<28, 28, 1>>,
/// {
///     let mut engine = GradientEngine::<N>::new(64, 2)?;
///     let preparation = Preparation::new(1).augment(Augmentation::new().shift(2.0)?);
///     let mut loader = Loader::new(digits, 64, preparation)?.threads(engine.threads());
///     let (mut optimizer, mut step) = (Sgd::new(0.1)?, 0);
///     for epoch in 0..10 {
///         loader.begin(epoch, 0);
///         while let Some(loss) = loader.step(|batch| {
///             let pass = Pass { seed: 1, step, ..Pass::default() };
///             let loss = engine.gradient(network, batch.inputs(), batch.targets(), &CrossEntropy::new(), pass)?;
///             optimizer.step(0.1, N::LAYERS, network.parameters_mut(), engine.gradients().as_slice())?;
///             Ok::<_, Error>(loss)
///         })? {
///             println!("step {step}: loss {:.4}", loss?.mean());
///             step += 1;
///         }
///     }
///     Ok(())
/// }
/// ```
pub struct Loader<P, I, Y, T = Y> {
    sampler: P,
    preparation: Preparation<I, Y, T>,
    threads: Threads,
    samples: usize,
    batch: usize,
    /// A last batch with fewer samples is merged into the batch before.
    least: usize,
    epoch: u64,
    /// The number of batches of the epoch that have been returned.
    made: u64,
    /// Whether the sampler has yet to be positioned in the epoch.
    to_begin: bool,
    current: Batch<I, T>,
    next: Batch<I, T>,
    /// The result of preparing the next batch ahead, if that was done.
    ahead: Option<Result<(), Error>>,
}

/// Allocates two batches of `len` samples.
fn allocate<I, Y, T>(len: usize, preparation: &Preparation<I, Y, T>, origin: &str) -> [Batch<I, T>; 2] {
    let batch = || Batch::with_capacity(len, preparation.partners(len), origin);
    [batch(), batch()]
}

impl<'s, S, I, Y, T> Loader<Shuffled<'s, S>, I, Y, T>
where
    S: Samples<I, Y>,
    I: Stored + Send + Sync,
    Y: Send + Sync,
    T: Send + Sync,
{
    /// Creates a loader of batches of `batch` samples of a set in memory, shuffled anew for each epoch. The last batch of an epoch has the
    /// remaining samples: see [`Loader::join_left_over`]. The loader starts before the first epoch.
    ///
    /// # Errors
    /// [`Error::Setting`] for a batch of 0, [`Error::Empty`] without samples.
    pub fn new(samples: &'s S, batch: usize, preparation: Preparation<I, Y, T>) -> Result<Self, Error> {
        Self::with_sampler(Shuffled::new(samples, preparation.seed()), batch, preparation)
    }
}

impl<P, I, Y, T> Loader<P, I, Y, T>
where
    P: Sampler<I, Y>,
    I: Stored + Send + Sync,
    Y: Send + Sync,
    T: Send + Sync,
{
    /// Creates a loader of batches from any sampler; [`Source::sampler`](super::Source::sampler) returns that of a stream.
    ///
    /// # Errors
    /// [`Error::Setting`] for a batch of 0, [`Error::Empty`] without samples.
    pub fn with_sampler(sampler: P, batch: usize, preparation: Preparation<I, Y, T>) -> Result<Self, Error> {
        count_setting("batch", batch, batch > 0, "at least 1 image")?;
        let samples = sampler.epoch_len();
        if samples == 0 {
            return Err(Error::Empty { origin: sampler.origin().to_owned() });
        }
        let [current, next] = allocate(batch.min(samples), &preparation, sampler.origin());
        Ok(Self {
            sampler,
            preparation,
            threads: Threads::default(),
            samples,
            batch,
            least: 1,
            epoch: 0,
            made: 0,
            to_begin: true,
            current,
            next,
            ahead: None,
        })
    }

    /// Merges the last batch of an epoch into the one before if it has fewer than `least` samples. Use
    /// [`Architecture::FEWEST_IMAGES`](crate::architecture::Architecture::FEWEST_IMAGES) of the network, whose batch normalisation may need
    /// two. The last batch of an epoch then has up to `batch + least − 1` samples. [`Trainer`](super::Trainer) sets this itself.
    pub fn join_left_over(mut self, least: usize) -> Self {
        self.least = least.max(1);
        [self.current, self.next] = allocate(self.capacity(), &self.preparation, self.sampler.origin());
        self
    }

    /// Sets the threads that prepare batches ahead, usually those of the engine that trains on them. Without threads, and with a single one,
    /// each batch is prepared when it is needed.
    pub fn threads(mut self, threads: &Threads) -> Self {
        self.threads = threads.clone();
        self
    }

    /// Returns the number of batches of an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        parts::count(self.samples, self.batch, self.least) as u64
    }

    /// Returns the number of samples of the largest batch.
    pub fn capacity(&self) -> usize {
        parts::largest(self.samples, self.batch, self.least)
    }

    /// Returns the preparation of its samples.
    pub fn preparation(&self) -> &Preparation<I, Y, T> {
        &self.preparation
    }

    /// Returns the settings that must be the same in a run that resumes from a checkpoint.
    pub fn identity(&self) -> Identity {
        Identity {
            seed: self.preparation.seed(),
            batch: self.batch,
            samples: self.samples,
            order: self.sampler.order(),
            settings: self.preparation.settings(),
        }
    }

    /// Moves to batch `batch` of epoch `epoch`, both from 0. With a stream, the next batch opens the stream and reads the samples before
    /// that batch without using them.
    pub fn begin(&mut self, epoch: u64, batch: u64) {
        (self.epoch, self.made, self.to_begin, self.ahead) = (epoch, batch, true, None);
    }

    /// Reads and prepares the next batch into `self.next`.
    fn prepare(&mut self) -> Result<(), Error> {
        let drawn = parts::part(self.samples, self.batch, self.least, self.made as usize);
        if core::mem::take(&mut self.to_begin) {
            self.sampler.begin(self.epoch, drawn.start)?;
        }
        self.sampler.draw(drawn.len())?;
        self.preparation.fill(&mut self.next, &self.sampler, drawn.len(), self.epoch, &self.threads)
    }

    /// Returns the next batch, or `None` at the end of the epoch.
    ///
    /// # Errors
    /// Those of the source ([`Error::Sample`], [`Error::StreamEnd`]), and [`Error::Panicked`] where it or the augmentation
    /// panics. Call [`Loader::begin`] again then.
    pub fn next_batch(&mut self) -> Result<Option<&Batch<I, T>>, Error> {
        if self.made >= self.steps_per_epoch() {
            return Ok(None);
        }
        let prepared = match self.ahead.take() {
            Some(prepared) => prepared,
            None => self.prepare(),
        };
        if let Err(error) = prepared {
            self.to_begin = true;
            return Err(error);
        }
        core::mem::swap(&mut self.current, &mut self.next);
        self.made += 1;
        Ok(Some(&self.current))
    }

    /// Calls `work` with the next batch and, with several threads, prepares the batch after it in parallel. Returns `None` at the end of the
    /// epoch.
    ///
    /// # Errors
    /// As [`Loader::next_batch`]. An error in the batch that is prepared ahead is returned by the next call.
    pub fn step<R: Send>(&mut self, work: impl FnOnce(&Batch<I, T>) -> R + Send) -> Result<Option<R>, Error> {
        if self.next_batch()?.is_none() {
            return Ok(None);
        }
        if self.threads.count() == 1 || self.made >= self.steps_per_epoch() {
            return Ok(Some(work(&self.current)));
        }
        // The current batch is moved out so that `prepare` can borrow the loader; it does not access that batch.
        let current = core::mem::replace(&mut self.current, Batch::with_capacity(0, 0, ""));
        let threads = self.threads.clone();
        let (result, prepared) = threads.both(|| work(&current), || self.prepare());
        (self.current, self.ahead) = (current, Some(prepared));
        Ok(Some(result))
    }
}

impl<P, I, Y, T> core::fmt::Debug for Loader<P, I, Y, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { samples, batch, epoch, made, threads, .. } = self;
        write!(f, "Loader of {samples} samples, batch {batch}: epoch {epoch}, batch {made}, {threads:?}")
    }
}
