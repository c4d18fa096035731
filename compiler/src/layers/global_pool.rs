//! `globalavgpool`, `globalmaxpool`

use netwright_grammar::Diagnostic;

use crate::graph::ValueId;
use crate::lower::Lowering;
use crate::ops::{Pool, PoolKind, Reshape};
use crate::shape::{Padding, Shape, Window};
use crate::words::{Argument, Example, Tensors, Use, Word, WordPosition};

/// The mean of each channel.
pub(super) static GLOBALAVGPOOL: Word = Word {
    name: "globalavgpool",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::None,
    form: "globalavgpool",
    summary: "The mean of each channel over the whole image (Lin et al., 2013), as a row of features: one for each channel.",
    argument: Argument::None,
    options: &[],
    examples: &[Example { input: "3x4x3", stage: "globalavgpool" }, Example { input: "5x3", stage: "globalavgpool" }],
    lower: |layer, lowering, input| lower(PoolKind::Average, layer, lowering, input),
};

/// The maximum of each channel.
pub(super) static GLOBALMAXPOOL: Word = Word {
    name: "globalmaxpool",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::None,
    form: "globalmaxpool",
    summary: "The largest value of each channel over the whole image, as a row of features: one for each channel.",
    argument: Argument::None,
    options: &[],
    examples: &[Example { input: "3x2x3", stage: "globalmaxpool" }],
    lower: |layer, lowering, input| lower(PoolKind::Max, layer, lowering, input),
};

fn lower(kind: PoolKind, layer: &Use, lowering: &mut Lowering<'_>, input: ValueId) -> Result<ValueId, Diagnostic> {
    let size = match lowering.shape(input).as_image() {
        Shape::Image { height, width, .. } => [height, width],
        _ => [1, 1],
    };
    let window = Window { size, stride: size, dilation: [1, 1], padding: Padding::Explicit([0; 4]) };
    let pooled = lowering.push(layer, Pool { kind, window }, &[input])?;
    lowering.push(layer, Reshape { to: None }, &[pooled])
}
