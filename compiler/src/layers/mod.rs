//! The words of the language: one file per layer, with its arguments, its defaults and its lowering to operations.

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

#[cfg(feature = "onnx")]
pub(crate) use activations::text as activation_text;
pub(crate) use structure::NAMES as STRUCTURE_NAMES;
pub use structure::{INITS, NETWORK, SHARED, STRUCTURE, StructureWord};

use crate::words::Word;

/// The words for layers, except activations without weights.
static LAYERS: &[&Word] = &[
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
    &prelu::PRELU,
];

/// Every word for a layer.
pub fn words() -> impl Iterator<Item = &'static Word> + Clone {
    LAYERS.iter().copied().chain(activations::ALL)
}

/// The word with the name or alias `name`.
pub fn find(name: &str) -> Option<&'static Word> {
    words().find(|word| word.name == name || word.aliases.contains(&name))
}
