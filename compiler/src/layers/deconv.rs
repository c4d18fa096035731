//! `deconv 2x2x64`

use super::axes::Axes;
use super::conv::{DILATE, NOBIAS, STRIDE, window};
use crate::ops::Deconv;
use crate::words::{Argument, Example, OptionWord, Tensors, Word, WordPosition};

const SAME: OptionWord = OptionWord {
    name: "same",
    form: "same",
    argument: Argument::None,
    summary: "cuts the output to input * stride, the extra row and column off the bottom and right",
};
const PAD: OptionWord = OptionWord {
    name: "pad",
    form: "pad 1`, `pad 1x2` or `pad 1x2x0x3",
    argument: Argument::Required,
    summary: "what is cut off the output: all around; above and below x left and right; or top x bottom x left x right",
};

/// The transposed convolution.
pub(super) static DECONV: Word = Word {
    name: "deconv",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::Weights,
    form: "deconv HxWxF",
    summary: "Transposed convolution (Zeiler et al., 2010): each pixel spreads over a window of height H and width W in F feature maps. Output = (input - 1) * stride + window - padding, so that `deconv 2x2x64 stride 2` doubles an image; `same` makes it input * stride.",
    argument: Argument::Required,
    options: &[STRIDE, SAME, PAD, DILATE, NOBIAS],
    examples: &[
        Example { input: "3x2x3", stage: "deconv 2x2x2 stride 2" },
        Example { input: "3x4x2", stage: "deconv 3x3x2 stride 2 same" },
        Example { input: "4x2", stage: "deconv 3x2 stride 2 pad 1x0" },
        Example { input: "3x3x2", stage: "deconv 3x3x3 stride 2x1 pad 1x0x1x1 nobias" },
        Example { input: "3x2x2", stage: "deconv 2x2x2 stride 3 same" },
        Example { input: "2x3x2", stage: "deconv 2x2x2 dilate 2" },
    ],
    lower: |layer, lowering, input| {
        let axes = Axes::of(lowering, input);
        let (size, filters) = axes.window_and_filters(layer, lowering, input)?;
        let window = window(axes, layer, size, [1, 1])?;
        lowering.push(layer, Deconv { window, filters, bias: !layer.has("nobias") }, &[input])
    },
};
