//! Networks that differ only in their pooling, and shifted digits.

use netwright::head::Softmax;
use netwright::prelude::*;
use netwright::train::evaluate;
use netwright::{Error, see};

netwright::network! {
    /// Without pooling: the classifier reads every position of the feature maps.
    pub Unpooled(12x12x1) { conv 3x3x8 same relu as features; softmax 10 }
    /// The maximum of each 2x2 window.
    pub MaxPooled(12x12x1) { conv 3x3x8 same relu as features; maxpool 2 as pool; softmax 10 }
    /// The mean of each 2x2 window.
    pub AveragePooled(12x12x1) { conv 3x3x8 same relu as features; avgpool 2 as pool; softmax 10 }
    /// The maximum of each 4x4 window.
    pub MaxPooled4(12x12x1) { conv 3x3x8 same relu as features; maxpool 4 as pool; softmax 10 }
    /// The mean of each 4x4 window.
    pub AveragePooled4(12x12x1) { conv 3x3x8 same relu as features; avgpool 4 as pool; softmax 10 }
}

pub(crate) type Digits = Dataset<Tensor<12, 12, 1>>;

/// Places the digits on a larger background, shifted from its centre by `[down, right]`.
pub(crate) fn moved(digits: &Dataset<Tensor<8, 8, 1>>, [down, right]: [isize; 2]) -> Result<Digits, Error> {
    let place = |digit: &Tensor<8, 8, 1>| {
        let within = |at: usize, by: isize| at.checked_add_signed(-2 - by).filter(|&at| at < 8);
        Tensor::from_fn(|y, x, _| match (within(y, down), within(x, right)) {
            (Some(y), Some(x)) => digit[[y, x, 0]],
            _ => 0.0,
        })
    };
    Dataset::new(digits.inputs().iter().map(place).collect(), digits.targets().to_vec())
}

/// Returns the shifts by `distance` in the four directions.
pub(crate) fn directions(distance: isize) -> Vec<[isize; 2]> {
    if distance == 0 { vec![[0, 0]] } else { vec![[distance, 0], [-distance, 0], [0, distance], [0, -distance]] }
}

/// Trains on centred digits.
pub(crate) fn trained<N>(train: &Dataset<Tensor<8, 8, 1>>, seed: u64, epochs: u64) -> Result<N, Error>
where
    N: Network<Scalar = f32, Head = Softmax, Input = Tensor<12, 12, 1>>,
{
    let mut network = N::init(seed);
    Trainer::new()
        .epochs(epochs)?
        .batch(32)?
        .seed(seed)
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(0.02)?.momentum(0.9)?)
        .progress(false)
        .fit(&mut network, &moved(train, [0, 0])?, None)?;
    Ok(network)
}

/// Returns the accuracy on digits shifted by `distance`, the mean over the four directions.
pub(crate) fn accuracy<N>(network: &N, test: &Dataset<Tensor<8, 8, 1>>, distance: isize) -> Result<f64, Error>
where
    N: Network<Scalar = f32, Head = Softmax, Input = Tensor<12, 12, 1>>,
{
    let directions = directions(distance);
    let mut sum = 0.0;
    for by in &directions {
        sum += evaluate(network, &moved(test, *by)?, &CrossEntropy::new())?.accuracy().unwrap_or(f64::NAN);
    }
    Ok(sum / directions.len() as f64)
}

/// Returns the relative change of a layer's outputs when a digit is shifted, |f(shifted) − f(digit)| / |f(digit)|, the mean over some digits and
/// the four directions.
pub(crate) fn change<N>(
    network: &N,
    layer: &str,
    test: &Dataset<Tensor<8, 8, 1>>,
    distance: isize,
) -> Result<f64, Error>
where
    N: Network<Scalar = f32, Input = Tensor<12, 12, 1>>,
{
    let length = |numbers: &mut dyn Iterator<Item = f32>| numbers.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let still = moved(test, [0, 0])?;
    let (mut sum, mut count) = (0.0, 0.0);
    for by in directions(distance) {
        for (digit, other) in still.inputs().iter().zip(moved(test, by)?.inputs()) {
            let (before, after) = (see::activations(network, digit, layer)?, see::activations(network, other, layer)?);
            let difference = after.minus(&before)?;
            sum += length(&mut difference.elements().iter().copied()) / length(&mut before.elements().iter().copied());
            count += 1.0;
        }
    }
    Ok(sum / count)
}
