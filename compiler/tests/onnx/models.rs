//! Hand-made models, and the graphs imported from them.

use netwright_compiler::graph::{Graph, ValueId};
use netwright_compiler::onnx::{Problem, Read, printed, read};
use netwright_grammar::Diagnostics;
use netwright_onnx::Model;
use netwright_onnx::write::{self, Attribute, Message};

/// A model with these nodes, weights of these sizes, an input `x` and an output `y`.
pub(crate) fn model(input: &[usize], nodes: &[Message], weights: &[(&str, &[usize])]) -> Vec<u8> {
    let mut graph = Message::new();
    for node in nodes {
        graph.message(write::NODE, node);
    }
    for (name, dims) in weights {
        let elements = (0..dims.iter().product::<usize>()).map(|index| index as f32);
        graph.message(write::INITIALIZER, &write::floats(name, dims, elements));
    }
    graph.message(write::INPUT, &write::value("x", input)).message(write::OUTPUT, &write::value("y", &[1]));
    let mut model = write::model(17);
    model.message(write::GRAPH, &graph);
    model.into_bytes()
}

pub(crate) fn node(op: &str, inputs: &[&str], output: &str, attributes: &[(&str, Attribute)]) -> Message {
    write::node(&format!("the {op}"), op, inputs, &[output], attributes)
}

pub(crate) fn graph_of(bytes: &[u8]) -> Result<Read, Problem> {
    read(&Model::read(bytes).expect("the bytes are a model"), None)
}

pub(crate) fn problem(bytes: &[u8]) -> String {
    let problem = graph_of(bytes).expect_err("it cannot be had");
    match &problem.help {
        Some(help) => format!("{problem} [{help}]"),
        None => problem.to_string(),
    }
}

pub(crate) fn ints(values: &[i64]) -> Attribute {
    Attribute::Ints(values.to_vec())
}

/// A model with these nodes, and integer constants in addition to weights.
pub(crate) fn model_with(
    input: &[usize],
    nodes: &[Message],
    integers: &[(&str, &[i64])],
    weights: &[(&str, &[usize])],
) -> Vec<u8> {
    let all: Vec<Message> = integers
        .iter()
        .map(|(name, values)| {
            let (mut node, mut attribute) = (Message::new(), Message::new());
            attribute.bytes(1, "value").message(5, &write::integers("", values));
            node.bytes(2, name).bytes(4, "Constant").message(5, &attribute);
            node
        })
        .chain(nodes.iter().cloned())
        .collect();
    model(input, &all, weights)
}

pub(crate) fn layers_of(bytes: &[u8]) -> Vec<String> {
    let read = graph_of(bytes).unwrap_or_else(|problem| panic!("{problem}"));
    assert_prints_itself(&read.graph);
    read.graph.layers.iter().map(|layer| layer.text.clone()).collect()
}

/// A model with scalar constants.
pub(crate) fn model_of_numbers(input: &[usize], nodes: &[Message], numbers: &[(&str, f32)]) -> Vec<u8> {
    let mut graph = Message::new();
    for node in nodes {
        graph.message(write::NODE, node);
    }
    for (name, number) in numbers {
        graph.message(write::INITIALIZER, &write::floats(name, &[], [*number].into_iter()));
    }
    graph.message(write::INPUT, &write::value("x", input)).message(write::OUTPUT, &write::value("y", &[1]));
    let mut model = write::model(17);
    model.message(write::GRAPH, &graph);
    model.into_bytes()
}

/// Nodes given by operator, inputs and output: `Sub x m d`.
pub(crate) fn nodes(text: &str, attributes: &[(&str, &str, Attribute)]) -> Vec<Message> {
    let node_of = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ([op, inputs @ ..], output) = (&words[..words.len() - 1], words[words.len() - 1]) else { panic!("{line}") };
        let own: Vec<(&str, Attribute)> =
            attributes.iter().filter(|(of, ..)| of == op).map(|(_, name, value)| (*name, value.clone())).collect();
        node(op, inputs, output, &own)
    };
    text.split(';').map(str::trim).filter(|line| !line.is_empty()).map(node_of).collect()
}

pub(crate) fn lowered(source: &str) -> Graph {
    let mut diagnostics = Diagnostics::default();
    let file = netwright_grammar::parse(source, &mut diagnostics);
    let mut networks = netwright_compiler::lower::lower(source, &file, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{source}");
    networks.remove(0).graph
}

/// The expression that computes a value, back to the input.
pub(crate) fn meaning(graph: &Graph, value: ValueId) -> String {
    match graph.producer(value) {
        None => "input".to_owned(),
        Some(node) => {
            let inputs: Vec<String> = node.inputs.iter().map(|input| meaning(graph, *input)).collect();
            format!("{:?}({})", node.op, inputs.join(", "))
        }
    }
}

/// Checks that the printed text of a network compiles to the same network.
pub(crate) fn assert_prints_itself(graph: &Graph) {
    let text = printed(graph, "Net").expect("it has branches alone");
    assert_eq!(meaning(&lowered(&text), lowered(&text).output), meaning(graph, graph.output), "{text}");
}
