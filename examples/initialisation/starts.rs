//! Deep networks with different initial weights.

use netwright::Error;
use netwright::head::Softmax;
use netwright::init::Init;
use netwright::layer::ParameterKind;
use netwright::prelude::*;
use netwright::see::filters;
use netwright::train::evaluate;
use netwright::train::statistics::{ActivationStatistics, layer_statistics};

netwright::network! {
    /// Ten layers of tanh.
    pub DeepTanh(8x8x1) { repeat 10 { dense 64 tanh }; softmax 10 }
    /// Ten layers of rectifiers.
    pub DeepRelu(8x8x1) { repeat 10 { dense 64 relu }; softmax 10 }
    /// Sigmoid units that start with equal weights and biases.
    pub Alike(8x8x1) { dense 32 sigmoid init zeros; softmax 10 init zeros }
    /// The same with random biases around 0 (slide 12).
    pub Apart(8x8x1) { dense 32 sigmoid init zeros bias normal 0.1; softmax 10 init zeros }
}

/// The number of hidden layers.
pub(crate) const DEPTH: usize = 10;

pub(crate) type Digits = Dataset<Tensor<8, 8, 1>>;

/// The initialisations and their names. D is the fan-in, 64 in every layer.
pub(crate) const STARTS: [(&str, Init); 4] = [
    ("N(0, 0.01²), too small", Init::Normal(0.01)),
    ("N(0, 1/D), the lecture's", Init::LecunNormal),
    ("N(0, 2/D), He", Init::HeNormal),
    ("N(0, 1), too large", Init::Normal(1.0)),
];

/// Creates a network with weights from `init` and all biases equal to `bias`.
pub(crate) fn started<N: Network>(seed: u64, init: Init, bias: f64) -> Result<N, Error> {
    let mut network = N::init(seed);
    for layer in N::LAYERS {
        for tensor in layer.tensors {
            let init = if tensor.kind == ParameterKind::Weight { init } else { Init::Constant(bias) };
            network.initialise(layer.name, tensor.name, init, seed)?;
        }
    }
    Ok(network)
}

/// Returns the statistics of each hidden layer's outputs over some digits.
pub(crate) fn activations<N>(network: &N, digits: &Digits) -> Result<Vec<ActivationStatistics>, Error>
where
    N: Network<Scalar = f32, Head = Softmax, Input = Tensor<8, 8, 1>>,
{
    let found = layer_statistics(network, digits.inputs(), digits.targets(), &CrossEntropy::new())?;
    Ok(found.layers.iter().take(DEPTH).filter_map(|layer| layer.activations).collect())
}

/// Returns the shares of units of the first and the last hidden layer that are off for every digit before training, with all biases equal to
/// `bias`, as means over `seeds` seeds.
pub(crate) fn dead_at_start(bias: f64, digits: &Digits, seeds: u64) -> Result<[f64; 2], Error> {
    let mut sums = [0.0; 2];
    for seed in 0..seeds {
        let layers = activations(&started::<DeepRelu>(seed, Init::HeNormal, bias)?, digits)?;
        for (sum, layer) in sums.iter_mut().zip([0, DEPTH - 1]) {
            *sum += layers[layer].dead.unwrap_or(f64::NAN);
        }
    }
    Ok(sums.map(|sum| sum / seeds as f64))
}

/// Trains a network; returns how many units of its first layer differ in their weights, and the test accuracy.
pub(crate) fn different_units<N>(seed: u64, train: &Digits, test: &Digits, epochs: u64) -> Result<(usize, f64), Error>
where
    N: Network<Scalar = f32, Head = Softmax, Input = Tensor<8, 8, 1>>,
{
    let mut network = N::init(seed);
    trained(&mut network, train, 0.1, epochs)?;
    let mut units: Vec<_> = filters(&network, "dense1")?.iter().map(|unit| unit.elements().to_vec()).collect();
    units.sort_by(|a, b| a.iter().map(|weight| weight.to_bits()).cmp(b.iter().map(|weight| weight.to_bits())));
    units.dedup();
    Ok((units.len(), evaluate(&network, test, &CrossEntropy::new())?.accuracy().unwrap_or(f64::NAN)))
}

fn trained<N>(network: &mut N, train: &Digits, rate: f64, epochs: u64) -> Result<(), Error>
where
    N: Network<Scalar = f32, Head = Softmax, Input = Tensor<8, 8, 1>>,
{
    let run = Trainer::new().epochs(epochs)?.batch(32)?.progress(false).loss(CrossEntropy::new());
    run.optimizer(Sgd::new(rate)?.momentum(0.9)?).fit(network, train, None).map(|_| ())
}

/// Trains a network and returns the test accuracy, or `None` if the loss is no longer finite.
pub(crate) fn accuracy<N>(mut network: N, train: &Digits, test: &Digits, epochs: u64) -> Result<Option<f64>, Error>
where
    N: Network<Scalar = f32, Head = Softmax, Input = Tensor<8, 8, 1>>,
{
    match trained(&mut network, train, 0.01, epochs) {
        Err(Error::NotFinite { .. }) => Ok(None),
        Err(error) => Err(error),
        Ok(_) => Ok(evaluate(&network, test, &CrossEntropy::new())?.accuracy()),
    }
}
