//! Every word of the language, by the examples of its own table, as an ONNX file: `tests/foreign/compare.py` holds what is written here
//! against ONNX Runtime.

#[path = "support/written.rs"]
mod written;

use std::path::Path;

use netwright::onnx::ToOnnx;

netwright::private::test_every_example!(check);

fn check<N: ToOnnx>(what: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("onnx-words");
    written::write(&written::scattered::<N>(), &folder, what);
}
