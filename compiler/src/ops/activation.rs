//! Activation functions without weights (slides 9 to 11): a = f(z), number by number.

use super::{GradientSite, Misfit, Operation, Part, Site};
use crate::graph::Head;
use crate::kernel_call::{Data, Field, Function, KernelCall, Operand, Real, Spec};
use crate::shape::Shape;

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ActivationKind {
    /// max(0, z)
    Relu,
    /// z, or slope · z below 0.
    LeakyRelu(f64),
    /// The hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e⁻ᶻ)
    Sigmoid,
    /// z, or α (eᶻ − 1) below 0.
    Elu(f64),
    /// The self-normalising ELU.
    Selu,
    /// z Φ(z)
    Gelu,
    /// z σ(z)
    Silu,
    /// ln(1 + eᶻ)
    Softplus,
    /// min(max(slope · z + ½, 0), 1)
    HardSigmoid(f64),
    /// min(max(z, 0), 6)
    Relu6,
    /// z σ(√(8/π) (z + 0.044715 z³))
    GeluTanh,
    /// z / (1 + |z|)
    Softsign,
    /// eᶻ
    Exp,
}

impl ActivationKind {
    /// Whether its units are rectifiers, which He's initialisation is for.
    pub fn is_rectifier(self) -> bool {
        matches!(
            self,
            Self::Relu
                | Self::LeakyRelu(_)
                | Self::Elu(_)
                | Self::Gelu
                | Self::Silu
                | Self::Softplus
                | Self::Relu6
                | Self::GeluTanh
        )
    }

    /// Its name, as the runtime has it too.
    pub fn name(self) -> &'static str {
        self.function().0
    }

    /// The function that the runtime knows.
    pub(crate) fn function(self) -> Function {
        let (name, constant) = match self {
            Self::Relu => ("Relu", None),
            Self::LeakyRelu(slope) => ("LeakyRelu", Some(slope)),
            Self::Tanh => ("Tanh", None),
            Self::Sigmoid => ("Sigmoid", None),
            Self::Elu(alpha) => ("Elu", Some(alpha)),
            Self::Selu => ("Selu", None),
            Self::Gelu => ("Gelu", None),
            Self::Silu => ("Silu", None),
            Self::Softplus => ("Softplus", None),
            Self::HardSigmoid(slope) => ("HardSigmoid", Some(slope)),
            Self::Relu6 => ("Relu6", None),
            Self::GeluTanh => ("GeluTanh", None),
            Self::Softsign => ("Softsign", None),
            Self::Exp => ("Exp", None),
        };
        Function(name, constant.map(Real))
    }

    /// Whether the slope at z can be told from f(z), so that z need not be kept.
    pub fn slope_from_output(self) -> bool {
        match self {
            // A slope of 0 or less makes two inputs of one output.
            Self::LeakyRelu(slope) | Self::Elu(slope) => slope > 0.0,
            Self::Gelu | Self::Silu | Self::GeluTanh => false,
            _ => true,
        }
    }
}

/// Applies a function to each number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activation(pub ActivationKind);

impl Activation {
    fn spec(self, len: usize) -> Spec {
        Spec::new("activation").field("activation", Field::Activation(self.0.function())).size("len", len)
    }

    /// The gradient of its input from that of its output, and from its output or its input, whichever is `known`.
    fn backward(self, at: &Site<'_>, kernel: &str, known: Data, [dy, dx]: [Data; 2]) -> Vec<KernelCall> {
        let len = at.y_shape().len();
        let operands = vec![Operand::read(Data::Pass), Operand::read(known), Operand::update(dx)];
        vec![at.copy(len, dy, dx), at.call(kernel, self.spec(len), operands)]
    }

    /// The gradient of what a node computes before it ends in this function.
    pub(crate) fn gradient_of_ending(self, at: &Site<'_>, gradients: [Data; 2]) -> Vec<KernelCall> {
        self.backward(at, "activation_grad_from_output", at.y(), gradients)
    }
}

impl Operation for Activation {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        let len = at.y_shape().len();
        vec![
            at.copy(len, at.x(0), at.y()),
            at.call("activation_forward", self.spec(len), vec![Operand::update(at.y())]),
        ]
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        let gradients = [at.dy(), at.dx(0)];
        if self.0.slope_from_output() {
            return self.gradient_of_ending(at, gradients);
        }
        self.backward(at, "activation_grad_from_input", at.x(0), gradients)
    }

    fn as_ending(&self) -> Option<Part> {
        Some(Part::Activation(self.0))
    }

    fn head(&self) -> Head {
        if self.0 == ActivationKind::Sigmoid { Head::Sigmoid } else { Head::Linear }
    }
}
