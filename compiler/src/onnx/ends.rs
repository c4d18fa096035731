//! The input of a model, and the selection of its output.

use std::collections::{BTreeSet, HashSet};

use netwright_onnx::{Graph, Model, Value as Declared};

use super::problem::{Answer, Problem};
use crate::shape::Shape;

/// The graph's only input that is not a constant.
pub(super) fn only_input<'g, 'm>(graph: &'g Graph<'m>) -> Answer<&'g Declared<'m>> {
    let constants: HashSet<&str> = graph.initializers.iter().map(|tensor| tensor.name).collect();
    let mut inputs: Vec<&Declared<'_>> = graph.inputs.iter().filter(|input| !constants.contains(input.name)).collect();
    if inputs.len() > 1 {
        // An input that the exporter has folded away may still be declared.
        let read: BTreeSet<&str> = graph.nodes.iter().flat_map(|node| node.inputs.iter().copied()).collect();
        inputs.retain(|input| read.contains(input.name));
    }
    if inputs.is_empty() {
        return Err(Problem::new("it has no input").help("export the model with an example of what it is to be given"));
    }
    let [input] = inputs.as_slice() else {
        let names: Vec<&str> = inputs.iter().map(|input| input.name).collect();
        return Err(Problem::new(format!(
            "it has {} inputs ({}), and a network has one",
            names.len(),
            names.join(", ")
        ))
        .help("export a model of one input; what a layer such as Keras' `Normalization` knows must be a constant in the file, so give it NumPy's arrays before the export: `layer.mean = layer.mean.numpy()`"));
    };
    Ok(input)
}

/// The name of the output: the requested one, or the only one with floating-point elements.
pub(super) fn answer<'m>(model: &'m Model<'m>, asked: Option<&str>) -> Answer<&'m str> {
    let outputs = &model.graph.outputs;
    let names = || outputs.iter().map(|output| format!("`{}`", output.name)).collect::<Vec<_>>().join(", ");
    if let Some(asked) = asked {
        let found = outputs.iter().find(|output| output.name == asked).map(|output| output.name);
        return found
            .ok_or_else(|| Problem::new(format!("it has no output `{asked}`")).help(format!("it has {}", names())));
    }
    let fractions: Vec<_> = outputs.iter().filter(|output| output.kind.is_none_or(|kind| kind.is_float())).collect();
    match fractions.as_slice() {
        [one] => Ok(one.name),
        [] => Err(Problem::new("it has no output that holds fractions").help(
            "the answer must be an output of the graph: export the model again, or add its last value to the outputs",
        )),
        _ => Err(Problem::new(format!("it has several outputs: {}", names()))
            .help("say which is the answer: `onnx \"model.onnx\" output \"name\"`")),
    }
}

/// The shape of one image, and the batch size if the file fixes it.
pub(super) fn input_shape(input: &Declared<'_>, channels_last: bool) -> Answer<(Shape, Option<usize>)> {
    let name = input.name;
    let dims = input.dims.as_deref().unwrap_or_default();
    let [batch, sizes @ ..] = dims else {
        return Err(Problem::new(format!("the sizes of its input `{name}` are not in the file")));
    };
    let sizes: Option<Vec<usize>> = sizes.iter().copied().collect();
    let sizes = sizes.filter(|sizes| !sizes.contains(&0)).ok_or_else(|| {
        Problem::new(format!("a size of its input `{name}` is symbolic or 0, and only that of the batch may be"))
            .help("export the model for images of one size")
    })?;
    let shape = match (sizes.as_slice(), channels_last) {
        ([features], _) => Shape::Flat(*features),
        ([channels, length], false) | ([length, channels], true) => {
            Shape::Series { length: *length, channels: *channels }
        }
        ([channels, height, width], false) | ([height, width, channels], true) => {
            Shape::Image { height: *height, width: *width, channels: *channels }
        }
        (more, _) => {
            return Err(Problem::new(format!(
                "its input `{name}` has {} axes: an image has 4 with that of the batch, a series 3, a row of features 2",
                more.len() + 1
            )));
        }
    };
    let shape =
        shape.checked().ok_or_else(|| Problem::new(format!("its input `{name}` holds more than 2^31 elements")))?;
    Ok((shape, *batch))
}
