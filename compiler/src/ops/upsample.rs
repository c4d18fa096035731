//! Nearest-neighbour upsampling: each pixel becomes a block of equal pixels.

use netwright_abi::Epilogue;
use netwright_abi::kernels::{self, Unary, UnaryGrad};
use netwright_abi::spec::upsample::Spec;

use super::{EpiloguePart, GradientContext, InLanes, LoweringContext, Operation, ShapeError, image};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// Enlarges an image by whole factors, vertically and horizontally.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upsample(pub [usize; 2]);

impl Upsample {
    fn spec(&self, input: Shape, epilogue: Epilogue) -> Spec {
        let Some(input) = input.image_sizes() else { unreachable!("`infer` has refused anything but an image") };
        Spec { input, factor: self.0, epilogue }
    }
}

impl Operation for Upsample {
    fn name(&self) -> &'static str {
        "upsample"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [height, width, channels] = image(inputs[0], "`upsample`", [1, 1])?;
        Ok(Shape::Image { height: height * self.0[0], width: width * self.0[1], channels })
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn in_lanes(&self, _inputs: &[Shape], _output: Shape) -> Option<InLanes> {
        Some(InLanes::ALIKE)
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at.x_shape(0), at.epilogue());
        at.with_epilogue_and_sum(at.call(kernels::upsample_forward, &spec, Unary { x: at.x(0), y: at.y() }))
    }

    fn takes_epilogue(&self, part: EpiloguePart) -> bool {
        !matches!(part, EpiloguePart::Affine(_))
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let operands = UnaryGrad { dy: at.dy(), dx: at.dx(0) };
        vec![at.call(kernels::upsample_grad, &self.spec(at.x_shape(0), Epilogue::NONE), operands)]
    }
}
