//! The elementwise product of two values, or of an image with one element per channel (squeeze and excitation, Hu et al., 2017).

use netwright_abi::Epilogue;
use netwright_abi::kernels::{self, Product, ProductGrad};
use netwright_abi::spec::multiply::Spec;

use super::{EpiloguePart, GradientContext, LoweringContext, Operation, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// Multiplies its first input by its second, which has the same shape or one element per channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Multiply;

impl Multiply {
    /// Whether `right` is a flat value with one element for each channel of the image `left`. An image with a single position does not
    /// broadcast: it may be the result of a window that was meant to keep the shape.
    pub(crate) fn broadcasts(left: Shape, right: Shape) -> bool {
        matches!((left.as_image(), right), (Shape::Image { channels, .. }, Shape::Flat(features)) if channels == features)
    }
}

fn spec(at: &LoweringContext<'_>, epilogue: Epilogue) -> Spec {
    let (left, right) = (at.x_shape(0), at.x_shape(1));
    let channels = Multiply::broadcasts(left, right).then(|| right.channels());
    Spec { len: left.len(), channels, epilogue }
}

impl Operation for Multiply {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let (left, right) = (inputs[0], inputs[1]);
        if left == right || Self::broadcasts(left, right) {
            return Ok(left);
        }
        Err(ShapeError::new(format!(
            "{left} and {right} cannot be multiplied: they have neither one shape nor one number for each channel"
        )))
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let operands = Product { a: at.x(0), b: at.x(1), y: at.y() };
        at.with_epilogue_and_sum(at.call(kernels::multiply_forward, &spec(at, at.epilogue()), operands))
    }

    fn takes_epilogue(&self, part: EpiloguePart) -> bool {
        !matches!(part, EpiloguePart::Affine(_))
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let side =
            |kernel, other, dx| at.call(kernel, &spec(at, Epilogue::NONE), ProductGrad { dy: at.dy(), other, dx });
        vec![
            side(kernels::multiply_grad_left, at.x(1), at.dx(0)),
            side(kernels::multiply_grad_right, at.x(0), at.dx(1)),
        ]
    }
}
