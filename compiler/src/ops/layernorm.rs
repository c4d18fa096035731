//! Layer normalisation (Ba et al., 2016): y = γ (x − μ) / √(σ² + ε) + β, with μ and σ² of each position over its channels.

use netwright_abi::Epilogue;
use netwright_abi::kernels;
use netwright_abi::spec::layernorm::Spec;

use super::{EpiloguePart, GradientContext, LoweringContext, Operation, ParameterKind, ShapeError, TensorSpec};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// Normalises each position of an image, or a row of features.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    /// ε, added to the variance.
    pub epsilon: f64,
    /// Whether it has γ.
    pub scale: bool,
    /// Whether it has β.
    pub center: bool,
}

impl LayerNorm {
    fn spec(&self, shape: Shape, epilogue: Epilogue) -> Spec {
        Spec { rows: shape.positions(), channels: shape.channels(), epsilon: self.epsilon, epilogue }
    }
}

impl Operation for LayerNorm {
    fn name(&self) -> &'static str {
        "layernorm"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        if inputs[0].channels() > 1 {
            return Ok(inputs[0]);
        }
        Err(ShapeError::new(format!("the one channel of {} would always become 0", inputs[0]))
            .help("each position is normalised over its channels: use `batchnorm`, or more channels before"))
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        let vector = |name, value| TensorSpec::vector(name, ParameterKind::Scale, inputs[0].channels(), value);
        let gamma = self.scale.then(|| vector("gamma", 1.0));
        gamma.into_iter().chain(self.center.then(|| vector("beta", 0.0))).collect()
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let (gamma, beta) = (at.tensor("gamma"), at.tensor("beta"));
        let operands = kernels::LayerNorm { x: at.x(0), gamma, beta, y: at.y() };
        at.with_epilogue_and_sum(at.call(
            kernels::layernorm_forward,
            &self.spec(at.x_shape(0), at.epilogue()),
            operands,
        ))
    }

    fn takes_epilogue(&self, part: EpiloguePart) -> bool {
        !matches!(part, EpiloguePart::Affine(_))
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let operands = kernels::LayerNormGrad {
            x: at.x(0),
            gamma: at.tensor("gamma"),
            dy: at.dx(0),
            dgamma: at.gradient("gamma"),
            dbeta: at.gradient("beta"),
        };
        vec![
            at.copy(at.y_shape().len(), at.dy(), at.dx(0)),
            at.call(kernels::layernorm_grad, &self.spec(at.x_shape(0), Epilogue::NONE), operands),
        ]
    }
}
