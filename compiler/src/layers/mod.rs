//! The words of the language: one file for each layer, with its arguments, its defaults and how it lowers to operations.

mod activations;
mod batchnorm;
mod conv;
mod deconv;
mod dense;
mod depthwise;
mod distance;
mod dropout;
mod flatten;
mod global_pool;
mod lrn;
mod pool;
mod prelu;
mod scale;
mod shapes;
mod softmax;
mod subsample;

use crate::words::{Argument, OptionWord, Word};

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
];

/// The options that every layer knows.
pub static SHARED: &[OptionWord] = &[
    OptionWord { name: "as", form: "as name", argument: Argument::None, summary: "names the layer" },
    OptionWord {
        name: "tied",
        form: "tied name",
        argument: Argument::None,
        summary: "shares the weights of the layer of that name",
    },
    OptionWord {
        name: "init",
        form: "init he",
        argument: Argument::None,
        summary: "how weights start: `lecun` (N(0, 1/fan-in), the default), `he` (the default before a rectifier), `glorot`, their `_uniform` forms, `orthogonal`, `zeros`, `normal 0.01`, `uniform 0.05`",
    },
    OptionWord { name: "bias", form: "bias 0.1", argument: Argument::Required, summary: "what the biases start at" },
];

/// The word spelt `name`.
pub fn find(name: &str) -> Option<&'static Word> {
    WORDS.iter().copied().find(|word| word.name == name || word.aliases.contains(&name))
}
