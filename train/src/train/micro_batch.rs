//! One micro-batch: the forward pass of its images, their loss, and the backward pass; optionally with an attack before.

use core::ops::Range;

use super::adversarial::AdversarialTraining;
use super::batch_loss::BatchLoss;
use super::finite::{FirstBroken, broken_forward};
use super::target::{Target, score};
use crate::error::Error;
use crate::loss::Loss;
use crate::memory::{Buffer, Stored};
use crate::network::Network;
use crate::network::{Gradients, TrainingWorkspace};
use crate::pass::Pass;
use crate::random::{Random, key};
use crate::scalar::Scalar;
use crate::step_weights::StepWeights;
use crate::tensor::{Output, Sample};
use crate::threads::Threads;

/// The purpose of random draws for attacks; it is part of the key, so that one seed serves all purposes.
const ATTACKING: u64 = 18;

/// The memory of one micro-batch.
pub(crate) struct MicroBatch<N: Network> {
    pub(super) workspace: TrainingWorkspace<N>,
    pub(super) gradients: Gradients<N>,
    /// A copy, so that micro-batches are independent and a failed step leaves the network unchanged.
    pub(super) statistics: Buffer<N::Scalar>,
    pub(super) loss: BatchLoss,
    pub(super) failure: Option<Error>,
}

/// The values that all micro-batches of a step share.
pub(crate) struct Step<'a, N: Network> {
    pub(super) weights: StepWeights<'a, N::Scalar>,
    pub(super) statistics: &'a [N::Scalar],
    /// The seed and step; each micro-batch adds its images.
    pub(super) pass: Pass<'a>,
    /// The number of images in the whole batch.
    pub(super) batch: usize,
    /// The ranges of parameters whose gradients the passes compute.
    pub(super) computed: &'a [Range<usize>],
}

impl<N: Network> Clone for Step<'_, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N: Network> Copy for Step<'_, N> {}

impl<N: Network> MicroBatch<N> {
    /// Allocates memory for up to `images` images, whose kernels share `threads`.
    pub(super) fn new(images: usize, threads: Threads) -> Self {
        Self {
            workspace: TrainingWorkspace::on(images, threads),
            gradients: N::gradients(),
            statistics: Buffer::zeros(N::STATISTICS),
            loss: BatchLoss::default(),
            failure: None,
        }
    }

    /// Runs forward, loss and backward on the images of this micro-batch, which start at index `first` in their batch. `input_gradient` may be
    /// empty.
    pub(crate) fn run<Y: Target, L: Loss<N::Head, Y>>(
        &mut self,
        step: Step<'_, N>,
        first: usize,
        inputs: &[N::Input],
        targets: &[Y],
        loss: &L,
        input_gradient: &mut [N::Scalar],
    ) -> Result<(), Error> {
        let pass = Pass { batch: inputs.len(), first_image: first, ..step.pass };
        self.statistics.copy_from_slice(step.statistics);
        for range in step.computed {
            self.gradients.as_mut_slice()[range.clone()].fill(N::Scalar::ZERO);
        }
        let unwatched = &mut FirstBroken::default();
        self.workspace.forward_observed(pass, step.weights, &mut self.statistics, inputs, unwatched)?;
        let scale = N::Scalar::from_f64(1.0 / step.batch as f64);
        let (values, gradient) = self.workspace.loss_operands(L::SEED);
        let sum = loss.evaluate(values, targets, scale, gradient);
        if !sum.is_finite() {
            loss.check(N::OUTPUT, targets, "the batch")?;
            self.statistics.copy_from_slice(step.statistics);
            let (statistics, workspace) = (&mut self.statistics, &mut self.workspace);
            let origin = broken_forward(pass, inputs, step.weights.parameters(), statistics, workspace)?;
            return Err(Error::NotFinite { step: pass.step, origin, checkpoint: None });
        }
        let score = score::<N, Y>(self.workspace.outputs(), targets);
        self.loss = BatchLoss { sum, images: inputs.len(), score };
        self.workspace.backward(pass, L::SEED, step.weights, inputs, &mut self.gradients, input_gradient)?;
        Ok(())
    }
}

/// Adversarial training with functions for the type of inputs.
pub(crate) struct Attacking<N: Network> {
    training: AdversarialTraining,
    copy: fn(&mut Vec<N::Input>, &[N::Input]),
    numbers: fn(&mut [N::Input]) -> &mut [N::Scalar],
}

impl<N: Network> core::fmt::Debug for Attacking<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.training.fmt(f)
    }
}

impl<N: Network> Clone for Attacking<N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N: Network> Copy for Attacking<N> {}

impl<N: Network> Attacking<N> {
    pub(crate) fn new(training: AdversarialTraining) -> Self
    where
        N::Input: Output<N::Scalar>,
    {
        let copy = |copies: &mut Vec<N::Input>, images: &[N::Input]| {
            copies.clear();
            images.iter().for_each(|image| image.append_to(copies));
        };
        Self { training, copy, numbers: Output::many_mut }
    }
}

/// The attacked images of one micro-batch, and the gradient of the loss with respect to them.
pub(super) struct Attacked<N: Network> {
    attacking: Attacking<N>,
    images: Vec<N::Input>,
    slopes: Vec<N::Scalar>,
}

impl<N: Network> Attacked<N> {
    /// Allocates memory for up to `images` images.
    pub(super) fn new(attacking: Attacking<N>, images: usize) -> Self {
        let slopes = vec![N::Scalar::ZERO; images * N::Input::LEN];
        Self { attacking, images: Vec::with_capacity(images), slopes }
    }

    /// Returns the number of passes that attack the images of a step.
    pub(super) fn passes(&self) -> usize {
        self.attacking.training.attack.iterations()
    }

    /// Copies the images of a micro-batch, and moves a share of them along the gradient of their loss.
    pub(super) fn images<Y: Target, L: Loss<N::Head, Y>>(
        &mut self,
        step: Step<'_, N>,
        first: usize,
        clean: &[N::Input],
        targets: &[Y],
        loss: &L,
        micro_batch: &mut MicroBatch<N>,
    ) -> Result<&[N::Input], Error> {
        let AdversarialTraining { attack, share } = self.attacking.training;
        (self.attacking.copy)(&mut self.images, clean);
        let slopes = &mut self.slopes[..clean.len() * N::Input::LEN];
        for _ in 0..attack.iterations() {
            micro_batch.run(step, first, &self.images, targets, loss, slopes)?;
            for (index, clean) in clean.iter().enumerate() {
                let image = (first + index) as u64;
                let drawn = Random::new(key(step.pass.seed, step.pass.step, ATTACKING, image)).uniform();
                if drawn < share {
                    let slopes = &slopes[index * N::Input::LEN..][..N::Input::LEN];
                    let changed = (self.attacking.numbers)(&mut self.images[index..=index]);
                    attack.advance(clean.elements(), changed, slopes);
                }
            }
        }
        Ok(&self.images)
    }
}
