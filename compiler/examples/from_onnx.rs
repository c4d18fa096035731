//! Prints a network from an ONNX file in the language: `cargo run --example from_onnx --features onnx -- model.onnx`. With `--check`
//! after the file, it only checks whether the file can be imported.

use std::path::Path;
use std::process::ExitCode;

use netwright_compiler::onnx;
use netwright_onnx::Model;

fn main() -> ExitCode {
    match text() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// The network as text; empty with `--check`.
fn text() -> Result<String, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which file? `from_onnx model.onnx`")?;
    let only_checks = arguments.next().is_some_and(|argument| argument == "--check");
    let bytes = std::fs::read(&path).map_err(|error| format!("`{path}` cannot be read: {error}"))?;
    let with_help = |problem: onnx::Problem| match &problem.help {
        Some(help) => format!("{problem}\n{help}"),
        None => problem.to_string(),
    };
    let asked = onnx::Asked { folder: Path::new(&path).parent(), ..onnx::Asked::default() };
    let read = onnx::read_as(&Model::read(&bytes)?, asked).map_err(with_help)?;
    if only_checks {
        return Ok(String::new());
    }
    Ok(onnx::printed(&read.graph, "Model").map_err(with_help)?)
}
