//! The code that the macro generates for a network: facts as constants, and passes over flat slices. It needs `core` alone.

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

/// A network as the compiler describes it. The macro implements this trait; users reach it through their own type.
///
/// The passes work on flat slices of whole batches: contiguous images, height x width x channels each.
pub trait Architecture: Sized + Send + Sync + 'static {
    /// The element type of all computations.
    type Scalar: Precision;
    /// The type of one image: `Tensor<28, 28, 1>`, or `[f32; 784]`.
    type Input: Sample<Self::Scalar>;
    /// The type of one answer: `[f32; 10]`, or a `Tensor`.
    type Output: Output<Self::Scalar>;
    /// The final activation, which decides which losses fit: see [`crate::head`].
    type Head: crate::head::Head;

    /// The name of the type.
    const NAME: &'static str;
    /// The number of trained elements, those of frozen layers included.
    const PARAMETERS: usize;
    /// The number of trained elements that the network's text does not freeze.
    const TRAINABLE: usize = crate::layer::trainable(Self::LAYERS);
    /// The number of elements that training updates without gradients: moving means and variances.
    const STATISTICS: usize;
    /// The number of multiply-adds to predict one image.
    const MACS: u64;
    /// The number of layers on the longest path from the image to the answer, the image included. Each word of the text is a layer, so
    /// activations, normalisations and pools count: the topological depth of slide 31.
    const DEPTH: usize;
    /// The shape of one image.
    const INPUT: Shape;
    /// The shape of one answer.
    const OUTPUT: Shape;
    /// The table of layers.
    const LAYERS: &'static [Layer];
    /// The selected kernels.
    const PLAN: Plan;
    /// Whether training computes statistics over the images of a batch (batch normalisation), so that a batch cannot be split.
    const BATCH_COUPLED: bool;
    /// The number of prepared elements for predictions: [`Self::prepare`].
    const PREPARED: usize;
    /// The parts of [`Self::prepare`], each with the tensors that it reads.
    const PREPARATION: &'static [PreparationPart] = &[];
    /// The tensors that predictions read unchanged.
    const KEPT: KeptTensors =
        KeptTensors { parameters: &[[0, Self::PARAMETERS]], statistics: &[[0, Self::STATISTICS]] };
    /// A hash of all that decides which weights predictions read, and where: it tells networks apart, and plans of one network.
    const FINGERPRINT: u64 = 0;
    /// The number of prepared elements for a training step of several passes: [`Self::prepare_step`].
    const STEP_PREPARED: usize = 0;
    /// The layers of [`Self::LAYERS`] whose batch normalisation has a single value per channel of an image (a row of features, or an
    /// image of one pixel). Over one image that value is its own mean and becomes 0, so that nothing before it is trained.
    const NORMALISE_ONE_VALUE: &'static [usize];
    /// The smallest number of images in a training step: 2 for a network that [normalises one value](Self::NORMALISE_ONE_VALUE), else 1. A
    /// pass that keeps the statistics of those layers accepts 1.
    const FEWEST_IMAGES: usize = if Self::NORMALISE_ONE_VALUE.is_empty() { 1 } else { 2 };
    /// The memory of a prediction.
    const PREDICTING: Memory;
    /// The second program for predictions, which processes blocks of images, if the compiler estimates that it pays.
    const BLOCKS: Option<ImageBlocks> = None;
    /// The memory of a training step.
    const TRAINING: Memory;

    /// Computes the prepared weights, which depend on the weights alone, once for all predictions: scales and shifts of folded normalisations,
    /// packed filters. `prepared` has [`Self::PREPARED`] elements.
    fn prepare(parameters: &[Self::Scalar], statistics: &[Self::Scalar], prepared: &mut [Self::Scalar]) {
        let (parameters, statistics) = (Tensors::all(parameters), Tensors::all(statistics));
        (0..Self::PREPARATION.len()).for_each(|part| Self::prepare_part(part, parameters, statistics, prepared));
    }

    /// Computes one part of [`Self::prepare`]. Parts run in order. `parameters` and `statistics` contain at least the tensors of the part in
    /// [`Self::PREPARATION`]; `prepared` is the whole buffer.
    fn prepare_part(
        _part: usize,
        _parameters: Tensors<'_, Self::Scalar>,
        _statistics: Tensors<'_, Self::Scalar>,
        _prepared: &mut [Self::Scalar],
    ) {
    }

    /// Packs weights for all micro-batches of a training step, on the threads of `context`. `prepared` has [`Self::STEP_PREPARED`]
    /// elements.
    fn prepare_step(_context: &Context<'_>, _parameters: &[Self::Scalar], _prepared: &mut [Self::Scalar]) {}

    /// Computes the answers for `context.batch` images, on the threads of `context`.
    ///
    /// `weights` are all weights, or those in [`Self::KEPT`], with the output of [`Self::prepare`]. Lengths: `images` batch x input, `workspace`
    /// at least [`Self::PREDICTING`] for that batch, `outputs` batch x output, `logits` the same as `outputs`, or empty if it is not needed.
    /// `logits` receives the inputs of the final softmax or sigmoid, or the answers if the network ends in another layer.
    fn predict_pass<O: Observer<Self::Scalar>>(
        context: &Context<'_>,
        weights: PredictionWeights<'_, Self::Scalar>,
        images: &[Self::Scalar],
        workspace: &mut [Self::Scalar],
        outputs: &mut [Self::Scalar],
        logits: &mut [Self::Scalar],
        observer: &mut O,
    );

    /// Computes the same as [`Self::predict_pass`] by the program for blocks of images, which are interleaved in the lanes of vectors:
    /// [`Self::BLOCKS`], which also says how long `workspace` must be. No observer is called. A network without such a program runs the usual
    /// one.
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

    /// Runs a batch forward as in training: dropout drops, batch normalisation computes its statistics over the batch and updates
    /// `statistics`. `prepared` is the output of [`Self::prepare_step`] for these parameters, or empty: then kernels pack weights themselves, to
    /// the same bits. The values that the backward pass needs stay in `workspace`, also the answers: [`Self::OUTPUT_SLOT`],
    /// [`Self::LOGITS_SLOT`].
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

    /// Runs the same batch backward, from the gradient at [`Self::OUTPUT_GRADIENT_SLOT`] (or, after a loss that is fused
    /// with the head, at [`Self::LOGITS_GRADIENT_SLOT`]), and *adds* to `gradients`. The gradient of each image is written to
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

    /// The slot of the answers in the workspace of a training pass.
    const OUTPUT_SLOT: BufferSlot;
    /// The slot of the inputs of the final softmax or sigmoid; the slot of the answers if the network ends in another layer.
    const LOGITS_SLOT: BufferSlot;
    /// The slot of the gradient of the answers.
    const OUTPUT_GRADIENT_SLOT: BufferSlot;
    /// The slot of the gradient of the logits.
    const LOGITS_GRADIENT_SLOT: BufferSlot;
    /// The gradients of weights that an optimiser's update may compute itself after a backward pass, in the order of the weights:
    /// [`Pass::fuses_update`].
    const FUSED: &'static [FusedGradient] = &[];
    /// The slot of each layer's output in [`Self::LAYERS`] after a forward pass in training and before the backward pass; `None` if
    /// its memory was reused.
    const ACTIVATIONS: &'static [Option<BufferSlot>];
}

/// The gradient of the weights of a dense layer, LᵀR, that an optimiser's update computes block by block, if nothing else reads it. After a
/// backward pass both factors are in the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusedGradient {
    /// The index of the layer in [`Architecture::LAYERS`].
    pub layer: usize,
    /// The offset of its weights, `[rows, columns]`, among the parameters.
    pub weights: usize,
    /// Elements of L per image.
    pub rows: usize,
    /// Elements of R per image.
    pub columns: usize,
    /// The slot of L, `[images, rows]`; `None` if L is the images themselves.
    pub left: Option<BufferSlot>,
    /// The slot of R, `[images, columns]`; `None` if R is the images themselves.
    pub right: Option<BufferSlot>,
}

impl FusedGradient {
    /// Returns the range of its weights among the parameters.
    pub const fn range(&self) -> core::ops::Range<usize> {
        self.weights..self.weights + self.rows * self.columns
    }
}

/// Selects the gradient that a loss has written, from which the backward pass starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GradientSeed {
    /// The gradient of the answers.
    Output,
    /// The gradient of the logits: the loss is fused with the network's head.
    Logits,
}

/// The program of a prediction for blocks of [`LANES`] images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageBlocks {
    /// Its memory, for a batch that is rounded up to whole blocks.
    pub memory: Memory,
    /// The smallest number of images for which an incomplete block pays.
    pub fewest: usize,
}

impl ImageBlocks {
    /// Returns how many of `count` images are predicted in blocks: all whole blocks, and the remainder if it is large enough.
    pub const fn images(self, count: usize) -> usize {
        let rest = count % LANES;
        if rest < self.fewest { count - rest } else { count }
    }

    /// Returns the elements of workspace for a batch on one thread.
    pub const fn workspace(self, batch: usize) -> usize {
        self.memory.for_batch(batch.next_multiple_of(LANES))
    }
}

/// The memory that a pass needs, in elements: a fixed part and a part for each image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The scratch memory of kernels within the fixed part; each further thread needs as much again.
    pub scratch: usize,
    /// The memory that does not depend on the batch, for one thread.
    pub fixed: usize,
    /// The memory for each image.
    pub per_image: usize,
}

impl Memory {
    /// Returns the elements for a batch on one thread.
    pub const fn for_batch(self, batch: usize) -> usize {
        self.fixed + self.per_image * batch
    }

    /// Returns the elements for a batch on several threads.
    pub const fn for_threads(self, batch: usize, threads: usize) -> usize {
        self.for_batch(batch) + self.scratch * threads.saturating_sub(1)
    }
}

/// The position of a value in a workspace, counted from the end of the scratch memory: `fixed + batch * offset ..`, `batch * len` elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferSlot {
    /// The elements before the part of the workspace that grows with the batch.
    pub fixed: usize,
    /// Its offset after the fixed part, for a batch of one.
    pub offset: usize,
    /// Its length for one image.
    pub len: usize,
}

impl BufferSlot {
    /// Creates a slot from a range of the part that grows with the batch, for a batch of one.
    pub const fn of_image(range: core::ops::Range<usize>) -> Self {
        Self { fixed: 0, offset: range.start, len: range.end - range.start }
    }

    /// Returns the value's range in a workspace for `batch` images.
    pub const fn range(self, batch: usize) -> core::ops::Range<usize> {
        let start = self.fixed + batch * self.offset;
        start..start + batch * self.len
    }
}
