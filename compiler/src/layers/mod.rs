//! The words of the language: one file for each layer, with its arguments, its defaults and how it lowers to operations.

mod activations;
mod axes;
mod batchnorm;
mod channels;
mod conv;
mod deconv;
mod dense;
mod depthwise;
mod distance;
mod dropout;
mod flatten;
mod global_pool;
mod kernel;
mod lrn;
mod pool;
mod prelu;
mod scale;
mod shapes;
mod softmax;
mod structure;
mod subsample;

pub(crate) use structure::NAMES as STRUCTURE_NAMES;
pub use structure::{INITS, SHARED, STRUCTURE, StructureWord};

use crate::words::Word;

/// Every word that makes a layer.
pub static WORDS: &[&Word] = &[
    &conv::CONV,
    &depthwise::DWCONV,
    &depthwise::SEPCONV,
    &deconv::DECONV,
    &pool::MAXPOOL,
    &pool::AVGPOOL,
    &global_pool::GLOBALAVGPOOL,
    &global_pool::GLOBALMAXPOOL,
    &subsample::SUBSAMPLE,
    &dense::DENSE,
    &softmax::SOFTMAX,
    &softmax::LOGSOFTMAX,
    &distance::DISTANCE,
    &batchnorm::BATCHNORM,
    &batchnorm::LAYERNORM,
    &lrn::LRN,
    &dropout::DROPOUT,
    &flatten::FLATTEN,
    &shapes::RESHAPE,
    &shapes::ZEROPAD,
    &shapes::CROP,
    &shapes::UPSAMPLE,
    &channels::SLICE,
    &channels::SHUFFLE,
    &scale::SCALE,
    &activations::RELU,
    &activations::LEAKY_RELU,
    &prelu::PRELU,
    &activations::TANH,
    &activations::SIGMOID,
    &activations::ELU,
    &activations::SELU,
    &activations::GELU,
    &activations::SILU,
    &activations::SOFTPLUS,
    &activations::HARD_SIGMOID,
    &activations::RELU6,
    &activations::GELU_TANH,
    &activations::SOFTSIGN,
    &activations::EXP,
];

/// The word spelt `name`.
pub fn find(name: &str) -> Option<&'static Word> {
    WORDS.iter().copied().find(|word| word.name == name || word.aliases.contains(&name))
}
