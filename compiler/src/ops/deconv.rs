//! Transposed convolution (Zeiler et al., 2010): the adjoint of a convolution, which enlarges images.

use netwright_abi::spec::conv::Spec;
use netwright_abi::{Axes, Epilogue, kernels};

use super::conv::spec;
use super::conv_kernels::Algorithm;
use super::{
    EpiloguePart, GradientContext, LoweringContext, Operation, ParameterKind, ShapeError, TensorSpec,
    check_weight_count, image,
};
use crate::kernel_call::KernelCall;
use crate::selection::{Candidate, Direction};
use crate::shape::{Padding, Shape, Window};

/// Spreads each pixel over a window. The window is that of the convolution it transposes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deconv {
    /// Size, stride, dilation, and the padding that is cropped from the output.
    pub window: Window,
    /// Output channels.
    pub filters: usize,
    /// Whether each filter has a bias.
    pub bias: bool,
}

impl Deconv {
    /// The sizes of the convolution that it transposes, whose input is this operation's output.
    fn spec(&self, input: Shape, output: Shape, epilogue: Epilogue) -> Spec {
        spec(&self.window, 1, output, input, epilogue)
    }
}

impl Operation for Deconv {
    fn name(&self) -> &'static str {
        "deconv"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [height, width, channels] = image(inputs[0], "a transposed convolution", self.window.extent())?;
        check_weight_count(&[self.window.size[0], self.window.size[1], self.filters, channels])?;
        let extent = self.window.extent();
        let size = |axis: usize, input: usize, padding: usize| match self.window.padding {
            Padding::Same => input.checked_mul(self.window.stride[axis]),
            Padding::Explicit(_) => (input - 1)
                .checked_mul(self.window.stride[axis])
                .and_then(|size| size.checked_add(extent[axis])?.checked_sub(padding))
                .filter(|size| *size > 0),
        };
        let [rows, columns] = match self.window.padding {
            Padding::Same => [0, 0],
            Padding::Explicit([top, bottom, left, right]) => [top + bottom, left + right],
        };
        let (Some(tall), Some(wide)) = (size(0, height, rows), size(1, width, columns)) else {
            return Err(ShapeError::new(format!(
                "its padding cuts off {rows} rows and {columns} columns, and nothing is left of its output"
            ))
            .help("pad less, or use a larger window or stride"));
        };
        Ok(Shape::Image { height: tall, width: wide, channels: self.filters })
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        let ([tall, wide], [down, across]) = (self.window.size, self.window.stride);
        let channels = inputs[0].channels();
        let fan_in = tall.div_ceil(down) * wide.div_ceil(across) * channels;
        let shape = vec![tall, wide, self.filters, channels];
        let mut tensors = vec![TensorSpec::weight("kernel", Axes::Deconv, shape, fan_in, tall * wide * self.filters)];
        if self.bias {
            tensors.push(TensorSpec::vector("bias", ParameterKind::Bias, self.filters, 0.0));
        }
        tensors
    }

    fn candidates(&self, direction: Direction, inputs: &[Shape], output: Shape) -> Vec<Candidate> {
        let spec = self.spec(inputs[0], output, Epilogue::NONE);
        let algorithm = Algorithm::selected(Some("gemm"), &spec);
        // Its forward pass computes the products of the convolution's input gradient, and the other way round.
        let of_convolution = match direction {
            Direction::Forward => Direction::InputGradient,
            Direction::InputGradient => Direction::Forward,
            Direction::Predicting | Direction::WeightGradient => return Vec::new(),
        };
        algorithm.candidates(&spec, of_convolution, "kernel").collect()
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at.x_shape(0), at.y_shape(), at.epilogue());
        let call = at.weighted_call(kernels::deconv_forward, &spec, "kernel");
        at.with_epilogue_and_sum(at.because(at.phase.forward(), call))
    }

    fn takes_epilogue(&self, _part: EpiloguePart) -> bool {
        true
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at.x_shape(0), at.y_shape(), Epilogue::NONE);
        let of_input = at.weighted_input_gradient(kernels::deconv_grad_input, &spec, "kernel");
        vec![
            at.call(kernels::deconv_grad_weights, &spec, at.weight_gradient("kernel")),
            at.because(Direction::InputGradient, of_input),
        ]
    }

    fn macs(&self, inputs: &[Shape], _output: Shape) -> u64 {
        inputs[0].len() as u64 * (self.window.size[0] * self.window.size[1] * self.filters) as u64
    }
}
