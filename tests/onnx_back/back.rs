//! Compares the output of a network that was written as ONNX and read again with its original output. Part of the crate that `run` generates.

use std::cell::Cell;
use std::path::Path;

use netwright::onnx::FromOnnx;
use netwright::{Network, Sample as _, Shape};

thread_local! {
    static MODELS: Cell<usize> = const { Cell::new(0) };
    static LARGEST: Cell<f32> = const { Cell::new(0.0) };
}

/// Reads the elements of a file with channels first, and returns them with channels last.
fn elements(path: &Path, shape: Shape) -> Vec<f32> {
    let bytes = std::fs::read(path).expect("the network's own test has written it");
    let elements: Vec<f32> =
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect();
    let (positions, channels) = (shape.positions(), shape.channels());
    assert_eq!(elements.len(), positions * channels, "{}", path.display());
    (0..elements.len()).map(|index| elements[index % channels * positions + index / channels]).collect()
}

/// Prints a line of the table: the model, and the largest difference of its output from the original one, relative to the largest element.
pub fn check<N: FromOnnx + Network<Scalar = f32>>(folder: &str) {
    let folder = Path::new(folder);
    let name = folder.file_name().unwrap_or_default().display();
    let network = N::from_onnx(folder.join("model.onnx")).expect("it is the file that was compiled");
    let image = elements(&folder.join("image.f32"), N::INPUT);
    let images: Vec<N::Input> = netwright::memory::values_from(image).expect("an image");
    let answers = network.predict_batch(&images);
    let expected = elements(&folder.join("answer.f32"), N::OUTPUT);
    let largest = expected.iter().fold(1e-30_f32, |largest, value| largest.max(value.abs()));
    let found = answers[0].elements().iter().zip(&expected);
    let difference = found.fold(0.0_f32, |worst, (found, expected)| worst.max((found - expected).abs())) / largest;
    println!("| {name} | {difference:.1e} |");
    assert!(difference <= 1e-5, "{name} answers otherwise");
    MODELS.set(MODELS.get() + 1);
    LARGEST.set(LARGEST.get().max(difference));
}

/// Prints the last line of the table.
pub fn end() {
    println!("| all {} | {:.1e} |", MODELS.get(), LARGEST.get());
}
