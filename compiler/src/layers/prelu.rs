//! `prelu`

use netwright_grammar::Diagnostic;

use crate::ops::Prelu;
use crate::words::{Argument, Example, OptionWord, Tensors, Word, WordPosition};

/// The parametric rectifier.
pub(super) static PRELU: Word = Word {
    name: "prelu",
    aliases: &[],
    position: WordPosition::Modifier,
    tensors: Tensors::Others,
    form: "prelu",
    summary: "Parametric ReLU (slide 11; He et al., 2015): z, or a·z below 0, where the slope a is trained, one for each channel. It starts at 0.25, or at the number given.",
    argument: Argument::Optional,
    options: &[OptionWord {
        name: "shared",
        form: "shared",
        argument: Argument::None,
        summary: "one slope for all channels",
    }],
    examples: &[Example { input: "3x4x2", stage: "prelu" }, Example { input: "6", stage: "prelu 0.1 shared" }],
    lower: |layer, lowering, input| {
        let start = match &layer.argument {
            Some(numbers) => numbers.single("the slope of `prelu`", "prelu 0.25")?.value,
            None => 0.25,
        };
        if !start.is_finite() {
            return Err(Diagnostic::new(layer.span, "the slope must be a finite number").help("write `prelu 0.25`"));
        }
        lowering.push(layer, Prelu { shared: layer.has("shared"), start }, &[input])
    },
};
