//! Networks from ONNX files, and networks as such files. Both need the feature `onnx`.
//!
//! # In
//!
//! ```text
//! netwright::network! {
//!     /// A model that PyTorch has exported; the path is relative to the crate's folder.
//!     pub Model = onnx "models/model.onnx";
//! }
//!
//! let mut model = Model::from_onnx("models/model.onnx")?;
//! let answer = model.predict(&image);
//! ```
//!
//! The file is read while your crate compiles, and again after it has changed. The shape checks, the diagnostics and the kernels are the same as
//! for a network in text, and the network trains. Weights are not part of the code. `from_onnx` reads them from that file, or from another with the
//! same tensors; `load_onnx` of [`FromOnnx`](https://docs.rs/netwright/latest/netwright/onnx/trait.FromOnnx.html) does so for an existing network.
//! With `embed` after the path, the program contains the file and the files beside it that hold its weights; `Model::embedded()` then needs no file.
//!
//! - Images are channels last: a file's `N x C x H x W` is an image of H x W x C, for outputs too. Flattening, transposing and reshaping
//!   between layers only changes the order of weights at compile time, and costs nothing at run time.
//! - Inputs that no node reads are dropped. The batch size may be left open. All other sizes must be in the file.
//! - Where a model has several outputs and only one is floating-point, that one is the answer; otherwise name it:
//!   `onnx "model.onnx" output "probabilities"`.
//! - Exporters leave the last softmax to the loss, as PyTorch does: `onnx "model.onnx" softmax` puts it behind the logits, so that `CrossEntropy`
//!   trains the network; `logsoftmax` and `sigmoid` do the same for other losses.
//! - Constants per channel that are added or multiplied become a layer, `dwconv 1x1`; constants that the file holds as a `Constant` node are frozen.
//!
//! Supported operators: `Conv`, `ConvTranspose`, `Gemm`, `MatMul`, `BatchNormalization`, `LayerNormalization` (over channels), `LRN`, `MaxPool`,
//! `AveragePool`, `GlobalAveragePool`, `GlobalMaxPool`, `ReduceMean` and `ReduceMax` over the image, `Relu`, `LeakyRelu`, `PRelu`, `Elu`, `Selu`,
//! `Gelu`, `Tanh`, `Sigmoid`, `HardSigmoid`, `HardSwish`, `Swish`, `Mish`, `Softplus`, `Softsign`, `Exp`, `Clip` to any constant interval, `Min` and
//! `Max` with a constant, `Softmax` and `LogSoftmax` over channels, `Dropout`, `Add`, `Sub`, `Mul`, `Div` by constants, `Neg`, `Sum`, `Concat` along
//! channels, `Pad` with zeros, `Slice` and `Split` of channels, height and width, `Gather` of neighbouring channels, `Resize` and `Upsample` by
//! repetition. Operators that move no data or are folded: `Flatten`, `Reshape` and `Transpose` (of groups of channels they become `shuffle`),
//! `Squeeze`, `Unsqueeze`, `Identity`, `Cast`, `Constant`, `ConstantOfShape`, `Range`, `Shape`, `Gather` and arithmetic on shapes.
//!
//! Functions that exporters write as several nodes become one word again: `gelu` by its error function, `silu`, `hard_sigmoid`, `layernorm`
//! by means over channels, products over the channels of each position, `as_strided` of whole images, `conv` by a table of connections, `distance`.
//! Any other operator is an error that names the node, the shapes of its inputs, and possible fixes.
//!
//! | model, random weights | exporter | read | largest difference, relative to the largest output |
//! |---|---|---|---:|
//! | AlexNet, VGG-11 with normalisation, ResNet-18, ResNeXt-50, SqueezeNet, DenseNet-121, Inception v3, GoogLeNet, MobileNet v2 and v3, MNASNet, EfficientNet-B0, RegNetY-400MF, ConvNeXt-T | torchvision, PyTorch 1.13 | yes | 1.8e-6 |
//! | the same, ShuffleNet v2, SqueezeNet 1.1, Wide ResNet-50, MobileNet v3 large, EfficientNet v2 S, RegNetX-400MF | torchvision 0.29, PyTorch 2.15, `dynamo=False` | yes, 20 of 20 | ShuffleNet v2 3.6e-7 |
//! | the same twenty | torchvision 0.29, PyTorch 2.15, `dynamo=True` | yes, 20 of 20 | 1.5e-6, of eleven compared |
//! | MobileNet, EfficientNet-B0 | Keras 3, tf2onnx | yes | 1.5e-6 |
//! | those two, MobileNetV2, MobileNetV3Small, EfficientNetV2B0, ResNet50, ResNet50V2, DenseNet121, Xception, InceptionV3, InceptionResNetV2, NASNetMobile, VGG16, ConvNeXtTiny | Keras 3.15, tf2onnx | 13 of 14: not ConvNeXtTiny, whose file contains `StatefulPartitionedCall` and `Erfc`, operators of TensorFlow that ONNX does not define | MobileNetV2 1.3e-6 |
//! | the same fourteen | Keras 3.15, `model.export(format="onnx")` | 13 of 14: not ConvNeXtTiny, whose `Normalization` has its mean as an input of the file instead of a constant; the file contains TensorFlow's operators too | 2.1e-6, of five compared |
//! | a perceptron | scikit-learn, skl2onnx | yes | 1e-6 |
//!
//! All models of a row were read; for the newer exporters, outputs were compared for the models named or counted in the last column.
//! `tests/exporters.rs` reads 31 of these files as PyTorch 2.15 (both of its exporters) and tf2onnx wrote them, with weights set by a rule, and
//! compares the outputs for two images with those of ONNX Runtime: they differ by at most 1.1e-6. `tests/foreign/run` exports, reads and compares
//! torchvision's models by `dynamo=False`, MobileNet and EfficientNet-B0 anew.
//!
//! # As text
//!
//! `cargo run --example from_onnx --features onnx -- model.onnx`, in a clone of the repository, prints the network in the language. Repeated
//! structure becomes blocks. The text is a starting point for a network of your own.
//!
//! ```text
//! block cell_a(width) {
//!     residual { conv 1x1x(width) relu; conv 3x3x(width) same bn relu; conv 1x1x(4*width) } relu
//! }
//! ```
//!
//! # Out
//!
//! `network.to_onnx(path)` writes any network with its weights as an ONNX model of operator set 20, channels first and in single precision;
//! `to_onnx_beside` writes the weights to a file beside it. Dropout is written and has no effect at inference. Files are written under a temporary
//! name and then renamed.
