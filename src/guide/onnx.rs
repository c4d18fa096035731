//! Networks from ONNX files, and networks as such files. Both need the feature `onnx`.
//!
//! # In
//!
//! ```text
//! netwright::network! {
//!     /// What PyTorch has exported; the path is relative to the crate's folder.
//!     pub Model = onnx "models/model.onnx";
//! }
//!
//! let mut model = Model::from_onnx("models/model.onnx")?;
//! let answer = model.predict(&image);
//! ```
//!
//! The file is read while your crate compiles, and again after it has changed: the same shapes, the same diagnostics and the same kernels as
//! from text, and it trains. Weights are no part of the code. `from_onnx` takes them from that file, or from another with the same tensors;
//! `load_onnx` of [`FromOnnx`](https://docs.rs/netwright/latest/netwright/onnx/trait.FromOnnx.html) into a network that is there. With `embed` behind
//! the path the program holds the file, and those beside it in which its weights lie; `Model::embedded()` needs no other.
//!
//! - Images have their channels last here: a file's `N x C x H x W` is an image of H x W x C, for its answers too. Flattening, transposing and reshaping
//!   between layers is arithmetic with the order of weights and costs nothing.
//! - Inputs that no node reads are left out. The size of a batch may be open. All other sizes must be in the file.
//! - Of several outputs the only one with fractions is the answer; `onnx "model.onnx" output "probabilities"` says which otherwise.
//! - Exporters leave the last softmax to the loss, as PyTorch does: `onnx "model.onnx" softmax` puts it behind the logits, so that `CrossEntropy` trains
//!   the network; `logsoftmax` and `sigmoid` do for other losses.
//! - Constants for each channel that are added or multiplied become a layer, `dwconv 1x1`; what the file holds as a node `Constant` is frozen.
//!
//! Read are: `Conv`, `ConvTranspose`, `Gemm`, `MatMul`, `BatchNormalization`, `LayerNormalization` (over channels), `LRN`, `MaxPool`, `AveragePool`,
//! `GlobalAveragePool`, `GlobalMaxPool`, `ReduceMean` and `ReduceMax` over the image, `Relu`, `LeakyRelu`, `PRelu`, `Elu`, `Selu`, `Gelu`, `Tanh`,
//! `Sigmoid`, `HardSigmoid`, `HardSwish`, `Swish`, `Mish`, `Softplus`, `Softsign`, `Exp`, `Clip` to any constant interval, `Min` and `Max` with a number, `Softmax` and `LogSoftmax` over channels, `Dropout`, `Add`,
//! `Sub`, `Mul`, `Div` by constants, `Neg`, `Sum`, `Concat` along channels, `Pad` with zeros, `Slice` and `Split` of channels, height and width, `Gather` of neighbouring
//! channels, `Resize` and `Upsample` by repeating, and what moves nothing or folds: `Flatten`, `Reshape` and `Transpose` (of groups of channels they are
//! `shuffle`), `Squeeze`, `Unsqueeze`, `Identity`, `Cast`, `Constant`, `ConstantOfShape`, `Range`, `Shape`, `Gather`
//! and arithmetic of shapes. What exporters write as several nodes is one word again: `gelu` by its error function, `silu`, `hard_sigmoid`, `layernorm`
//! by means over channels, products of the channels of each position, `as_strided` of whole images, `conv` by a table of connections, `distance`.
//! Anything else is an error that names the node, the shapes of its inputs, and what could be done.
//!
//! | model, random weights | exporter | read | largest difference, as a part of the largest answer |
//! |---|---|---|---:|
//! | AlexNet, VGG-11 with normalisation, ResNet-18, ResNeXt-50, SqueezeNet, DenseNet-121, Inception v3, GoogLeNet, MobileNet v2 and v3, MNASNet, EfficientNet-B0, RegNetY-400MF, ConvNeXt-T | torchvision, PyTorch 1.13 | yes | 1.8e-6 |
//! | the same, ShuffleNet v2, SqueezeNet 1.1, Wide ResNet-50, MobileNet v3 large, EfficientNet v2 S, RegNetX-400MF | torchvision 0.29, PyTorch 2.15, `dynamo=False` | yes, 20 of 20 | ShuffleNet v2 3.6e-7 |
//! | the same twenty | torchvision 0.29, PyTorch 2.15, `dynamo=True` | yes, 20 of 20 | 1.5e-6, of eleven compared |
//! | MobileNet, EfficientNet-B0 | Keras 3, tf2onnx | yes | 1.5e-6 |
//! | those two, MobileNetV2, MobileNetV3Small, EfficientNetV2B0, ResNet50, ResNet50V2, DenseNet121, Xception, InceptionV3, InceptionResNetV2, NASNetMobile, VGG16, ConvNeXtTiny | Keras 3.15, tf2onnx | 13 of 14: not ConvNeXtTiny, whose file holds `StatefulPartitionedCall` and `Erfc`, operators of TensorFlow that ONNX does not have | MobileNetV2 1.3e-6 |
//! | the same fourteen | Keras 3.15, `model.export(format="onnx")` | 13 of 14: not ConvNeXtTiny, of whose `Normalization` the mean is an input of the file and no constant; it holds TensorFlow's operators too | 2.1e-6, of five compared |
//! | a perceptron | scikit-learn, skl2onnx | yes | 1e-6 |
//!
//! All of a row were read; of the newer exporters those named or counted were compared too. `tests/exporters.rs` reads 31 of these files as PyTorch 2.15 by
//! both of its exporters and tf2onnx wrote them, with weights made by rule, and compares what two images give with ONNX Runtime: at most 1.1e-6.
//! `tests/foreign/run` exports, reads and compares torchvision's by `dynamo=False`, MobileNet and EfficientNet-B0 anew.
//!
//! # As text
//!
//! `cargo run --example from_onnx --features onnx -- model.onnx`, in a clone of the repository, prints the network in the language, with blocks where structure
//! repeats: a start for a network of one's own.
//!
//! ```text
//! block cell_a(width) {
//!     residual { conv 1x1x(width) relu; conv 3x3x(width) same bn relu; conv 1x1x(4*width) } relu
//! }
//! ```
//!
//! # Out
//!
//! `network.to_onnx(path)` writes any network with its weights as a model for version 20 of ONNX's operators, channels first and in single precision;
//! `to_onnx_beside` puts the weights into a file beside it. Dropout is written and does nothing there. A file is written under another name and
//! then renamed.
