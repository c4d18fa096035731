//! Prints a network from an ONNX file in the language: `cargo run --example from_onnx --features onnx -- model.onnx`. With `--check`
//! behind the file it says only whether that can be had.

use netwright_compiler::onnx;
use netwright_onnx::Model;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which file? `from_onnx model.onnx`")?;
    let only_checks = arguments.next().is_some_and(|argument| argument == "--check");
    let bytes = std::fs::read(&path)?;
    let read = onnx::read(&Model::read(&bytes)?, None).map_err(|problem| match &problem.help {
        Some(help) => format!("{problem}\n{help}"),
        None => problem.to_string(),
    })?;
    if only_checks {
        return Ok(());
    }
    print!("{}", onnx::printed(&read.graph, "Model")?);
    Ok(())
}
