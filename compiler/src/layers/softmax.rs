//! `softmax 10`, and `softmax` alone; `logsoftmax`

use netwright_grammar::Diagnostic;

use super::conv::NOBIAS;
use super::dense::connect;
use crate::graph::ValueId;
use crate::lower::Lowering;
use crate::ops::{LogSoftmax, Op, Softmax};
use crate::words::{Argument, Example, Tensors, Use, Word, WordPosition};

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
    lower: |layer, lowering, input| lower(Softmax, layer, lowering, input),
};

/// The output layer, or the activation, in logarithms.
pub(super) static LOGSOFTMAX: Word = Word {
    name: "logsoftmax",
    aliases: &[],
    position: WordPosition::Modifier,
    tensors: Tensors::Weights,
    form: "logsoftmax N` or `logsoftmax",
    summary: "The logarithm of `softmax`, for answers that are logarithms of probabilities, as classifiers of PyTorch give that were trained with `NLLLoss`: `CrossEntropy` is that loss for it. With a number, `dense N` before it.",
    argument: Argument::Optional,
    options: &[NOBIAS],
    examples: &[
        Example { input: "3x2x2", stage: "logsoftmax 4" },
        Example { input: "5", stage: "logsoftmax" },
        Example { input: "2x2x3", stage: "logsoftmax" },
    ],
    lower: |layer, lowering, input| lower(LogSoftmax, layer, lowering, input),
};

fn lower(
    op: impl Into<Op>,
    layer: &Use,
    lowering: &mut Lowering<'_>,
    mut input: ValueId,
) -> Result<ValueId, Diagnostic> {
    if layer.argument.is_some() {
        let classes = layer.count("the number of classes")?;
        lowering.refuse_softmax_after_softmax(layer, input)?;
        input = connect(classes, layer, lowering, input)?;
    }
    lowering.push(layer, op, &[input])
}
