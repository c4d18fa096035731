//! Local response normalisation (Krizhevsky et al., 2012): y = x / (k + α Σ x²)^β, summed over neighbouring channels.

use netwright_abi::Epilogue;
use netwright_abi::kernels::{self, Unary, UnaryGradFromInput};
use netwright_abi::spec::lrn::Spec;

use super::{EpiloguePart, GradientContext, LoweringContext, Operation, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// Divides each element by a power of the sum of squares over neighbouring channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lrn {
    /// The number of neighbouring channels, including the element's own.
    pub size: usize,
    /// α, the factor of the whole sum.
    pub alpha: f64,
    /// β
    pub beta: f64,
    /// k
    pub k: f64,
}

impl Lrn {
    fn spec(&self, shape: Shape, epilogue: Epilogue) -> Spec {
        let Self { size, alpha, beta, k } = *self;
        Spec { rows: shape.positions(), channels: shape.channels(), size, alpha, beta, k, epilogue }
    }
}

impl Operation for Lrn {
    fn name(&self) -> &'static str {
        "lrn"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(inputs[0])
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at.x_shape(0), at.epilogue());
        at.with_epilogue_and_sum(at.call(kernels::lrn_forward, &spec, Unary { x: at.x(0), y: at.y() }))
    }

    fn takes_epilogue(&self, part: EpiloguePart) -> bool {
        !matches!(part, EpiloguePart::Affine(_))
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let operands = UnaryGradFromInput { x: at.x(0), dy: at.dy(), dx: at.dx(0) };
        vec![at.call(kernels::lrn_grad, &self.spec(at.x_shape(0), Epilogue::NONE), operands)]
    }
}
