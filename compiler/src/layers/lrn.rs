//! `lrn`

use netwright_grammar::Diagnostic;

use crate::ops::Lrn;
use crate::words::{Argument, Example, OptionWord, Tensors, Use, Word, WordPosition};

const fn constant(name: &'static str, form: &'static str, summary: &'static str) -> OptionWord {
    OptionWord { name, form, argument: Argument::Required, summary }
}

/// Normalisation over neighbouring channels.
pub(super) static LRN: Word = Word {
    name: "lrn",
    aliases: &[],
    position: WordPosition::Modifier,
    tensors: Tensors::None,
    form: "lrn",
    summary: "Local response normalisation (Krizhevsky et al., 2012): x / (k + α Σ x²)^β, the sum over `size` neighbouring channels. α is not divided by the size; PyTorch and Caffe divide theirs.",
    argument: Argument::None,
    options: &[
        constant("size", "size 5", "how many neighbouring channels, itself included; 5 unless said"),
        constant("alpha", "alpha 0.0001", "the weight of the sum of squares; 0.0001 unless said"),
        constant("beta", "beta 0.75", "the exponent; 0.75 unless said"),
        constant("k", "k 2", "what is added to the sum; 2 unless said"),
    ],
    examples: &[
        Example { input: "2x2x7", stage: "lrn size 5 alpha 0.5 beta 0.75 k 1" },
        Example { input: "3x1x4", stage: "lrn size 3 alpha 0.25 beta 0.6" },
        Example { input: "2x2x6", stage: "lrn" },
    ],
    lower: |layer, lowering, input| {
        let size = match layer.numbers_of("size") {
            Some(size) => size.single("`size`", "size 5")?.count("the number of channels")?,
            None => 5,
        };
        let alpha = at_least_0(layer, "alpha", 1e-4)?;
        let beta = at_least_0(layer, "beta", 0.75)?;
        let k = at_least_0(layer, "k", 2.0)?;
        if k == 0.0 {
            let span = layer.option("k").map_or(layer.span, |option| option.span);
            return Err(Diagnostic::new(span, "`k` must be more than 0").help("it keeps zeros from a division by 0"));
        }
        lowering.push(layer, Lrn { size, alpha, beta, k }, &[input])
    },
};

fn at_least_0(layer: &Use, name: &str, usual: f64) -> Result<f64, Diagnostic> {
    let value = layer.real(name, usual)?;
    if value >= 0.0 {
        return Ok(value);
    }
    let span = layer.option(name).map_or(layer.span, |option| option.span);
    Err(Diagnostic::new(span, format!("`{name}` cannot be negative: {value}")).help(format!("write `{name} {usual}`")))
}
