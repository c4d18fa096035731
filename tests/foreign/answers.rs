//! Compares the output of a network from a file with that of the library that wrote the file. Part of the crate that `onnx` generates.

use std::sync::atomic::{AtomicUsize, Ordering};

use netwright::onnx::FromOnnx;
use netwright::{Network, Sample as _};

static DIFFERENT: AtomicUsize = AtomicUsize::new(0);

fn numbers(path: String) -> Vec<f32> {
    let bytes = std::fs::read(path).expect("families.py has written it");
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

/// Prints a line of the table: the model, and the largest difference of its output from its library's, relative to the largest element.
pub fn check<N: FromOnnx + Network<Scalar = f32>>(path: &str) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let network = N::from_onnx(format!("{path}.onnx")).expect("it is the file that was compiled");
    let images: Vec<N::Input> = netwright::memory::values_from(numbers(format!("{path}.image.f32"))).expect("an image");
    let answers = network.predict_batch(&images);
    let expected = numbers(format!("{path}.answer.f32"));
    let largest = expected.iter().fold(1e-30_f32, |largest, value| largest.max(value.abs()));
    let found = answers[0].elements().iter().zip(&expected);
    let difference = found.fold(0.0_f32, |worst, (found, expected)| worst.max((found - expected).abs())) / largest;
    println!("| {name} | yes | {difference:.1e} |");
    if !(difference <= 1e-4) || answers[0].elements().len() != expected.len() {
        DIFFERENT.fetch_add(1, Ordering::Relaxed);
    }
}

/// Panics if any output differed.
pub fn end() {
    let different = DIFFERENT.load(Ordering::Relaxed);
    assert_eq!(different, 0, "so many models answer otherwise");
}
