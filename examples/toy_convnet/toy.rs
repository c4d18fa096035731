//! The network of the spreadsheet.

use netwright::Error;
use netwright::prelude::*;
use netwright::see::{self, Picture};
use netwright::train::{History, evaluate};

netwright::network! {
    /// Two convolutions with two 3x3 filters each, a 2x2 max pool, a weight for each value and class, softmax.
    pub ToyConvnet(28x28x1) {
        conv 3x3x2 relu as conv1;
        conv 3x3x2 relu as conv2;
        maxpool 2 as pool;
        dense 10 as dense;
        softmax
    }
}

const _: () = assert!(ToyConvnet::PARAMETERS == (9 + 1) * 2 + (2 * 9 + 1) * 2 + (12 * 12 * 2 + 1) * 10);

pub(crate) type Digits = Dataset<Tensor<28, 28, 1>>;

/// Trains the network.
pub(crate) fn train(seed: u64, train: &Digits, test: &Digits, epochs: u64) -> Result<(ToyConvnet, History), Error> {
    let mut network = ToyConvnet::init(seed);
    let history = Trainer::new()
        .epochs(epochs)?
        .batch(32)?
        .seed(seed)
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(0.01)?.momentum(0.9)?)
        .progress(false)
        .fit(&mut network, train, Some(test))?;
    Ok((network, history))
}

/// Returns the accuracy on some digits.
pub(crate) fn accuracy(network: &ToyConvnet, digits: &Digits) -> Result<f64, Error> {
    Ok(evaluate(network, digits, &CrossEntropy::new())?.accuracy().unwrap_or(f64::NAN))
}

/// Returns the sheets of the workbook for one image: the image, then the maps of each layer, one for each filter.
pub(crate) fn maps(
    network: &ToyConvnet,
    image: &Tensor<28, 28, 1>,
) -> Result<Vec<(&'static str, Vec<Picture>)>, Error> {
    let mut maps = vec![("image", vec![Picture::from(image)])];
    for layer in ["conv1", "conv2", "pool"] {
        maps.push((layer, see::activations(network, image, layer)?.split()));
    }
    Ok(maps)
}

/// Counts the filters of a layer whose feature maps are 0 everywhere for all of these digits.
pub(crate) fn dead_filters(network: &ToyConvnet, layer: &str, digits: &Digits) -> Result<usize, Error> {
    let mut peaks = [0.0_f32; 2];
    for (image, _) in digits.iter() {
        for (peak, map) in peaks.iter_mut().zip(see::activations(network, image, layer)?.split()) {
            *peak = peak.max(map.range().1);
        }
    }
    Ok(peaks.iter().filter(|peak| **peak == 0.0).count())
}

/// Returns the ten dense activations, and their softmax.
pub(crate) fn answer(network: &ToyConvnet, image: &Tensor<28, 28, 1>) -> Result<[[f32; 10]; 2], Error> {
    let dense = see::activations(network, image, "dense")?;
    let mut activations = [0.0; 10];
    activations.copy_from_slice(dense.elements());
    Ok([activations, network.predict(image)])
}
