//! Round trip of the zoo's networks: exported to ONNX, imported, printed in the language, and compiled from that text. The network is
//! the same each time.
#![cfg(feature = "onnx")]

#[path = "support/onnx_file.rs"]
mod onnx_file;
mod support;
#[path = "support/zoo.rs"]
mod zoo;

use std::collections::HashMap;

use netwright_compiler::graph::Graph;
use netwright_compiler::onnx::{printed, read};
use netwright_compiler::ops::Phase;
use netwright_compiler::passes;
use netwright_onnx::Model;

/// A value numbering: operations get the same number if they are equal, read equal values and have weights of equal sizes.
#[derive(Default)]
struct Meanings(HashMap<String, usize>);

impl Meanings {
    /// The number of a graph's output.
    fn of(&mut self, graph: &Graph) -> usize {
        let mut values = HashMap::from([(graph.input, 0)]);
        for node in &graph.nodes {
            let inputs: Vec<usize> = node.inputs.iter().map(|input| values[input]).collect();
            let tensors: Vec<&[usize]> = node.tensors.iter().map(|id| graph.tensors[id.0].shape.as_slice()).collect();
            let next = self.0.len() + 1;
            let number = *self.0.entry(format!("{:?} {inputs:?} {tensors:?}", node.op)).or_insert(next);
            values.insert(node.output, number);
        }
        values[&graph.output]
    }
}

/// The sizes of all weights and statistics, in order.
fn tensors(graph: &Graph) -> Vec<(&'static str, Vec<usize>)> {
    graph.tensors.iter().map(|tensor| (tensor.name, tensor.shape.clone())).collect()
}

/// The memory of a prediction and of a training step for one image, in elements.
fn memory(graph: &Graph) -> [usize; 2] {
    let graph = passes::initial_weights(graph.clone());
    let expanded = |graph, phase| passes::expand(passes::fuse(graph, phase), phase);
    let predicted = expanded(passes::fold(graph.clone()), Phase::Predicting);
    let trained = expanded(graph, Phase::Training);
    let predicted = passes::plan_memory(&passes::predict(&predicted).predict).per_image;
    [predicted, passes::plan_memory(&passes::differentiate(&trained).program).per_image]
}

/// Texts and files that `zoo/tests/onnx_back.rs` compiles with rustc to compare outputs.
const KEPT: [(&str, &str); 5] = [
    ("LeNet5", "../zoo/tests/printed/lenet5.rs"),
    ("ResNet50", "../zoo/tests/printed/resnet50.rs"),
    ("ToyConvnet", "../zoo/tests/onnx/toy.onnx"),
    ("LeNet5", "../zoo/tests/onnx/lenet5.onnx"),
    ("LeNet5Of1998", "../zoo/tests/onnx/lenet5_1998.onnx"),
];

/// Compares the stored text or file of a network with the current one, or overwrites it.
fn keep(name: &str, text: &str, file: &[u8]) {
    let text = format!("// Printed of the file that `{name}` is written to.\nnetwright::network! {{\n{text}}}\n");
    for (_, path) in KEPT.iter().filter(|(kept, _)| *kept == name) {
        let now = if path.ends_with(".onnx") { file } else { text.as_bytes() };
        if std::env::var_os("NETWRIGHT_OVERWRITE").is_some() {
            std::fs::write(path, now).expect("it is ours");
        }
        assert!(now == std::fs::read(path).expect("it is there"), "{path} is otherwise now: NETWRIGHT_OVERWRITE=1");
    }
}

#[test]
fn the_text_printed_of_a_file_compiles_to_the_exported_network() {
    for file in zoo::NETWORKS {
        let (name, own) = zoo::network(file);
        let bytes = onnx_file::file_of(&own);
        let model = Model::read(&bytes).expect("what is written is a model");
        let back = read(&model, None).unwrap_or_else(|problem| panic!("{name}: {problem}")).graph;
        let text = printed(&back, &name).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        let again = support::lowered(&text).unwrap_or_else(|found| panic!("{text}\n{found:#?}"));
        netwright_compiler::verify::verify(&again).expect("the graph holds together");
        let mut meanings = Meanings::default();
        assert_eq!(meanings.of(&again), meanings.of(&back), "{text}");
        assert_eq!(tensors(&again), tensors(&back), "{text}");
        assert_eq!(again.shape(again.output), own.shape(own.output), "{text}");
        assert_eq!(memory(&again), memory(&back), "{text}");
        let elements = |graph: &Graph| graph.tensors.iter().map(netwright_compiler::graph::Tensor::len).sum::<usize>();
        println!(
            "{name}: {} layers in {} lines, {} elements",
            again.layers.len(),
            text.lines().count(),
            elements(&again)
        );
        keep(&name, &text, &bytes);
        if own.layers.len() > 50 {
            assert!(text.starts_with("block ") && 2 * text.lines().count() < again.layers.len(), "{text}");
        }
    }
}
