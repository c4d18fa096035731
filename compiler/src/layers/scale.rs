//! `scale 0.17`

use netwright_grammar::Diagnostic;

use crate::ops::Scale;
use crate::words::{Argument, Example, Tensors, Word, WordPosition};

/// Multiplication by a constant.
pub(super) static SCALE: Word = Word {
    name: "scale",
    aliases: &[],
    position: WordPosition::Modifier,
    tensors: Tensors::None,
    form: "scale 0.17",
    summary: "Multiplies every number by a constant, as the residuals of Inception-ResNet are (Szegedy et al., 2016).",
    argument: Argument::Required,
    options: &[],
    examples: &[Example { input: "2x2x3", stage: "scale 0.17" }, Example { input: "5", stage: "scale -2" }],
    lower: |layer, lowering, input| {
        let number = layer.numbers()?.single("the factor of `scale`", "scale 0.17")?;
        if number.value == 0.0 {
            return Err(Diagnostic::new(number.span, "`scale 0` leaves nothing of its input")
                .help("write another factor, or leave the branch out"));
        }
        lowering.push(layer, Scale { factor: number.value }, &[input])
    },
};
