//! The preparation of samples for a batch: copying, augmentation, mixup.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::augment::{Augment, Mix, MixTarget, Mixup};
use super::batch::Batch;
use super::source::{Drawn, Sampler};
use crate::error::{Error, panic_message};
use crate::memory::Stored;
use crate::random::{Random, key};
use crate::settings::Settings;
use crate::threads::Threads;

/// The purposes of random draws; each is part of the key, so that one seed serves all of them.
const AUGMENTING: u64 = 16;
const MIXING: u64 = 17;

/// The number of images that one thread prepares at a time.
const SAMPLES_PER_TASK: usize = 8;

/// Mixup with its functions for inputs and targets.
struct Mixing<I, Y, T> {
    mixup: Mixup,
    inputs: fn(&mut I, &I, f64),
    targets: fn(&Y, &Y, f64, &mut T),
}

/// The preparation of samples for a batch: they are copied, and optionally augmented (slide 15) and mixed.
///
/// All random draws depend on the seed, the epoch and the index of the sample alone. `Y` is the type of the data's targets, `T` the type of the
/// targets in training, which differs where labels are mixed.
///
/// ```
/// use netwright_train::train::{Augmentation, Mixup, Preparation};
/// use netwright_runtime::Tensor;
///
/// let preparation: Preparation<Tensor<28, 28, 1>, usize> = Preparation::new(1);
/// let preparation = preparation.augment(Augmentation::new().shift(2.0)?).mixup(Mixup::new(0.2)?);
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
pub struct Preparation<I, Y, T = Y> {
    seed: u64,
    augment: Option<Box<dyn Augment<I>>>,
    mixing: Option<Mixing<I, Y, T>>,
    /// Writes the target of a sample that is not mixed: `make` appends it to a vector, `write` overwrites another.
    make: fn(&Y, &mut Vec<T>),
    write: fn(&Y, &mut T),
}

impl<I, Y: Stored> Preparation<I, Y> {
    /// Creates a preparation that only copies; the order of samples is drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            augment: None,
            mixing: None,
            make: |target, targets| target.append_to(targets),
            write: |target, copy| target.assign_to(copy),
        }
    }
}

impl<I, Y, T> Preparation<I, Y, T> {
    /// Returns the seed of the order of samples, of augmentation and of mixup.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Describes its settings for checkpoints.
    pub(super) fn settings(&self) -> Settings {
        Settings::new()
            .with_set("the augmentation", self.augment.as_ref().map(|augment| augment.describe()))
            .with_set("mixup", self.mixing.as_ref().map(|mixing| format!("{:?}", mixing.mixup)))
    }

    /// Returns how many buffers for partner inputs a mixup of `count` samples needs.
    pub(super) fn partners(&self, count: usize) -> usize {
        if self.mixing.is_some() { count.div_ceil(SAMPLES_PER_TASK) } else { 0 }
    }

    /// Replaces the seed.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Replaces inputs by changed copies: see [`Augmentation`](super::augment::Augmentation).
    pub fn augment(mut self, augment: impl Augment<I> + 'static) -> Self {
        self.augment = Some(Box::new(augment));
        self
    }

    /// Blends each sample with another, after augmentation of both. Labels become [`MixedLabel`](super::augment::MixedLabel)s.
    pub fn mixup(self, mixup: Mixup) -> Preparation<I, Y, Y::Mixed>
    where
        I: Mix,
        Y: MixTarget,
    {
        Preparation {
            seed: self.seed,
            augment: self.augment,
            mixing: Some(Mixing { mixup, inputs: I::mix, targets: Y::mixed }),
            make: Y::push_unmixed,
            write: |target, mixed| target.mixed(target, 1.0, mixed),
        }
    }
}

/// A range of a batch, with one buffer for a partner input per [`SAMPLES_PER_TASK`] samples.
struct BatchSlice<'b, I, T> {
    first: usize,
    inputs: &'b mut [I],
    targets: &'b mut [T],
    partners: &'b mut [I],
    partner_numbers: &'b mut [u64],
}

impl<I, T> BatchSlice<'_, I, T> {
    /// Splits it in two at a multiple of [`SAMPLES_PER_TASK`].
    fn halve(&mut self) -> (BatchSlice<'_, I, T>, BatchSlice<'_, I, T>) {
        let tasks = self.inputs.len().div_ceil(SAMPLES_PER_TASK) / 2;
        let middle = tasks * SAMPLES_PER_TASK;
        let (low_inputs, high_inputs) = self.inputs.split_at_mut(middle);
        let (low_targets, high_targets) = self.targets.split_at_mut(middle);
        let (low_partners, high_partners) = self.partners.split_at_mut(tasks.min(self.partners.len()));
        let (low_numbers, high_numbers) = self.partner_numbers.split_at_mut(middle.min(self.partner_numbers.len()));
        (
            BatchSlice {
                first: self.first,
                inputs: low_inputs,
                targets: low_targets,
                partners: low_partners,
                partner_numbers: low_numbers,
            },
            BatchSlice {
                first: self.first + middle,
                inputs: high_inputs,
                targets: high_targets,
                partners: high_partners,
                partner_numbers: high_numbers,
            },
        )
    }
}

impl<I: Stored + Send + Sync, Y: Sync, T: Send> Preparation<I, Y, T> {
    /// Fills a batch with the `count` samples that `sampler` has drawn in `epoch`. Once there was a batch as large as this one, it
    /// allocates nothing.
    ///
    /// # Errors
    /// [`Error::Panicked`] where the augmentation panics, for the first such sample of the batch.
    pub(crate) fn fill<P: Sampler<I, Y>>(
        &self,
        batch: &mut Batch<I, T>,
        sampler: &P,
        count: usize,
        epoch: u64,
        threads: &Threads,
    ) -> Result<(), Error> {
        while batch.inputs.len() < count {
            let sample = sampler.at(batch.inputs.len());
            sample.input.append_to(&mut batch.inputs);
            (self.make)(sample.target, &mut batch.targets);
        }
        let partners = self.partners(count);
        while batch.partners.len() < partners {
            sampler.at(0).input.append_to(&mut batch.partners);
        }
        batch.len = count;
        batch.numbers.clear();
        for index in 0..count {
            batch.numbers.push(sampler.at(index).number);
        }
        batch.partner_numbers.clear();
        batch.partner_numbers.resize(if self.mixing.is_some() { count } else { 0 }, 0);
        let part = BatchSlice {
            first: 0,
            inputs: &mut batch.inputs[..count],
            targets: &mut batch.targets[..count],
            partners: &mut batch.partners[..partners],
            partner_numbers: &mut batch.partner_numbers,
        };
        self.fill_part(part, sampler, epoch, threads)
    }

    fn fill_part<P: Sampler<I, Y>>(
        &self,
        mut part: BatchSlice<'_, I, T>,
        sampler: &P,
        epoch: u64,
        threads: &Threads,
    ) -> Result<(), Error> {
        if threads.count() > 1 && part.inputs.len() > SAMPLES_PER_TASK {
            let (low, high) = part.halve();
            let (low, high) = threads.both(
                || self.fill_part(low, sampler, epoch, threads),
                || self.fill_part(high, sampler, epoch, threads),
            );
            return low.and(high);
        }
        for index in 0..part.inputs.len() {
            let sample = sampler.at(part.first + index);
            self.copy(&sample, &mut part.inputs[index..=index], epoch, AUGMENTING, sampler)?;
            match &self.mixing {
                None => (self.write)(sample.target, &mut part.targets[index]),
                Some(Mixing { mixup, inputs, targets }) => {
                    let mut random = Random::new(key(self.seed, epoch, MIXING, sample.number));
                    let share = mixup.share(&mut random);
                    let other = sampler.partner(&mut random);
                    part.partner_numbers[index] = other.number;
                    let partner = &mut part.partners[index / SAMPLES_PER_TASK..=index / SAMPLES_PER_TASK];
                    // Another key than that of `other` as a sample of its own, so that the partner is augmented independently.
                    self.copy(&other, partner, epoch, AUGMENTING ^ (MIXING << 8), sampler)?;
                    inputs(&mut part.inputs[index], &partner[0], share);
                    targets(sample.target, other.target, share, &mut part.targets[index]);
                }
            }
        }
        Ok(())
    }

    /// Copies one input to `copy[0]`, augmented if that is set.
    fn copy<P: Sampler<I, Y>>(
        &self,
        sample: &Drawn<'_, I, Y>,
        copy: &mut [I],
        epoch: u64,
        purpose: u64,
        sampler: &P,
    ) -> Result<(), Error> {
        let Some(augment) = &self.augment else {
            sample.input.assign_to(&mut copy[0]);
            return Ok(());
        };
        let mut random = Random::new(key(self.seed, epoch, purpose, sample.number));
        // After a panic the copy may be incomplete; it is overwritten before it is read.
        let changed = catch_unwind(AssertUnwindSafe(|| augment.augment(sample.input, &mut copy[0], &mut random)));
        changed.map_err(|panic| Error::Panicked {
            origin: sampler.origin().to_owned(),
            sample: sample.number,
            what: "its augmentation",
            message: panic_message(&*panic),
        })
    }
}

impl<I, Y, T> core::fmt::Debug for Preparation<I, Y, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (augmented, mixed) = (self.augment.is_some(), self.mixing.is_some());
        write!(f, "Preparation: seed {}, augmented: {augmented}, mixed: {mixed}", self.seed)
    }
}
