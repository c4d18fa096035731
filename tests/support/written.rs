//! Writes a network as an ONNX file, with an image and its output beside it; `tests/foreign/compare.py` compares it with ONNX Runtime.

use std::fs;
use std::path::Path;

use netwright::onnx::ToOnnx;
use netwright::{Architecture, Sample as _, Scalar as _, Shape};

/// Returns the `index`-th of a sequence of distinct values around 0.
pub(crate) fn spread(index: usize) -> f64 {
    ((index as f64 + 1.0) * 0.754_877_666).fract() - 0.5
}

/// Returns the bytes of the elements with channels first; in memory they are channels last.
fn channels_first(shape: Shape, elements: &[f64]) -> Vec<u8> {
    let (positions, channels) = (shape.positions(), shape.channels());
    let places = (0..channels).flat_map(|channel| (0..positions).map(move |position| position * channels + channel));
    places.flat_map(|place| (elements[place] as f32).to_le_bytes()).collect()
}

/// Writes a folder named after `what`: the model with internal and with external weights, an image and its output.
pub(crate) fn write<N: ToOnnx + Architecture>(network: &N, folder: &Path, what: &str) {
    let name: String = what.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '_' }).collect();
    let folder = folder.join(name);
    fs::create_dir_all(&folder).expect("a folder can be made");
    let image: Vec<f64> = (0..N::INPUT.len()).map(spread).collect();
    let given: Vec<N::Scalar> = image.iter().map(|&element| N::Scalar::from_f64(element)).collect();
    let images: Vec<N::Input> = netwright::memory::values_from(given).expect("an image has this many elements");
    let answers = network.predict_batch(&images);
    let answer: Vec<f64> = answers[0].elements().iter().map(|element| element.to_f64()).collect();
    network.to_onnx(folder.join("model.onnx")).expect("it can be written");
    network.to_onnx_beside(folder.join("beside.onnx")).expect("it can be written");
    fs::write(folder.join("image.f32"), channels_first(N::INPUT, &image)).expect("it can be written");
    fs::write(folder.join("answer.f32"), channels_first(N::OUTPUT, &answer)).expect("it can be written");
    let bytes = fs::read(folder.join("model.onnx")).expect("it is there");
    netwright_onnx::Model::read(&bytes).expect("what is written is a model");
}
