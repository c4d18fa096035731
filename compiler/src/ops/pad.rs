//! Zeros around an image, and their removal: each is the other's gradient.

use super::{GradientSite, Misfit, Operation, Site, image};
use crate::kernel_call::{Data, KernelCall, Operand, Spec};
use crate::shape::Shape;

/// Puts rows and columns of zeros around an image: top, bottom, left, right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZeroPad(pub [usize; 4]);

/// Takes rows and columns off an image: top, bottom, left, right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crop(pub [usize; 4]);

/// The call between an image and the same with `padding` around it.
fn call(at: &Site<'_>, kernel: &str, inner: Shape, padding: [usize; 4], [from, to]: [Data; 2]) -> KernelCall {
    let Shape::Image(inner) = inner else { unreachable!("`infer` has refused anything but an image") };
    let spec = Spec::new("pad").sizes("input", &inner).sizes("padding", &padding);
    at.call(kernel, spec, vec![Operand::read(from), Operand::write(to)])
}

impl Operation for ZeroPad {
    fn name(&self) -> &'static str {
        "zeropad"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let [height, width, channels] = image(inputs[0], "`zeropad`")?;
        let [top, bottom, left, right] = self.0;
        Ok(Shape::Image([height + top + bottom, width + left + right, channels]))
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        vec![call(at, "zeropad_forward", at.x_shape(0), self.0, [at.x(0), at.y()])]
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        vec![call(at, "zeropad_grad", at.x_shape(0), self.0, [at.dy(), at.dx(0)])]
    }
}

impl Operation for Crop {
    fn name(&self) -> &'static str {
        "crop"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let [height, width, channels] = image(inputs[0], "`crop`")?;
        let [top, bottom, left, right] = self.0;
        match (height.checked_sub(top + bottom), width.checked_sub(left + right)) {
            (Some(height @ 1..), Some(width @ 1..)) => Ok(Shape::Image([height, width, channels])),
            _ => Err(Misfit::new(format!(
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

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        vec![call(at, "zeropad_grad", at.y_shape(), self.0, [at.x(0), at.y()])]
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        vec![call(at, "zeropad_forward", at.y_shape(), self.0, [at.dy(), at.dx(0)])]
    }
}
