//! The gradient of a batch, on any number of threads with the same bits.

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use super::adversarial::AdversarialTraining;
use super::batch_loss::BatchLoss;
use super::finite::broken_input;
use super::fused::Fusion;
use super::micro_batch::{Attacked, Attacking, MicroBatch, Step};
use super::target::Target;
use crate::architecture::Architecture;
use crate::context::Context;
use crate::error::{Error, Origin};
use crate::kernels::{Kernels, add};
use crate::loss::Loss;
use crate::network::Gradients;
use crate::network::Network;
use crate::once::Once;
use crate::pass::{Pass, PassError};
use crate::scalar::Scalar;
use crate::step_weights::PreparedStep;
use crate::tensor::Output;
use crate::threads::Threads;

/// Returns the number of images of the largest micro-batch of a batch.
const fn micro_batch_size<N: Architecture>(batch: usize) -> usize {
    crate::architecture::micro_batch_size(N::PARAMETERS, N::MACS, N::BATCH_COUPLED, batch)
}

/// Computes the gradient of the mean loss of a batch: forward, loss and backward, on one thread or several.
///
/// A batch is divided into micro-batches whose number depends on the network and the batch alone. Each micro-batch accumulates gradients of its
/// own, and these are summed in a fixed order, so that 1, 2 and 7 threads give the same bits. [`GradientEngine::new`] allocates the memory;
/// after that a step allocates nothing (with several threads: inside [`GradientEngine::install`]).
///
/// [`Trainer`](crate::train::Trainer) uses it; so can a training loop of your own:
///
/// ```
/// use netwright_runtime::{Error, Pass, head::Softmax, network::Network};
/// use netwright_train::{loss::CrossEntropy, optim::{Optimizer, Sgd}};
/// use netwright_train::train::GradientEngine;
///
/// fn train<N>(network: &mut N, images: &[N::Input], labels: &[usize]) -> Result<(), Error>
/// where
///     N: Network<Scalar = f32, Head = Softmax>,
/// {
///     let mut engine = GradientEngine::<N>::new(images.len(), 2)?;
///     let mut optimizer = Sgd::new(0.1)?;
///     for step in 0..100 {
///         let pass = Pass { seed: 1, step, ..Pass::default() };
///         let loss = engine.gradient(network, images, labels, &CrossEntropy::new(), pass)?;
///         println!("step {step}: loss {:.4}", loss.mean());
///         optimizer.step(0.1, N::LAYERS, network.parameters_mut(), engine.gradients().as_slice())?;
///     }
///     Ok(())
/// }
/// ```
///
/// # Batch normalisation
///
/// Batch normalisation computes statistics over all images of a batch, so the batch is not divided, and threads share its kernels one by
/// one, unless [`GradientEngine::ghost_batches`] normalises small groups of images separately.
pub struct GradientEngine<N: Network> {
    pub(super) micro_batches: Vec<MicroBatch<N>>,
    /// The attacked images of each micro-batch, in adversarial training.
    pub(super) attacked: Vec<Option<Attacked<N>>>,
    /// The packed weights that all passes of a step read, if a step has several passes.
    prepared: Option<PreparedStep<N>>,
    pub(super) fusion: Fusion<N::Scalar>,
    micro_batch_size: usize,
    capacity: usize,
    pub(super) threads: Threads,
}

/// Returns the number of micro-batches of up to `size` images in a batch. None has fewer than `fewest` images, so that an odd image of ghost
/// batches of two makes one of three.
fn micro_batch_count(batch: usize, size: usize, fewest: usize) -> usize {
    batch.div_ceil(size).min(batch / fewest).max(1)
}

/// Returns the number of images in the largest micro-batch of a batch of up to `batch`.
fn largest_micro_batch<N: Architecture>(batch: usize, size: usize) -> usize {
    size.max(2 * N::FEWEST_IMAGES - 1).min(batch)
}

/// Returns the range of micro-batch `index` of `micro_batches`, where `batch` images are divided as evenly as possible.
pub(super) fn micro_batch_range(batch: usize, micro_batches: usize, index: usize) -> Range<usize> {
    index * batch / micro_batches..(index + 1) * batch / micro_batches
}

impl<N: Network> GradientEngine<N> {
    /// Creates an engine for batches of up to `batch` images on `threads` threads; 1 means the caller's own thread.
    ///
    /// # Errors
    /// [`Error::Setting`] where either is 0 or there are more than 1024 threads, [`Error::Threads`] where the system cannot start them.
    pub fn new(batch: usize, threads: usize) -> Result<Self, Error> {
        Self::cut_by(batch, micro_batch_size::<N>(batch), threads)
    }

    /// Creates an engine that divides a batch into micro-batches of up to `images` images, in each of which batch normalisation computes its own
    /// mean and variance: "ghost batches" (Hoffer et al., 2017), as in training on several devices. The moving statistics are updated
    /// by the mean over the micro-batches. Training gives other weights than without, often slightly better ones, and uses as many threads as
    /// there are micro-batches.
    ///
    /// # Errors
    /// As [`GradientEngine::new`]; [`Error::Setting`] for fewer than 2 images, which have no variance.
    pub fn ghost_batches(batch: usize, images: usize, threads: usize) -> Result<Self, Error> {
        ghost_batch(images)?;
        Self::cut_by(batch, images, threads)
    }

    fn cut_by(batch: usize, micro_batch_size: usize, threads: usize) -> Result<Self, Error> {
        crate::error::count_setting("batch", batch, batch > 0, "at least 1 image")?;
        let threads = Threads::new(threads)?;
        let micro_batch_size = micro_batch_size.min(batch);
        let count = micro_batch_count(batch, micro_batch_size, N::FEWEST_IMAGES);
        // Threads share the micro-batches; if there is only one, they share its kernels.
        let inside = if count == 1 { threads.clone() } else { Threads::default() };
        let images = largest_micro_batch::<N>(batch, micro_batch_size);
        let (mut micro_batches, mut attacked) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for _ in 0..count {
            micro_batches.push(MicroBatch::new(images, inside.clone()));
            attacked.push(None);
        }
        let prepared = (count > 1).then(PreparedStep::default);
        let fusion = Fusion::new(N::FUSED, N::PARAMETERS, batch, threads.count());
        Ok(Self { micro_batches, attacked, prepared, fusion, micro_batch_size, capacity: batch, threads })
    }

    /// Attacks a share of each batch with the current weights, before its gradient is computed (slide 16).
    pub fn adversarial(self, training: AdversarialTraining) -> Self
    where
        N::Input: Output<N::Scalar>,
    {
        self.attack(Attacking::new(training))
    }

    pub(crate) fn attack(mut self, attacking: Attacking<N>) -> Self {
        let images = self.micro_batch_size();
        self.attacked.fill_with(|| Some(Attacked::new(attacking, images)));
        self.prepared.get_or_insert_default();
        self
    }

    /// Returns the number of images of the largest batch.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns the number of images of the largest micro-batch; a batch is divided as evenly as possible.
    pub fn micro_batch_size(&self) -> usize {
        largest_micro_batch::<N>(self.capacity, self.micro_batch_size)
    }

    /// Runs `work` on one of the engine's threads. Steps inside of it allocate nothing, while steps outside are queued, which
    /// allocates.
    pub fn install<R: Send>(&mut self, work: impl FnOnce(&mut Self) -> R + Send) -> R {
        let threads = self.threads.clone();
        threads.install(|| work(self))
    }

    /// Computes the gradient of the mean loss of these images: see [`GradientEngine::gradients`]. Updates the network's
    /// statistics (the moving means and variances of batch normalisation), not its parameters. `pass` has the seed and the step.
    ///
    /// # Errors
    /// [`Error::Count`] where the numbers of targets and inputs differ, [`Error::Pass`] for no images, for more than
    /// [`GradientEngine::capacity`], or for one where the network needs two ([`PassError::OneValue`]), [`Error::Label`] or [`Error::Target`]
    /// for a target that the loss cannot compare, and [`Error::NotFinite`] where the loss or the gradient is NaN or infinite. The network is
    /// unchanged then. A sample is named by its index in the batch: see [`Batch::name_sample`](super::Batch::name_sample).
    pub fn gradient<Y: Target, L: Loss<N::Head, Y>>(
        &mut self,
        network: &mut N,
        inputs: &[N::Input],
        targets: &[Y],
        loss: &L,
        pass: Pass,
    ) -> Result<BatchLoss, Error> {
        self.fusion.stop();
        let used = self.passes(network, inputs, targets, loss, pass)?;
        self.gather(network, inputs, pass, used)
    }

    /// Runs the micro-batches of a batch forward and backward, and returns their number. Each micro-batch stores its own error.
    pub(super) fn passes<Y: Target, L: Loss<N::Head, Y>>(
        &mut self,
        network: &N,
        inputs: &[N::Input],
        targets: &[Y],
        loss: &L,
        pass: Pass,
    ) -> Result<usize, Error> {
        if inputs.len() != targets.len() {
            let origin = "the batch".to_owned();
            return Err(Error::Count { origin, inputs: inputs.len(), targets: targets.len() });
        }
        let batch = inputs.len();
        if batch == 0 || batch > self.capacity {
            return Err(PassError::Capacity { capacity: self.capacity, found: batch }.into());
        }
        let used = micro_batch_count(batch, self.micro_batch_size, N::FEWEST_IMAGES);
        let passes = used * (1 + self.attacked[0].as_ref().map_or(0, Attacked::passes));
        // Weights may have changed since the last step, so they are packed once per step, before any pass.
        let weights = match &mut self.prepared {
            Some(prepared) if passes > 1 => prepared.prepare(network.parameters(), &self.threads),
            _ => network.parameters().into(),
        };
        let pass = Pass { fuses_update: self.fusion.is_on(), ..pass.or_isa(network.weights_ref().isa()) };
        let step = Step { weights, statistics: network.statistics(), pass, batch, computed: self.fusion.computed() };
        let micro_batches = &mut self.micro_batches[..used];
        self.threads.each(micro_batches, &mut self.attacked[..used], &|index, micro_batch, attacked| {
            let images = micro_batch_range(batch, used, index);
            let (first, inputs, targets) = (images.start, &inputs[images.clone()], &targets[images]);
            let inputs = match attacked {
                None => Ok(inputs),
                Some(attacked) => attacked.images(step, first, inputs, targets, loss, micro_batch),
            };
            let made = inputs.and_then(|inputs| micro_batch.run(step, first, inputs, targets, loss, &mut []));
            micro_batch.failure = made.err();
        });
        Ok(used)
    }

    /// Returns whether a pass of the first `used` micro-batches has failed.
    pub(super) fn has_failed(&self, used: usize) -> bool {
        self.micro_batches[..used].iter().any(|micro_batch| micro_batch.failure.is_some())
    }

    /// Sums losses and gradients of the first `used` micro-batches, and checks that they are finite.
    pub(super) fn gather(
        &mut self,
        network: &mut N,
        inputs: &[N::Input],
        pass: Pass,
        used: usize,
    ) -> Result<BatchLoss, Error> {
        self.sum(network, pass, used).map_err(|error| match error {
            // A rectifier or a maximum can hide a NaN in an input from the loss, but not from the gradient.
            Error::NotFinite { step, origin: Origin::Gradient(layer), checkpoint } => {
                let origin = broken_input(inputs).map_or(Origin::Gradient(layer), Origin::BatchInput);
                Error::NotFinite { step, origin, checkpoint }
            }
            other => other,
        })
    }

    /// Returns the gradients of the last batch. After [`GradientEngine::step`], those that its update computed are 0, unless the engine
    /// [keeps](GradientEngine::keep_gradients) them.
    pub fn gradients(&self) -> &Gradients<N> {
        &self.micro_batches[0].gradients
    }

    /// Returns the gradients of the last batch, mutable, to clip or to scale.
    pub fn gradients_mut(&mut self) -> &mut Gradients<N> {
        &mut self.micro_batches[0].gradients
    }

    /// Returns its threads, to share them with other parts: [`Loader::threads`](super::Loader::threads).
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// Sums losses and gradients of the first `used` micro-batches.
    fn sum(&mut self, network: &mut N, pass: Pass, used: usize) -> Result<BatchLoss, Error> {
        let micro_batches = &mut self.micro_batches[..used];
        let mut loss = BatchLoss::default();
        for micro_batch in &mut *micro_batches {
            if let Some(failure) = micro_batch.failure.take() {
                return Err(failure);
            }
            loss.add(&micro_batch.loss);
        }
        let Some((total, parts)) = micro_batches.split_first_mut() else { return Ok(loss) };
        let (parts, finite) = (&*parts, AtomicBool::new(true));
        for range in self.fusion.computed() {
            self.threads.stretches(&mut total.gradients.as_mut_slice()[range.clone()], &|start, total| {
                let spec = add::Spec { len: total.len(), activation: None };
                for part in parts {
                    let part = &part.gradients.as_slice()[range.start + start..][..total.len()];
                    <N::Scalar as Kernels>::add_assign(&Context::of(1), &spec, part, total);
                }
                finite.fetch_and(N::Scalar::all_finite(total), Ordering::Relaxed);
            });
        }
        if !finite.into_inner()
            && let Some(origin) = N::Scalar::broken_gradient(N::LAYERS, total.gradients.as_slice())
        {
            return Err(Error::NotFinite { step: pass.step, origin, checkpoint: None });
        }
        N::Scalar::clear_frozen(N::LAYERS, &pass, micro_batches[0].gradients.as_mut_slice());
        move_statistics(network.statistics_mut(), micro_batches);
        Ok(loss)
    }
}

/// Updates the moving statistics after a batch: the mean over its micro-batches, weighted by their numbers of images.
fn move_statistics<N: Network>(statistics: &mut [N::Scalar], micro_batches: &[MicroBatch<N>]) {
    if let [only] = micro_batches {
        return statistics.copy_from_slice(&only.statistics);
    }
    let mut images = 0;
    for micro_batch in micro_batches {
        images += micro_batch.loss.images;
    }
    for (index, statistic) in statistics.iter_mut().enumerate() {
        let first = micro_batches.first().map_or(*statistic, |micro_batch| micro_batch.statistics[index]);
        if micro_batches.iter().all(|micro_batch| micro_batch.statistics[index] == first) {
            // Equal values, above all frozen ones, are copied, since the mean could round them.
            *statistic = first;
            continue;
        }
        let mut weighted = 0.0;
        for micro_batch in micro_batches {
            weighted += micro_batch.loss.images as f64 * micro_batch.statistics[index].to_f64();
        }
        *statistic = N::Scalar::from_f64(weighted / images as f64);
    }
}

/// Refuses ghost batches that are too small for batch normalisation.
pub(crate) fn ghost_batch(images: usize) -> Result<(), Error> {
    crate::error::count_setting("ghost batch", images, images > 1, "at least 2 images")
}

impl<N: Network> core::fmt::Debug for GradientEngine<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { micro_batches, micro_batch_size, threads, .. } = self;
        write!(
            f,
            "GradientEngine<{}>: {} micro-batches of {micro_batch_size} images, {threads:?}",
            N::NAME,
            micro_batches.len()
        )
    }
}
