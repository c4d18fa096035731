//! The operations: one file each. An operation defines its output's shape, its weights, the kernel calls that compute it and its
//! gradients, and its cost. [`Op`] is a closed enumeration: the macro `operations!` lists its variants, and the trait `Operation` their
//! properties.

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

/// The interface of every operation.
pub(crate) trait Operation {
    /// Its name in dumps.
    fn name(&self) -> &'static str;
    /// The output's shape, or an error that says why the inputs do not fit.
    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError>;
    /// Its weights.
    fn tensors(&self, _inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        Vec::new()
    }
    /// The lengths of the fixed values its forward pass saves for its backward pass.
    fn saved(&self, _inputs: &[Shape]) -> Vec<usize> {
        Vec::new()
    }
    /// The alternative kernels for a direction; empty where there is only one.
    fn candidates(&self, _direction: Direction, _inputs: &[Shape], _output: Shape) -> Vec<Candidate> {
        Vec::new()
    }
    /// The candidates that the text may select by name.
    fn kernels(&self, _inputs: &[Shape], _output: Shape) -> Vec<&'static str> {
        Vec::new()
    }
    /// The candidate that the text selects.
    fn asked(&self) -> Option<&'static str> {
        None
    }
    /// For an operation that reduces to an ordinary layer with weights computed from its own: the operation that computes them, and
    /// that layer.
    fn expanded(&self, _inputs: &[Shape]) -> Option<[Op; 2]> {
        None
    }
    /// The calls that compute its output.
    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall>;
    /// The calls that compute the gradients of its inputs and accumulate those of its weights.
    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall>;
    /// Whether its output is a series where its input is one.
    fn keeps_axes(&self) -> bool {
        true
    }
    /// Multiply-adds for one image.
    fn macs(&self, _inputs: &[Shape], _output: Shape) -> u64 {
        0
    }
    /// The head of a network whose last operation it is.
    fn head(&self) -> Head {
        Head::Linear
    }
    /// Whether the result for one image depends on the other images of the batch in training.
    fn couples_batch(&self) -> bool {
        false
    }
    /// The number of elements of one image in each variance that it computes over a batch in training; `None` for operations that
    /// compute none.
    fn normalised_together(&self, _inputs: &[Shape]) -> Option<usize> {
        None
    }
    /// Whether it preserves signs, so that an activation after it acts as if it were applied to its input.
    fn passes_sign(&self) -> bool {
        false
    }
    /// Whether its kernels support this part of an epilogue: see [`crate::graph::Epilogue`].
    fn takes_epilogue(&self, _part: EpiloguePart) -> bool {
        false
    }
    /// Whether the kernel selected for predictions can store only a pool of the elements that it computes with an epilogue.
    fn can_pool(&self, _selected: &str, _epilogue: &Epilogue, _pool: &Pool) -> bool {
        false
    }
    /// For a depthwise convolution whose rows another kernel can compute: its sizes, and the name of its weights.
    fn depthwise(&self, _at: &LoweringContext<'_>) -> Option<(conv_spec::Spec, &'static str)> {
        None
    }
    /// Whether the kernel selected for predictions can compute the [depthwise](Self::depthwise) convolution before it.
    fn can_follow_depthwise(&self, _at: &LoweringContext<'_>) -> bool {
        false
    }
    /// Whether its gradient reads its output, which must then not be changed in training.
    fn gradient_reads_output(&self) -> bool {
        false
    }
    /// Whether its gradient kernel also applies the derivative of this activation, the epilogue of its forward kernel, and thus takes
    /// the gradient of the activation's output.
    fn gradient_takes(&self, _activation: Function) -> bool {
        false
    }
    /// Whether the gradient of its only input can accumulate into the previous contents of its destination.
    fn adds_gradient(&self, _at: &LoweringContext<'_>) -> bool {
        false
    }
    /// The epilogue part that it can become for the node before it.
    fn as_epilogue(&self) -> Option<EpiloguePart> {
        None
    }
    /// How it computes images in the lanes, if it has such kernels.
    fn in_lanes(&self, _inputs: &[Shape], _output: Shape) -> Option<InLanes> {
        None
    }
}

/// How an operation computes [`Layout::ImagesInLanes`](netwright_abi::Layout::ImagesInLanes).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InLanes {
    /// Whether it has a kernel for this layout. Otherwise its kernel treats all channels alike, so that a block of images is passed as
    /// one image with as many times more channels.
    pub by_own_kernel: bool,
    /// Estimated time for one image, channels last and in the lanes, in multiply-adds of a full-speed kernel.
    pub costs: [f64; 2],
}

impl InLanes {
    /// The name of kernels for images in the lanes.
    pub(crate) const KERNEL: &'static str = "lanes";

    /// For kernels that treat all channels alike and take equally long in both layouts.
    pub(crate) const ALIKE: Self = Self { by_own_kernel: false, costs: [0.0; 2] };

    /// For operations with a kernel for the layout.
    pub(crate) fn by_own_kernel(cost_channels_last: f64, cost: f64) -> Self {
        Self { by_own_kernel: true, costs: [cost_channels_last, cost] }
    }
}

/// A part of an epilogue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EpiloguePart {
    /// A scale and a shift for each channel, in predictions.
    Affine(Foldable),
    /// A sum with another value.
    Sum,
    /// An activation function.
    Activation(Function),
}

macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        /// Every operation.
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

/// The shapes of the inputs as operations see them: see [`Shape::as_image`].
fn images(inputs: &[Shape]) -> Vec<Shape> {
    inputs.iter().map(|input| input.as_image()).collect()
}

impl Op {
    /// Its name in dumps.
    pub fn name(&self) -> &'static str {
        self.operation().name()
    }
    /// The shape of its output.
    ///
    /// # Errors
    /// [`ShapeError`] where the inputs do not fit.
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
    /// For an operation that reduces to an ordinary layer with weights computed from its own: the operation that computes them, and
    /// that layer, which has them as an additional, last input.
    pub fn expanded(&self, inputs: &[Shape]) -> Option<[Self; 2]> {
        self.operation().expanded(&images(inputs))
    }
    /// The calls that compute its output.
    pub fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        self.operation().forward(at)
    }
    /// The calls that compute the gradients of its inputs and accumulate those of its weights.
    pub fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        self.operation().gradient(at)
    }
    /// The lengths of the values that its forward pass saves.
    pub fn saved(&self, inputs: &[Shape]) -> Vec<usize> {
        self.operation().saved(&images(inputs))
    }
    /// The alternative kernels for a direction; empty where there is only one.
    pub fn candidates(&self, direction: Direction, inputs: &[Shape], output: Shape) -> Vec<Candidate> {
        self.operation().candidates(direction, &images(inputs), output.as_image())
    }
    /// The candidates of any direction that the text may select by name.
    pub fn kernels(&self, inputs: &[Shape], output: Shape) -> Vec<&'static str> {
        self.operation().kernels(&images(inputs), output.as_image())
    }
    /// The candidate that the text selects, for every direction that has it.
    pub fn asked(&self) -> Option<&'static str> {
        self.operation().asked()
    }
    /// Multiply-adds for one image.
    pub fn macs(&self, inputs: &[Shape], output: Shape) -> u64 {
        self.operation().macs(&images(inputs), output.as_image())
    }
    /// The head of a network whose last operation it is.
    pub fn head(&self) -> Head {
        self.operation().head()
    }
    /// Whether the result for one image depends on the other images of the batch in training.
    pub fn couples_batch(&self) -> bool {
        self.operation().couples_batch()
    }
    /// The number of elements of one image in each variance that it computes over a batch in training; `None` for operations that
    /// compute none.
    pub fn normalised_together(&self, inputs: &[Shape]) -> Option<usize> {
        self.operation().normalised_together(inputs)
    }
    /// Whether it preserves signs, so that an activation after it acts as if it were applied to its input: pooling, reshaping,
    /// normalising.
    pub fn passes_sign(&self) -> bool {
        self.operation().passes_sign()
    }
    /// Whether its kernels support this part of an epilogue.
    pub fn takes_epilogue(&self, part: EpiloguePart) -> bool {
        self.operation().takes_epilogue(part)
    }
    /// Whether the kernel selected for predictions can store only a pool of the elements that it computes with an epilogue.
    pub fn can_pool(&self, selected: &str, epilogue: &Epilogue, pool: &Pool) -> bool {
        self.operation().can_pool(selected, epilogue, pool)
    }
    /// For a depthwise convolution whose rows another kernel can compute: its sizes, and the name of its weights.
    pub fn depthwise(&self, at: &LoweringContext<'_>) -> Option<(conv_spec::Spec, &'static str)> {
        self.operation().depthwise(at)
    }
    /// Whether the kernel selected for predictions can compute the [depthwise](Self::depthwise) convolution before it.
    pub fn can_follow_depthwise(&self, at: &LoweringContext<'_>) -> bool {
        self.operation().can_follow_depthwise(at)
    }
    /// Whether its gradient reads its output.
    pub fn gradient_reads_output(&self) -> bool {
        self.operation().gradient_reads_output()
    }
    /// Whether its gradient kernel also applies the derivative of this activation, the epilogue of its forward kernel.
    pub fn gradient_takes(&self, activation: Function) -> bool {
        self.operation().gradient_takes(activation)
    }
    /// Whether the gradient of its only input can accumulate into the previous contents of its destination.
    pub fn adds_gradient(&self, at: &LoweringContext<'_>) -> bool {
        self.operation().adds_gradient(at)
    }
    /// How it computes images in the lanes, if it has such kernels.
    pub fn in_lanes(&self, inputs: &[Shape], output: Shape) -> Option<InLanes> {
        self.operation().in_lanes(&images(inputs), output.as_image())
    }
    /// The epilogue part that it can become for the node before it.
    pub fn as_epilogue(&self) -> Option<EpiloguePart> {
        self.operation().as_epilogue()
    }
}

/// The reason why an operation does not fit its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// The problem, with the shapes involved.
    pub message: String,
    /// A suggestion that would fit.
    pub help: Option<String>,
}

impl ShapeError {
    /// An error without a suggestion.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }
    /// The same error in the words of series.
    fn of_series(self) -> Self {
        let text = |text: String| crate::shape::text_of_series(&text);
        Self { message: text(self.message), help: self.help.map(text) }
    }
    /// Adds a suggestion.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A tensor that an operation needs.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// `kernel`, `bias`, …
    pub name: &'static str,
    /// Its role.
    pub kind: ParameterKind,
    /// Sizes, slowest first.
    pub shape: Vec<usize>,
    /// The meaning of the axes.
    pub axes: Axes,
    /// The number of inputs of one output.
    pub fan_in: usize,
    /// The number of outputs that one input contributes to.
    pub fan_out: usize,
    /// The initialisation, unless the layer specifies another.
    pub init: Option<Init>,
}

impl TensorSpec {
    /// Weights between `fan_in` inputs and `fan_out` outputs.
    pub fn weight(name: &'static str, axes: Axes, shape: Vec<usize>, fan_in: usize, fan_out: usize) -> Self {
        Self { name, kind: ParameterKind::Weight, shape, axes, fan_in, fan_out, init: None }
    }
    /// A vector of `len` elements, all initialised to `value`.
    pub fn vector(name: &'static str, kind: ParameterKind, len: usize, value: f64) -> Self {
        let (shape, init) = (vec![len], Some(Init::Constant(value)));
        Self { name, kind, shape, axes: Axes::Channels, fan_in: 1, fan_out: 1, init }
    }
}

/// Whether a pass predicts or trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Prediction: no dropout, frozen statistics.
    Predicting,
    /// Training: dropout is applied, statistics are measured.
    Training,
}

impl Phase {
    /// The computations of the phase.
    pub const fn directions(self) -> &'static [Direction] {
        match self {
            Self::Predicting => &[Direction::Predicting],
            Self::Training => &[Direction::Forward, Direction::InputGradient, Direction::WeightGradient],
        }
    }

    /// The forward direction of the phase.
    pub const fn forward(self) -> Direction {
        match self {
            Self::Predicting => Direction::Predicting,
            Self::Training => Direction::Forward,
        }
    }
}

/// A value of `len` elements, independent of the batch size.
pub(crate) fn fixed(len: usize) -> Value {
    Value { extent: Extent::Fixed(len), ..Value::of_images(Shape::Flat(len)) }
}

/// A value of `len` elements that depend only on the weights.
pub(crate) fn prepared(len: usize) -> Value {
    Value { extent: Extent::Prepared(len), ..Value::of_images(Shape::Flat(len)) }
}

/// Returns an error if a tensor of weights would be too large to index.
pub(crate) fn check_weight_count(sizes: &[usize]) -> Result<(), ShapeError> {
    let len = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(size as u64));
    if len.is_some_and(|len| len <= crate::shape::LARGEST_VALUE) {
        return Ok(());
    }
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    Err(ShapeError::new(format!("its {} weights would be more than 2^31", sizes.join("x")))
        .help("use a smaller window, or fewer channels and filters"))
}

/// Returns the sizes of an image, or an error for a flat shape. Its suggestion is a shape that fits a window of `extent`.
pub(crate) fn image(shape: Shape, what: &str, extent: [usize; 2]) -> Result<[usize; 3], ShapeError> {
    if let Some(sizes) = shape.as_image().image_sizes() {
        return Ok(sizes);
    }
    let features = shape.len();
    // The side of the square with as many pixels as there are features, if there is one.
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
