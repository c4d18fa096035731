//! `dropout 0.5`

use netwright_grammar::Diagnostic;

use crate::ops::Dropout;
use crate::words::{Argument, Example, Tensors, Word, WordPosition};

/// Dropout.
pub(super) static DROPOUT: Word = Word {
    name: "dropout",
    aliases: &[],
    position: WordPosition::Activation,
    tensors: Tensors::None,
    form: "dropout 0.5",
    summary: "Ignores this share of the units in each training step (slide 18), and scales the others up by 1 / (1 - rate), so that nothing is to be done when predicting: the lecture scales the weights instead, with the same expectation.",
    argument: Argument::Required,
    options: &[],
    examples: &[Example { input: "12", stage: "dropout 0.5" }],
    lower: |layer, lowering, input| {
        let numbers = layer.numbers()?;
        let number = numbers.single("the rate of `dropout`", "dropout 0.5")?;
        let rate = number.value;
        if !(0.0..1.0).contains(&rate) {
            let help = if rate > 1.0 && rate < 100.0 {
                format!("for {rate} %, write `dropout {}`", rate / 100.0)
            } else if (-1.0..0.0).contains(&rate) && rate != -1.0 {
                format!("write `dropout {}`", -rate)
            } else {
                "write `dropout 0.5` to drop half of the units".to_owned()
            };
            return Err(Diagnostic::new(
                number.span,
                format!("`dropout {rate}`: the rate is a share of the units, from 0 up to but not including 1"),
            )
            .help(help));
        }
        lowering.push(layer, Dropout { rate }, &[input])
    },
};
