//! The table of layers, and digits in a terminal.

use std::fmt::Write;

use netwright::layer::Layer;
use netwright::prelude::*;
use netwright::see::{Picture, Sheet};
use netwright::train::predicted_class;

/// A line for each layer.
pub(crate) fn table(layers: &[Layer]) -> String {
    let mut text =
        format!("{:<10} {:<20} {:>10} {:>11} {:>14}\n", "layer", "", "output", "parameters", "multiply-adds");
    for layer in layers {
        let output = layer.output.to_string();
        let _ = writeln!(
            text,
            "{:<10} {:<20} {output:>10} {:>11} {:>14}",
            layer.name,
            layer.text,
            layer.parameters(),
            layer.macs
        );
    }
    let parameters: usize = layers.iter().map(Layer::parameters).sum();
    let macs: u64 = layers.iter().map(|layer| layer.macs).sum();
    let _ = writeln!(text, "{:<10} {:<20} {:>10} {parameters:>11} {macs:>14}", "", "", "");
    text
}

/// The first `count` digits side by side, with what the network says below.
pub(crate) fn digits(set: &Dataset<Tensor<28, 28, 1>>, answers: &[[f32; 10]], count: usize) -> Sheet {
    let shown = set.iter().zip(answers).take(count).map(|((image, label), answer)| {
        let read = predicted_class(answer).map(|digit| format!("{digit} ({:.1} %)", 100.0 * answer[digit]));
        (Picture::from(image), format!("{}, it is {label}", read.as_deref().unwrap_or("no digit")))
    });
    Sheet::new("").columns(count).extend(shown)
}
