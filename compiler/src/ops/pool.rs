//! Pooling (slides 30 and 39): the largest, or the mean, of each window.

use super::conv::window_misfit;
use super::{GradientSite, Misfit, Operation, Site, image};
use crate::kernel_call::{KernelCall, Operand, Spec};
use crate::shape::{Shape, Window};

/// What a pool makes of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// Its largest value; padding is minus infinity.
    Max,
    /// The mean of what lies in the image; padding is left out.
    Average,
}

/// Reduces each window of each channel to one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// The largest, or the mean.
    pub kind: PoolKind,
    /// Size, stride and padding.
    pub window: Window,
}

impl Pool {
    fn spec(&self, input: Shape, output: Shape) -> Spec {
        let (Shape::Image(input), Shape::Image(output)) = (input, output) else {
            unreachable!("`infer` has refused anything but an image");
        };
        let padding = self.window.lay([input[0], input[1]]).map_or([0; 4], |laid| laid.padding);
        Spec::new("pool")
            .sizes("input", &input)
            .sizes("output", &output)
            .sizes("window", &self.window.size)
            .sizes("stride", &self.window.stride)
            .sizes("padding", &padding)
    }
}

impl Operation for Pool {
    fn name(&self) -> &'static str {
        match self.kind {
            PoolKind::Max => "maxpool",
            PoolKind::Average => "avgpool",
        }
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let sizes @ [height, width, channels] = image(inputs[0], "a pool")?;
        let laid = self.window.lay([height, width]).ok_or_else(|| window_misfit(&self.window, sizes))?;
        let [top, bottom, left, right] = laid.padding;
        if top.max(bottom) >= self.window.size[0] || left.max(right) >= self.window.size[1] {
            let [tall, wide] = self.window.size;
            return Err(Misfit::new(format!(
                "with so much padding a {tall}x{wide} window would lie wholly outside the image"
            ))
            .help(format!("pad by at most {}x{}", tall - 1, wide - 1)));
        }
        Ok(Shape::Image([laid.output[0], laid.output[1], channels]))
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        let operands = vec![Operand::read(at.x(0)), Operand::write(at.y())];
        vec![at.call(format!("{}_forward", self.name()), self.spec(at.x_shape(0), at.y_shape()), operands)]
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        let mut operands = match self.kind {
            PoolKind::Max => vec![Operand::read(at.x(0)), Operand::read(at.y())],
            PoolKind::Average => Vec::new(),
        };
        operands.extend([Operand::read(at.dy()), Operand::write(at.dx(0))]);
        vec![at.call(format!("{}_grad", self.name()), self.spec(at.x_shape(0), at.y_shape()), operands)]
    }
}
