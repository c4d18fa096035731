//! Writes every network of the zoo as an ONNX file; `tests/foreign/compare.py` compares the files with ONNX Runtime.

#[path = "../../tests/support/written.rs"]
mod written;

use std::path::Path;

use netwright::onnx::ToOnnx;
use netwright_zoo::{
    AlexNet, InceptionResNetV2, InceptionV3, InceptionV3OfTorchvision, LeNet5, LeNet5Of1998, ResNeXt50, ResNet50,
    ResNet50OfTorchvision, ToyConvnet, Vgg16, Xception,
};

fn write<N: ToOnnx>() {
    written::write(&N::init(1), &Path::new(env!("CARGO_TARGET_TMPDIR")).join("onnx-zoo"), N::NAME);
}

/// One network after the other: the largest needs a gigabyte while it is written.
#[test]
fn every_network_is_written_with_an_image_and_its_answer() {
    write::<ToyConvnet<f32>>();
    write::<LeNet5<f32>>();
    write::<LeNet5Of1998<f32>>();
    write::<AlexNet<f32>>();
    write::<Vgg16<f32>>();
    write::<ResNet50<f32>>();
    write::<ResNet50OfTorchvision<f32>>();
    write::<InceptionV3<f32>>();
    write::<InceptionV3OfTorchvision<f32>>();
    write::<Xception<f32>>();
    write::<ResNeXt50<f32>>();
    write::<InceptionResNetV2<f32>>();
}
