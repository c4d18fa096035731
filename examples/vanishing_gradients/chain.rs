//! The chain of slide 8: one unit in each layer, so that the chain rule is a product of numbers.

use netwright::prelude::*;
use netwright::train::GradientEngine;
use netwright::{Error, Pass};

netwright::network! {
    /// Layers 2, 3 and 4 of the slide.
    pub Chain(1) {
        dense 1 sigmoid as layer2;
        dense 1 sigmoid as layer3;
        dense 1 sigmoid as layer4
    }
}

/// Returns ∂ℓ/∂z of layers 2, 3 and 4, each by the slide's product and by the library.
pub(crate) fn slopes(seed: u64, input: f64, target: f64) -> Result<[(f64, f64); 3], Error> {
    let mut chain: Chain<f64> = Network::init(seed);
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    let layers = chain.layers();
    let (w2, w3, w4) = (layers.layer2.kernel[0][0], layers.layer3.kernel[0][0], layers.layer4.kernel[0][0]);
    let a2 = sigmoid(w2 * input);
    let a3 = sigmoid(w3 * a2);
    let a4 = sigmoid(w4 * a3);
    let z4 = a4 - target;
    let z3 = z4 * w4 * (a3 * (1.0 - a3));
    let z2 = z3 * w3 * (a2 * (1.0 - a2));

    // The gradient of a bias is that of the pre-activation, because ∂z/∂b = 1 (slide 4).
    let mut engine = GradientEngine::new(1, 1)?;
    engine.gradient(&mut chain, &[[input]], &[[target]], &BinaryCrossEntropy, Pass::default())?;
    let found = |layer| engine.gradients().tensor(layer, "bias").map_or(f64::NAN, |bias| bias[0]);
    Ok([(z2, found("layer2")), (z3, found("layer3")), (z4, found("layer4"))])
}
