//! Prints a network from an ONNX file in the language: `cargo run --example from_onnx --features onnx -- model.onnx`.

use netwright_compiler::onnx;
use netwright_onnx::Model;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which file? `from_onnx model.onnx`")?;
    let bytes = std::fs::read(&path)?;
    let read = onnx::read(&Model::read(&bytes)?, None)?;
    print!("{}", onnx::printed(&read.graph, "Model")?);
    Ok(())
}
