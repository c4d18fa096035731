//! Imported graphs.

use netwright_compiler::graph::Head;
use netwright_compiler::onnx::{Asked, End, Source, read_as};
use netwright_onnx::Model;
use netwright_onnx::source::Change;
use netwright_onnx::write::{self, Attribute, Message};

use super::models::{
    assert_prints_itself, graph_of, ints, layers_of, model, model_of_numbers, model_with, node, nodes, problem,
};

#[test]
fn channels_first_become_channels_last_and_weights_follow() {
    let nodes = [
        node("Conv", &["x", "k", "b"], "a", &[("pads", ints(&[1, 1, 1, 1]))]),
        node("Relu", &["a"], "r", &[]),
        node("Flatten", &["r"], "f", &[]),
        node("Gemm", &["f", "w"], "y", &[("transB", Attribute::Int(1))]),
    ];
    let weights: [(&str, &[usize]); 3] = [("k", &[2, 3, 3, 3]), ("b", &[2]), ("w", &[5, 40])];
    let read = graph_of(&model(&[3, 4, 5], &nodes, &weights)).expect("it can be had");
    let layers: Vec<_> = read.graph.layers.iter().map(|layer| (layer.name.as_str(), layer.text.as_str())).collect();
    assert_eq!(layers, [("conv1", "conv 3x3x2 same relu"), ("dense1", "dense 5 nobias")]);
    let tensor = |name: &str, dims: &[usize], axes: &[[usize; 2]]| Source::Tensor {
        name: name.to_owned(),
        dims: dims.to_vec(),
        axes: axes.to_vec(),
        change: Change::Times(1.0),
    };
    let kernel = tensor("k", &[2, 3, 3, 3], &[[3, 3], [3, 1], [3, 9], [2, 27]]);
    // Element (row, column, channel) of the image is element 20 channel + 5 row + column of the file's flattened value.
    let product = tensor("w", &[5, 40], &[[20, 1], [2, 20], [5, 40]]);
    assert_eq!(read.sources, [kernel, tensor("b", &[2], &[[2, 1]]), product]);
}

#[test]
fn a_kernel_that_two_layers_read_is_shared() {
    let nodes = [node("Gemm", &["x", "w"], "a", &[]), node("Gemm", &["a", "w"], "y", &[])];
    let read = graph_of(&model(&[4], &nodes, &[("w", &[4, 4])])).expect("it can be had");
    assert_eq!(read.graph.tensors.len(), 1);
    assert_eq!(read.graph.layers[1].text, "dense 4 nobias tied dense1");
}

#[test]
fn shape_arithmetic_adds_no_layers() {
    let nodes = [
        node("Shape", &["x"], "s", &[]),
        node("Gather", &["s", "zero"], "n", &[]),
        node("Squeeze", &["n", "axis"], "m", &[]),
        node("Unsqueeze", &["m", "axis"], "u", &[]),
        node("Concat", &["u", "rest"], "to", &[("axis", Attribute::Int(0))]),
        node("Reshape", &["x", "to"], "f", &[]),
        node("Gemm", &["f", "w"], "y", &[]),
    ];
    let mut graph = Message::new();
    for node in &nodes {
        graph.message(write::NODE, node);
    }
    for (name, value) in [("zero", 0), ("axis", 0), ("rest", -1)] {
        graph.message(write::INITIALIZER, &write::integers(name, &[value]));
    }
    graph.message(write::INITIALIZER, &write::floats("w", &[12, 2], (0..24_u8).map(f32::from)));
    graph.message(write::INPUT, &write::value("x", &[2, 2, 3])).message(write::OUTPUT, &write::value("y", &[2]));
    let mut model = write::model(17);
    model.message(write::GRAPH, &graph);
    let read = graph_of(&model.into_bytes()).expect("it can be had");
    assert_eq!(read.graph.layers.len(), 1, "{}", read.graph);
}

#[test]
fn constants_for_each_channel_are_a_layer_of_their_own() {
    let nodes = [
        node("Mul", &["x", "scale"], "m", &[]),
        node("Add", &["m", "shift"], "a", &[]),
        node("Sub", &["a", "number"], "s", &[]),
        node("Relu", &["s"], "y", &[]),
    ];
    let weights: [(&str, &[usize]); 3] = [("scale", &[3, 1, 1]), ("shift", &[1, 3, 1, 1]), ("number", &[])];
    let read = graph_of(&model(&[3, 4, 4], &nodes, &weights)).expect("it can be had");
    let layers: Vec<_> = read.graph.layers.iter().map(|layer| layer.text.as_str()).collect();
    // The element of `number` is 0, so the addition disappears.
    assert_eq!(layers, ["dwconv 1x1 init constant(1) relu"]);
    assert_prints_itself(&read.graph);
}

#[test]
fn channels_are_split_and_shuffled_as_in_a_shufflenet() {
    let split = |op: &str, inputs: &[&str], attributes: &[(&str, Attribute)]| {
        write::node("the Split", op, inputs, &["left", "right"], attributes)
    };
    let behind = [
        node("Relu", &["right"], "r", &[]),
        node("Concat", &["left", "r"], "c", &[("axis", Attribute::Int(1))]),
        node("Reshape", &["c", "apart"], "a", &[]),
        node("Transpose", &["a"], "t", &[("perm", ints(&[0, 2, 1, 3, 4]))]),
        node("Reshape", &["t", "together"], "y", &[]),
    ];
    let integers: [(&str, &[i64]); 7] = [
        ("apart", &[-1, 2, 3, 4, 5]),
        ("together", &[-1, 6, 4, 5]),
        ("halves", &[3, 3]),
        ("zero", &[0]),
        ("three", &[3]),
        ("six", &[6]),
        ("one", &[1]),
    ];
    let by_slices = vec![
        node("Slice", &["x", "zero", "three", "one"], "left", &[]),
        node("Slice", &["x", "three", "six", "one"], "right", &[]),
    ];
    let axis = ("axis", Attribute::Int(1));
    let ways = [
        vec![split("Split", &["x", "halves"], std::slice::from_ref(&axis))],
        vec![split("Split", &["x"], &[axis.clone(), ("split", ints(&[3, 3]))])],
        vec![split("Split", &["x"], &[("axis", Attribute::Int(-3)), ("num_outputs", Attribute::Int(2))])],
        by_slices,
    ];
    for way in ways {
        let nodes: Vec<Message> = way.into_iter().chain(behind.iter().cloned()).collect();
        let layers = layers_of(&model_with(&[6, 4, 5], &nodes, &integers, &[]));
        assert_eq!(layers, ["slice 3", "slice 3 at 3 relu", "concat", "shuffle 2"]);
    }
}

#[test]
fn rows_and_columns_are_split_too() {
    let nodes = [
        write::node(
            "the Split",
            "Split",
            &["x"],
            &["top", ""],
            &[("axis", Attribute::Int(2)), ("split", ints(&[3, 1]))],
        ),
        node("Relu", &["top"], "y", &[]),
    ];
    assert_eq!(layers_of(&model_with(&[6, 4, 5], &nodes, &[], &[])), ["crop 0x1x0x0 relu"]);
    let neighbours = [node("Gather", &["x", "channels"], "y", &[("axis", Attribute::Int(1))])];
    let layers = layers_of(&model_with(&[6, 4, 5], &neighbours, &[("channels", &[2, 3, 4])], &[]));
    assert_eq!(layers, ["slice 3 at 2"]);
    for channels in [&[2_i64, 4][..], &[5, 6], &[-7], &[]] {
        let found = problem(&model_with(&[6, 4, 5], &neighbours, &[("channels", channels)], &[]));
        assert!(found.contains("by their numbers"), "{found}");
    }
    let whole: [(&str, &[i64]); 4] =
        [("from", &[0, 1]), ("to", &[i64::from(i32::MAX), 4]), ("axes", &[0, 2]), ("to2", &[1, 4])];
    let sliced = |to: &str| node("Slice", &["x", "from", to, "axes"], "y", &[]);
    assert_eq!(layers_of(&model_with(&[6, 4, 5], &[sliced("to")], &whole, &[])), ["crop 1x0x0x0"]);
    assert!(problem(&model_with(&[6, 4, 5], &[sliced("to2")], &whole, &[])).contains("a part of the batch"));
}

#[test]
fn an_output_that_is_flattened_last_has_the_order_of_the_file() {
    let nodes = [node("Relu", &["x"], "r", &[]), node("Flatten", &["r"], "y", &[])];
    assert_eq!(layers_of(&model(&[3, 4, 5], &nodes, &[])), ["relu", "flatten", "shuffle 20"]);
}

#[test]
fn logarithms_of_probabilities_and_numbers_less_a_value_are_read() {
    let nodes = [
        node("Gemm", &["x", "w"], "z", &[]),
        node("LogSoftmax", &["z"], "l", &[("axis", Attribute::Int(1))]),
        node("Sub", &["c", "l"], "y", &[]),
    ];
    let layers = layers_of(&model(&[4], &nodes, &[("w", &[4, 3]), ("c", &[3])]));
    assert_eq!(layers[..3], ["dense 3 nobias", "logsoftmax", "scale -1"]);
    assert!(layers[3..].iter().any(|layer| layer.starts_with("dwconv 1x1 init constant(1)")), "{layers:?}");
    let found = problem(&model(&[4], &[node("Div", &["c", "x"], "y", &[])], &[("c", &[4])]));
    assert!(found.contains("divides a constant"), "{found}");
}

/// A function that exporters omit is added after the logits on request, unless the file has it.
#[test]
fn logits_end_in_the_requested_function() {
    let gemm = node("Gemm", &["x", "w", "b"], "z", &[("transB", Attribute::Int(1))]);
    let logits = model(&[3], &[gemm.clone(), node("Identity", &["z"], "y", &[])], &[("w", &[4, 3]), ("b", &[4])]);
    for (end, word, head) in [
        (End::Softmax, "softmax", Head::Softmax),
        (End::LogSoftmax, "logsoftmax", Head::LogSoftmax),
        (End::Sigmoid, "sigmoid", Head::Sigmoid),
    ] {
        assert_eq!(End::of(word), Some(end));
        let asked = Asked { end: Some(end), ..Asked::default() };
        let read = read_as(&Model::read(&logits).expect("a model"), asked).expect("logits");
        assert_eq!(read.graph.head(), head);
        assert_eq!(read.sources.len(), graph_of(&logits).expect("logits").sources.len());
        let ended = model(&[3], &[gemm.clone(), node("Softmax", &["z"], "y", &[])], &[("w", &[4, 3]), ("b", &[4])]);
        let refused = read_as(&Model::read(&ended).expect("a model"), asked).expect_err("it ends in a softmax");
        assert_eq!(refused.help.as_deref(), Some(format!("leave `{word}` out").as_str()));
    }
    assert_eq!(End::of("relu"), None);
}

#[test]
fn clips_with_one_bound_or_two_are_read() {
    let clip = |inputs: &[&str]| {
        model_of_numbers(
            &[4],
            &[node("Clip", inputs, "y", &[])],
            &[("a", -0.1), ("b", 2.0), ("n", f32::NAN), ("m", f32::MAX)],
        )
    };
    for (inputs, text) in [
        (&["x", "a", "b"][..], "clip min -0.1 max 2"),
        (&["x", "a"], "clip min -0.1"),
        (&["x", "a", "m"], "clip min -0.1"),
        (&["x", "", "b"], "clip max 2"),
    ] {
        assert_eq!(layers_of(&clip(inputs)), [text]);
    }
    // The form before version 11.
    let old = [node("Clip", &["x"], "y", &[("min", Attribute::Float(-1.0)), ("max", Attribute::Float(0.5))])];
    assert_eq!(layers_of(&model(&[4], &old, &[])), ["clip min -1 max 0.5"]);
    for (inputs, message) in [
        (
            &["x", "b", "a"][..],
            "the node `the Clip`, Clip of N, a number, a number: it keeps to 2..-0.1, and nothing lies between",
        ),
        (&["x", "n"], "its min is no number"),
        (&["x", "x"], "its min depend on what comes in"),
    ] {
        let found = problem(&clip(inputs));
        assert!(found.contains(&message.replace("of N,", "of Nx4,")), "{found}");
    }
    for (op, inputs, text) in
        [("Min", ["x", "b"], "clip max 2"), ("Max", ["a", "x"], "clip min -0.1"), ("Max", ["x", "z"], "relu")]
    {
        let numbers = [("a", -0.1), ("b", 2.0), ("z", 0.0)];
        assert_eq!(layers_of(&model_of_numbers(&[4], &[node(op, &inputs, "y", &[])], &numbers)), [text]);
    }
    let found = problem(&model(&[4], &[node("Max", &["x", "x"], "y", &[])], &[]));
    assert!(found.contains("compares values with each other"), "{found}");
    // A clip without bounds is the identity.
    let nothing = [node("Clip", &["x"], "c", &[]), node("Relu", &["c"], "y", &[])];
    assert_eq!(layers_of(&model(&[4], &nothing, &[])), ["relu"]);
}

/// A model with ε, 2, and γ and β for three channels along the axes of `row`.
fn normalised(text: &str, axis: i64, row: &[usize]) -> Vec<u8> {
    let mut graph = Message::new();
    for node in nodes(text, &[("ReduceMean", "axes", ints(&[axis]))]) {
        graph.message(write::NODE, &node);
    }
    for (name, number) in [("e", 1e-6), ("two", 2.0), ("one", 1.0)] {
        graph.message(write::INITIALIZER, &write::floats(name, &[], [number].into_iter()));
    }
    graph.message(write::INITIALIZER, &write::integers("sizes", &[-1, 1, 4, 5]));
    for name in ["g", "b"] {
        graph.message(write::INITIALIZER, &write::floats(name, row, [1.0, 2.0, 3.0].into_iter()));
    }
    graph.message(write::INPUT, &write::value("x", &[3, 4, 5])).message(write::OUTPUT, &write::value("y", &[1]));
    let mut model = write::model(13);
    model.message(write::GRAPH, &graph);
    model.into_bytes()
}

#[test]
fn a_layer_normalisation_of_several_nodes_is_one_word() {
    let pytorch = "ReduceMean x m; Sub x m d; Pow d two s; ReduceMean s v; Add v e w; Sqrt w r; Div d r n;";
    let keras = "ReduceMean x m; Neg m k; Reshape m sizes l; Sub x l d; Mul d d s; ReduceMean s v; Add v e w; Sqrt w q; Reciprocal q r;
        Mul r g f; Mul x f a; Mul k f c;";
    for (text, words, tensors) in [
        (format!("{pytorch} Mul n g o; Add o b y"), "layernorm eps 0.000001", 2),
        (format!("{pytorch} Mul g n y"), "layernorm eps 0.000001 nocenter", 1),
        (format!("{pytorch} Identity n y"), "layernorm eps 0.000001 noscale nocenter", 0),
        (format!("{keras} Add b c h; Add a h y"), "layernorm eps 0.000001", 2),
        (format!("{keras} Add a c y"), "layernorm eps 0.000001 nocenter", 1),
        ("ReduceMean x m; Sub x m d; Mul d d s; ReduceMean s v; Add e v w; Sqrt w q; Div one q r; Mul r g f; Mul x f a; Mul m f c; Sub b c h; Add h a y".to_owned(), "layernorm eps 0.000001", 2),
    ] {
        let bytes = normalised(&text, 1, &[1, 3, 1, 1]);
        assert_eq!(layers_of(&bytes), [words], "{text}");
        let sources = graph_of(&bytes).expect("it can be had").sources;
        let names: Vec<&str> = sources.iter().map(|source| match source { Source::Tensor { name, .. } => name.as_str(), Source::Filled(_) => "filled" }).collect();
        assert_eq!(names, ["g", "b"][..tensors], "{text}");
    }
    // Another operation at the end, or an inner value that is read elsewhere.
    let behind = format!("{pytorch} Mul n g o; Add o b p; Relu p y");
    assert_eq!(layers_of(&normalised(&behind, 1, &[1, 3, 1, 1])), ["layernorm eps 0.000001 relu"]);
    let elsewhere = format!("{pytorch} Mul n g o; Add o d y");
    assert!(problem(&normalised(&elsewhere, 1, &[1, 3, 1, 1])).contains("it reduces the axes [1]"));
    // Another γ than that of the mean makes it a different computation.
    let other = format!("{} Mul k i c; Add b c h; Add a h y", keras.replace("Mul k f c;", "Mul r b i;"));
    assert!(problem(&normalised(&other, 1, &[1, 3, 1, 1])).contains("it reduces the axes [1]"));
    // A vector along the three rows of the image is none along its channels.
    assert!(problem(&normalised(&format!("{pytorch} Mul n g y"), 2, &[3, 1])).contains("it reduces the axes [2]"));
}

#[test]
fn a_product_of_the_channels_of_each_position_is_a_convolution_of_one_pixel() {
    let nodes = [
        node("Transpose", &["x"], "t", &[("perm", ints(&[0, 2, 3, 1]))]),
        node("Shape", &["t"], "s", &[]),
        node("Gather", &["s", "free"], "g", &[]),
        node("Concat", &["g", "outputs"], "to", &[("axis", Attribute::Int(0))]),
        node("ReduceProd", &["g"], "all", &[]),
        node("Concat", &["all", "inputs"], "rows", &[("axis", Attribute::Int(0))]),
        node("Reshape", &["t", "rows"], "r", &[]),
        node("MatMul", &["r", "w"], "p", &[]),
        node("Add", &["p", "b"], "q", &[]),
        node("Reshape", &["q", "to"], "y", &[]),
    ];
    let integers: [(&str, &[i64]); 3] = [("free", &[0, 1, 2]), ("outputs", &[2]), ("inputs", &[3])];
    let weights: [(&str, &[usize]); 2] = [("w", &[3, 2]), ("b", &[2])];
    assert_eq!(layers_of(&model_with(&[3, 4, 5], &nodes, &integers, &weights)), ["conv 1x1x2"]);
    // A product that does not move the positions back from the batch axis is not supported.
    let nodes = [&nodes[..7], &[node("MatMul", &["r", "w"], "y", &[])]].concat();
    let found = problem(&model_with(&[3, 4, 5], &nodes, &integers, &weights));
    assert!(found.contains("its sizes [?, 3] do not begin with that of the batch"), "{found}");
}

#[test]
fn a_gather_of_all_elements_of_one_image_in_order_is_the_image() {
    let strided = |indices: &[i64], batch: usize| {
        let images = (indices.len() / 3) as i64;
        let mut graph = Message::new();
        let nodes = [
            node("Reshape", &["i", "sizes"], "j", &[]),
            node("Reshape", &["x", "all"], "r", &[]),
            node("Gather", &["r", "j"], "g", &[]),
            node("Relu", &["g"], "y", &[]),
        ];
        for node in &nodes {
            graph.message(write::NODE, node);
        }
        for (name, values) in [("all", &[-1][..]), ("i", indices), ("sizes", &[images, 3, 1, 1])] {
            graph.message(write::INITIALIZER, &write::integers(name, values));
        }
        // The batch size is fixed in the file.
        let (mut shape, mut tensor, mut kind, mut value) =
            (Message::new(), Message::new(), Message::new(), Message::new());
        for size in [batch, 3, 1, 1] {
            let mut dim = Message::new();
            dim.int(1, size as i64);
            shape.message(1, &dim);
        }
        tensor.int(1, 1).message(2, &shape);
        kind.message(1, &tensor);
        value.bytes(1, "x").message(2, &kind);
        graph.message(write::INPUT, &value).message(write::OUTPUT, &write::value("y", &[3]));
        let mut model = write::model(17);
        model.message(write::GRAPH, &graph);
        model.into_bytes()
    };
    assert_eq!(layers_of(&strided(&[0, 1, 2], 1)), ["relu"]);
    assert_eq!(layers_of(&strided(&[0, 1, 2, 3, 4, 5], 2)), ["relu"]);
    for (indices, batch) in [(&[0, 2, 1][..], 1), (&[0, 1, 2], 2), (&[0, 1, 2, 5, 4, 3], 2), (&[3, 4, 5, 0, 1, 2], 2)] {
        let found = problem(&strided(indices, batch));
        assert!(found.contains("`the Gather`") && found.contains("in another order than theirs"), "{found}");
    }
}

/// PyTorch's newer exporter writes `as_strided` like this for an unknown batch size: 12 times the index of the image plus the index of
/// the element in the image.
#[test]
fn a_gather_of_all_elements_of_a_batch_in_order_is_the_batch() {
    let start = "Shape x s; Gather s zero n; Squeeze n m; Reshape x all r";
    let strided = |numbers: &str| {
        let nodes = nodes(&format!("{start}; {numbers}; Gather r j g; Relu g y"), &[]);
        let integers: [(&str, &[i64]); 12] = [
            ("zero", &[0]),
            ("one", &[1]),
            ("two", &[2]),
            ("six", &[6]),
            ("twelve", &[12]),
            ("thirteen", &[13]),
            ("all", &[-1]),
            ("behind", &[1, 2, 3]),
            ("image", &[1, 3, 2, 2]),
            ("apart", &[-1, 1, 1, 1]),
            ("columns", &[0, 1]),
            ("inner", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ];
        let places = node("Reshape", &["inner", "image"], "places", &[]);
        model_with(&[3, 2, 2], &[&[places], &nodes[..]].concat(), &integers, &[])
    };
    let images = "Range zero m one i; Mul i twelve b; Unsqueeze b behind u";
    for numbers in [
        format!("{images}; Add u places j"),
        format!("{images}; Add places u j"),
        "Range zero m one i; Cast i c; Reshape c apart u; Mul twelve u v; Add v places j".to_owned(),
        "Range zero m one i; Add i i d; Mul d six b; Unsqueeze b behind u; Sub u zero v; Add v places j".to_owned(),
        // The indices of an image's elements, computed from its axes.
        format!("Range zero twelve two a; Unsqueeze a one e; Add e columns f; {images}; Reshape f image h; Add u h j"),
    ] {
        assert_eq!(layers_of(&strided(&numbers)), ["relu"], "{numbers}");
    }
    for (numbers, expected) in [
        (format!("{images}; Add u places k; Add k one j"), "in another order than theirs"),
        (images.replace("twelve", "thirteen") + "; Add u places j", "in another order than theirs"),
        (format!("{images}; Mul u places j"), "it computes with the numbers of images"),
        ("Range one m one i; Unsqueeze i behind u; Add u places j".to_owned(), "it counts some of the images"),
        ("Range zero m two i; Unsqueeze i behind u; Add u places j".to_owned(), "it counts from [0, N] by [2]"),
        ("Mul m two o; Range zero o one i; Unsqueeze i behind u; Add u places j".to_owned(), "it counts from [0, ?]"),
        ("Range zero m one i; Unsqueeze i zero u; Add u places j".to_owned(), "it changes the axis of the batch"),
        ("Range zero m one i; Add i inner j".to_owned(), "it puts another axis before that of the batch"),
    ] {
        let found = problem(&strided(&numbers));
        assert!(found.contains(expected), "{found} for {numbers}");
    }
}

#[test]
fn arithmetic_with_the_batch_size_is_that_size_or_unknown() {
    let reshaped = |arithmetic: &str| {
        let nodes = nodes(
            &format!("Shape x s; Gather s zero n; {arithmetic}; Concat k rest to; Reshape x to y"),
            &[("Concat", "axis", Attribute::Int(0))],
        );
        let integers: [(&str, &[i64]); 4] = [("zero", &[0]), ("one", &[1]), ("two", &[2]), ("rest", &[12])];
        model_with(&[3, 2, 2], &[&nodes[..], &[node("Relu", &["y"], "y2", &[])]].concat(), &integers, &[])
    };
    for arithmetic in ["Mul n one k", "Add zero n k", "Div n one a; Sub a zero k", "Div n n a; Mul a n k"] {
        assert_eq!(layers_of(&reshaped(arithmetic)), ["flatten", "shuffle 4"], "{arithmetic}");
    }
    for arithmetic in ["Mul n two k", "Add n one k", "Sub n one k", "Div n two k", "Sub one n k", "Mul n n k"] {
        let found = problem(&reshaped(arithmetic));
        assert!(found.contains("its sizes [?, 12] do not begin with that of the batch"), "{found} for {arithmetic}");
    }
    // A slice of the batch is rejected, unless it contains all images.
    let sliced = |ends: &str| {
        let nodes = nodes(&format!("Shape x s; Gather s zero n; {ends}; Slice x zero k zero t; Relu t y"), &[]);
        model_with(&[3, 2, 2], &nodes, &[("zero", &[0]), ("two", &[2]), ("one", &[1])], &[])
    };
    assert_eq!(layers_of(&sliced("Mul n one k")), ["relu"]);
    for ends in ["Div n two k", "Sub n one k"] {
        let found = problem(&sliced(ends));
        assert!(found.contains("what it takes follows from how many images come in"), "{found} for {ends}");
    }
    let filled = nodes("Shape x s; ConstantOfShape s z; Add x z y", &[]);
    let found = problem(&model_with(&[3, 2, 2], &filled, &[], &[]));
    assert!(found.contains("it is a constant of sizes [N, 3, 2, 2]"), "{found}");
}
