//! `batchnorm`, `layernorm`

use netwright_grammar::Diagnostic;

use crate::ops::{BatchNorm, LayerNorm};
use crate::words::{Argument, Example, OptionWord, Tensors, Use, Word, WordPosition};

const EPS: OptionWord = OptionWord {
    name: "eps",
    form: "eps 0.001",
    argument: Argument::Required,
    summary: "what is added to the variance; 0.001 unless said",
};
const MOMENTUM: OptionWord = OptionWord {
    name: "momentum",
    form: "momentum 0.99",
    argument: Argument::Required,
    summary: "the weight of the old value in the moving averages, as in Keras; 0.99 unless said (PyTorch writes 1 - it)",
};
const NOSCALE: OptionWord =
    OptionWord { name: "noscale", form: "noscale", argument: Argument::None, summary: "leaves the trained scale out" };
const NOCENTER: OptionWord = OptionWord {
    name: "nocenter",
    form: "nocenter",
    argument: Argument::None,
    summary: "leaves the trained shift out",
};

/// Normalisation over the batch.
pub(super) static BATCHNORM: Word = Word {
    name: "batchnorm",
    aliases: &["bn"],
    position: WordPosition::Modifier,
    tensors: Tensors::Others,
    form: "bn",
    summary: "Batch normalisation (Ioffe and Szegedy, 2015): each channel gets mean 0 and variance 1 over the batch and all positions, then a trained scale and shift. Predictions use moving averages of the training's statistics.",
    argument: Argument::None,
    options: &[EPS, MOMENTUM, NOSCALE, NOCENTER],
    examples: &[
        Example { input: "3x2x2", stage: "bn" },
        Example { input: "5", stage: "batchnorm eps 0.00001 momentum 0.9 noscale" },
        Example { input: "2x3x3", stage: "bn nocenter tanh" },
        Example { input: "4x4x2", stage: "conv 3x3x2 nobias bn noscale nocenter tanh" },
    ],
    lower: |layer, lowering, input| {
        let momentum = layer.real("momentum", 0.99)?;
        if !(0.0..=1.0).contains(&momentum) {
            let span = layer.option("momentum").map_or(layer.span, |option| option.span);
            return Err(Diagnostic::new(span, format!("a momentum lies between 0 and 1, and this is {momentum}"))
                .help("write `momentum 0.99`: the weight of the old value"));
        }
        let (scale, center) = (!layer.has("noscale"), !layer.has("nocenter"));
        lowering.push(layer, BatchNorm { epsilon: epsilon(layer)?, momentum, scale, center }, &[input])
    },
};

/// Normalisation over the channels of each position.
pub(super) static LAYERNORM: Word = Word {
    name: "layernorm",
    aliases: &[],
    position: WordPosition::Modifier,
    tensors: Tensors::Others,
    form: "layernorm",
    summary: "Layer normalisation (Ba et al., 2016): each position of an image, or a row of features, gets mean 0 and variance 1 over its channels, then a trained scale and shift.",
    argument: Argument::None,
    options: &[EPS, NOSCALE, NOCENTER],
    examples: &[
        Example { input: "2x3x4", stage: "layernorm" },
        Example { input: "6", stage: "layernorm eps 0.00001 noscale nocenter" },
    ],
    lower: |layer, lowering, input| {
        let (scale, center) = (!layer.has("noscale"), !layer.has("nocenter"));
        if lowering.shape(input).channels() == 1 {
            return Err(Diagnostic::new(layer.span, "`layernorm` over a single number: it would be 0, whatever comes in")
                .help("it normalises over channels, or the features of a row, and needs at least two; `bn` normalises over images"));
        }
        lowering.push(layer, LayerNorm { epsilon: epsilon(layer)?, scale, center }, &[input])
    },
};

fn epsilon(layer: &Use) -> Result<f64, Diagnostic> {
    let epsilon = layer.real("eps", 1e-3)?;
    if epsilon > 0.0 {
        return Ok(epsilon);
    }
    let span = layer.option("eps").map_or(layer.span, |option| option.span);
    Err(Diagnostic::new(span, format!("`eps` must be more than 0, and this is {epsilon}"))
        .help("it keeps a channel that never changes from a division by 0: write `eps 0.001`"))
}
