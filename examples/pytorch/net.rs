//! The network of `net.py`, and the image and output in its file.

use netwright::foreign::{ForeignWeights, Map, Safetensors};
use netwright::{Error, Output, Tensor};

netwright::network! {
    /// The layers of `net.py`, which is an `nn.Sequential`: its parameters are named by the index of the layer, `0.weight`. PyTorch's
    /// default ε is 0.00001, and its `momentum=0.1` is 0.9 here.
    pub Net(8x8x2) {
        conv 3x3x4 same nobias from "0" bn eps 0.00001 momentum 0.9 from "1" relu;
        maxpool 2;
        dwconv 3x3 same from "4" relu;
        deconv 2x2x3 stride 2 from "6";
        dense 6 from "8" relu;
        dense 5 from "10"
    }
}

/// Loads the `state_dict`. The image and the output in the same file are ignored.
pub(crate) fn load(network: &mut Net, file: &Safetensors) -> Result<(), Error> {
    network.load_foreign(file, &Map::pytorch().ignoring("image").ignoring("answer")).map(drop)
}

/// Returns PyTorch's input, stored as [1, channels, height, width], as height x width x channels.
pub(crate) fn image(file: &Safetensors) -> Result<Tensor<8, 8, 2>, Error> {
    let numbers = numbers(file, "image")?;
    let mut image = Tensor::zeros();
    for (pixel, channels) in image.elements_mut().chunks_exact_mut(2).enumerate() {
        for (channel, element) in channels.iter_mut().enumerate() {
            *element = numbers[channel * 64 + pixel];
        }
    }
    Ok(image)
}

/// Returns PyTorch's output.
pub(crate) fn answer(file: &Safetensors) -> Result<Vec<f32>, Error> {
    numbers(file, "answer")
}

fn numbers(file: &Safetensors, name: &str) -> Result<Vec<f32>, Error> {
    let numbers = file.scalars(name)?;
    numbers.ok_or_else(|| Error::other(format!("the file has no numbers called `{name}`")))
}
