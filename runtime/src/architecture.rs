//! What the macro writes for a network: facts as constants, and three passes over flat slices. `core` alone.

use netwright_abi::LANES;
pub use netwright_abi::micro_batch_size;

use crate::Shape;
use crate::context::Context;
use crate::layer::Layer;
use crate::observer::{Observer, Unobserved};
pub use crate::pass::{BackwardRule, Pass};
use crate::plan::Plan;
use crate::prediction_weights::{KeptTensors, PredictionWeights, PreparationPart, Tensors};
use crate::scalar::Precision;
use crate::tensor::{Output, Sample};

/// A network as the compiler sees it. The macro implements it; users reach it through their own type.
///
/// The passes work on flat slices of whole batches: contiguous images, height x width x channels each.
pub trait Architecture: Sized + Send + Sync + 'static {
    /// What it computes with.
    type Scalar: Precision;
    /// One image: `Tensor<28, 28, 1>`, or `[f32; 784]`.
    type Input: Sample<Self::Scalar>;
    /// One answer: `[f32; 10]`, or a `Tensor`.
    type Output: Output<Self::Scalar>;
    /// How it ends, which decides the losses that fit: see [`crate::head`].
    type Head: crate::head::Head;

    /// The type's name.
    const NAME: &'static str;
    /// The trained elements, those of frozen layers too.
    const PARAMETERS: usize;
    /// Those of them that the network's text does not freeze.
    const TRAINABLE: usize = crate::layer::trainable(Self::LAYERS);
    /// The elements that training moves without gradients: moving means and variances.
    const STATISTICS: usize;
    /// Multiply-adds to predict one image.
    const MACS: u64;
    /// The layers on the longest way from the image to the answer, the image included. Each word of the text is a layer, so activations,
    /// normalisations and pools count: the topological depth of slide 31.
    const DEPTH: usize;
    /// The shape of one image.
    const INPUT: Shape;
    /// The shape of one answer.
    const OUTPUT: Shape;
    /// The table of layers.
    const LAYERS: &'static [Layer];
    /// The kernels chosen.
    const PLAN: Plan;
    /// Whether the images of a batch meet each other while training (batch normalisation), so that a batch cannot be cut.
    const BATCH_COUPLED: bool;
    /// What is prepared of the weights for predicting, in elements: [`Self::prepare`].
    const PREPARED: usize;
    /// The parts of [`Self::prepare`], each with the tensors that it reads.
    const PREPARATION: &'static [PreparationPart] = &[];
    /// The tensors that predictions read as they lie.
    const KEPT: KeptTensors =
        KeptTensors { parameters: &[[0, Self::PARAMETERS]], statistics: &[[0, Self::STATISTICS]] };
    /// Tells networks apart, and plans of one network, by all that decides where predictions read what of the weights.
    const FINGERPRINT: u64 = 0;
    /// What is prepared of the weights for a training step of several passes, in elements: [`Self::prepare_step`].
    const STEP_PREPARED: usize = 0;
    /// The layers of [`Self::LAYERS`] whose batch normalisation sees a single value of each channel of an image (a row of features, or an
    /// image of one pixel). Over one image that value is its own mean and becomes 0, so that nothing before it is trained.
    const NORMALISE_ONE_VALUE: &'static [usize];
    /// The fewest images of a training step: 2 for a network that [normalises one value](Self::NORMALISE_ONE_VALUE), else 1. A pass that
    /// keeps the statistics of those layers takes 1.
    const FEWEST_IMAGES: usize = if Self::NORMALISE_ONE_VALUE.is_empty() { 1 } else { 2 };
    /// The memory of a prediction.
    const PREDICTING: Memory;
    /// The second program of a prediction, for blocks of images, where the compiler estimates that it pays.
    const BLOCKS: Option<ImageBlocks> = None;
    /// The memory of a training step.
    const TRAINING: Memory;

    /// Computes what follows from the weights alone, once for all predictions: scales and shifts of folded normalisations, packed
    /// filters. `prepared` is [`Self::PREPARED`] long.
    fn prepare(parameters: &[Self::Scalar], statistics: &[Self::Scalar], prepared: &mut [Self::Scalar]) {
        let (parameters, statistics) = (Tensors::all(parameters), Tensors::all(statistics));
        (0..Self::PREPARATION.len()).for_each(|part| Self::prepare_part(part, parameters, statistics, prepared));
    }

    /// Computes one part of [`Self::prepare`], in order: `parameters` and `statistics` have at least the tensors of its row in
    /// [`Self::PREPARATION`]. `prepared` is whole.
    fn prepare_part(
        _part: usize,
        _parameters: Tensors<'_, Self::Scalar>,
        _statistics: Tensors<'_, Self::Scalar>,
        _prepared: &mut [Self::Scalar],
    ) {
    }

    /// Packs weights, on the threads of `context`, as the passes of a training step read them, for all of its micro-batches. `prepared` is
    /// [`Self::STEP_PREPARED`] long.
    fn prepare_step(_context: &Context<'_>, _parameters: &[Self::Scalar], _prepared: &mut [Self::Scalar]) {}

    /// Computes the answers of `context.batch` images, on its threads.
    ///
    /// `weights` are all, or [`Self::KEPT`], with what [`Self::prepare`] made of them. Lengths: `images` batch x input, `workspace` at
    /// least [`Self::PREDICTING`] for that batch, `outputs` batch x output, `logits` as `outputs`: what goes into the final softmax or
    /// sigmoid, or the answers once more where there is neither; empty where nobody asks for it.
    fn predict_pass<O: Observer<Self::Scalar>>(
        context: &Context<'_>,
        weights: PredictionWeights<'_, Self::Scalar>,
        images: &[Self::Scalar],
        workspace: &mut [Self::Scalar],
        outputs: &mut [Self::Scalar],
        logits: &mut [Self::Scalar],
        observer: &mut O,
    );

    /// [`Self::predict_pass`] for blocks of images, which lie in the lanes of vectors: [`Self::BLOCKS`]. `workspace` is at least what that
    /// asks for. Nobody observes it. A network without such a program predicts by the one it has.
    fn predict_blocks(
        context: &Context<'_>,
        weights: PredictionWeights<'_, Self::Scalar>,
        images: &[Self::Scalar],
        workspace: &mut [Self::Scalar],
        outputs: &mut [Self::Scalar],
        logits: &mut [Self::Scalar],
    ) {
        let unobserved = &mut Unobserved;
        Self::predict_pass(context, weights, images, workspace, outputs, logits, unobserved);
    }

    /// Runs a batch forward as in training: dropout drops, batch normalisation measures and updates `statistics`. `prepared` is what
    /// [`Self::prepare_step`] made of these parameters, or empty: then kernels pack weights themselves, to the same bits. What the
    /// backward pass needs stays in `workspace`, the answer too: [`Self::OUTPUT_SLOT`], [`Self::LOGITS_SLOT`].
    #[allow(clippy::too_many_arguments)]
    fn forward_pass<O: Observer<Self::Scalar>>(
        pass: &Pass,
        parameters: &[Self::Scalar],
        statistics: &mut [Self::Scalar],
        prepared: &[Self::Scalar],
        images: &[Self::Scalar],
        workspace: &mut [Self::Scalar],
        observer: &mut O,
    );

    /// Runs the same batch backward, from the gradient that stands at [`Self::OUTPUT_GRADIENT_SLOT`] (or, after a loss fused
    /// with the head, at [`Self::LOGITS_GRADIENT_SLOT`]), and *adds* to `gradients`; writes the gradient of each image to
    /// `input_gradient` unless that is empty.
    #[allow(clippy::too_many_arguments)]
    fn backward_pass<O: Observer<Self::Scalar>>(
        pass: &Pass,
        seed: GradientSeed,
        parameters: &[Self::Scalar],
        prepared: &[Self::Scalar],
        images: &[Self::Scalar],
        workspace: &mut [Self::Scalar],
        gradients: &mut [Self::Scalar],
        input_gradient: &mut [Self::Scalar],
        observer: &mut O,
    );

    /// Where a training pass leaves its answers in the workspace.
    const OUTPUT_SLOT: BufferSlot;
    /// Where it leaves the values that go into the final softmax or sigmoid; the answers' own place where there is neither.
    const LOGITS_SLOT: BufferSlot;
    /// Where the gradient of the answers belongs.
    const OUTPUT_GRADIENT_SLOT: BufferSlot;
    /// Where the gradient of the logits belongs.
    const LOGITS_GRADIENT_SLOT: BufferSlot;
    /// The gradients of weights that an optimiser's update may compute after a backward pass, in the order of the weights:
    /// [`Pass::fuses_update`].
    const FUSED: &'static [FusedGradient] = &[];
    /// Where the output of each layer of [`Self::LAYERS`] lies after a training forward pass and before the backward pass; a
    /// value computed in place of another has gone and is `None`.
    const ACTIVATIONS: &'static [Option<BufferSlot>];
}

/// The gradient of the weights of a dense layer, LᵀR, that an optimiser's update computes block by block, where nobody else wants it. After a
/// backward pass both factors stand in the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusedGradient {
    /// The layer, by its place in [`Architecture::LAYERS`].
    pub layer: usize,
    /// The place of the first of its weights, `[rows, columns]`, among the parameters.
    pub weights: usize,
    /// Elements of L for each image.
    pub rows: usize,
    /// Elements of R for each image.
    pub columns: usize,
    /// Where L lies, `[images, rows]`; `None` where it is the images themselves.
    pub left: Option<BufferSlot>,
    /// Where R lies, `[images, columns]`; `None` where it is the images themselves.
    pub right: Option<BufferSlot>,
}

impl FusedGradient {
    /// The weights among the parameters.
    pub const fn range(&self) -> core::ops::Range<usize> {
        self.weights..self.weights + self.rows * self.columns
    }
}

/// Which gradient a loss has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GradientSeed {
    /// That of the answers.
    Output,
    /// That of the logits: the loss is fused with the network's head.
    Logits,
}

/// The program of a prediction for blocks of [`LANES`] images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageBlocks {
    /// Its memory; for each image of whole blocks.
    pub memory: Memory,
    /// The fewest images for which a block pays.
    pub fewest: usize,
}

impl ImageBlocks {
    /// How many of `count` images are predicted in blocks: whole blocks, and the rest where they are enough.
    pub const fn images(self, count: usize) -> usize {
        let rest = count % LANES;
        if rest < self.fewest { count - rest } else { count }
    }

    /// The elements of workspace for a batch on one thread.
    pub const fn workspace(self, batch: usize) -> usize {
        self.memory.for_batch(batch.next_multiple_of(LANES))
    }
}

/// How much memory a pass needs, in elements: a fixed part and a part for each image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Of the fixed part, the scratch memory of kernels: each further thread needs as much again.
    pub scratch: usize,
    /// Whatever the batch, on one thread.
    pub fixed: usize,
    /// For each image.
    pub per_image: usize,
}

impl Memory {
    /// The elements for a batch on one thread.
    pub const fn for_batch(self, batch: usize) -> usize {
        self.fixed + self.per_image * batch
    }

    /// The elements for a batch on several threads.
    pub const fn for_threads(self, batch: usize, threads: usize) -> usize {
        self.for_batch(batch) + self.scratch * threads.saturating_sub(1)
    }
}

/// Where a value lies in a workspace behind the scratch memory: `fixed + batch * offset ..`, `batch * len` elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferSlot {
    /// The elements before the part that grows with the batch.
    pub fixed: usize,
    /// Its offset for a batch of one, after the fixed part.
    pub offset: usize,
    /// Its length for one image.
    pub len: usize,
}

impl BufferSlot {
    /// A value at this range of the part that grows with the batch, for a batch of one.
    pub const fn of_image(range: core::ops::Range<usize>) -> Self {
        Self { fixed: 0, offset: range.start, len: range.end - range.start }
    }

    /// The value's range in a workspace used with `batch` images.
    pub const fn range(self, batch: usize) -> core::ops::Range<usize> {
        let start = self.fixed + batch * self.offset;
        start..start + batch * self.len
    }
}
