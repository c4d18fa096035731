//! Rejected files.

use netwright_onnx::write::{self, Attribute, Message};

use netwright_compiler::{Audience, compile, compile_in};
use proc_macro2::{Span, TokenStream};

use super::models::{graph_of, ints, layers_of, model, model_with, node, problem};

#[test]
fn an_unsupported_node_is_one_error_that_names_it() {
    type Case<'c> = (&'c [usize], Vec<Message>, &'c [(&'c str, &'c [usize])], &'c [&'c str]);
    let cases: [Case<'_>; 9] = [
        (
            &[3, 4, 4],
            vec![node("Einsum", &["x"], "y", &[])],
            &[],
            &["the node `the Einsum`, Einsum of Nx3x4x4", "`Einsum` is not supported", "guide"],
        ),
        (
            &[3, 4, 4],
            vec![node("Conv", &["x", "k"], "y", &[])],
            &[("k", &[2, 4, 3, 3])],
            &["Conv of Nx3x4x4, 2x4x3x3", "3 channels come in, and its filters are for 4"],
        ),
        (
            &[3, 4, 4],
            vec![node("Conv", &["x", "k"], "y", &[])],
            &[("k", &[2, 3, 5, 5])],
            &["the 5x5 window is larger than its 4x4x3 input", "[add `same`"],
        ),
        (
            &[3, 4, 4],
            vec![node("Conv", &["x", "k"], "y", &[("auto_pad", Attribute::Text("SAME"))])],
            &[("k", &[2, 3, 3, 3])],
            &["its auto_pad `SAME` is not one of ONNX's [it is NOTSET, SAME_UPPER, SAME_LOWER or VALID]"],
        ),
        (
            &[4],
            vec![node("Relu", &["later"], "y", &[]), node("Relu", &["x"], "later", &[])],
            &[],
            &["reads `later`, which is computed behind it"],
        ),
        (
            &[4],
            vec![node("Relu", &["y"], "y", &[])],
            &[],
            &["reads `y`, which is computed behind it, or of its own output"],
        ),
        (
            &[4],
            vec![node("Relu", &["nothing"], "y", &[])],
            &[],
            &["reads `nothing`, which nothing in the file computes"],
        ),
        (&[4], vec![node("Gemm", &["x", "x"], "y", &[])], &[], &["its weights depend on what comes in"]),
        (&[2, 3, 4, 5], vec![node("Relu", &["x"], "y", &[])], &[], &["its input `x` has 5 axes"]),
    ];
    for (input, nodes, weights, expected) in cases {
        let found = problem(&model(input, &nodes, weights));
        for part in expected {
            assert!(found.contains(part), "{part:?} is not in {found:?}");
        }
    }
}

#[test]
fn invalid_weights_are_an_error_before_anything_is_built() {
    let conv = |group: i64| node("Conv", &["x", "k"], "y", &[("group", Attribute::Int(group))]);
    for group in [0, -1, i64::MIN] {
        let found = problem(&model(&[3, 4, 4], &[conv(group)], &[("k", &[2, 3, 3, 3])]));
        assert!(found.contains(&format!("`the Conv`, Conv of Nx3x4x4, 2x3x3x3: its group is {group}")), "{found}");
    }
    let integers: Vec<i64> = vec![1; 12];
    let nodes = [node("Reshape", &["k", "as"], "w", &[]), node("Gemm", &["x", "w"], "y", &[])];
    let found = problem(&model_with(&[4], &nodes, &[("k", &integers), ("as", &[4, 3])], &[]));
    assert!(found.contains("its weights are of Int64, and weights are fractions"), "{found}");
    let long: Vec<i64> = std::iter::once(0).chain(std::iter::repeat_n(7, 60_000)).collect();
    let found = problem(&model_with(&[4], &[node("Reshape", &["x", "as"], "y", &[])], &[("as", &long)], &[]));
    assert!(found.contains("[4] cannot be seen as [7, 7, 7, 7, 7, 7, 7, 7, …]"), "{found}");
    let mut graph = Message::new();
    graph.message(write::NODE, &node("Relu", &["x"], "y", &[])).message(write::INPUT, &write::value("x", &[4]));
    let mut model = write::model(17);
    model.message(write::GRAPH, &graph);
    assert!(problem(&model.into_bytes()).contains("no output that holds fractions"));
}

#[test]
fn a_node_that_reads_or_computes_nothing_is_an_error() {
    for op in ["Sigmoid", "Relu", "Concat", "Add", "Conv", "Transpose"] {
        let found = problem(&model(&[4], &[write::node("idle", op, &[], &["y"], &[])], &[]));
        assert!(found.contains("`idle`") && found.contains("no inputs"), "{found}");
    }
    // A following node without an output is neither a bias nor an activation.
    let nodes = [node("Sigmoid", &["x"], "y", &[]), write::node("mute", "Mul", &["x", "y"], &[], &[])];
    assert!(graph_of(&model(&[4], &nodes, &[])).is_ok());
}

#[test]
fn parts_that_are_not_those_of_the_channels_are_refused() {
    let of = |attributes: &[(&str, Attribute)]| {
        problem(&model(&[6, 4, 5], &[write::node("the Split", "Split", &["x"], &["y", "z"], attributes)], &[]))
    };
    let axis = |axis| ("axis", Attribute::Int(axis));
    assert!(of(&[axis(0)]).contains("takes the batch apart"));
    assert!(of(&[axis(1), ("split", ints(&[3, 4]))]).contains("its parts [3, 4] are not those of 6"));
    assert!(of(&[axis(1), ("split", ints(&[6]))]).contains("are not those of 6"));
    assert!(of(&[axis(1), ("num_outputs", Attribute::Int(7))]).contains("7 parts of 6"));
    assert!(of(&[axis(9)]).contains("its axis 9 is none of 4"));
}

#[test]
fn inputs_without_readers_are_ignored() {
    let mut graph = Message::new();
    graph.message(write::NODE, &node("Relu", &["x"], "y", &[]));
    for name in ["folded", "x", "away"] {
        graph.message(write::INPUT, &write::value(name, &[3]));
    }
    graph.message(write::OUTPUT, &write::value("y", &[3]));
    let mut model = write::model(17);
    model.message(write::GRAPH, &graph);
    assert_eq!(layers_of(&model.into_bytes()), ["relu"]);
}

#[test]
fn a_graph_in_a_node_is_refused_by_name() {
    let (mut attribute, mut node) = (Message::new(), Message::new());
    attribute.bytes(1, "then_branch").message(6, &Message::new());
    node.bytes(1, "x").bytes(2, "y").bytes(3, "fork").bytes(4, "If").message(5, &attribute);
    let found = problem(&model(&[4], &[node], &[]));
    assert!(found.contains("`fork`") && found.contains("`then_branch` is a graph of its own"), "{found}");
}

/// A convolution with filters in an external file.
fn model_beside(location: &str) -> Vec<u8> {
    let mut graph = Message::new();
    graph.message(write::NODE, &node("Conv", &["x", "k"], "y", &[]));
    graph.message(write::INITIALIZER, &write::external("k", &[2, 3, 3, 3], location, 0, 216));
    graph.message(write::INPUT, &write::value("x", &[3, 4, 4])).message(write::OUTPUT, &write::value("y", &[1]));
    let mut model = write::model(17);
    model.message(write::GRAPH, &graph);
    model.into_bytes()
}

/// The diagnostics for a network from `model.onnx` in a folder where `weights` has this number of bytes.
fn said_of(location: &str, len: usize, options: &str) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("netwright-beside-{}-{len}{options}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    std::fs::write(folder.join("weights"), vec![0; len]).expect("a file can be written");
    std::fs::write(folder.join("model.onnx"), model_beside(location)).expect("a file can be written");
    let text = format!("Net = onnx \"model.onnx\" {options};");
    let compiled =
        compile_in(&text, &TokenStream::new(), &|_| Span::call_site(), Audience::Rustc, Some(folder.as_path()));
    std::fs::remove_dir_all(folder).expect("it is ours");
    compiled.diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect()
}

#[test]
fn external_files_are_looked_for_with_embed() {
    assert_eq!(said_of("weights", 216, "embed"), [""; 0]);
    let [short] = &said_of("weights", 215, "embed")[..] else { panic!("it is too short") };
    assert!(short.contains("the tensor `k` lies in `weights`, which has 215 bytes: too few for 216"), "{short}");
    let [missing] = &said_of("elsewhere", 216, "embed")[..] else { panic!("it is not there") };
    assert!(missing.contains("`elsewhere`, which cannot be read"), "{missing}");
    // Without `embed`, weights are read only at run time, but files outside of the folder never are.
    assert_eq!(said_of("elsewhere", 216, ""), [""; 0]);
    for location in ["../weights", "/etc/passwd"] {
        let [outside] = &said_of(location, 216, "")[..] else { panic!("it is outside") };
        assert!(outside.contains(&format!("`{location}`, which is not in the model's folder")), "{outside}");
    }
}

#[test]
fn a_path_is_any_string_literal_of_rust() {
    let said = |text: &str| {
        let compiled = compile(text, &TokenStream::new(), &|_| Span::call_site(), Audience::Rustc);
        let [said] = &compiled.diagnostics[..] else { panic!("{text}: {:?}", compiled.diagnostics) };
        (text[said.span.range()].to_owned(), said.to_string())
    };
    for path in [r#""a\u{41}.onnx""#, r##"r#"aA.onnx"#"##, r#""\x61A.onnx""#] {
        let (_, said) = said(&format!("Net = onnx {path};"));
        assert!(said.starts_with("`aA.onnx`: no file is read here"), "{path}: {said}");
    }
    for path in [r#"b"x.onnx""#, r##"br#"x.onnx"#"##, r#"c"x.onnx""#, "'x'"] {
        let (place, said) = said(&format!("Net = onnx {path};"));
        assert_eq!(place, path);
        assert!(
            said.contains(&format!("`{path}` is not a string\nhelp: a path is a text in quotation marks")),
            "{said}"
        );
    }
    let (place, said) = said("Net = onnx \"x.onnx\" output b\"y\";");
    assert_eq!(place, "b\"y\"");
    assert!(said.contains("is not a string\nhelp: write `output \"probabilities\"`"), "{said}");
}
