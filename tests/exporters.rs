//! The macro reads networks of torchvision and Keras as their exporters write them; the outputs are compared with those of ONNX Runtime.
//!
//! `tests/foreign/graphs.py` wrote the files: the exporters' graphs without weights, which refer to an external file `weights`. The test
//! writes that file by the same rule as the script.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use netwright::onnx::FromOnnx;
use netwright::{Network, Sample as _, network};
use netwright_onnx::Model;

/// Returns `count` fractions in 0..1, from SplitMix64 started at the FNV-1a hash of `name`: the upper 24 bits of each.
fn uniform(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    (0..count).map(move |_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 40) as f64 / f64::from(1 << 24)
    })
}

/// Writes the elements of a tensor by the rule for scales and variances, for other vectors, or for filters.
fn write_tensor(name: &str, dims: &[usize], is_positive: bool, gain: f64, bytes: &mut Vec<u8>) {
    let is_vector = dims.iter().filter(|&&size| size > 1).count() <= 1;
    let bound = (gain / dims.iter().skip(1).product::<usize>() as f64).sqrt();
    for element in uniform(name, dims.iter().product()) {
        let element = match (is_vector, is_positive) {
            (true, true) => element + 0.5,
            (true, false) => (element - 0.5) / 2.0,
            (false, _) => (2.0 * element - 1.0) * bound,
        };
        bytes.extend((element as f32).to_le_bytes());
    }
}

/// Returns the bytes of a model's external weights.
fn weights(model: &Model<'_>, gain: f64) -> Vec<u8> {
    let mut scales = HashSet::new();
    for node in model.graph.nodes.iter() {
        let positives: &[usize] = match node.op {
            "BatchNormalization" => &[1, 4],
            "LayerNormalization" => &[1],
            "Mul" => &[0, 1],
            _ => &[],
        };
        scales.extend(positives.iter().filter_map(|&index| node.inputs.get(index).copied()));
    }
    let mut bytes = Vec::new();
    for tensor in model.graph.initializers.iter().filter(|tensor| tensor.is_external) {
        write_tensor(tensor.name, &tensor.dims, scales.contains(tensor.name), gain, &mut bytes);
    }
    bytes
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn of(file: &Path) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exporters").join(file.file_name().expect("a name"));
        fs::create_dir_all(&folder).expect("a folder can be made");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Creates two images by the rule, with elements from -`largest` to `largest`.
fn images<N: Network<Scalar = f32>>(largest: f64) -> Vec<N::Input> {
    let elements = uniform("image", 2 * N::INPUT.len()).map(|element| (largest * (2.0 * element - 1.0)) as f32);
    netwright::memory::values_from(elements.collect()).expect("two images")
}

/// Asserts that the outputs are those of ONNX Runtime. `file` is the graph, relative to the crate.
fn answers_as_onnx_runtime<N: FromOnnx + Network<Scalar = f32>>(file: &str) {
    const ALLOWED: f32 = 1e-5;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let graph = fs::read(&file).expect("the macro has read it");
    let said = fs::read_to_string(file.with_extension("txt")).expect("it lies beside the graph");
    let (rule, expected) = said.split_once('\n').expect("the rule, then the answers");
    let (largest, gain) = rule.split_once(' ').expect("two elements");
    let number = |text: &str| -> f64 { text.parse().expect("an element") };
    let expected: Vec<f32> = expected.lines().map(|line| number(line) as f32).collect();

    let folder = Folder::of(&file);
    let path = folder.0.join("model.onnx");
    fs::write(&path, &graph).expect("a file can be written");
    let model = Model::read(&graph).expect("the macro has read it");
    fs::write(folder.0.join("weights"), weights(&model, number(gain))).expect("a file can be written");
    let network = N::from_onnx(&path).expect("the weights fit");
    let answers = network.predict_batch(&images::<N>(number(largest)));
    let found: Vec<f32> = answers.iter().flat_map(|answer| answer.elements().to_vec()).collect();

    assert_eq!(found.len(), expected.len());
    let most = expected.iter().fold(0.0_f32, |most, element| most.max(element.abs()));
    let pairs = found.iter().zip(&expected);
    let apart = pairs.fold(0.0_f32, |apart, (found, expected)| apart.max((found - expected).abs())) / most;
    println!("{}: {apart:.1e}", file.display());
    assert!(apart <= ALLOWED, "differs by {apart:.1e}: {found:?} is not {expected:?}");
}

/// Declares networks from files, and a test for each.
macro_rules! exported {
    ($($test:ident $network:ident $file:tt;)*) => {
        network! { $($network = onnx $file;)* }
        $(
            #[test]
            fn $test() {
                answers_as_onnx_runtime::<$network>($file);
            }
        )*
    };
}

/// PyTorch's older exporter.
mod torchscript {
    use super::*;

    exported! {
        alexnet AlexNet "tests/foreign/graphs/torchscript-alexnet.onnx";
        vgg11_bn Vgg11 "tests/foreign/graphs/torchscript-vgg11_bn.onnx";
        resnet18 ResNet18 "tests/foreign/graphs/torchscript-resnet18.onnx";
        resnext50_32x4d ResNeXt50 "tests/foreign/graphs/torchscript-resnext50_32x4d.onnx";
        squeezenet1_0 SqueezeNet "tests/foreign/graphs/torchscript-squeezenet1_0.onnx";
        densenet121 DenseNet121 "tests/foreign/graphs/torchscript-densenet121.onnx";
        inception_v3 InceptionV3 "tests/foreign/graphs/torchscript-inception_v3.onnx";
        googlenet GoogLeNet "tests/foreign/graphs/torchscript-googlenet.onnx";
        shufflenet_v2_x1_0 ShuffleNetV2 "tests/foreign/graphs/torchscript-shufflenet_v2_x1_0.onnx";
        mobilenet_v2 MobileNetV2 "tests/foreign/graphs/torchscript-mobilenet_v2.onnx";
        mobilenet_v3_small MobileNetV3 "tests/foreign/graphs/torchscript-mobilenet_v3_small.onnx";
        mnasnet1_0 MnasNet "tests/foreign/graphs/torchscript-mnasnet1_0.onnx";
        efficientnet_b0 EfficientNetB0 "tests/foreign/graphs/torchscript-efficientnet_b0.onnx";
        regnet_y_400mf RegNetY "tests/foreign/graphs/torchscript-regnet_y_400mf.onnx";
        convnext_tiny ConvNeXt "tests/foreign/graphs/torchscript-convnext_tiny.onnx";
    }
}

/// PyTorch's newer exporter.
mod dynamo {
    use super::*;

    exported! {
        alexnet AlexNet "tests/foreign/graphs/dynamo-alexnet.onnx";
        vgg11_bn Vgg11 "tests/foreign/graphs/dynamo-vgg11_bn.onnx";
        resnet18 ResNet18 "tests/foreign/graphs/dynamo-resnet18.onnx";
        resnext50_32x4d ResNeXt50 "tests/foreign/graphs/dynamo-resnext50_32x4d.onnx";
        squeezenet1_0 SqueezeNet "tests/foreign/graphs/dynamo-squeezenet1_0.onnx";
        densenet121 DenseNet121 "tests/foreign/graphs/dynamo-densenet121.onnx";
        inception_v3 InceptionV3 "tests/foreign/graphs/dynamo-inception_v3.onnx";
        googlenet GoogLeNet "tests/foreign/graphs/dynamo-googlenet.onnx";
        shufflenet_v2_x1_0 ShuffleNetV2 "tests/foreign/graphs/dynamo-shufflenet_v2_x1_0.onnx";
        mobilenet_v2 MobileNetV2 "tests/foreign/graphs/dynamo-mobilenet_v2.onnx";
        mobilenet_v3_small MobileNetV3 "tests/foreign/graphs/dynamo-mobilenet_v3_small.onnx";
        mnasnet1_0 MnasNet "tests/foreign/graphs/dynamo-mnasnet1_0.onnx";
        efficientnet_b0 EfficientNetB0 "tests/foreign/graphs/dynamo-efficientnet_b0.onnx";
        regnet_y_400mf RegNetY "tests/foreign/graphs/dynamo-regnet_y_400mf.onnx";
        convnext_tiny ConvNeXt "tests/foreign/graphs/dynamo-convnext_tiny.onnx";
    }
}

/// Keras by tf2onnx.
mod tf2onnx {
    use super::*;

    exported! {
        keras_mobilenet MobileNet "tests/foreign/graphs/tf2onnx-keras_mobilenet.onnx";
        keras_efficientnet_b0 EfficientNetB0 "tests/foreign/graphs/tf2onnx-keras_efficientnet_b0.onnx";
    }
}

/// Keras by itself: `model.export`.
mod keras {
    use super::*;

    exported! {
        keras_mobilenet MobileNet "tests/foreign/graphs/keras-keras_mobilenet.onnx";
        keras_efficientnet_b0 EfficientNetB0 "tests/foreign/graphs/keras-keras_efficientnet_b0.onnx";
    }
}
