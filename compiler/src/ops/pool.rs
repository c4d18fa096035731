//! Pooling (slides 30 and 39): the maximum or the mean of each window.

use netwright_abi::kernels::{self, Pooled, UnaryGrad, UnaryGradFromBoth};
use netwright_abi::spec::pool::Spec;
use netwright_abi::{Epilogue, LANES};

use super::conv::window_error;
use super::{EpiloguePart, GradientContext, InLanes, LoweringContext, Operation, ShapeError, image};
use crate::kernel_call::KernelCall;
use crate::shape::{Padding, Shape, Window};

/// The reduction of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The maximum; padding counts as minus infinity.
    Max,
    /// The mean over the pixels in the image; padding is ignored.
    Average,
}

/// Reduces each window of each channel to one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// The maximum or the mean.
    pub kind: PoolKind,
    /// Size, stride and padding.
    pub window: Window,
}

impl core::fmt::Display for Pool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [tall, wide] = self.window.size;
        match self.kind {
            PoolKind::Max => write!(f, "the largest of each window of {tall}x{wide}"),
            PoolKind::Average => write!(f, "the mean of each window of {tall}x{wide}"),
        }
    }
}

impl Pool {
    /// Whether it is a max pool over adjacent 2x2 windows without padding.
    pub fn takes_largest_of_quads(&self) -> bool {
        let Window { size, stride, dilation, padding } = self.window;
        self.kind == PoolKind::Max
            && (size, stride, dilation) == ([2; 2], [2; 2], [1; 2])
            && padding == Padding::Explicit([0; 4])
    }

    fn spec(&self, input: Shape, output: Shape, epilogue: Epilogue) -> Spec {
        let (Some(input), Some(output)) = (input.image_sizes(), output.image_sizes()) else {
            unreachable!("`infer` has refused anything but an image");
        };
        let padding = self.window.lay([input[0], input[1]]).map_or([0; 4], |laid| laid.padding);
        Spec { input, output, window: self.window.size, stride: self.window.stride, padding, epilogue }
    }
}

impl Operation for Pool {
    fn name(&self) -> &'static str {
        match self.kind {
            PoolKind::Max => "maxpool",
            PoolKind::Average => "avgpool",
        }
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let sizes @ [height, width, channels] = image(inputs[0], "a pool", self.window.extent())?;
        let laid = self.window.lay([height, width]).ok_or_else(|| window_error(&self.window, sizes))?;
        let [top, bottom, left, right] = laid.padding;
        if top.max(bottom) >= self.window.size[0] || left.max(right) >= self.window.size[1] {
            let [tall, wide] = self.window.size;
            return Err(ShapeError::new(format!(
                "with so much padding a {tall}x{wide} window would lie wholly outside the image"
            ))
            .help(format!("pad by at most {}x{}", tall - 1, wide - 1)));
        }
        Ok(Shape::Image { height: laid.output[0], width: laid.output[1], channels })
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn in_lanes(&self, inputs: &[Shape], output: Shape) -> Option<InLanes> {
        // The cost per element of a window; higher where channels do not fill whole vectors.
        let last = if inputs[0].channels().is_multiple_of(LANES) { 9.0 } else { 25.0 };
        let read = (output.len() * self.window.size[0] * self.window.size[1]) as f64;
        Some(InLanes { by_own_kernel: false, costs: [last * read, 5.0 * read] })
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let kernel = match self.kind {
            PoolKind::Max => kernels::maxpool_forward,
            PoolKind::Average => kernels::avgpool_forward,
        };
        let [scale, shift] = at.scale_and_shift();
        let operands = Pooled { x: at.x(0), scale, shift, y: at.y() };
        at.with_epilogue_and_sum(at.call(kernel, &self.spec(at.x_shape(0), at.y_shape(), at.epilogue()), operands))
    }

    fn takes_epilogue(&self, _part: EpiloguePart) -> bool {
        true
    }

    fn gradient_reads_output(&self) -> bool {
        self.kind == PoolKind::Max
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let (spec, dy, dx) = (self.spec(at.x_shape(0), at.y_shape(), Epilogue::NONE), at.dy(), at.dx(0));
        vec![match self.kind {
            PoolKind::Max => at.call(kernels::maxpool_grad, &spec, UnaryGradFromBoth { x: at.x(0), y: at.y(), dy, dx }),
            PoolKind::Average => at.call(kernels::avgpool_grad, &spec, UnaryGrad { dy, dx }),
        }]
    }
}
