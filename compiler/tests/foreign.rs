//! The names of layers in another library, composed from blocks and repeats, and the images that are flattened along weights.

mod support;

use netwright_abi::{Axes, Shape};
use support::graph;

/// The layers with names in another library, in order.
fn names(blocks: &str, input: &str, body: &str) -> Vec<String> {
    graph(blocks, input, body).layers.into_iter().filter_map(|layer| layer.foreign).collect()
}

#[test]
fn resnet_is_named_as_torchvision_names_it() {
    let blocks = r#"
        block bottleneck(width, stride) {
            add
                { conv 1x1x(4*width) stride (stride) nobias from "downsample.0" bn from "downsample.1" }
                { path(width, stride) }
                relu
        }
        block path(width, stride = 1) {
            conv 1x1x(width) nobias from "conv1" bn from "bn1" relu;
            conv 3x3x(width) stride (stride) pad 1 nobias from "conv2" bn from "bn2" relu;
            conv 1x1x(4*width) nobias from "conv3" bn from "bn3"
        }
        block identity(width) { residual { path(width) } relu }"#;
    let body = r#"
        conv 7x7x4 stride 2 pad 3 nobias from "conv1" bn from "bn1" relu;  maxpool 3 stride 2 pad 1;
        bottleneck(4, 1) from "layer1.0";  2 * identity(4) from "layer1.{1..}";
        bottleneck(8, 2) from "layer2.0";
        globalavgpool;  softmax 10 from "fc""#;
    let names = names(blocks, "32x32x3", body);
    assert_eq!(names.len(), 2 + 8 + 2 * 6 + 8 + 1);
    for name in ["conv1", "bn1", "layer1.0.downsample.1", "layer1.1.conv1", "layer1.2.bn3", "layer2.0.conv2", "fc"] {
        assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
    }
}

#[test]
fn patterns_count_and_list_repeats_and_prefix_names() {
    let body = r#"repeat 2 { conv 3x3x4 same from "features.{0,2}" relu }; 2 * { conv 1x1x4 from "conv"; bn from "bn" } from "block{1..}_";
                  repeat 2 { repeat 2 { conv 1x1x4 from "{}.{1..}" } } from "last""#;
    let expected = [
        "features.0",
        "features.2",
        "block1_conv",
        "block1_bn",
        "block2_conv",
        "block2_bn",
        "last.0.1",
        "last.0.2",
        "last.1.1",
        "last.1.2",
    ];
    assert_eq!(names("", "8x8x4", body), expected);
}

/// The shapes flattened along the inputs and the outputs of a layer's weights.
fn along(body: &str, layer: &str) -> [Vec<Shape>; 2] {
    let graph = graph("", "4x6x2", body);
    let tensor = graph.tensors.iter().find(|tensor| graph.layers[tensor.layer.0].name == layer);
    tensor.map(|tensor| [tensor.inputs.clone(), tensor.outputs.clone()]).expect("it has weights")
}

#[test]
fn a_flat_value_knows_the_image_it_is_flattened_from() {
    let image = Shape::image([4, 6, 2]);
    assert_eq!(along("dense 3", "dense1"), [vec![image], vec![]]);
    assert_eq!(along("flatten; relu; dropout 0.5; bn; dense 3", "dense1"), [vec![image], vec![]]);
    assert_eq!(along("flatten; bn; dense 3", "batchnorm1"), [vec![], vec![image]]);
    assert_eq!(along("dense 5; dense 3", "dense2"), [vec![], vec![]]);
    // A concatenation of two values, one of which is no image.
    let parts = vec![Shape::image([2, 3, 2]), Shape::Flat(2)];
    assert_eq!(along("concat { avgpool 2; flatten } { globalavgpool }; dense 3", "dense1"), [parts, vec![]]);
    // With one pixel or one channel, there is only one order.
    assert_eq!(along("globalavgpool; dense 3", "dense1"), [vec![], vec![]]);
    assert_eq!(along("conv 3x3x1; dense 3", "dense1"), [vec![], vec![]]);
}

#[test]
fn a_flat_value_knows_the_image_it_is_reshaped_to() {
    let image = vec![Shape::image([2, 3, 4])];
    let body = "globalavgpool; dense 24 bn relu; reshape 2x3x4; conv 1x1x2";
    assert_eq!(along(body, "dense1"), [vec![], image.clone()]);
    assert_eq!(along(body, "batchnorm1"), [vec![], image.clone()]);
    // A series is treated like an image.
    assert_eq!(along("dense 6; reshape 3x2; conv 2x2", "dense1")[1], [Shape::Series { length: 3, channels: 2 }]);
}

#[test]
fn tensors_say_what_their_axes_are() {
    let axes =
        |body: &str| -> Vec<Axes> { graph("", "4x6x2", body).tensors.iter().map(|tensor| tensor.axes).collect() };
    assert_eq!(
        axes("conv 3x3x4 bn nocenter"),
        [Axes::Conv, Axes::Channels, Axes::Channels, Axes::Channels, Axes::Channels]
    );
    assert_eq!(axes("sepconv 3x3x4 nobias prelu"), [Axes::Depthwise, Axes::Conv, Axes::Channels]);
    assert_eq!(axes("deconv 2x2x3 nobias; dense 3 nobias"), [Axes::Deconv, Axes::Dense]);
    assert_eq!(axes("conv 3x3x2 nobias connect (0) (0, 1)"), [Axes::Own]);
}
