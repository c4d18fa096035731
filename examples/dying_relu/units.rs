//! Networks with hidden units that are off at the start of training or at its end.

use netwright::head::Softmax;
use netwright::prelude::*;
use netwright::train::evaluate;
use netwright::{Error, Observer, Pass};

netwright::network! {
    /// Biases so far below 0 that no hidden unit is on for any digit.
    pub Relu(8x8x1) { dense 64 bias -3 init he relu; softmax 10 }
    /// The same with the slide's slope below 0.
    pub Leaky(8x8x1) { dense 64 bias -3 init he leaky_relu 0.001; softmax 10 }
    /// The same with a larger slope.
    pub Leakier(8x8x1) { dense 64 bias -3 init he leaky_relu 0.1; softmax 10 }
    /// The same with a slope that is trained.
    pub Parametric(8x8x1) { dense 64 bias -3 init he prelu 0.001; softmax 10 }
    /// Biases at 0, as usual.
    pub Healthy(8x8x1) { dense 64 relu; dense 64 relu; softmax 10 }
}

pub(crate) type Digits = Dataset<Tensor<8, 8, 1>>;

/// Counts, for each unit of each layer, the images for which its output is above 0.
struct Active {
    images: usize,
    units: Vec<Vec<usize>>,
}

impl Observer<f32> for Active {
    fn computed(&mut self, layer: usize, values: &mut [f32]) {
        let units = values.len() / self.images;
        self.units[layer] = (0..units)
            .map(|unit| values.iter().skip(unit).step_by(units).filter(|value| **value > 0.0).count())
            .collect();
    }
}

/// Returns the share of hidden units whose output is not above 0 for any of these digits, and the share whose output is not above 0 for one
/// digit, as the mean over all digits.
pub(crate) fn off<N>(network: &N, digits: &Digits) -> Result<[f64; 2], Error>
where
    N: Network<Scalar = f32, Input = Tensor<8, 8, 1>>,
{
    let mut active = Active { images: digits.len(), units: vec![Vec::new(); N::LAYERS.len()] };
    let mut workspace = N::workspace(digits.len());
    workspace.forward_observed(Pass::default(), network.parameters(), &mut [], digits.inputs(), &mut active)?;
    // A parametric rectifier is a layer of its own; the outputs of the layer before it do not count.
    let hidden = N::LAYERS.iter().zip(&active.units).zip(N::LAYERS.iter().skip(1));
    let rectified = hidden.filter(|(_, next)| !next.name.starts_with("prelu")).flat_map(|((_, units), _)| units);
    let active: Vec<usize> = rectified.copied().collect();
    let (units, images) = (active.len() as f64, digits.len() as f64);
    let never = active.iter().filter(|images| **images == 0).count() as f64 / units;
    Ok([never, 1.0 - active.iter().sum::<usize>() as f64 / (units * images)])
}

/// The measurements of one training run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// The share of units that are off for every training digit, before and after training.
    pub(crate) off: [f64; 2],
    /// The share of units that are off for a digit, after training.
    pub(crate) silent: f64,
    /// The accuracy on test digits.
    pub(crate) accuracy: f64,
}

/// Trains a network with a learning rate and measures it.
pub(crate) fn outcome<N>(train: &Digits, test: &Digits, rate: f64, epochs: u64) -> Result<Outcome, Error>
where
    N: Network<Scalar = f32, Head = Softmax, Input = Tensor<8, 8, 1>>,
{
    let mut network = N::init(1);
    let [before, _] = off(&network, train)?;
    Trainer::new()
        .epochs(epochs)?
        .batch(32)?
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(rate)?.momentum(0.9)?)
        .progress(false)
        .fit(&mut network, train, None)?;
    let accuracy = evaluate(&network, test, &CrossEntropy::new())?.accuracy().unwrap_or(f64::NAN);
    let [after, silent] = off(&network, train)?;
    Ok(Outcome { off: [before, after], silent, accuracy })
}
