//! Zero padding of an image, and its removal: each is the gradient of the other.

use netwright_abi::kernels::{self, Unary, UnaryGrad};
use netwright_abi::spec::pad::Spec;

use super::{GradientContext, InLanes, LoweringContext, Operation, ShapeError, image};
use crate::kernel_call::{Data, KernelCall};
use crate::shape::Shape;

/// Adds rows and columns of zeros around an image: top, bottom, left, right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZeroPad(pub [usize; 4]);

/// Removes rows and columns from an image: top, bottom, left, right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crop(pub [usize; 4]);

fn spec(inner: Shape, padding: [usize; 4]) -> Spec {
    let Some(input) = inner.image_sizes() else { unreachable!("`infer` has refused anything but an image") };
    Spec { input, padding }
}

/// The call that pads an image of shape `inner`.
fn padded(at: &LoweringContext<'_>, inner: Shape, padding: [usize; 4], x: Data, y: Data) -> KernelCall {
    at.call(kernels::zeropad_forward, &spec(inner, padding), Unary { x, y })
}

/// The call that extracts the image of shape `inner` from a padded one.
fn cropped(at: &LoweringContext<'_>, inner: Shape, padding: [usize; 4], dy: Data, dx: Data) -> KernelCall {
    at.call(kernels::zeropad_grad, &spec(inner, padding), UnaryGrad { dy, dx })
}

impl Operation for ZeroPad {
    fn name(&self) -> &'static str {
        "zeropad"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [height, width, channels] = image(inputs[0], "`zeropad`", [1, 1])?;
        let [top, bottom, left, right] = self.0;
        Ok(Shape::Image { height: height + top + bottom, width: width + left + right, channels })
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn in_lanes(&self, _inputs: &[Shape], _output: Shape) -> Option<InLanes> {
        Some(InLanes::ALIKE)
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        vec![padded(at, at.x_shape(0), self.0, at.x(0), at.y())]
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        vec![cropped(at, at.x_shape(0), self.0, at.dy(), at.dx(0))]
    }
}

impl Operation for Crop {
    fn name(&self) -> &'static str {
        "crop"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [height, width, channels] = image(inputs[0], "`crop`", [1, 1])?;
        let [top, bottom, left, right] = self.0;
        match (height.checked_sub(top + bottom), width.checked_sub(left + right)) {
            (Some(height @ 1..), Some(width @ 1..)) => Ok(Shape::Image { height, width, channels }),
            _ => Err(ShapeError::new(format!(
                "{} rows and {} columns are to be cut off an image of {height}x{width}",
                top + bottom,
                left + right
            ))
            .help("leave at least one row and one column")),
        }
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn in_lanes(&self, _inputs: &[Shape], _output: Shape) -> Option<InLanes> {
        Some(InLanes::ALIKE)
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        vec![cropped(at, at.y_shape(), self.0, at.x(0), at.y())]
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        vec![padded(at, at.y_shape(), self.0, at.dy(), at.dx(0))]
    }
}
