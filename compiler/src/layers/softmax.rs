//! `softmax 10`, and `softmax` alone; `logsoftmax`

use netwright_grammar::Diagnostic;

use super::conv::NOBIAS;
use super::dense::connect;
use super::kernel;
use crate::graph::ValueId;
use crate::lower::Lowering;
use crate::ops::{LogSoftmax, Op, Softmax};
use crate::words::{Argument, Example, Tensors, Use, Word, WordPosition};

/// The output layer with a number of classes, or the activation.
pub(super) static SOFTMAX: Word = word(
    "softmax",
    "softmax N` or `softmax",
    "With a number, the output layer: `dense N`, then probabilities of N classes. Alone, the activation: each row of the last axis becomes probabilities.",
    &[
        Example { input: "3x2x2", stage: "softmax 4" },
        Example { input: "7", stage: "softmax 3 kernel direct" },
        Example { input: "5", stage: "softmax" },
        Example { input: "2x2x3", stage: "softmax" },
    ],
    |layer, lowering, input| lower(Softmax, layer, lowering, input),
);

/// The same with log-probabilities.
pub(super) static LOGSOFTMAX: Word = word(
    "logsoftmax",
    "logsoftmax N` or `logsoftmax",
    "The logarithm of `softmax`, for answers that are logarithms of probabilities, as classifiers of PyTorch give that were trained with `NLLLoss`: `CrossEntropy` is that loss for it. With a number, `dense N` before it.",
    &[
        Example { input: "3x2x2", stage: "logsoftmax 4" },
        Example { input: "5", stage: "logsoftmax" },
        Example { input: "2x2x3", stage: "logsoftmax" },
    ],
    |layer, lowering, input| lower(LogSoftmax, layer, lowering, input),
);

const fn word(
    name: &'static str,
    form: &'static str,
    summary: &'static str,
    examples: &'static [Example],
    lower: fn(&Use, &mut Lowering<'_>, ValueId) -> Result<ValueId, Diagnostic>,
) -> Word {
    Word {
        name,
        aliases: &[],
        position: WordPosition::Modifier,
        tensors: Tensors::Weights,
        form,
        summary,
        argument: Argument::Optional,
        options: &[NOBIAS, kernel::OF_DENSE],
        examples,
        lower,
    }
}

fn lower(
    op: impl Into<Op>,
    layer: &Use,
    lowering: &mut Lowering<'_>,
    mut input: ValueId,
) -> Result<ValueId, Diagnostic> {
    if layer.argument.is_some() {
        let classes = layer.count("the number of classes")?;
        lowering.refuse_probabilities(layer, input)?;
        input = connect(classes, layer, lowering, input)?;
    } else if let Some(option) = layer.options.first() {
        let (word, written) = (layer.word.name, option.option.form);
        let message = format!("`{}` is about weights, and `{word}` without a number has none", option.option.name);
        let help = format!("write the number of classes: `{word} 10 {written}`");
        return Err(Diagnostic::new(option.span, message).help(help));
    }
    lowering.push(layer, op, &[input])
}
