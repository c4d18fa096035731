//! Activation functions without weights (slides 9 to 11): a = f(z), elementwise.

use netwright_abi::Activation as Function;
use netwright_abi::kernels::{self, GradFromInput, GradFromOutput, InPlace};
use netwright_abi::spec::activation::Spec;

use super::{EpiloguePart, GradientContext, InLanes, LoweringContext, Operation, ShapeError};
use crate::graph::Head;
use crate::kernel_call::{Data, KernelCall};
use crate::shape::Shape;

/// Applies a function to each element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activation(pub Function);

impl Activation {
    /// The gradient through this function in the epilogue of a node: computes `dx`, before the function, from `dy` and the function's
    /// output.
    pub(crate) fn gradient_of_epilogue(self, at: &LoweringContext<'_>, [dy, dx]: [Data; 2]) -> Vec<KernelCall> {
        let len = at.y_shape().len();
        let operands = GradFromOutput { y: at.y(), source: Data::Absent, dy: dx };
        let call = at.call(kernels::activation_grad_from_output, &Spec::new(self.0, len), operands);
        vec![at.copy(len, dy, dx), call]
    }
}

impl Operation for Activation {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(inputs[0])
    }

    fn in_lanes(&self, _inputs: &[Shape], _output: Shape) -> Option<InLanes> {
        Some(InLanes::ALIKE)
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let len = at.y_shape().len();
        vec![
            at.copy(len, at.x(0), at.y()),
            at.call(
                kernels::activation_forward,
                &Spec::new(self.0, len),
                InPlace { source: Data::Absent, values: at.y() },
            ),
        ]
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        if self.0.has_gradient_from_output() {
            return self.gradient_of_epilogue(at, [at.dy(), at.dx(0)]);
        }
        let len = at.y_shape().len();
        let operands = GradFromInput { z: at.x(0), source: Data::Absent, dy: at.dx(0) };
        let call = at.call(kernels::activation_grad_from_input, &Spec::new(self.0, len), operands);
        vec![at.copy(len, at.dy(), at.dx(0)), call]
    }

    fn as_epilogue(&self) -> Option<EpiloguePart> {
        Some(EpiloguePart::Activation(self.0))
    }

    fn head(&self) -> Head {
        if self.0 == Function::Sigmoid { Head::Sigmoid } else { Head::Linear }
    }
}
