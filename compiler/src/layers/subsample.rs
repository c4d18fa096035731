//! `subsample 2`

use super::axes::Axes;
use super::conv::{NOBIAS, STRIDE, window};
use crate::ops::Subsample;
use crate::words::{Argument, Example, Tensors, Word, WordPosition};

/// Trained subsampling.
pub(super) static SUBSAMPLE: Word = Word {
    name: "subsample",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::Weights,
    form: "subsample N",
    summary: "Trained subsampling (LeCun et al., 1998): the sum of each window, times a trained coefficient, plus a trained bias, one of each for a channel. It starts as the mean. The stride is the window unless said.",
    argument: Argument::Required,
    options: &[STRIDE, NOBIAS],
    examples: &[
        Example { input: "4x6x2", stage: "subsample 2" },
        Example { input: "6x2", stage: "subsample 3" },
        Example { input: "5x4x3", stage: "subsample 3x2 stride 2x1 nobias tanh" },
    ],
    lower: |layer, lowering, input| {
        let axes = Axes::of(lowering, input);
        let size = axes.pair(layer.numbers()?, "the window", "subsample 2` or `subsample 2x3")?;
        let window = window(axes, layer, size, size)?;
        lowering.push(layer, Subsample { window, bias: !layer.has("nobias") }, &[input])
    },
};
