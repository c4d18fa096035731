//! `dwconv 3x3`, `sepconv 3x3x64`

use netwright_grammar::Diagnostic;

use super::axes::Axes;
use super::conv::{DILATE, NOBIAS, PAD, SAME, STRIDE, window};
use super::kernel;
use crate::graph::ValueId;
use crate::lower::Lowering;
use crate::ops::{Conv, Depthwise};
use crate::shape::{Padding, Window};
use crate::words::{Argument, Example, OptionWord, Tensors, Use, Word, WordPosition};

const MULTIPLIER: OptionWord = OptionWord {
    name: "multiplier",
    form: "multiplier 2",
    argument: Argument::Required,
    summary: "how many filters each channel has; 1 unless said",
};

/// The depthwise convolution.
pub(super) static DWCONV: Word = Word {
    name: "dwconv",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::Weights,
    form: "dwconv HxW",
    summary: "Depthwise convolution (Sifre, 2014): each channel is convolved by itself, with a window of height H and width W. Its kernel is `[H, W, channels, multiplier]`.",
    argument: Argument::Required,
    options: &[STRIDE, SAME, PAD, DILATE, MULTIPLIER, NOBIAS],
    examples: &[
        Example { input: "5x4x3", stage: "dwconv 3x3" },
        Example { input: "6x3", stage: "dwconv 3 same multiplier 2" },
        Example { input: "6x5x2", stage: "dwconv 3x2 stride 2x1 same multiplier 2" },
        Example { input: "6x6x2", stage: "dwconv 3x3 dilate 2 pad 1x2 nobias" },
    ],
    lower: |layer, lowering, input| {
        let numbers = layer.numbers()?;
        let axes = Axes::of(lowering, input);
        let (height, width) = match numbers.numbers.as_slice() {
            [both] => (both, both),
            [height, width] => (height, width),
            _ => {
                return Err(Diagnostic::new(
                    layer.written.to(numbers.span),
                    format!("`dwconv` takes one number or two, not {}", numbers.numbers.len()),
                )
                .help("each channel has its own filter: write the window alone, `dwconv 3x3`; for more filters a channel, `multiplier 2`"));
            }
        };
        let size = match axes {
            Axes::One => axes.pair(numbers, "the window", "dwconv 3")?,
            Axes::Two => [height.count("the window's height")?, width.count("the window's width")?],
        };
        let op = depthwise(axes, layer, size, "kernel", !layer.has("nobias"))?;
        lowering.push(layer, op, &[input])
    },
};

/// The separable convolution.
pub(super) static SEPCONV: Word = Word {
    name: "sepconv",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::Weights,
    form: "sepconv HxWxF",
    summary: "Separable convolution (Chollet, 2017): a depthwise convolution with a window of height H and width W, without a bias, then a 1x1 convolution with F filters.",
    argument: Argument::Required,
    options: &[STRIDE, SAME, PAD, DILATE, MULTIPLIER, NOBIAS, kernel::OF_CONV],
    examples: &[
        Example { input: "5x4x3", stage: "sepconv 3x3x2" },
        Example { input: "6x3", stage: "sepconv 3x2" },
        Example { input: "5x5x2", stage: "sepconv 3x3x4 stride 2 same multiplier 2 nobias" },
    ],
    lower: separable,
};

fn separable(layer: &Use, lowering: &mut Lowering<'_>, input: ValueId) -> Result<ValueId, Diagnostic> {
    let axes = Axes::of(lowering, input);
    let (size, filters) = axes.window_and_filters(layer, lowering, input)?;
    let apart = lowering.push(layer, depthwise(axes, layer, size, "depthwise_kernel", false)?, &[input])?;
    let window = Window { size: [1; 2], stride: [1; 2], dilation: [1; 2], padding: Padding::Explicit([0; 4]) };
    let mut point = Conv {
        window,
        filters,
        groups: 1,
        bias: !layer.has("nobias"),
        kernel: "pointwise_kernel",
        asked: None,
        exact: false,
    };
    point.asked = kernel::asked(layer, lowering, point, apart)?;
    lowering.push(layer, point, &[apart])
}

fn depthwise(
    axes: Axes,
    layer: &Use,
    size: [usize; 2],
    kernel: &'static str,
    bias: bool,
) -> Result<Depthwise, Diagnostic> {
    let multiplier = match layer.numbers_of("multiplier") {
        Some(numbers) => numbers.single("`multiplier`", "multiplier 2")?.count("the number of filters a channel")?,
        None => 1,
    };
    Ok(Depthwise { window: window(axes, layer, size, [1, 1])?, multiplier, bias, kernel })
}
