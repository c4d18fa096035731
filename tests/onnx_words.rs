//! Writes an ONNX file for every word of the language, from the examples in the table of words; `tests/foreign/compare.py` compares the files
//! with ONNX Runtime.

#[path = "support/written.rs"]
mod written;

use std::path::Path;

use netwright::onnx::ToOnnx;
use netwright::{Network, Scalar as _};

netwright::private::test_every_example!(check);

fn check<N: ToOnnx>(what: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("onnx-words");
    written::write(&scattered::<N>(), &folder, what);
}

/// Creates a network whose weights and statistics all differ from their initial values.
fn scattered<N: Network>() -> N {
    let mut network = N::init(1);
    let (parameters, statistics) = network.weights_mut().buffers_mut();
    for (index, parameter) in parameters.iter_mut().enumerate() {
        *parameter = N::Scalar::from_f64(parameter.to_f64() + 0.3 * written::spread(index));
    }
    for (index, statistic) in statistics.iter_mut().enumerate() {
        *statistic = N::Scalar::from_f64(0.9 + 0.5 * written::spread(index));
    }
    network
}
