//! Loads weights that another library saved, and saves others for that library; `tests/foreign/zoo.py` compares the logits on both sides.
//!
//! ```text
//! cargo run --release -p netwright-zoo --features all,hdf5 --example foreign -- keras/resnet50 resnet50.weights.h5 image.f64 folder
//! ```
//!
//! Everything is in double precision, where rounding errors are negligible. The image is 64-bit floats, height x width x channels. The example
//! writes three files to the folder: the logits with the file's weights (`loaded.f64`), other weights under the library's names
//! (`saved.safetensors`), and the logits with those (`saved.f64`).

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use netwright::foreign::{ForeignWeights, Map};
use netwright::{Network, Sample, memory};
use netwright_zoo::{self as zoo, maps};

#[derive(Debug, Parser)]
struct Arguments {
    /// The library and its network: `torchvision/vgg16`.
    network: String,
    /// The file with the library's weights.
    weights: PathBuf,
    /// The file with the image.
    image: PathBuf,
    /// The folder for logits and weights.
    folder: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    match arguments.network.as_str() {
        "torchvision/vgg16" => both_ways::<zoo::Vgg16<f64>>(&arguments, &maps::torchvision::vgg16()),
        "torchvision/resnet50" => {
            both_ways::<zoo::ResNet50OfTorchvision<f64>>(&arguments, &maps::torchvision::resnet50())
        }
        "torchvision/resnext50_32x4d" => {
            both_ways::<zoo::ResNeXt50<f64>>(&arguments, &maps::torchvision::resnext50_32x4d())
        }
        "torchvision/inception_v3" => {
            both_ways::<zoo::InceptionV3OfTorchvision<f64>>(&arguments, &maps::torchvision::inception_v3())
        }
        "keras/VGG16" => both_ways::<zoo::Vgg16<f64>>(&arguments, &maps::keras::vgg16()),
        "keras/ResNet50" => both_ways::<zoo::ResNet50<f64>>(&arguments, &maps::keras::resnet50()),
        "keras/InceptionV3" => both_ways::<zoo::InceptionV3<f64>>(&arguments, &maps::keras::inception_v3()),
        "keras/Xception" => both_ways::<zoo::Xception<f64>>(&arguments, &maps::keras::xception()),
        "keras/InceptionResNetV2" => {
            both_ways::<zoo::InceptionResNetV2<f64>>(&arguments, &maps::keras::inception_resnet_v2())
        }
        other => Err(format!("there is no map for `{other}`").into()),
    }
}

fn both_ways<N: Network<Scalar = f64>>(arguments: &Arguments, map: &Map) -> Result<(), Box<dyn Error>> {
    let Arguments { weights, image, folder, .. } = arguments;
    let image = memory::boxed_from::<N::Input>(numbers(image)?)?;
    let mut network = N::from_foreign(&*netwright_formats::open(weights)?, map)?;
    write(&folder.join("loaded.f64"), &logits(&network, &image))?;

    // Weights, scales and statistics that differ from the loaded ones.
    for (index, weight) in network.parameters_mut().iter_mut().enumerate() {
        *weight *= 0.75 + (index % 7) as f64 / 16.0;
    }
    for (index, statistic) in network.statistics_mut().iter_mut().enumerate() {
        *statistic *= 0.875 + (index % 5) as f64 / 16.0;
    }
    network.save_foreign(folder.join("saved.safetensors"), map)?;
    write(&folder.join("saved.f64"), &logits(&network, &image))
}

/// Returns the logits, which are the inputs of the softmax.
fn logits<N: Network<Scalar = f64>>(network: &N, image: &N::Input) -> Vec<f64> {
    let [mut answers, mut logits] = [(); 2].map(|()| memory::zeros(1));
    network.predict_with_logits(std::slice::from_ref(image), &mut answers, &mut logits);
    let logits: &N::Output = &logits[0];
    logits.elements().to_vec()
}

fn numbers(path: &Path) -> Result<Vec<f64>, Box<dyn Error>> {
    let bytes = fs::read(path)?;
    Ok(bytes.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect())
}

fn write(path: &Path, numbers: &[f64]) -> Result<(), Box<dyn Error>> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Ok(fs::write(path, bytes)?)
}
