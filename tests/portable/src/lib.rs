//! A training run in portable code, and the digest of its weights on every machine.
#![forbid(unsafe_code)]

use netwright::prelude::*;
use netwright::schedule::Cosine;
use netwright::train::GradientEngine;
use netwright::{Error, InstructionSet, Pass, optim::Optimizer as _};

netwright::network! {
    /// Trainable kernels of every kind whose order of summation depends on the instruction set.
    pub Small(12x12x4) {
        conv 3x3x16 same bn relu;
        conv 3x3x16 groups 2 pad 1 tanh;
        dwconv 3x3 stride 2 pad 1 gelu;
        maxpool 2;
        layernorm;
        dropout 0.2;
        dense 24 sigmoid;
        softmax 5
    }
}

/// The digest of the weights of [`trained`]: the same bits on every machine and for any number of threads.
pub const TRAINED: u64 = 0xde55_4055_70eb_5b75;

/// Returns images and labels from a formula.
fn samples() -> (Vec<Tensor<12, 12, 4>>, Vec<usize>) {
    let element = |image: usize, index: usize| ((index * 7919 + image * 104_729) % 1009) as f32 / 504.5 - 1.0;
    let image = |image: usize| {
        Tensor::from_fn(|row, column, channel| {
            element(image, (row * 12 + column) * 4 + channel) + (image % 5) as f32 / 5.0
        })
    };
    ((0..20).map(image).collect(), (0..20).map(|image| image % 5).collect())
}

/// Returns the FNV-1a hash of the bits of some elements.
fn digest<'e>(elements: impl Iterator<Item = &'e f32>) -> u64 {
    let bytes = elements.flat_map(|element| element.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Trains in portable code by a [`Trainer`], and then by a loop of steps; returns a digest of all weights.
///
/// # Errors
/// Those of training.
pub fn trained(threads: usize) -> Result<u64, Error> {
    let (images, labels) = samples();
    let mut network = Small::init(5);
    network.set_instructions(InstructionSet::Portable)?;
    let data = Dataset::new(images.clone(), labels.clone())?;
    Trainer::new()
        .epochs(2)?
        .batch(10)?
        .seed(3)
        .threads(threads)?
        .progress(false)
        .loss(CrossEntropy.label_smoothing(0.1)?)
        .optimizer(Adam::new(0.01)?.clip_norm(1.0)?)
        .schedule(Cosine)
        .fit(&mut network, &data, Some(&data))?;
    let mut engine = GradientEngine::<Small>::new(images.len(), threads)?;
    let mut optimizer = Sgd::new(0.05)?.momentum(0.9)?;
    for step in 0..2 {
        let pass = Pass { seed: 9, step, ..Pass::default() };
        engine.gradient(&mut network, &images, &labels, &CrossEntropy, pass)?;
        optimizer.step(0.05, Small::LAYERS, network.parameters_mut(), engine.gradients().as_slice())?;
    }
    Ok(digest(network.parameters().iter().chain(network.statistics())))
}
