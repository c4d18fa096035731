//! Networks from text to graph or to diagnostics.

#![allow(dead_code)]

use netwright_compiler::graph::Graph;
use netwright_compiler::lower::lower;
use netwright_grammar::{Diagnostic, Diagnostics};

pub(crate) fn lowered(source: &str) -> Result<Graph, Vec<Diagnostic>> {
    let mut diagnostics = Diagnostics::default();
    let file = netwright_grammar::parse(source, &mut diagnostics);
    let graph = lower(source, &file, &mut diagnostics).pop().map(|lowered| lowered.graph);
    match (diagnostics.into_sorted(), graph) {
        (none, Some(graph)) if none.is_empty() => Ok(graph),
        (found, _) => Err(found),
    }
}

/// The graph of a body with an input, and blocks before it.
pub(crate) fn graph(blocks: &str, input: &str, body: &str) -> Graph {
    let source = format!("{blocks} Net({input}) {{ {body} }}");
    let graph = lowered(&source).unwrap_or_else(|found| panic!("{source}\n{found:#?}"));
    netwright_compiler::verify::verify(&graph).expect("the graph holds together");
    graph
}

pub(crate) fn output_of(blocks: &str, input: &str, body: &str) -> String {
    let graph = graph(blocks, input, body);
    graph.shape(graph.output).to_string()
}

pub(crate) fn output(input: &str, body: &str) -> String {
    output_of("", input, body)
}

/// The only diagnostic: the text at its span, and its message.
#[track_caller]
pub(crate) fn mistake(blocks: &str, input: &str, body: &str) -> (String, String) {
    let source = format!("{blocks} Net({input}) {{ {body} }}");
    let found = lowered(&source).expect_err(&source);
    assert_eq!(found.len(), 1, "{source}\n{found:#?}");
    (source[found[0].span.range()].to_owned(), found[0].to_string())
}

#[track_caller]
pub(crate) fn says((at, text): (String, String), place: &str, parts: &[&str]) {
    assert_eq!(at, place, "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}
