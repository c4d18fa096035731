//! `softmax 10`, and `softmax` alone

use super::conv::NOBIAS;
use super::dense::connect;
use crate::ops::Softmax;
use crate::words::{Argument, Example, Tensors, Word, WordPosition};

/// The output layer, or the activation.
pub(super) static SOFTMAX: Word = Word {
    name: "softmax",
    aliases: &[],
    position: WordPosition::Modifier,
    tensors: Tensors::Weights,
    form: "softmax N` or `softmax",
    summary: "With a number, the output layer: `dense N`, then probabilities of N classes. Alone, the activation: each row of the last axis becomes probabilities.",
    argument: Argument::Optional,
    options: &[NOBIAS],
    examples: &[
        Example { input: "3x2x2", stage: "softmax 4" },
        Example { input: "5", stage: "softmax" },
        Example { input: "2x2x3", stage: "softmax" },
    ],
    lower: |layer, lowering, mut input| {
        if layer.argument.is_some() {
            let classes = layer.count("the number of classes")?;
            lowering.refuse_softmax_after_softmax(layer, input)?;
            input = connect(classes, layer, lowering, input)?;
        }
        lowering.push(layer, Softmax, &[input])
    },
};
