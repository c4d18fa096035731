//! `reshape 7x7x16`, `zeropad 3`, `crop 1`, `upsample 2`

use netwright_grammar::Diagnostic;

use super::axes::Axes;
use crate::ops::{Crop, Reshape, Upsample, ZeroPad};
use crate::shape::Shape;
use crate::words::{Argument, Example, Tensors, Word, WordPosition};

/// The same elements in another shape.
pub(super) static RESHAPE: Word = Word {
    name: "reshape",
    aliases: &[],
    position: WordPosition::Modifier,
    tensors: Tensors::None,
    form: "reshape HxWxC",
    summary: "The same elements in another shape: height x width x channels, length x channels of a series, or one number for a row of features. Channels lie innermost.",
    argument: Argument::Required,
    options: &[],
    examples: &[Example { input: "12", stage: "reshape 2x3x2" }, Example { input: "2x3x2", stage: "reshape 3x2x2" }],
    lower: |layer, lowering, input| {
        let numbers = layer.numbers()?;
        let sizes = numbers.numbers.iter().map(|number| number.count("a size")).collect::<Result<Vec<_>, _>>()?;
        let to = match sizes.as_slice() {
            [features] => Shape::Flat(*features),
            [length, channels] => Shape::Series { length: *length, channels: *channels },
            [height, width, channels] => Shape::Image { height: *height, width: *width, channels: *channels },
            more => {
                return Err(Diagnostic::new(
                    layer.written.to(numbers.span),
                    format!("`reshape` takes one number, two or three, not {}", more.len()),
                )
                .help("write height x width x channels, `reshape 7x7x16`; length x channels of a series, `reshape 128x4`; or the number of features, `reshape 784`"));
            }
        };
        lowering.push(layer, Reshape { to: Some(to) }, &[input])
    },
};

/// Zero padding.
pub(super) static ZEROPAD: Word = Word {
    name: "zeropad",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::None,
    form: "zeropad 1`, `zeropad 1x2` or `zeropad 1x2x0x3",
    summary: "Rows and columns of zeros around the image: all around; above and below x left and right; or top x bottom x left x right. Real zeros, which a max pool sees.",
    argument: Argument::Required,
    options: &[],
    examples: &[
        Example { input: "2x3x2", stage: "zeropad 1" },
        Example { input: "3x2", stage: "zeropad 1x2; conv 2x3" },
        Example { input: "3x2x2", stage: "zeropad 1x2x0x3" },
    ],
    lower: |layer, lowering, input| {
        let sides = Axes::of(lowering, input).sides(layer.numbers()?, "padding")?;
        lowering.push(layer, ZeroPad(sides), &[input])
    },
};

/// Removal of rows and columns.
pub(super) static CROP: Word = Word {
    name: "crop",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::None,
    form: "crop 1`, `crop 1x2` or `crop 1x2x0x3",
    summary: "Takes rows and columns off the image: all around; above and below x left and right; or top x bottom x left x right.",
    argument: Argument::Required,
    options: &[],
    examples: &[
        Example { input: "5x4x2", stage: "crop 1" },
        Example { input: "5x2", stage: "crop 1x2" },
        Example { input: "4x6x2", stage: "crop 1x2x0x3" },
    ],
    lower: |layer, lowering, input| {
        let sides = Axes::of(lowering, input).sides(layer.numbers()?, "the number of rows and columns to take off")?;
        lowering.push(layer, Crop(sides), &[input])
    },
};

/// Nearest-neighbour upsampling.
pub(super) static UPSAMPLE: Word = Word {
    name: "upsample",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::None,
    form: "upsample 2`, or `upsample 2x3",
    summary: "Enlarges the image by whole factors, down x across: each pixel becomes a block of equal ones.",
    argument: Argument::Required,
    options: &[],
    examples: &[
        Example { input: "2x3x2", stage: "upsample 2" },
        Example { input: "3x2", stage: "upsample 2" },
        Example { input: "2x2x2", stage: "upsample 2x3" },
    ],
    lower: |layer, lowering, input| {
        let factor = Axes::of(lowering, input).pair(layer.numbers()?, "the factor", "upsample 2` or `upsample 2x3")?;
        lowering.push(layer, Upsample(factor), &[input])
    },
};
