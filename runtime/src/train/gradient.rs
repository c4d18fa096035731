//! The gradient of a batch, on any number of threads, with the same bits on each.

use core::ops::Range;

use super::target::{Reading, Target};
use super::threads::Threads;
use crate::architecture::{Architecture, Pass};
use crate::error::Error;
use crate::loss::Loss;
use crate::memory::Buffer;
use crate::network::{Gradients, Network, TrainingWorkspace};
use crate::scalar::Scalar;

/// The most pieces a batch is cut in: threads beyond this many find nothing to do.
const MOST_PIECES: usize = 8;
/// Fewer images than this do not fill the kernels.
const SMALLEST_PIECE: usize = 16;
/// All pieces' gradients together stay below this many numbers, for every piece has a buffer as large as the network.
const GRADIENT_NUMBERS: usize = 1 << 25;
/// A network larger than this is not even cut in two.
const LARGEST_CUT: usize = 1 << 27;

/// How many images each piece of a batch has. It depends on the network and the batch, never on threads: floating-point sums
/// depend on how they are cut.
const fn piece_size<N: Architecture>(batch: usize) -> usize {
    if N::BATCH_COUPLED || N::PARAMETERS > LARGEST_CUT {
        return batch;
    }
    let parameters = if N::PARAMETERS == 0 { 1 } else { N::PARAMETERS };
    let fit = GRADIENT_NUMBERS / parameters;
    let pieces = if fit > MOST_PIECES {
        MOST_PIECES
    } else if fit < 2 {
        2
    } else {
        fit
    };
    let size = batch.div_ceil(pieces);
    if size > SMALLEST_PIECE { size } else { SMALLEST_PIECE }
}

/// The loss of a batch and, where answers can be right or wrong, how many were right.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchLoss {
    /// The sum of the losses of all images.
    pub sum: f64,
    /// The images.
    pub images: usize,
    /// The right answers, as the training pass gave them (dropout drops).
    pub hits: Option<usize>,
}

impl BatchLoss {
    /// The loss of a mean image.
    pub fn mean(&self) -> f64 {
        self.sum / self.images.max(1) as f64
    }

    /// The share of right answers, from 0 to 1.
    pub fn accuracy(&self) -> Option<f64> {
        self.hits.map(|hits| hits as f64 / self.images.max(1) as f64)
    }

    /// Adds the images of `other`.
    pub fn add(&mut self, other: &Self) {
        self.hits = match (self.images, self.hits, other.hits) {
            (0, _, hits) => hits,
            (_, Some(a), Some(b)) => Some(a + b),
            _ => None,
        };
        self.sum += other.sum;
        self.images += other.images;
    }
}

/// Computes the gradient of the mean loss of a batch: forward, loss and backward, on one thread or several.
///
/// A batch is cut in pieces whose number depends on the network and the batch alone. Each piece adds to gradients of its own,
/// and the pieces are summed in a fixed order, so that 1, 2 and 7 threads give the same bits. The memory is made by
/// [`GradientEngine::new`]; after that a step allocates nothing.
///
/// It is the part of [`crate::train::Trainer`] to take for a loop of one's own:
///
/// ```ignore
/// let mut engine = GradientEngine::new(64, 2)?;
/// for step in 0..100 {
///     let loss = engine.gradient(&mut network, &images, &labels, &CrossEntropy::default(), Pass { seed: 1, step, ..Pass::default() })?;
///     optimizer.step(0.1, LeNet5::LAYERS, network.parameters_mut(), engine.gradients().as_slice());
/// }
/// ```
pub struct GradientEngine<N: Network> {
    pieces: Vec<Piece<N>>,
    /// Nothing, once for each piece: what a piece is paired with when its images lie elsewhere.
    nothing: Vec<()>,
    piece_size: usize,
    capacity: usize,
    threads: Threads,
}

/// What one piece of a batch works with.
pub(crate) struct Piece<N: Network> {
    workspace: TrainingWorkspace<N>,
    gradients: Gradients<N>,
    /// A copy, so that pieces do not meet and a failed step leaves the network as it was.
    statistics: Buffer<N::Scalar>,
    loss: BatchLoss,
    failure: Option<Error>,
}

/// What all pieces of a step share.
pub(crate) struct Step<'a, N: Network> {
    pub(crate) parameters: &'a [N::Scalar],
    pub(crate) statistics: &'a [N::Scalar],
    /// The seed and step; a piece fills in its images.
    pub(crate) pass: Pass,
    /// The images of the whole batch.
    pub(crate) batch: usize,
}

impl<N: Network> Piece<N> {
    /// Forward, loss and backward of the images of this piece, which start at `first` in their batch. `input_gradient` may be
    /// empty.
    pub(crate) fn run<Y: Target, L: Loss<N::Head, Y>>(
        &mut self,
        step: &Step<'_, N>,
        first: usize,
        inputs: &[N::Input],
        targets: &[Y],
        loss: &L,
        input_gradient: &mut [N::Scalar],
    ) -> Result<(), Error> {
        let pass = Pass { batch: inputs.len(), first_image: first, ..step.pass };
        self.statistics.copy_from_slice(step.statistics);
        self.gradients.clear();
        self.workspace.forward(pass, step.parameters, &mut self.statistics, inputs)?;
        let scale = N::Scalar::from_f64(1.0 / step.batch as f64);
        let (values, gradient) = self.workspace.loss_operands(L::SEED);
        let sum = loss.evaluate(values, targets, scale, gradient);
        self.loss = BatchLoss { sum, images: inputs.len(), hits: count_hits(self.workspace.outputs(), targets) };
        self.workspace.backward(pass, L::SEED, step.parameters, inputs, &mut self.gradients, input_gradient)?;
        Ok(())
    }

    /// The first layer whose output is NaN or infinite, found by going forward again (the backward pass has reused the
    /// memory of the activations).
    fn first_not_finite(
        &mut self,
        step: &Step<'_, N>,
        first: usize,
        inputs: &[N::Input],
    ) -> Result<Option<&'static str>, Error> {
        let finite = |numbers: &[N::Scalar]| numbers.iter().all(|number| number.is_finite());
        if !finite(crate::tensor::Sample::many(inputs)) {
            return Ok(Some("the input"));
        }
        let pass = Pass { batch: inputs.len(), first_image: first, ..step.pass };
        self.statistics.copy_from_slice(step.statistics);
        self.workspace.forward(pass, step.parameters, &mut self.statistics, inputs)?;
        let layers = N::LAYERS.iter().enumerate();
        let mut broken = layers.filter(|(index, _)| self.workspace.activation(*index).is_some_and(|v| !finite(v)));
        Ok(broken.next().map(|(_, layer)| layer.name))
    }
}

/// How many answers hit their targets.
pub(crate) fn count_hits<N, Y>(answers: &[N], targets: &[Y]) -> Option<usize> {
    let _ = (answers, targets);
    None
}
