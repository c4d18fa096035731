//! The parametric rectifier (slide 11): the slope for negative inputs is trained.

use netwright_abi::Epilogue;
use netwright_abi::kernels::{self, Sloped, SlopedGrad};
use netwright_abi::spec::prelu::Spec;

use super::{EpiloguePart, GradientContext, LoweringContext, Operation, ParameterKind, ShapeError, TensorSpec};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// z for z ≥ 0, and slope · z otherwise, with one slope per channel or one for all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prelu {
    /// Whether all channels share one slope.
    pub shared: bool,
    /// The initial slope.
    pub start: f64,
}

impl Prelu {
    fn slopes(&self, input: Shape) -> usize {
        if self.shared { 1 } else { input.channels() }
    }
    fn spec(&self, input: Shape, epilogue: Epilogue) -> Spec {
        Spec { len: input.len(), slopes: self.slopes(input), epilogue }
    }
}

impl Operation for Prelu {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(inputs[0])
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        vec![TensorSpec::vector("slope", ParameterKind::Scale, self.slopes(inputs[0]), self.start)]
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let operands = Sloped { x: at.x(0), slopes: at.tensor("slope"), y: at.y() };
        at.with_epilogue_and_sum(at.call(kernels::prelu_forward, &self.spec(at.x_shape(0), at.epilogue()), operands))
    }

    fn takes_epilogue(&self, part: EpiloguePart) -> bool {
        !matches!(part, EpiloguePart::Affine(_))
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let (slopes, dslopes) = (at.tensor("slope"), at.gradient("slope"));
        let operands = SlopedGrad { x: at.x(0), slopes, dy: at.dx(0), dslopes };
        let call = at.call(kernels::prelu_grad, &self.spec(at.x_shape(0), Epilogue::NONE), operands);
        vec![at.copy(at.y_shape().len(), at.dy(), at.dx(0)), call]
    }
}
