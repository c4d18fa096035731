//! `dense 120`

use netwright_grammar::Diagnostic;

use super::conv::NOBIAS;
use crate::builder::Builder;
use crate::graph::ValueId;
use crate::ops::{Dense, Reshape};
use crate::shape::Shape;
use crate::words::{Argument, Example, Place, Use, Word};

/// The fully connected layer.
pub(super) static DENSE: Word = Word {
    name: "dense",
    aliases: &[],
    place: Place::Head,
    has_weights: true,
    form: "dense N",
    summary: "A fully connected layer of N units, z = W a + b (slide 4). Flattens what comes in, row by row, channels innermost.",
    argument: Argument::Required,
    options: &[NOBIAS],
    examples: &[Example { input: "3x2x2", stage: "dense 5" }, Example { input: "7", stage: "dense 4 nobias" }],
    lower: |layer, builder, input| {
        let outputs = layer.count("the number of units")?;
        connect(outputs, layer, builder, input)
    },
};

/// Flattens `input` where it is an image, and connects it with `outputs` units.
pub(super) fn connect(
    outputs: usize,
    layer: &Use,
    builder: &mut Builder<'_>,
    mut input: ValueId,
) -> Result<ValueId, Diagnostic> {
    if !matches!(builder.shape(input), Shape::Flat(_)) {
        input = builder.push(layer, Reshape { to: None }, &[input])?;
    }
    let transposed = builder.is_tied_transposed(layer, outputs, input);
    let output = builder.push(layer, Dense { outputs, bias: !layer.has("nobias"), transposed }, &[input])?;
    builder.shape_is_certain(output);
    Ok(output)
}
