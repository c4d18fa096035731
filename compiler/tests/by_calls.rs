//! Builds a graph by calls alone, as a front end without text does, and checks that the emitted Rust equals that of the text.

use netwright_compiler::builder::{BuildError, Builder, NewLayer, WeightOptions};
use netwright_compiler::graph::Origin;
use netwright_compiler::graph::{Graph, Init, LayerId, ValueId};
use netwright_compiler::ops::{Activation, Add, BatchNorm, Conv, Dense, Op, Reshape, Softmax};
use netwright_compiler::shape::{Padding, Shape, Window};
use netwright_compiler::{Audience, Item, compile, compile_graph};
use proc_macro2::{Span, TokenStream};

const TEXT: &str = "pub Net(8x8x4) { residual { conv 3x3x4 same nobias init he bn relu }; conv 3x3x6 relu as last; dense 7; \
                    softmax 3 frozen }";

fn conv(size: usize, filters: usize, padding: Padding, bias: bool) -> Op {
    let window = Window { size: [size; 2], stride: [1; 2], dilation: [1; 2], padding };
    Conv { window, filters, groups: 1, bias, kernel: "kernel", asked: None, exact: false }.into()
}

/// One layer of one operation.
fn layer(builder: &mut Builder, layer: NewLayer<'_>, ops: Vec<Op>, inputs: &[ValueId]) -> Result<ValueId, BuildError> {
    builder.open(layer, inputs[0])?;
    let mut output = inputs.to_vec();
    for op in ops {
        output = vec![builder.push(op, &output)?];
    }
    builder.close(inputs[0], output[0]);
    Ok(output[0])
}

fn called<'a>(word: &'a str, text: &str) -> NewLayer<'a> {
    NewLayer { word, text: text.to_owned(), ..NewLayer::default() }
}

fn built() -> Result<Graph, BuildError> {
    let mut builder = Builder::new(Shape::Image { height: 8, width: 8, channels: 4 });
    let input = builder.input();
    let weights = WeightOptions { init: Some(Init::HeNormal), ..WeightOptions::default() };
    let first = NewLayer { weights, ..called("conv", "conv 3x3x4 same nobias init he") };
    let features = layer(&mut builder, first, vec![conv(3, 4, Padding::Same, false)], &[input])?;
    let norm = BatchNorm { epsilon: 1e-3, momentum: 0.99, scale: true, center: true };
    let features = layer(&mut builder, called("batchnorm", "bn"), vec![norm.into()], &[features])?;
    let rectified = builder.push(Activation(netwright_abi::Activation::Relu), &[features])?;
    assert!(builder.extend("relu", WeightOptions::default()));
    builder.close(features, rectified);
    let sum = layer(&mut builder, called("add", "residual { … }"), vec![Add.into()], &[rectified, input])?;
    let last = NewLayer { name: Some("last"), ..called("conv", "conv 3x3x6") };
    let features = layer(&mut builder, last, vec![conv(3, 6, Padding::Explicit([0; 4]), true)], &[sum])?;
    let rectified = builder.push(Activation(netwright_abi::Activation::Relu), &[features])?;
    builder.extend("relu", WeightOptions::default());
    builder.close(features, rectified);
    let dense = |outputs| Op::from(Dense { outputs, bias: true, transposed: false, asked: None });
    let flat = Op::from(Reshape { to: None });
    let hidden = layer(&mut builder, called("dense", "dense 7"), vec![flat, dense(7)], &[rectified])?;
    builder.freeze(true);
    let softmax = vec![dense(3), Softmax.into()];
    let answer = layer(&mut builder, called("softmax", "softmax 3"), softmax, &[hidden])?;
    Ok(builder.finish(answer))
}

#[test]
fn a_graph_built_by_calls_is_emitted_like_that_of_a_text() {
    let root: TokenStream = "::netwright".parse().expect("a path");
    let of_text = compile(TEXT, &root, &|_| Span::call_site(), Audience::Rustc);
    assert_eq!(of_text.diagnostics, []);
    let graph = built().expect("the layers fit");
    netwright_compiler::verify::verify(&graph).expect("the graph holds together");
    let item = Item {
        name: "Net",
        span: Span::call_site(),
        attributes: TokenStream::new(),
        of_every_item: TokenStream::new(),
        visibility: "pub".parse().expect("a visibility"),
    };
    let of_calls = compile_graph(graph, &item, &root, Audience::Rustc);
    assert_eq!(of_calls.to_string(), of_text.tokens.to_string());
}

#[test]
fn a_shape_that_does_not_fit_is_a_typed_error() {
    let mut builder = Builder::new(Shape::Image { height: 4, width: 4, channels: 2 });
    let input = builder.input();
    builder.open(called("conv", "conv 5x5x3"), input).expect("the first layer has a name");
    match builder.push(conv(5, 3, Padding::Explicit([0; 4]), true), &[input]) {
        Err(BuildError::Shape(error)) => assert!(error.message.contains("5x5"), "{}", error.message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_front_end_finds_its_own_layers_by_their_origins() {
    let mut builder = Builder::new(Shape::Flat(3));
    let input = builder.input();
    let named = |origin| NewLayer { name: Some("a"), origin: Origin(origin), ..NewLayer::default() };
    assert_eq!(builder.open(named(7), input), Ok(()));
    let taken = BuildError::NameTaken { name: "a".to_owned(), first: LayerId(0) };
    assert_eq!(builder.open(named(8), input), Err(taken));
    assert_eq!(builder.open(named(7), input), Ok(()));
    let layers = &builder.graph().layers;
    let found: Vec<_> = layers.iter().map(|layer| (layer.name.as_str(), layer.origin.0)).collect();
    assert_eq!(found, [("a", 7), ("a_1", 8), ("a_2", 7)]);
}

#[test]
fn weights_that_cannot_be_shared_are_typed_errors() {
    let mut builder = Builder::new(Shape::Image { height: 4, width: 4, channels: 3 });
    let input = builder.input();
    let tied = |name: &str| WeightOptions { tied: Some(name.to_owned()), ..WeightOptions::default() };
    let conv = |filters| conv(1, filters, Padding::Same, true);
    layer(&mut builder, called("conv", "conv 1x1x4"), vec![conv(4)], &[input]).expect("it fits");
    let mut error = |name, op| {
        let new = NewLayer { weights: tied(name), ..called("conv", "") };
        layer(&mut builder, new, vec![op], &[input])
    };
    assert_eq!(error("none", conv(4)), Err(BuildError::UnknownLayer("none".to_owned())));
    let (found, expected) = (vec![1, 1, 3, 4], vec![1, 1, 3, 5]);
    assert_eq!(error("conv1", conv(5)), Err(BuildError::OtherSizes { layer: "conv1".to_owned(), found, expected }));
    let window = Window { size: [1; 2], stride: [1; 2], dilation: [1; 2], padding: Padding::Same };
    let other =
        Conv { window, filters: 4, groups: 1, bias: true, kernel: "pointwise_kernel", asked: None, exact: false };
    let none = BuildError::NothingToShare { layer: "conv1".to_owned(), tensor: "pointwise_kernel" };
    assert_eq!(error("conv1", other.into()), Err(none));
}
