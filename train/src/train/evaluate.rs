//! Evaluation of a network on samples.

use super::batch_loss::BatchLoss;
use super::finite::broken_input;
use super::samples::Samples;
use super::target::{Target, score};
use crate::architecture::GradientSeed;
use crate::error::Error;
use crate::loss::Loss;
use crate::memory::{Stored, copies, zeros};
use crate::network::Network;
use crate::tensor::Sample;
use crate::threads::Threads;

/// The number of images in one batch of an evaluation. Losses are summed per group, so that the sum does not depend on the number of threads.
const GROUP: usize = 64;

/// Computes the loss and, where answers can be right or wrong, the accuracy of `network` on `samples`. The network runs as in prediction (no
/// dropout, moving statistics), on the caller's thread.
///
/// A loss that is fused with a head reads logits, as in training. For the same weights, images and targets the loss is therefore that of a training
/// pass, up to the rounding of its sum in double precision, unless the network uses dropout, statistics of the batch or mixed labels in training.
///
/// # Errors
/// [`Error::Empty`] without samples; [`Error::Label`], [`Error::Target`] or [`Error::Length`] for targets that do not fit;
/// [`Error::Input`] where the loss is not finite because an input is not.
pub fn evaluate<N, Y, S, L>(network: &N, samples: &S, loss: &L) -> Result<BatchLoss, Error>
where
    N: Network<Input: Clone>,
    Y: Target,
    S: Samples<N::Input, Y> + ?Sized,
    L: Loss<N::Head, Y>,
{
    // A reference to any samples is `Sized`, and so converts to `dyn Samples`: the evaluation is compiled once for all kinds.
    let samples: &dyn Samples<N::Input, Y> = &samples;
    check::<N, Y, L>(samples, loss, samples.origin())?;
    let found = Evaluator::new(samples.len()).run(network, samples, loss, &Threads::default(), &mut []);
    explained::<N, Y>(found, samples, samples.origin())
}

/// Returns the answers of `network` for all samples.
pub fn predict_all<N, Y, S>(network: &N, samples: &S) -> Vec<N::Output>
where
    N: Network<Input: Clone>,
    S: Samples<N::Input, Y> + ?Sized,
{
    let mut answers = Vec::with_capacity(samples.len());
    for first in (0..samples.len()).step_by(GROUP) {
        let images = copies((first..samples.len().min(first + GROUP)).map(|index| samples.input(index)));
        answers.append(&mut network.predict_batch(&images));
    }
    answers
}

/// Refuses an empty set and targets that the loss cannot compare; `origin` is the name of the set in errors.
pub(crate) fn check<N, Y, L>(samples: &dyn Samples<N::Input, Y>, loss: &L, origin: &str) -> Result<(), Error>
where
    N: Network,
    Y: Target,
    L: Loss<N::Head, Y>,
{
    if samples.is_empty() {
        return Err(Error::Empty { origin: origin.to_owned() });
    }
    for index in 0..samples.len() {
        let target = core::slice::from_ref(samples.target(index));
        loss.check(N::OUTPUT, target, origin).map_err(|error| error.of_sample(origin, &|_| index))?;
    }
    Ok(())
}

/// Returns the loss on `samples`, or an error where it is not finite because one of their inputs is not; `origin` is their name in errors.
pub(crate) fn explained<N, Y>(
    found: BatchLoss,
    samples: &dyn Samples<N::Input, Y>,
    origin: &str,
) -> Result<BatchLoss, Error>
where
    N: Network,
{
    if found.sum.is_finite() {
        return Ok(found);
    }
    for sample in 0..samples.len() {
        if broken_input(core::slice::from_ref(samples.input(sample))).is_some() {
            return Err(Error::Input { origin: origin.to_owned(), sample });
        }
    }
    Ok(found)
}

/// The partial sums of an evaluation; the memory is reused.
#[derive(Debug)]
pub(crate) struct Evaluator {
    groups: Vec<BatchLoss>,
}

impl Evaluator {
    pub(crate) fn new(samples: usize) -> Self {
        Self { groups: vec![BatchLoss::default(); samples.div_ceil(GROUP)] }
    }

    /// Evaluates on `threads`, with the same bits for any number of them. The answers are copied to `kept`, which has room for
    /// all of them or is empty.
    pub(crate) fn run<N, Y, L>(
        &mut self,
        network: &N,
        samples: &dyn Samples<N::Input, Y>,
        loss: &L,
        threads: &Threads,
        kept: &mut [N::Output],
    ) -> BatchLoss
    where
        N: Network<Input: Clone>,
        Y: Target,
        L: Loss<N::Head, Y>,
    {
        let one = |index: usize, group: &mut BatchLoss, kept: &mut &mut [N::Output]| {
            let range = index * GROUP..samples.len().min((index + 1) * GROUP);
            let images = copies(range.clone().map(|index| samples.input(index)));
            let targets = copies(range.map(|index| samples.target(index)));
            let mut answers: Vec<N::Output> = zeros(images.len());
            let fused = L::SEED == GradientSeed::Logits;
            let mut logits: Vec<N::Output> = zeros(if fused { images.len() } else { 0 });
            if fused {
                network.predict_with_logits(&images, &mut answers, &mut logits);
            } else {
                network.predict_batch_into(&images, &mut answers);
            }
            let score = score::<N, Y>(&answers, &targets);
            for (kept, answer) in kept.iter_mut().zip(&answers) {
                answer.assign_to(kept);
            }
            let values = Sample::many(if fused { &logits } else { &answers });
            *group = BatchLoss { sum: loss.value(values, &targets), images: targets.len(), score };
        };
        let (mut kept, mut rows) = (kept.chunks_mut(GROUP), Vec::with_capacity(self.groups.len()));
        for _ in &self.groups {
            rows.push(kept.next().unwrap_or_default());
        }
        threads.each(&mut self.groups, &mut rows, &one);
        let mut total = BatchLoss::default();
        self.groups.iter().for_each(|group| total.add(group));
        total
    }
}
