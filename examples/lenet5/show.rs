//! The table of layers, and digits in a terminal.

use std::fmt::Write;

use netwright::layer::Layer;
use netwright::prelude::*;

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

/// The first `count` digits side by side, two rows of pixels in each line, with what the network says below.
pub(crate) fn digits(set: &Dataset<Tensor<28, 28, 1>>, answers: &[[f32; 10]], count: usize) -> String {
    const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];
    let mut text = String::new();
    let shown = count.min(set.len());
    for row in (0..28).step_by(2) {
        for image in &set.inputs()[..shown] {
            // A character is twice as high as wide, so two rows and one column make one.
            for column in 0..28 {
                let value = (image[[row, column, 0]] + image[[row + 1, column, 0]]) / 2.0;
                text.push(SHADES[((value * 4.99) as usize).min(4)]);
            }
            text.push(' ');
        }
        text.push('\n');
    }
    for (answer, label) in answers.iter().zip(set.targets()).take(shown) {
        let digit = netwright::train::predicted_class(answer);
        let line = format!("{digit} ({:.1} %), it is {label}", 100.0 * answer[digit]);
        let _ = write!(text, "{line:<29}");
    }
    text.push('\n');
    text
}
