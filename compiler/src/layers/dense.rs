//! `dense 120`

use netwright_grammar::Diagnostic;

use super::conv::NOBIAS;
use super::kernel;
use crate::graph::ValueId;
use crate::lower::Lowering;
use crate::ops::{Dense, Reshape};
use crate::shape::Shape;
use crate::words::{Argument, Example, Tensors, Use, Word, WordPosition};

/// The fully connected layer.
pub(super) static DENSE: Word = Word {
    name: "dense",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::Weights,
    form: "dense N",
    summary: "A fully connected layer of N units, z = W a + b (slide 4). Flattens what comes in, row by row, channels innermost.",
    argument: Argument::Required,
    options: &[NOBIAS, kernel::OF_DENSE],
    examples: &[
        Example { input: "3x2x2", stage: "dense 5" },
        Example { input: "7", stage: "dense 4 nobias" },
        Example { input: "7", stage: "dense 3 kernel direct" },
    ],
    lower: |layer, lowering, input| {
        let outputs = layer.count("the number of units")?;
        connect(outputs, layer, lowering, input)
    },
};

/// Flattens `input` if it is an image, and connects it to `outputs` units.
pub(super) fn connect(
    outputs: usize,
    layer: &Use,
    lowering: &mut Lowering<'_>,
    mut input: ValueId,
) -> Result<ValueId, Diagnostic> {
    if !matches!(lowering.shape(input), Shape::Flat(_)) {
        input = lowering.push(layer, Reshape { to: None }, &[input])?;
    }
    let transposed = lowering.is_tied_transposed(layer, outputs, input);
    let mut dense = Dense { outputs, bias: !layer.has("nobias"), transposed, asked: None };
    dense.asked = kernel::asked(layer, lowering, dense, input)?;
    let output = lowering.push(layer, dense, &[input])?;
    lowering.shape_is_certain(output);
    Ok(output)
}
