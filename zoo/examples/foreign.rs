//! Takes the weights that another library saved, and gives back its own: what `tests/foreign/zoo.py` asks on both sides.
//!
//! ```text
//! cargo run --release -p netwright-zoo --features all,hdf5 --example foreign -- keras/resnet50 resnet50.weights.h5 image.f64 folder
//! ```
//!
//! In double precision, where rounding decides nothing. The image is 64-bit floats, height x width x channels. In the folder there is
//! afterwards what the network with the file's weights makes of it (`loaded.f64`, logits), other weights under the library's names
//! (`saved.safetensors`), and what the network with those makes of it (`saved.f64`).

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use netwright::foreign::{ForeignWeights, Map};
use netwright::{Network, Sample, memory};
use netwright_zoo::{self as zoo, maps};

#[derive(Debug, Parser)]
struct Arguments {
    /// Which library's network: `torchvision/vgg16`.
    network: String,
    /// The weights that it saved.
    weights: PathBuf,
    /// An image.
    image: PathBuf,
    /// Where answers and weights go.
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

    // Weights that are not the start of anything: statistics and scales too.
    for (index, weight) in network.parameters_mut().iter_mut().enumerate() {
        *weight *= 0.75 + (index % 7) as f64 / 16.0;
    }
    for (index, statistic) in network.statistics_mut().iter_mut().enumerate() {
        *statistic *= 0.875 + (index % 5) as f64 / 16.0;
    }
    network.save_foreign(folder.join("saved.safetensors"), map)?;
    write(&folder.join("saved.f64"), &logits(&network, &image))
}

/// What goes into the softmax.
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
