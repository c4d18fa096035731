//! Batch normalisation (Ioffe and Szegedy, 2015): y = γ (x − μ) / √(σ² + ε) + β, with μ and σ² of each channel over the batch
//! while training, and their moving averages when predicting.

use netwright_abi::Activation;
use netwright_abi::kernels::{self, BatchNormFold, BatchNormGrad, BatchNormPredict, BatchNormTrain};
use netwright_abi::spec::batchnorm::Spec;

use super::{
    EpiloguePart, Foldable, GradientContext, LoweringContext, Operation, ParameterKind, Phase, ShapeError, TensorSpec,
};
use crate::kernel_call::{Data, KernelCall};
use crate::shape::Shape;

/// Normalises each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// ε, added to the variance.
    pub epsilon: f64,
    /// The weight of the old value in the update of a moving average.
    pub momentum: f64,
    /// Whether it has γ.
    pub scale: bool,
    /// Whether it has β.
    pub center: bool,
}

impl BatchNorm {
    fn spec(&self, shape: Shape, activation: Option<Activation>) -> Spec {
        let Self { epsilon, momentum, .. } = *self;
        Spec { rows: shape.positions(), channels: shape.channels(), epsilon, momentum, activation }
    }

    /// The call that computes its scale and shift, for a layer with this output shape.
    pub(super) fn fold(&self, at: &LoweringContext<'_>, behind: Shape) -> KernelCall {
        let operands = BatchNormFold {
            gamma: at.tensor("gamma"),
            beta: at.tensor("beta"),
            moving_mean: at.tensor("moving_mean"),
            moving_variance: at.tensor("moving_variance"),
            bias: at.tensor("bias"),
            scale: at.y(),
            shift: at.saved(0),
        };
        at.call(kernels::batchnorm_fold, &self.spec(behind, None), operands)
    }
}

impl Operation for BatchNorm {
    fn name(&self) -> &'static str {
        "batchnorm"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(inputs[0])
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        let vector = |name, kind, value| TensorSpec::vector(name, kind, inputs[0].channels(), value);
        let gamma = self.scale.then(|| vector("gamma", ParameterKind::Scale, 1.0));
        let beta = self.center.then(|| vector("beta", ParameterKind::Scale, 0.0));
        let moving = [
            vector("moving_mean", ParameterKind::Statistic, 0.0),
            vector("moving_variance", ParameterKind::Statistic, 1.0),
        ];
        gamma.into_iter().chain(beta).chain(moving).collect()
    }

    fn saved(&self, inputs: &[Shape]) -> Vec<usize> {
        vec![inputs[0].channels(); 2]
    }

    fn couples_batch(&self) -> bool {
        true
    }

    fn normalised_together(&self, inputs: &[Shape]) -> Option<usize> {
        Some(inputs[0].positions())
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at.x_shape(0), at.activation());
        let [gamma, beta] = ["gamma", "beta"].map(|name| at.tensor(name));
        let [moving_mean, moving_variance] = ["moving_mean", "moving_variance"].map(|name| at.tensor(name));
        match at.phase {
            Phase::Predicting => {
                let operands = BatchNormPredict {
                    gamma,
                    beta,
                    moving_mean,
                    moving_variance,
                    source: Data::Absent,
                    values: at.y(),
                };
                let call = at.with_epilogue(at.call(kernels::batchnorm_predict_forward, &spec, operands));
                vec![at.copy(at.y_shape().len(), at.x(0), at.y()), call]
            }
            Phase::Training => {
                let operands = BatchNormTrain {
                    x: at.x(0),
                    gamma,
                    beta,
                    moving_mean,
                    moving_variance,
                    y: at.y(),
                    saved_mean: at.saved(0),
                    saved_inverse_deviation: at.saved(1),
                };
                vec![at.with_epilogue(at.call(kernels::batchnorm_train_forward, &spec, operands))]
            }
        }
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let operands = BatchNormGrad {
            x: at.x(0),
            gamma: at.tensor("gamma"),
            beta: at.tensor("beta"),
            saved_mean: at.saved(0),
            saved_inverse_deviation: at.saved(1),
            source: Data::Absent,
            dy: at.dx(0),
            dgamma: at.gradient("gamma"),
            dbeta: at.gradient("beta"),
        };
        let through = at.activation().filter(|&activation| self.gradient_takes(activation));
        let call = at.call(kernels::batchnorm_grad, &self.spec(at.x_shape(0), through), operands);
        vec![at.copy(at.y_shape().len(), at.dy(), at.dx(0)), call]
    }

    fn gradient_takes(&self, activation: Activation) -> bool {
        activation.bounds().is_some()
    }

    fn takes_epilogue(&self, part: EpiloguePart) -> bool {
        matches!(part, EpiloguePart::Activation(_))
    }

    fn as_epilogue(&self) -> Option<EpiloguePart> {
        Some(EpiloguePart::Affine(Foldable::BatchNorm(*self)))
    }
}
