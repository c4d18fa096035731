//! The exported graph of a network as an ONNX file, without its weights.

use netwright_compiler::graph::Graph;
use netwright_compiler::onnx::written_as_onnx;
use netwright_onnx::write::{self, Message};

/// The file's bytes; the weights are declared to be in an external file, as those of a large network may be.
pub(crate) fn file_of(graph: &Graph) -> Vec<u8> {
    let export = written_as_onnx(graph, "Net");
    let mut inside = export.graph;
    for tensor in &export.tensors {
        let mut weights = Message::new();
        let bytes = 4 * tensor.dims.iter().product::<usize>();
        weights.message(write::INITIALIZER, &write::external(&tensor.name, &tensor.dims, "weights", 0, bytes));
        inside.extend(weights.into_bytes());
    }
    let (mut bytes, mut whole) = (export.before, Message::new());
    whole.bytes(write::GRAPH, inside);
    bytes.extend(whole.into_bytes());
    bytes
}
