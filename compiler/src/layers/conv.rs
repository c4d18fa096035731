//! `conv 5x5x6`

use netwright_grammar::{Diagnostic, Span};

use super::axes::Axes;
use super::kernel;
use crate::graph::ValueId;
use crate::lower::Lowering;
use crate::ops::{Conv, ConvTable};
use crate::shape::{Padding, Window};
use crate::words::{Argument, Example, Numbers, OptionWord, Tensors, Use, Word, WordPosition};

/// The convolution.
pub(super) static CONV: Word = Word {
    name: "conv",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::Weights,
    form: "conv HxWxF",
    summary: "Convolution (cross-correlation, slides 22 and 37): a window of height H and width W, with F filters; of a series, `128x1`, a window of length L: `conv LxF`. Without a padding word there is no padding.",
    argument: Argument::Required,
    options: &[STRIDE, SAME, PAD, DILATE, GROUPS, CONNECT, NOBIAS, kernel::OF_CONV, EXACT],
    examples: &[
        Example { input: "6x5x1", stage: "conv 3x3x2" },
        Example { input: "9x2", stage: "conv 3x4 stride 2 same dilate 2" },
        Example { input: "8x2", stage: "conv 3x4 groups 2 pad 2x1" },
        Example { input: "7x6x2", stage: "conv 3x2x4" },
        Example { input: "8x9x3", stage: "conv 3x3x4 stride 2x1 same" },
        Example { input: "7x7x2", stage: "conv 3x3x3 pad 1x2 dilate 2 nobias" },
        Example { input: "5x5x4", stage: "conv 3x3x6 groups 2 same" },
        Example { input: "5x5x3", stage: "conv 3x3x6 groups 3 pad 1x0x2x1" },
        Example { input: "6x5x16", stage: "conv 3x3x16 same kernel winograd" },
        Example { input: "6x5x16", stage: "conv 3x3x16 exact" },
        Example { input: "6x5x3", stage: "conv 3x3x5 same kernel direct" },
        Example { input: "5x4x3", stage: "conv 3x2x4 same stride 2x1 connect (0, 1) (1, 2) (2) (0, 1, 2)" },
    ],
    lower,
};

/// `stride 2`, `stride 2x1`
pub(super) const STRIDE: OptionWord = OptionWord {
    name: "stride",
    form: "stride 2` or `stride 2x1",
    argument: Argument::Required,
    summary: "how far the window moves, down and to the right",
};
/// `same`
pub(super) const SAME: OptionWord = OptionWord {
    name: "same",
    form: "same",
    argument: Argument::None,
    summary: "pads so that output = ceil(input / stride); the extra zero lies at the bottom and right",
};
/// `pad 1`, `pad 1x2`, `pad 1x2x0x3`
pub(super) const PAD: OptionWord = OptionWord {
    name: "pad",
    form: "pad 1`, `pad 1x2` or `pad 1x2x0x3",
    argument: Argument::Required,
    summary: "padding all around; above and below x left and right; or top x bottom x left x right",
};
/// `dilate 2`
pub(super) const DILATE: OptionWord = OptionWord {
    name: "dilate",
    form: "dilate 2` or `dilate 2x1",
    argument: Argument::Required,
    summary: "the distance between the window's taps",
};
const GROUPS: OptionWord = OptionWord {
    name: "groups",
    form: "groups 32",
    argument: Argument::Required,
    summary: "cuts the channels into groups that do not see each other",
};
const CONNECT: OptionWord = OptionWord {
    name: "connect",
    form: "connect (0, 1) (1, 2)",
    argument: Argument::Lists,
    summary: "a connection table (LeCun et al., 1998): for each filter, the input channels that it sees, counted from 0. The others are computed with weights of 0, so that an infinite one becomes NaN",
};
const EXACT: OptionWord = OptionWord {
    name: "exact",
    form: "exact",
    argument: Argument::None,
    summary: "leaves kernels out that round more than a plain sum does: Winograd's algorithm",
};
/// `nobias`
pub(super) const NOBIAS: OptionWord =
    OptionWord { name: "nobias", form: "nobias", argument: Argument::None, summary: "leaves the bias out" };

fn lower(layer: &Use, lowering: &mut Lowering<'_>, input: ValueId) -> Result<ValueId, Diagnostic> {
    let axes = Axes::of(lowering, input);
    let (size, filters) = axes.window_and_filters(layer, lowering, input)?;
    let table = match layer.option("connect") {
        Some(connect) => Some(table(layer, &connect.lists, connect.span, filters)?),
        None => None,
    };
    let groups = match layer.numbers_of("groups") {
        Some(groups) => groups.single("`groups`", "groups 32")?.count("the number of groups")?,
        None => 1,
    };
    let window = window(axes, layer, size, [1, 1])?;
    let exact = layer.has("exact");
    let mut conv = Conv { window, filters, groups, bias: !layer.has("nobias"), kernel: "kernel", asked: None, exact };
    conv.asked = kernel::asked(layer, lowering, conv, input)?;
    if let (Some("winograd"), Some(exact)) = (conv.asked, layer.option("exact")) {
        let message =
            "`kernel winograd` and `exact` exclude each other: Winograd's algorithm rounds more than a plain sum";
        return Err(Diagnostic::new(exact.span, message).help("keep one, or neither: the compiler then decides"));
    }
    match table {
        Some(table) => lowering.push(layer, ConvTable { conv, table }, &[input]),
        None => lowering.push(layer, conv, &[input]),
    }
}

/// The input channels of each filter.
fn table(layer: &Use, lists: &[Numbers], span: Span, filters: usize) -> Result<Vec<Vec<usize>>, Diagnostic> {
    if let Some(groups) = layer.option("groups") {
        return Err(Diagnostic::new(groups.span, "`connect` and `groups` both say what a filter sees").help("keep one"));
    }
    if lists.len() != filters {
        return Err(Diagnostic::new(
            span,
            format!("the table connects {} filters, and the layer has {filters}", lists.len()),
        )
        .help("write a list of input channels for each filter: `conv 5x5x3 connect (0, 1) (1, 2) (0, 1, 2)`"));
    }
    let mut table = Vec::new();
    for list in lists {
        let mut channels = Vec::new();
        for number in &list.numbers {
            let channel = number.whole("a channel")?;
            if channels.contains(&channel) {
                return Err(Diagnostic::new(number.span, format!("channel {channel} is listed twice for one filter"))
                    .help("list each channel once"));
            }
            channels.push(channel);
        }
        if channels.is_empty() {
            return Err(Diagnostic::new(list.span, "this filter sees no channel").help("list at least one: `(0)`"));
        }
        table.push(channels);
    }
    Ok(table)
}

/// The window of `layer`, with its stride, dilation and padding options.
pub(super) fn window(
    axes: Axes,
    layer: &Use,
    size: [usize; 2],
    usual_stride: [usize; 2],
) -> Result<Window, Diagnostic> {
    let pair = |name: &str, usual: [usize; 2]| match layer.numbers_of(name) {
        Some(numbers) => axes.pair(numbers, &format!("`{name}`"), &format!("{name} 2` or `{name} 2x1")),
        None => Ok(usual),
    };
    let stride = pair("stride", usual_stride)?;
    let dilation = pair("dilate", [1, 1])?;
    let padding = match (layer.option("same"), layer.option("pad")) {
        (Some(same), Some(pad)) => {
            let later = if same.span.start > pad.span.start { same.span } else { pad.span };
            return Err(Diagnostic::new(later, "`same` and `pad` both say how to pad")
                .help("keep one: `same` for an output of ceil(input / stride), `pad` for a padding of your own"));
        }
        (Some(_), None) => Padding::Same,
        (None, Some(pad)) => {
            Padding::Explicit(axes.sides(pad.argument.as_ref().ok_or_else(|| layer.incomplete())?, "padding")?)
        }
        (None, None) => Padding::Explicit([0; 4]),
    };
    Ok(Window { size, stride, dilation, padding })
}
