//! `slice 8 at 8`, `shuffle 2`

use crate::ops::{Shuffle, Slice};
use crate::words::{Argument, Example, OptionWord, Tensors, Word, WordPosition};

/// A range of channels.
pub(super) static SLICE: Word = Word {
    name: "slice",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::None,
    form: "slice N",
    summary: "The first N channels of an image or a series, or features of a row; with `at`, N from there on. Half of what comes in: `slice (in.channels/2)`.",
    argument: Argument::Required,
    options: &[OptionWord {
        name: "at",
        form: "at 8",
        argument: Argument::Required,
        summary: "the first channel that is taken, counted from 0; 0 unless said",
    }],
    examples: &[
        Example { input: "2x3x5", stage: "slice 2" },
        Example { input: "3x4", stage: "slice 3 at 1" },
        Example { input: "7", stage: "slice 2 at 5" },
    ],
    lower: |layer, lowering, input| {
        let count = layer.count("the number of channels")?;
        let first = match layer.numbers_of("at") {
            Some(first) => first.single("`at`", "at 8")?.whole("the first channel")?,
            None => 0,
        };
        lowering.push(layer, Slice { first, count }, &[input])
    },
};

/// Interleaves the channels of groups.
pub(super) static SHUFFLE: Word = Word {
    name: "shuffle",
    aliases: &[],
    position: WordPosition::Modifier,
    tensors: Tensors::None,
    form: "shuffle G",
    summary: "The channel shuffle (Zhang et al., 2018): the first channel of each of G groups, then the second of each, so that what groups of channels have computed apart meets.",
    argument: Argument::Required,
    options: &[],
    examples: &[
        Example { input: "2x3x6", stage: "shuffle 2" },
        Example { input: "3x6", stage: "shuffle 3" },
        Example { input: "8", stage: "shuffle 4" },
    ],
    lower: |layer, lowering, input| {
        let groups = layer.count("the number of groups")?;
        lowering.push(layer, Shuffle { groups }, &[input])
    },
};
