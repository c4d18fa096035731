//! Trained subsampling (LeCun et al., 1998): the sum of each window, times a coefficient, plus a bias; one of each per channel.

use netwright_abi::spec::subsample::Spec;
use netwright_abi::{Axes, Epilogue, kernels};

use super::conv::window_error;
use super::{
    EpiloguePart, GradientContext, Init, LoweringContext, Operation, ParameterKind, ShapeError, TensorSpec,
    check_weight_count, image,
};
use crate::kernel_call::KernelCall;
use crate::shape::{Shape, Window};

/// Reduces each window of each channel to its sum, scaled and shifted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subsample {
    /// Size and stride; there is no padding.
    pub window: Window,
    /// Whether each channel has a bias.
    pub bias: bool,
}

impl Subsample {
    fn spec(&self, at: &LoweringContext<'_>, epilogue: Epilogue) -> Spec {
        let (Some(input), Some(output)) = (at.x_shape(0).image_sizes(), at.y_shape().image_sizes()) else {
            unreachable!("`infer` has refused anything but an image");
        };
        Spec { input, output, window: self.window.size, stride: self.window.stride, epilogue }
    }
}

impl Operation for Subsample {
    fn name(&self) -> &'static str {
        "subsample"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let sizes @ [height, width, channels] = image(inputs[0], "`subsample`", self.window.extent())?;
        let laid = self.window.lay([height, width]).ok_or_else(|| {
            let help = format!("use a window of at most {height}x{width}, or shrink the image less before");
            window_error(&self.window, sizes).help(help)
        })?;
        check_weight_count(&self.window.size)?;
        Ok(Shape::Image { height: laid.output[0], width: laid.output[1], channels })
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        let (channels, taps) = (inputs[0].channels(), self.window.size[0] * self.window.size[1]);
        // The initial coefficient makes the result a mean.
        let start = Some(Init::Constant(1.0 / taps as f64));
        let coefficient = TensorSpec {
            name: "coefficient",
            kind: ParameterKind::Scale,
            shape: vec![channels],
            axes: Axes::Channels,
            fan_in: taps,
            fan_out: 1,
            init: start,
        };
        let bias = self.bias.then(|| TensorSpec::vector("bias", ParameterKind::Bias, channels, 0.0));
        std::iter::once(coefficient).chain(bias).collect()
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at, at.epilogue());
        at.with_epilogue_and_sum(at.weighted_call(kernels::subsample_forward, &spec, "coefficient"))
    }

    fn takes_epilogue(&self, _part: EpiloguePart) -> bool {
        true
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at, Epilogue::NONE);
        vec![
            at.call(kernels::subsample_grad_weights, &spec, at.weight_gradient("coefficient")),
            at.weighted_input_gradient(kernels::subsample_grad_input, &spec, "coefficient"),
        ]
    }

    fn macs(&self, _inputs: &[Shape], output: Shape) -> u64 {
        output.len() as u64
    }
}
