//! Depthwise convolution (Sifre, 2014; Chollet, 2017): each channel is convolved with its own filters only.

use netwright_abi::spec::conv::Spec;
use netwright_abi::{Axes, Epilogue, kernels};

use super::conv::{spec, window_error};
use super::{
    EpiloguePart, GradientContext, LoweringContext, Operation, ParameterKind, ShapeError, TensorSpec,
    check_weight_count, image,
};
use crate::kernel_call::KernelCall;
use crate::shape::{Shape, Window};

/// Convolves each channel by itself with `multiplier` filters; output channel c · multiplier + m is filter m of channel c.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Depthwise {
    /// Size, stride, dilation and padding.
    pub window: Window,
    /// The number of filters per channel.
    pub multiplier: usize,
    /// Whether each filter has a bias.
    pub bias: bool,
    /// The name of its weights.
    pub kernel: &'static str,
}

impl Depthwise {
    fn spec(&self, at: &LoweringContext<'_>, epilogue: Epilogue) -> Spec {
        spec(&self.window, at.x_shape(0).channels(), at.x_shape(0), at.y_shape(), epilogue)
    }
}

impl Operation for Depthwise {
    fn name(&self) -> &'static str {
        "dwconv"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let sizes @ [height, width, channels] = image(inputs[0], "a depthwise convolution", self.window.extent())?;
        let laid = self.window.lay([height, width]).ok_or_else(|| window_error(&self.window, sizes))?;
        check_weight_count(&[self.window.size[0], self.window.size[1], channels, self.multiplier])?;
        Ok(Shape::Image {
            height: laid.output[0],
            width: laid.output[1],
            channels: channels.saturating_mul(self.multiplier),
        })
    }

    fn tensors(&self, inputs: &[Shape], output: Shape) -> Vec<TensorSpec> {
        let [tall, wide] = self.window.size;
        let shape = vec![tall, wide, inputs[0].channels(), self.multiplier];
        let mut tensors =
            vec![TensorSpec::weight(self.kernel, Axes::Depthwise, shape, tall * wide, tall * wide * self.multiplier)];
        if self.bias {
            tensors.push(TensorSpec::vector("bias", ParameterKind::Bias, output.channels(), 0.0));
        }
        tensors
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        at.with_epilogue_and_sum(at.weighted_call(
            kernels::depthwise_forward,
            &self.spec(at, at.epilogue()),
            self.kernel,
        ))
    }

    fn takes_epilogue(&self, _part: EpiloguePart) -> bool {
        true
    }

    fn depthwise(&self, at: &LoweringContext<'_>) -> Option<(Spec, &'static str)> {
        (self.multiplier == 1).then(|| (self.spec(at, at.epilogue()), self.kernel))
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at, Epilogue::NONE);
        vec![
            at.call(kernels::depthwise_grad_weights, &spec, at.weight_gradient(self.kernel)),
            at.weighted_input_gradient(kernels::depthwise_grad_input, &spec, self.kernel),
        ]
    }

    fn macs(&self, _inputs: &[Shape], output: Shape) -> u64 {
        output.len() as u64 * (self.window.size[0] * self.window.size[1]) as u64
    }
}
