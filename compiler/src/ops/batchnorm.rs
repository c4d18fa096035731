//! Batch normalisation (Ioffe and Szegedy, 2015): y = γ (x − μ) / √(σ² + ε) + β, with μ and σ² of each channel over the batch
//! while training, and their moving averages when predicting.

use super::{Foldable, GradientSite, Misfit, Operation, Part, Phase, Role, Site, TensorSpec};
use crate::kernel_call::{Data, Field, KernelCall, Operand, Spec};
use crate::shape::Shape;

/// Normalises each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// ε, added to the variance.
    pub epsilon: f64,
    /// The weight of the old value when a moving average is updated.
    pub momentum: f64,
    /// Whether there is γ.
    pub scale: bool,
    /// Whether there is β.
    pub center: bool,
}

impl BatchNorm {
    fn spec(&self, shape: Shape) -> Spec {
        let spec = Spec::new("batchnorm").size("rows", shape.positions()).size("channels", shape.channels());
        spec.real("epsilon", self.epsilon).real("momentum", self.momentum)
    }

    /// The call that makes a scale and a shift of it, behind a node whose output has this shape.
    pub(super) fn fold(&self, at: &Site<'_>, behind: Shape) -> KernelCall {
        let tensors = ["gamma", "beta", "moving_mean", "moving_variance", "bias"];
        let mut operands: Vec<Operand> = tensors.into_iter().map(|name| Operand::read(at.tensor(name))).collect();
        operands.extend([Operand::write(at.y()), Operand::write(at.saved(0))]);
        let spec = self.spec(behind).field("activation", Field::LastActivation(None));
        at.call("batchnorm_fold", spec, operands)
    }
}

impl Operation for BatchNorm {
    fn name(&self) -> &'static str {
        "batchnorm"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        let vector = |name, role, value| TensorSpec::vector(name, role, inputs[0].channels(), value);
        let gamma = self.scale.then(|| vector("gamma", Role::Scale, 1.0));
        let beta = self.center.then(|| vector("beta", Role::Scale, 0.0));
        let moving = [vector("moving_mean", Role::Statistic, 0.0), vector("moving_variance", Role::Statistic, 1.0)];
        gamma.into_iter().chain(beta).chain(moving).collect()
    }

    fn saved(&self, inputs: &[Shape]) -> Vec<usize> {
        vec![inputs[0].channels(); 2]
    }

    fn couples_batch(&self) -> bool {
        true
    }

    fn passes_sign(&self) -> bool {
        true
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at.x_shape(0)).field("activation", at.activation());
        let (gamma, beta) = (Operand::read(at.tensor("gamma")), Operand::read(at.tensor("beta")));
        let (mean, variance) = (at.tensor("moving_mean"), at.tensor("moving_variance"));
        match at.phase {
            Phase::Predicting => {
                let operands = vec![gamma, beta, Operand::read(mean), Operand::read(variance), Operand::update(at.y())];
                let call = at.ended(at.call("batchnorm_predict_forward", spec, operands));
                vec![at.copy(at.y_shape().len(), at.x(0), at.y()), call]
            }
            Phase::Training => {
                let operands = vec![
                    Operand::read(Data::Pass),
                    Operand::read(at.x(0)),
                    gamma,
                    beta,
                    Operand::update(mean),
                    Operand::update(variance),
                    Operand::write(at.y()),
                    Operand::write(at.saved(0)),
                    Operand::write(at.saved(1)),
                ];
                vec![at.ended(at.call("batchnorm_train_forward", spec, operands))]
            }
        }
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        let operands = vec![
            Operand::read(Data::Pass),
            Operand::read(at.x(0)),
            Operand::read(at.tensor("gamma")),
            Operand::read(at.saved(0)),
            Operand::read(at.saved(1)),
            Operand::update(at.dx(0)),
            Operand::update(at.gradient("gamma")),
            Operand::update(at.gradient("beta")),
        ];
        let spec = self.spec(at.x_shape(0)).field("activation", Field::LastActivation(None));
        vec![at.copy(at.y_shape().len(), at.dy(), at.dx(0)), at.call("batchnorm_grad", spec, operands)]
    }

    fn can_end_in(&self, part: Part) -> bool {
        matches!(part, Part::Activation(_))
    }

    fn as_ending(&self) -> Option<Part> {
        Some(Part::Affine(Foldable::BatchNorm(*self)))
    }
}
