//! Reads any bytes as an ONNX model without a panic; a graph that is read passes the verifier, and can be printed and written again.
#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use netwright_compiler::onnx;
use netwright_onnx::Model;

fuzz_target!(|bytes: &[u8]| {
    let most = bytes.len() + support::PAGES;
    let Ok(model) = support::measured(bytes.len(), most, || Model::read(bytes)) else { return };
    for (_, tensor) in model.graph.constants() {
        if let Ok(elements) = support::measured(bytes.len(), most, || tensor.elements()) {
            assert!(elements.len() <= most);
        }
    }
    let Ok(read) = onnx::read(&model, None) else { return };
    netwright_compiler::verify::verify(&read.graph).expect("what is read holds together");
    assert_eq!(read.sources.len(), read.graph.tensors.len());
    let _ = onnx::printed(&read.graph, "Fuzzed");
    let _ = onnx::written_as_onnx(&read.graph, "Fuzzed");
});
