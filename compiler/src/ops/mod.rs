//! The meaning of operations: one file for each. An operation knows its output's shape, its weights, the kernel calls that
//! compute it, the calls that compute its gradients, and its cost. [`Op`] is closed: its delegating matches are the checklist.

mod activation;
mod add;
mod batchnorm;
mod concat;
mod conv;
mod conv_kernels;
mod conv_table;
mod conv_work;
mod deconv;
mod dense;
mod depthwise;
mod distance;
mod dropout;
mod expand;
mod fold;
mod layernorm;
mod lowering_context;
mod lrn;
mod multiply;
mod pack;
mod pad;
mod pool;
mod prelu;
mod relayout;
mod reshape;
mod scale;
mod separable;
mod shuffle;
mod slice;
mod softmax;
mod subsample;
mod upsample;

pub use activation::Activation;
pub use add::Add;
pub use batchnorm::BatchNorm;
pub use concat::Concat;
pub use conv::Conv;
pub(crate) use conv_kernels::{CHOICES, DIRECT, GEMM};
pub use conv_table::ConvTable;
pub use deconv::Deconv;
pub use dense::Dense;
pub use depthwise::Depthwise;
pub use distance::Distance;
pub use dropout::Dropout;
pub use expand::Expand;
pub use fold::{Fold, Foldable};
pub use layernorm::LayerNorm;
pub(crate) use lowering_context::{ForwardKernel, InputGradientKernel};
pub use lowering_context::{GradientContext, LoweringContext};
pub use lrn::Lrn;
pub use multiply::Multiply;
pub use pack::{Pack, Packing};
pub use pad::{Crop, ZeroPad};
pub use pool::{Pool, PoolKind};
pub use prelu::Prelu;
pub use relayout::Relayout;
pub(crate) use relayout::relayout_cost;
pub use reshape::Reshape;
pub use scale::Scale;
pub use shuffle::Shuffle;
pub use slice::Slice;
pub use softmax::{LogSoftmax, Softmax};
pub use subsample::Subsample;
pub use upsample::Upsample;

use netwright_abi::spec::conv as conv_spec;
use netwright_abi::{Activation as Function, Axes};

use crate::graph::{Epilogue, Extent, Head, Init, ParameterKind, Value};
use crate::kernel_call::KernelCall;
use crate::selection::{Candidate, Direction};
use crate::shape::Shape;

/// What every operation answers.
pub(crate) trait Operation {
    /// Its name in dumps.
    fn name(&self) -> &'static str;
    /// The shape it makes of its inputs, or why it does not fit them.
    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError>;
    /// Its weights.
    fn tensors(&self, _inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        Vec::new()
    }
    /// The lengths of the fixed values its forward pass saves for its backward pass.
    fn saved(&self, _inputs: &[Shape]) -> Vec<usize> {
        Vec::new()
    }
    /// The ways to compute it in a direction; none where there is one kernel for it.
    fn candidates(&self, _direction: Direction, _inputs: &[Shape], _output: Shape) -> Vec<Candidate> {
        Vec::new()
    }
    /// The candidates that the text may ask for.
    fn kernels(&self, _inputs: &[Shape], _output: Shape) -> Vec<&'static str> {
        Vec::new()
    }
    /// The candidate that the text asks for.
    fn asked(&self) -> Option<&'static str> {
        None
    }
    /// Where it is an ordinary layer with weights that are computed from its own: what computes them, and that layer.
    fn expanded(&self, _inputs: &[Shape]) -> Option<[Op; 2]> {
        None
    }
    /// The calls that compute its output.
    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall>;
    /// The calls that compute the gradients of its inputs and add those of its weights.
    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall>;
    /// Whether it makes a series of a series.
    fn keeps_axes(&self) -> bool {
        true
    }
    /// Multiply-adds for one image.
    fn macs(&self, _inputs: &[Shape], _output: Shape) -> u64 {
        0
    }
    /// The head it would be for a network.
    fn head(&self) -> Head {
        Head::Linear
    }
    /// Whether the images of a batch meet in it while training.
    fn couples_batch(&self) -> bool {
        false
    }
    /// Over how many elements of one image it takes each variance that it divides by while training; `None` where it takes none over a batch.
    fn normalised_together(&self, _inputs: &[Shape]) -> Option<usize> {
        None
    }
    /// Whether an activation after it acts on its input as if there were nothing between.
    fn passes_sign(&self) -> bool {
        false
    }
    /// Whether its kernels can do this to the elements they compute before these leave the cache: see [`crate::graph::Epilogue`].
    fn takes_epilogue(&self, _part: EpiloguePart) -> bool {
        false
    }
    /// Whether the kernel that was selected for it when predicting can store a pool of the values alone that it computes with an epilogue.
    fn can_pool(&self, _selected: &str, _epilogue: &Epilogue, _pool: &Pool) -> bool {
        false
    }
    /// The sizes of the depthwise convolution that it is, and what its weights are called, where another kernel can compute rows of it for itself.
    fn depthwise(&self, _at: &LoweringContext<'_>) -> Option<(conv_spec::Spec, &'static str)> {
        None
    }
    /// Whether the kernel that was selected for it when predicting can compute the [depthwise](Self::depthwise) convolution that it reads.
    fn can_follow_depthwise(&self, _at: &LoweringContext<'_>) -> bool {
        false
    }
    /// Whether its gradient reads its output, which while training must then stay as it is.
    fn gradient_reads_output(&self) -> bool {
        false
    }
    /// Whether its gradient goes through this activation in its epilogue by itself, from the gradient of what the activation returns.
    fn gradient_takes(&self, _activation: Function) -> bool {
        false
    }
    /// Whether the gradient of its only input can be added to what stands in its place.
    fn adds_gradient(&self, _at: &LoweringContext<'_>) -> bool {
        false
    }
    /// What it would be as a part of the epilogue of the node before it.
    fn as_epilogue(&self) -> Option<EpiloguePart> {
        None
    }
    /// How it computes images in the lanes, if it has kernels for that.
    fn in_lanes(&self, _inputs: &[Shape], _output: Shape) -> Option<InLanes> {
        None
    }
}

/// How an operation computes [`Layout::ImagesInLanes`](netwright_abi::Layout::ImagesInLanes).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InLanes {
    /// Whether by a kernel of its own; else its kernel treats all channels alike, so that it can take a block of images for one image of so
    /// many times more channels.
    pub by_own_kernel: bool,
    /// Estimated time for one image, channels last and in the lanes, in multiply-adds of a full-speed kernel.
    pub costs: [f64; 2],
}

impl InLanes {
    /// The name of kernels that compute images in the lanes.
    pub(crate) const KERNEL: &'static str = "lanes";

    /// A kernel that treats all channels alike, and takes as long in either layout.
    pub(crate) const ALIKE: Self = Self { by_own_kernel: false, costs: [0.0; 2] };

    /// A kernel for the layout.
    pub(crate) fn by_own_kernel(cost_channels_last: f64, cost: f64) -> Self {
        Self { by_own_kernel: true, costs: [cost_channels_last, cost] }
    }
}

/// A part of an epilogue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EpiloguePart {
    /// A factor and a summand for each channel, when predicting.
    Affine(Foldable),
    /// Another value, which is added.
    Sum,
    /// A function of each element.
    Activation(Function),
}

macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        /// Every operation there is.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum Op {
            $($name($name)),*
        }
        impl Op {
            fn operation(&self) -> &dyn Operation {
                match self {
                    $(Self::$name(operation) => operation),*
                }
            }
        }
        $(
            impl From<$name> for Op {
                fn from(operation: $name) -> Self {
                    Self::$name(operation)
                }
            }
        )*
    };
}

operations![
    Activation, Add, BatchNorm, Concat, Conv, ConvTable, Crop, Deconv, Dense, Depthwise, Distance, Dropout, Expand,
    Fold, LayerNorm, LogSoftmax, Lrn, Multiply, Pack, Pool, Prelu, Relayout, Reshape, Scale, Shuffle, Slice, Softmax,
    Subsample, Upsample, ZeroPad,
];

/// What operations see of their inputs: see [`Shape::as_image`].
fn images(inputs: &[Shape]) -> Vec<Shape> {
    inputs.iter().map(|input| input.as_image()).collect()
}

impl Op {
    /// Its name in dumps.
    pub fn name(&self) -> &'static str {
        self.operation().name()
    }
    /// The shape it makes of its inputs.
    ///
    /// # Errors
    /// [`ShapeError`] where it does not fit them.
    pub fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let is_series = inputs.iter().any(|input| matches!(input, Shape::Series { .. }));
        let shape = match self.operation().infer(&images(inputs)) {
            Ok(shape) if is_series && self.operation().keeps_axes() => shape.as_series(),
            Ok(shape) => shape,
            Err(error) if is_series => return Err(error.of_series()),
            Err(error) => return Err(error),
        };
        shape.checked().ok_or_else(|| {
            ShapeError::new(format!("its output of {shape} would hold more than 2^31 elements"))
                .help("make the layer or its input smaller")
        })
    }
    /// Its weights.
    pub fn tensors(&self, inputs: &[Shape], output: Shape) -> Vec<TensorSpec> {
        self.operation().tensors(&images(inputs), output.as_image())
    }
    /// Where it is an ordinary layer with weights that are computed from its own: what computes them, and that layer, which reads them
    /// behind its input.
    pub fn expanded(&self, inputs: &[Shape]) -> Option<[Self; 2]> {
        self.operation().expanded(&images(inputs))
    }
    /// The calls that compute its output.
    pub fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        self.operation().forward(at)
    }
    /// The calls that compute the gradients of its inputs and add those of its weights.
    pub fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        self.operation().gradient(at)
    }
    /// The lengths of what its forward pass saves.
    pub fn saved(&self, inputs: &[Shape]) -> Vec<usize> {
        self.operation().saved(&images(inputs))
    }
    /// The ways to compute it in a direction; none where there is one kernel for it.
    pub fn candidates(&self, direction: Direction, inputs: &[Shape], output: Shape) -> Vec<Candidate> {
        self.operation().candidates(direction, &images(inputs), output.as_image())
    }
    /// The candidates that the text may ask for, whichever directions have them.
    pub fn kernels(&self, inputs: &[Shape], output: Shape) -> Vec<&'static str> {
        self.operation().kernels(&images(inputs), output.as_image())
    }
    /// The candidate that the text asks for, whichever directions have it.
    pub fn asked(&self) -> Option<&'static str> {
        self.operation().asked()
    }
    /// Multiply-adds for one image.
    pub fn macs(&self, inputs: &[Shape], output: Shape) -> u64 {
        self.operation().macs(&images(inputs), output.as_image())
    }
    /// The head it would be for a network.
    pub fn head(&self) -> Head {
        self.operation().head()
    }
    /// Whether the images of a batch meet in it while training.
    pub fn couples_batch(&self) -> bool {
        self.operation().couples_batch()
    }
    /// Over how many elements of one image it takes each variance that it divides by while training; `None` where it takes none over a batch.
    pub fn normalised_together(&self, inputs: &[Shape]) -> Option<usize> {
        self.operation().normalised_together(inputs)
    }
    /// Whether an activation after it acts on its input as if there were nothing between: pooling, reshaping, normalising.
    pub fn passes_sign(&self) -> bool {
        self.operation().passes_sign()
    }
    /// Whether its kernels can do this to the elements they compute before these leave the cache.
    pub fn takes_epilogue(&self, part: EpiloguePart) -> bool {
        self.operation().takes_epilogue(part)
    }
    /// Whether the kernel that was selected for it when predicting can store a pool of the values alone that it computes with an epilogue.
    pub fn can_pool(&self, selected: &str, epilogue: &Epilogue, pool: &Pool) -> bool {
        self.operation().can_pool(selected, epilogue, pool)
    }
    /// The sizes of the depthwise convolution that it is, and what its weights are called, where another kernel can compute rows of it for itself.
    pub fn depthwise(&self, at: &LoweringContext<'_>) -> Option<(conv_spec::Spec, &'static str)> {
        self.operation().depthwise(at)
    }
    /// Whether the kernel that was selected for it when predicting can compute the [depthwise](Self::depthwise) convolution that it reads.
    pub fn can_follow_depthwise(&self, at: &LoweringContext<'_>) -> bool {
        self.operation().can_follow_depthwise(at)
    }
    /// Whether its gradient reads its output.
    pub fn gradient_reads_output(&self) -> bool {
        self.operation().gradient_reads_output()
    }
    /// Whether its gradient goes through this activation in its epilogue by itself.
    pub fn gradient_takes(&self, activation: Function) -> bool {
        self.operation().gradient_takes(activation)
    }
    /// Whether the gradient of its only input can be added to what stands in its place.
    pub fn adds_gradient(&self, at: &LoweringContext<'_>) -> bool {
        self.operation().adds_gradient(at)
    }
    /// How it computes images in the lanes, if it has kernels for that.
    pub fn in_lanes(&self, inputs: &[Shape], output: Shape) -> Option<InLanes> {
        self.operation().in_lanes(&images(inputs), output.as_image())
    }
    /// What it would be as a part of the epilogue of the node before it.
    pub fn as_epilogue(&self) -> Option<EpiloguePart> {
        self.operation().as_epilogue()
    }
}

/// Why an operation does not fit its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// What does not fit, in the shapes that met.
    pub message: String,
    /// What would.
    pub help: Option<String>,
}

impl ShapeError {
    /// What does not fit.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }
    /// The same of a series.
    fn of_series(self) -> Self {
        let text = |text: String| crate::shape::text_of_series(&text);
        Self { message: text(self.message), help: self.help.map(text) }
    }
    /// What would.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A tensor that an operation wants.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// `kernel`, `bias`, …
    pub name: &'static str,
    /// What it is for.
    pub kind: ParameterKind,
    /// Sizes, slowest first.
    pub shape: Vec<usize>,
    /// What these are sizes of.
    pub axes: Axes,
    /// Inputs that meet in one output.
    pub fan_in: usize,
    /// Outputs that one input reaches.
    pub fan_out: usize,
    /// How it starts unless the layer says otherwise.
    pub init: Option<Init>,
}

impl TensorSpec {
    /// Weights between `fan_in` inputs and `fan_out` outputs.
    pub fn weight(name: &'static str, axes: Axes, shape: Vec<usize>, fan_in: usize, fan_out: usize) -> Self {
        Self { name, kind: ParameterKind::Weight, shape, axes, fan_in, fan_out, init: None }
    }
    /// One number for each of `len` outputs, `value` to begin with.
    pub fn vector(name: &'static str, kind: ParameterKind, len: usize, value: f64) -> Self {
        let (shape, init) = (vec![len], Some(Init::Constant(value)));
        Self { name, kind, shape, axes: Axes::Channels, fan_in: 1, fan_out: 1, init }
    }
}

/// Whether a pass predicts or trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Dropout is absent, statistics are frozen.
    Predicting,
    /// Dropout drops, statistics are measured.
    Training,
}

impl Phase {
    /// What is computed in it.
    pub const fn directions(self) -> &'static [Direction] {
        match self {
            Self::Predicting => &[Direction::Predicting],
            Self::Training => &[Direction::Forward, Direction::InputGradient, Direction::WeightGradient],
        }
    }

    /// The way forward in it.
    pub const fn forward(self) -> Direction {
        match self {
            Self::Predicting => Direction::Predicting,
            Self::Training => Direction::Forward,
        }
    }
}

/// A value of so many fixed elements.
pub(crate) fn fixed(len: usize) -> Value {
    Value { extent: Extent::Fixed(len), ..Value::of_images(Shape::Flat(len)) }
}

/// A value of so many elements that follow from the weights alone.
pub(crate) fn prepared(len: usize) -> Value {
    Value { extent: Extent::Prepared(len), ..Value::of_images(Shape::Flat(len)) }
}

/// That a tensor of weights would be too large to index.
pub(crate) fn refuse_enormous_weights(sizes: &[usize]) -> Result<(), ShapeError> {
    let len = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(size as u64));
    if len.is_some_and(|len| len <= crate::shape::LARGEST_VALUE) {
        return Ok(());
    }
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    Err(ShapeError::new(format!("its {} weights would be more than 2^31", sizes.join("x")))
        .help("use a smaller window, or fewer channels and filters"))
}

/// The image an operation needs, or a shape error that says how it became flat. A window of `extent` is to fit.
pub(crate) fn image(shape: Shape, what: &str, extent: [usize; 2]) -> Result<[usize; 3], ShapeError> {
    if let Some(sizes) = shape.as_image().image_sizes() {
        return Ok(sizes);
    }
    let features = shape.len();
    // The square that the features fill, if they do.
    let root = features.isqrt();
    let [height, width] = match extent {
        [1, wide] if wide > 1 => [1, features],
        [tall, 1] if tall > 1 => [features, 1],
        _ if root * root == features => [root, root],
        _ => [1, 1],
    };
    let channels = features / (height * width);
    Err(ShapeError::new(format!("{what} needs an image, and its input is flat: {features} features in a row")).help(format!(
        "put it before the layer that flattens, or turn the features into an image: `reshape {height}x{width}x{channels}`"
    )))
}
