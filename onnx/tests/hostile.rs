//! For any file, reading terminates with a model or an error, without a panic, and with a bounded amount of memory.

use std::fs;
use std::path::{Path, PathBuf};

use netwright_onnx::write::{self, Attribute, Message};
use netwright_onnx::{Error, MOST_MEMORY, Model, external};
use proptest::prelude::*;

fn in_model(graph: &Message) -> Vec<u8> {
    let mut model = write::model(17);
    model.message(write::GRAPH, graph);
    model.into_bytes()
}

/// A graph with one node, a tensor, an input and an output.
fn whole() -> Message {
    let mut graph = Message::new();
    let attributes = [("alpha", Attribute::Float(0.5)), ("axes", Attribute::Ints(vec![1, -2]))];
    graph.message(write::NODE, &write::node("n", "Gemm", &["x", "w"], &["y"], &attributes));
    graph.message(write::INITIALIZER, &write::floats("w", &[2, 3], (0..6_u8).map(f32::from)));
    graph.message(write::INPUT, &write::value("x", &[2])).message(write::OUTPUT, &write::value("y", &[3]));
    graph
}

fn tensor(dims: &[i64], kind: i64, bytes: &[u8]) -> Vec<u8> {
    let (mut graph, mut tensor) = (whole(), Message::new());
    for dim in dims {
        tensor.int(1, *dim);
    }
    tensor.int(2, kind).bytes(8, "t").bytes(9, bytes);
    graph.message(write::INITIALIZER, &tensor);
    in_model(&graph)
}

#[test]
fn what_is_written_is_read() {
    let bytes = in_model(&whole());
    let model = Model::read(&bytes).expect("it is whole");
    assert_eq!((model.producer, model.opset), ("netwright", 17));
    let graph = &model.graph;
    assert_eq!((graph.nodes[0].op, graph.nodes[0].inputs.as_slice()), ("Gemm", ["x", "w"].as_slice()));
    assert!(
        matches!(graph.nodes[0].attribute("axes"), Some(netwright_onnx::Attribute::Ints(axes)) if *axes == [1, -2])
    );
    assert_eq!(graph.inputs[0].dims, Some(vec![None, Some(2)]));
    let elements = graph.initializers[0].elements().expect("they are in the file");
    assert_eq!((elements.len(), elements.get(5), elements.get(6)), (6, Some(5.0), None));
}

#[test]
fn a_file_cut_anywhere_is_an_error_or_a_smaller_model() {
    let bytes = in_model(&whole());
    for len in 0..bytes.len() {
        let read = Model::read(&bytes[..len]);
        assert!(read.is_err(), "{len} of {} bytes are no model", bytes.len());
    }
}

#[test]
fn a_file_that_is_no_model_is_an_error() {
    for other in [&b""[..], &[0; 64], &[0xff; 64]] {
        let read = Model::read(other).map(|_| ());
        assert!(matches!(read, Err(Error::Malformed { .. } | Error::NoGraph)), "{other:?}: {read:?}");
    }
}

#[test]
fn files_of_other_programs_are_named() {
    let others: [(&[u8], &str); 5] = [
        (b"PK\x03\x04\x14\0\0\0", "a zip archive"),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", "an HDF5 file"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"a text of some length, which is no model\n", "a text"),
        (b"\x40\0\0\0\0\0\0\0{\"weight\":{}}", "a safetensors file"),
    ];
    for (other, found) in others {
        let error = Model::read(other).map(|_| ()).expect_err("no model").to_string();
        assert!(
            error.starts_with(&format!("it is {found}")) && error.ends_with("an ONNX model was expected"),
            "{error}"
        );
    }
}

#[test]
fn sizes_that_overflow_are_refused() {
    let far = [i64::MAX, i64::MAX];
    for (dims, problem) in [(&far[..], "no memory"), (&[-1][..], "negative")] {
        match Model::read(&tensor(dims, 1, &[0; 4])) {
            Err(Error::Tensor { problem: found, .. }) => assert!(found.contains(problem), "{found}"),
            other => panic!("{other:?}"),
        }
    }
    // Sizes are accepted only if the data exists.
    let bytes = tensor(&[1 << 40], 1, &[0; 4]);
    let model = Model::read(&bytes).expect("nothing is allocated for it");
    assert!(model.graph.initializers[1].elements().is_err());
}

#[test]
fn a_bomb_of_empty_parts_is_refused() {
    // Two bytes for each node in the file, and a hundred in memory.
    let mut graph = whole().into_bytes();
    graph.extend([0x0a, 0x00].repeat(1 << 20));
    let mut model = write::model(17);
    model.bytes(write::GRAPH, &graph);
    assert_eq!(Model::read(&model.into_bytes()).map(|_| ()), Err(Error::TooManyParts { most: MOST_MEMORY }));
}

#[test]
fn twenty_thousand_short_nodes_are_no_bomb() {
    let mut graph = Message::new();
    for index in 0..20_000 {
        let mut node = Message::new();
        node.bytes(1, format!("{index}")).bytes(2, format!("{}", index + 1)).bytes(4, "Relu");
        graph.message(write::NODE, &node);
    }
    let bytes = in_model(&graph);
    assert_eq!(Model::read(&bytes).expect("half a megabyte").graph.nodes.len(), 20_000);
}

/// A byte or two for each entry in the file, and eight or more in memory.
#[test]
fn a_list_takes_no_more_memory_than_the_file() {
    let read = |node: Message| {
        let mut graph = whole();
        graph.message(write::NODE, &node);
        Model::read(&in_model(&graph)).map(|_| ())
    };
    let (many, few) = (1 << 16, 256);
    let packed = |count: usize| {
        let (mut attribute, mut node) = (Message::new(), Message::new());
        attribute.bytes(1, "axes").int(20, 7).bytes(8, vec![1; count]);
        node.bytes(4, "Pad").message(5, &attribute);
        node
    };
    let empty = |field: u64, count: usize| {
        let mut node = Message::new();
        for _ in 0..count {
            node.bytes(field, "");
        }
        node
    };
    let (inputs, attributes) = (|count| empty(1, count), |count| empty(5, count));
    assert!(read(packed(few)).is_ok() && read(inputs(few)).is_ok() && read(attributes(few / 8)).is_ok());
    for node in [packed(many), inputs(many), attributes(many)] {
        let read = read(node);
        let error = read.expect_err("a list of many");
        assert!(matches!(error, Error::TooManyParts { most } if most < MOST_MEMORY), "{error:?}");
        assert!(error.to_string().contains(" KiB of memory"), "{error}");
    }
    let axes = tensor(&vec![1; many], 1, &[0; 4]);
    assert!(matches!(Model::read(&axes), Err(Error::TooManyParts { .. })));
}

#[test]
fn a_bomb_of_small_numbers_is_refused() {
    // One byte for each element of eight.
    for (len, is_read) in [(1000, true), (2000, false), (MOST_MEMORY / 8 + 1, false)] {
        let (mut graph, mut tensor) = (whole(), Message::new());
        tensor.int(1, len as i64).int(2, 7).bytes(8, "t").bytes(7, vec![1; len]);
        graph.message(write::INITIALIZER, &tensor);
        let bytes = in_model(&graph);
        let model = Model::read(&bytes).expect("its elements are not read yet");
        let elements = model.graph.initializers[1].elements();
        assert_eq!(elements.map(|elements| elements.get(len - 1)).ok(), is_read.then_some(Some(1.0)), "{len}");
    }
}

#[test]
fn ten_thousand_graphs_in_graphs_are_one_attribute() {
    let mut inner = whole();
    for _ in 0..10_000 {
        let (mut attribute, mut node, mut graph) = (Message::new(), Message::new(), Message::new());
        attribute.bytes(1, "body").message(6, &inner);
        node.bytes(4, "Loop").message(5, &attribute);
        graph.message(write::NODE, &node).message(write::OUTPUT, &write::value("y", &[1]));
        inner = graph;
    }
    let bytes = in_model(&inner);
    let model = Model::read(&bytes).expect("the outermost graph is whole");
    assert!(matches!(model.graph.nodes[0].attribute("body"), Some(netwright_onnx::Attribute::Other("a graph"))));
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("netwright-onnx-{}-{name}", std::process::id()));
    fs::create_dir_all(folder.join("inside")).expect("a folder can be made");
    folder
}

fn beside(folder: &Path, location: &str, offset: usize, length: usize) -> Result<Option<f64>, Error> {
    let mut graph = whole();
    graph.message(write::INITIALIZER, &write::external("t", &[2], location, offset, length));
    let bytes = in_model(&graph);
    let model = Model::read(&bytes).expect("the graph is whole");
    external::elements(&model.graph.initializers[1], Some(folder)).map(|elements| elements.get(1))
}

#[test]
fn external_weights_are_read_only_in_the_models_folder() {
    let folder = folder("beside");
    let inside = folder.join("inside");
    let data: Vec<u8> = [0.0_f32, 1.0, 2.5].iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(inside.join("w.data"), &data).expect("a file can be written");
    fs::write(folder.join("outside.data"), &data).expect("a file can be written");
    assert_eq!(beside(&inside, "w.data", 4, 8), Ok(Some(2.5)));
    let absolute = folder.join("outside.data");
    for location in ["../outside.data", absolute.to_str().expect("a name"), "", "none.data", "."] {
        assert!(matches!(beside(&inside, location, 0, 8), Err(Error::External { .. })), "{location}");
    }
    for (offset, length) in [(8, 8), (usize::MAX, 8), (0, 12), (0, 4)] {
        assert!(matches!(beside(&inside, "w.data", offset, length), Err(Error::External { .. })), "{offset} {length}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&absolute, inside.join("link.data")).expect("a link can be made");
        assert!(matches!(beside(&inside, "link.data", 0, 8), Err(Error::External { .. })));
    }
    fs::remove_dir_all(folder).expect("it is ours");
}

proptest! {
    #[test]
    fn any_bytes_are_a_model_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Model::read(&bytes).map(|model| model.graph.constants().filter(|(_, tensor)| tensor.elements().is_ok()).count());
    }

    #[test]
    fn a_model_with_any_changed_byte_is_a_model_or_an_error(place in 0_usize..200, byte in any::<u8>()) {
        let mut bytes = in_model(&whole());
        let place = place % bytes.len();
        bytes[place] = byte;
        let _ = Model::read(&bytes).map(|model| model.graph.constants().filter(|(_, tensor)| tensor.elements().is_ok()).count());
    }
}
