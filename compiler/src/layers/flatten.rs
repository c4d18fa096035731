//! `flatten`

use crate::ops::Reshape;
use crate::words::{Argument, Example, Tensors, Word, WordPosition};

/// Flattens an image.
pub(super) static FLATTEN: Word = Word {
    name: "flatten",
    aliases: &[],
    position: WordPosition::Modifier,
    tensors: Tensors::None,
    form: "flatten",
    summary: "Turns an image into a row of features: row by row, pixel by pixel, channels innermost. `dense` does it by itself.",
    argument: Argument::None,
    options: &[],
    examples: &[Example { input: "3x2x2", stage: "flatten" }],
    lower: |layer, lowering, input| lowering.push(layer, Reshape { to: None }, &[input]),
};
