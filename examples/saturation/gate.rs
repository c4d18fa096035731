//! A NOT gate of one sigmoid unit, with an initial weight that makes it saturated and wrong.

use std::ops::ControlFlow;

use netwright::head::Sigmoid;
use netwright::loss::Loss;
use netwright::prelude::*;
use netwright::train::{GradientEngine, StepReport};
use netwright::{Error, Pass};

netwright::network! {
    /// One weight, one bias, one sigmoid.
    pub Not(1) { dense 1 sigmoid }
}

/// The truth table, with −1 for false and 1 for true at the input, and 0 and 1 at the output.
pub(crate) const TABLE: [([f64; 1], [f64; 1]); 2] = [([-1.0], [1.0]), ([1.0], [0.0])];

/// Creates a gate with this weight and bias.
pub(crate) fn gate(weight: f64, bias: f64) -> Not<f64> {
    let mut gate: Not<f64> = Network::init(0);
    let layers = gate.layers_mut();
    *layers.dense1.kernel = [[weight]];
    *layers.dense1.bias = [bias];
    gate
}

/// Returns the loss ℓ of a gate for x = −1, y = 1, and its slope ∂ℓ/∂z. That slope is the library's gradient of the bias, because
/// ∂z/∂b = 1 (slide 4).
pub(crate) fn slope(gate: &mut Not<f64>, loss: &impl Loss<Sigmoid, [f64; 1]>) -> Result<(f64, f64), Error> {
    let [(input, target), _] = TABLE;
    let mut engine = GradientEngine::new(1, 1)?;
    let value = engine.gradient(gate, &[input], &[target], loss, Pass::default())?.mean();
    let slope = engine.gradients().tensor("dense1", "bias").map_or(f64::NAN, |bias| bias[0]);
    Ok((value, slope))
}

/// One step of gradient descent: loss and slope before the update, and whether both answers are right after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) loss: f64,
    pub(crate) slope_of_weight: f64,
    pub(crate) is_right: bool,
}

/// Runs gradient descent on the truth table from w = 5, b = 0.
pub(crate) fn descend(loss: impl Loss<Sigmoid, [f64; 1]>, rate: f64, steps: u64) -> Result<Vec<Step>, Error> {
    let table = Dataset::from_pairs(TABLE)?;
    let mut course = Vec::new();
    Trainer::new()
        .epochs(steps)?
        .batch(2)?
        .threads(1)?
        .loss(loss)
        .optimizer(Sgd::new(rate)?)
        .progress(false)
        .on_step(|step: &StepReport<'_, Not<f64>>| {
            let slope = step.gradients.tensor("dense1", "kernel").map_or(f64::NAN, |kernel| kernel[0]);
            let is_right = TABLE.iter().all(|(x, y)| (step.network.predict(x)[0] > 0.5) == (y[0] > 0.5));
            course.push(Step { loss: step.loss.mean(), slope_of_weight: slope, is_right });
            ControlFlow::Continue(())
        })
        .fit(&mut gate(5.0, 0.0), &table, None)?;
    Ok(course)
}

/// Returns the number of steps after which both answers are right, or `None` if they never are.
pub(crate) fn learnt_after(course: &[Step]) -> Option<usize> {
    course.iter().position(|step| step.is_right).map(|step| step + 1)
}
