//! Writes the files that every engine reads: the model, images and labels.

use std::fs;
use std::path::Path;

use netwright::onnx::ToOnnx;
use netwright::{Network, Shape};
use speak::Failure;

use crate::work;

/// The largest absolute logit of a model, chosen so that the outputs are neither all alike nor all 0 and 1.
const LARGEST: f32 = 5.0;

/// Returns distinct values around 0, by index.
fn spread(index: usize) -> f32 {
    (((index as f64 + 1.0) * 0.754_877_666).fract() - 0.5) as f32
}

/// Converts contiguous images from channels last to channels first, or back.
pub(crate) fn transposed(shape: Shape, images: &[f32], channels_first: bool) -> Vec<f32> {
    let (positions, channels) = (shape.positions(), shape.channels());
    let (outer, inner) = if channels_first { (channels, positions) } else { (positions, channels) };
    let sources = (0..outer).flat_map(|o| (0..inner).map(move |i| i * outer + o));
    let sources: Vec<usize> = sources.collect();
    images.chunks(shape.len()).flat_map(|image| sources.iter().map(|source| image[*source])).collect()
}

/// Writes a model with its initial weights and `count` images to a folder.
pub(crate) fn write<N: Network<Scalar = f32> + ToOnnx>(folder: &Path, count: usize) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let images: Vec<f32> = (0..count * N::INPUT.len()).map(spread).collect();
    let mut network = N::init(1);
    // Scales the weights of the last layer, which determine the size of the logits.
    let largest = work::logits(&network, &images[..N::INPUT.len()])?.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let last = N::LAYERS.iter().rev().find(|layer| !layer.tensors.is_empty()).ok_or("a network without weights")?;
    for tensor in last.tensors {
        for weight in network.tensor_mut(last.name, tensor.name).ok_or("a tensor of the table")? {
            *weight *= LARGEST / largest;
        }
    }
    network.to_onnx(folder.join("model.onnx"))?;
    let elements = transposed(N::INPUT, &images, true);
    fs::write(
        folder.join("images.f32"),
        elements.iter().flat_map(|element| element.to_le_bytes()).collect::<Vec<u8>>(),
    )?;
    let labels: Vec<String> = (0..count).map(|image| (image * 7 % N::OUTPUT.len()).to_string()).collect();
    fs::write(folder.join("labels.txt"), labels.join("\n"))?;
    // netwright reads the weights from this file, in the network's own order.
    let weights = network.parameters().iter().chain(network.statistics());
    fs::write(folder.join("weights.f32"), weights.flat_map(|weight| weight.to_le_bytes()).collect::<Vec<u8>>())?;
    let input = match N::INPUT.image_sizes() {
        Some([height, width, channels]) => vec![channels, height, width],
        None => vec![N::INPUT.len()],
    };
    let facts = format!(
        "{{\"macs\": {}, \"parameters\": {}, \"prepared\": {}, \"workspace\": {}, \"input\": {input:?}}}\n",
        N::MACS,
        N::PARAMETERS + N::STATISTICS,
        N::PREPARED,
        N::PREDICTING.for_batch(1),
    );
    fs::write(folder.join("facts.json"), facts)?;
    Ok(())
}
