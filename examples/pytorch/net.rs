//! The network of `net.py`, and its weights.

use netwright::{Error, Output, Tensor};

use crate::layouts::{StateDict, permuted, set};

netwright::network! {
    /// The layers of `net.py`. PyTorch adds 0.00001 to variances unless told otherwise, and its `momentum=0.1` is 0.9 here.
    pub Net(8x8x2) {
        conv 3x3x4 same nobias bn eps 0.00001 momentum 0.9 relu;
        maxpool 2;
        dwconv 3x3 same relu;
        deconv 2x2x3 stride 2;
        dense 6 relu;
        dense 5
    }
}

/// Takes over every tensor of the `state_dict`, by its place in the `nn.Sequential`.
pub(crate) fn load(network: &mut Net, file: &StateDict<'_>) -> Result<(), Error> {
    // A convolution and a transposed one, [out, in, height, width] and [in, out, height, width], are [height, width, in, out] here, and
    // [height, width, out, in]: the same change of axes.
    for (theirs, ours) in [("0.weight", "conv1"), ("6.weight", "deconv1")] {
        let (sizes, numbers) = file.tensor(theirs)?;
        set(network, [ours, "kernel"], &permuted(&numbers, four(&sizes)?, [2, 3, 1, 0]))?;
    }
    // A depthwise one, [channels * multiplier, 1, height, width], is [height, width, channels, multiplier].
    let (sizes, numbers) = file.tensor("4.weight")?;
    set(network, ["dwconv1", "kernel"], &permuted(&numbers, four(&sizes)?, [2, 3, 0, 1]))?;
    // The first dense layer after an image: PyTorch's row of features is [channels, height, width], ours [height, width, channels].
    let (sizes, numbers) = file.tensor("8.weight")?;
    set(network, ["dense1", "kernel"], &permuted(&numbers, [sizes[0], 3, 8, 8], [2, 3, 1, 0]))?;
    // Any other, [out, in], is [in, out].
    let (sizes, numbers) = file.tensor("10.weight")?;
    set(network, ["dense2", "kernel"], &permuted(&numbers, [sizes[0], sizes[1]], [1, 0]))?;
    // What is a row of numbers stays as it is. `num_batches_tracked` has no use here.
    for (theirs, ours) in [
        ("1.weight", ["batchnorm1", "gamma"]),
        ("1.bias", ["batchnorm1", "beta"]),
        ("1.running_mean", ["batchnorm1", "moving_mean"]),
        ("1.running_var", ["batchnorm1", "moving_variance"]),
        ("4.bias", ["dwconv1", "bias"]),
        ("6.bias", ["deconv1", "bias"]),
        ("8.bias", ["dense1", "bias"]),
        ("10.bias", ["dense2", "bias"]),
    ] {
        set(network, ours, &file.tensor(theirs)?.1)?;
    }
    Ok(())
}

/// The image that PyTorch was shown, [1, channels, height, width], as height x width x channels.
pub(crate) fn image(file: &StateDict<'_>) -> Result<Tensor<8, 8, 2>, Error> {
    let (sizes, numbers) = file.tensor("image")?;
    let mut image = Tensor::zeros();
    image.elements_mut().copy_from_slice(&permuted(&numbers, four(&sizes)?, [0, 2, 3, 1]));
    Ok(image)
}

fn four(sizes: &[usize]) -> Result<[usize; 4], Error> {
    sizes.try_into().map_err(|_| Error::other(format!("{sizes:?} are not the sizes of an image or of its weights")))
}
