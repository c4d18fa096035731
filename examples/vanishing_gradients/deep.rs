//! Two deep networks that differ only in their activation.

use netwright::head::Softmax;
use netwright::prelude::*;
use netwright::train::evaluate;
use netwright::train::statistics::layer_statistics;
use netwright::{Error, Observer, Pass};

netwright::network! {
    /// Eight layers of sigmoid units.
    pub DeepSigmoid(8x8x1) { repeat 8 { dense 32 sigmoid }; softmax 10 }
    /// The same with rectifiers; their initial weights are from N(0, 2/D).
    pub DeepRelu(8x8x1) { repeat 8 { dense 32 relu }; softmax 10 }
}

/// The number of hidden layers.
pub(crate) const DEPTH: usize = 8;

type Digits = Dataset<Tensor<8, 8, 1>>;

/// Returns |∂ℓ/∂w| of the hidden layers over some digits, from the first to the last.
pub(crate) fn gradient_norms<N>(network: &N, digits: &Digits) -> Result<Vec<f64>, Error>
where
    N: Network<Scalar = f32, Head = Softmax, Input = Tensor<8, 8, 1>>,
{
    let statistics = layer_statistics(network, digits.inputs(), digits.targets(), &CrossEntropy::new())?;
    Ok(statistics.layers.iter().take(DEPTH).filter_map(|layer| layer.gradient_norm).collect())
}

/// The mean and the largest σ'(z) = a(1 − a) of each hidden layer of a sigmoid network.
struct Derivatives(Vec<[f64; 2]>);

impl Observer<f32> for Derivatives {
    fn computed(&mut self, layer: usize, values: &mut [f32]) {
        let slopes = values.iter().map(|&a| f64::from(a) * (1.0 - f64::from(a)));
        let largest = slopes.clone().fold(f64::NEG_INFINITY, f64::max);
        if let Some(entry) = self.0.get_mut(layer) {
            *entry = [slopes.sum::<f64>() / values.len() as f64, largest];
        }
    }
}

/// Returns, for each hidden layer, the mean and the largest σ'(z) over some digits.
pub(crate) fn derivatives(network: &DeepSigmoid, digits: &Digits) -> Result<Vec<[f64; 2]>, Error> {
    let mut seen = Derivatives(vec![[0.0; 2]; DEPTH]);
    let mut workspace = DeepSigmoid::workspace(digits.len());
    workspace.forward_observed(Pass::default(), network.parameters(), &mut [], digits.inputs(), &mut seen)?;
    Ok(seen.0)
}

/// Trains a network and returns the test accuracy.
pub(crate) fn accuracy<N>(network: &mut N, train: &Digits, test: &Digits, epochs: u64) -> Result<f64, Error>
where
    N: Network<Scalar = f32, Head = Softmax, Input = Tensor<8, 8, 1>>,
{
    Trainer::new()
        .epochs(epochs)?
        .batch(32)?
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(0.01)?.momentum(0.9)?)
        .progress(false)
        .fit(network, train, None)?;
    Ok(evaluate(network, test, &CrossEntropy::new())?.accuracy().unwrap_or(f64::NAN))
}
