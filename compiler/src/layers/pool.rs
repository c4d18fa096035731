//! `maxpool 3`, `avgpool 2`

use netwright_grammar::Diagnostic;

use super::axes::Axes;
use super::conv::{PAD, SAME, STRIDE, window};
use crate::graph::ValueId;
use crate::lower::Lowering;
use crate::ops::{Pool, PoolKind};
use crate::words::{Argument, Example, OptionWord, Tensors, Use, Word, WordPosition};

const OPTIONS: &[OptionWord] = &[STRIDE, SAME, PAD];

/// The maximum of each window.
pub(super) static MAXPOOL: Word = Word {
    name: "maxpool",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::None,
    form: "maxpool N",
    summary: "The largest value of each window (slides 30 and 39): `maxpool 2`, or height x width, `maxpool 2x3`. The stride is the window unless said. Padding is minus infinity.",
    argument: Argument::Required,
    options: OPTIONS,
    examples: &[
        Example { input: "6x6x3", stage: "maxpool 2" },
        Example { input: "6x3", stage: "maxpool 3 stride 2 pad 1x0" },
        Example { input: "7x5x2", stage: "maxpool 3 stride 2 pad 1" },
    ],
    lower: |layer, lowering, input| lower(PoolKind::Max, layer, lowering, input),
};

/// The mean of each window.
pub(super) static AVGPOOL: Word = Word {
    name: "avgpool",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::None,
    form: "avgpool N",
    summary: "The mean of each window (slide 32): `avgpool 2`, or height x width, `avgpool 2x3`. The stride is the window unless said. Padding is left out of the mean.",
    argument: Argument::Required,
    options: OPTIONS,
    examples: &[
        Example { input: "6x6x3", stage: "avgpool 2" },
        Example { input: "8x2", stage: "avgpool 4" },
        Example { input: "5x6x2", stage: "avgpool 3 stride 1 same" },
    ],
    lower: |layer, lowering, input| lower(PoolKind::Average, layer, lowering, input),
};

fn lower(kind: PoolKind, layer: &Use, lowering: &mut Lowering<'_>, input: ValueId) -> Result<ValueId, Diagnostic> {
    let numbers = layer.numbers()?;
    if let [_, _, _, ..] = numbers.numbers.as_slice() {
        let word = layer.word.name;
        return Err(Diagnostic::new(
            layer.written.to(numbers.span),
            format!("`{word}` takes one number or two, not {}", numbers.numbers.len()),
        )
        .help(format!("a pool keeps the channels: write its window alone, `{word} 2` or `{word} 2x3`")));
    }
    let axes = Axes::of(lowering, input);
    let size = axes.pair(numbers, "the window", layer.word.examples[0].stage)?;
    let window = window(axes, layer, size, size)?;
    lowering.push(layer, Pool { kind, window }, &[input])
}
