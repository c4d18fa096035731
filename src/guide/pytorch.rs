//! Weights from PyTorch, by hand: which tensor goes where, and in which order of axes.
//!
//! A `state_dict` is saved by `safetensors.torch.save_file(net.state_dict(), "net.safetensors")`. Names and layouts differ from ours, so
//! [`load`](crate::SaveWeights::load) lists what is missing and what is unknown; the names and shapes that a network wants are those of its
//! `LAYERS`. The example `pytorch` takes over a whole network, with the file that PyTorch wrote, and gives its answer within a millionth.
//!
//! # Layouts
//!
//! A tensor is turned by a change of its axes, as `numpy.transpose` does it; every row of numbers stays as it is.
//!
//! | PyTorch | its axes | here | axes in the order |
//! |---|---|---|---|
//! | `Conv2d.weight`, grouped too | out, in / groups, height, width | `conv1.kernel`: height, width, in / groups, filters | 2, 3, 1, 0 |
//! | `Conv2d.weight` with `groups = in` | in * multiplier, 1, height, width | `dwconv1.kernel`: height, width, in, multiplier | 2, 3, 0, 1 |
//! | `ConvTranspose2d.weight` | in, out, height, width | `deconv1.kernel`: height, width, filters, in | 2, 3, 1, 0 |
//! | `Linear.weight` | out, in | `dense1.kernel`: in, out | 1, 0 |
//! | `Linear.weight` after `flatten` of an image | out, channels * height * width | the same | as [out, channels, height, width]: 2, 3, 1, 0 |
//! | `.bias` | out | `.bias` | as it is |
//! | `BatchNorm2d` `.weight`, `.bias` | channels | `.gamma`, `.beta` | as they are |
//! | `.running_mean`, `.running_var` | channels | `.moving_mean`, `.moving_variance` | as they are |
//! | an image | batch, channels, height, width | `Tensor<HEIGHT, WIDTH, CHANNELS>` | 0, 2, 3, 1 |
//!
//! Flattening is where weights go wrong without a word: PyTorch flattens an image channel by channel, netwright pixel by pixel, so the first
//! dense layer after an image has the same numbers in another order. After a global pool, or between dense layers, there is no such
//! difference.
//!
//! # What else has to be the same
//!
//! - Batch normalisation: PyTorch adds `eps = 1e-5` to the variance, netwright 0.001 unless told: write `bn eps 0.00001`. Its `momentum = 0.1` is
//!   the weight of the new value, here it is that of the old one: `bn momentum 0.9`. Predictions do not depend on the momentum.
//! - `num_batches_tracked` counts steps and is not needed.
//! - Padding: `padding=1` of a 3x3 window is `same` at stride 1. At stride 2 `same` is that of Keras, which pads the far side alone; write
//!   `pad 1` for PyTorch's.
//! - `GELU()` is `gelu`, `GELU(approximate="tanh")` is `gelu_tanh`; `LeakyReLU` has a slope of 0.01, to be written out.
//! - A network for `CrossEntropyLoss` ends without a softmax in PyTorch; here `softmax 10` is the last layer, and its loss reads the logits.
//! - What inputs were normalised with, such as ImageNet's means and deviations, belongs to the network.
//!
//! # In code
//!
//! ```
//! use netwright::prelude::*;
//! use netwright::Error;
//!
//! netwright::network! { pub Reader(6x6x3) { conv 3x3x8 same relu; dense 10 } }
//!
//! /// `weight` and `bias` of a `Conv2d(3, 8, 3, padding=1)` and of the `Linear(8 * 6 * 6, 10)` after a `Flatten`.
//! fn take_over(reader: &mut Reader, conv: [&[f32]; 2], linear: [&[f32]; 2]) -> Result<(), Error> {
//!     let [kernel, bias] = conv;
//!     set(reader, "conv1", "kernel", &turned(kernel, [8, 3, 3, 3]))?;
//!     set(reader, "conv1", "bias", bias)?;
//!     let [kernel, bias] = linear;
//!     set(reader, "dense1", "kernel", &turned(kernel, [10, 8, 6, 6]))?;
//!     set(reader, "dense1", "bias", bias)
//! }
//!
//! /// [out, in, height, width] → [height, width, in, out].
//! fn turned(numbers: &[f32], [outs, ins, height, width]: [usize; 4]) -> Vec<f32> {
//!     let mut turned = Vec::with_capacity(numbers.len());
//!     for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
//!         for input in 0..ins {
//!             turned.extend((0..outs).map(|out| numbers[((out * ins + input) * height + row) * width + column]));
//!         }
//!     }
//!     turned
//! }
//!
//! fn set(reader: &mut Reader, layer: &str, tensor: &str, numbers: &[f32]) -> Result<(), Error> {
//!     let place = reader.tensor_mut(layer, tensor).filter(|place| place.len() == numbers.len());
//!     place.ok_or_else(|| Error::other(format!("`{layer}.{tensor}` has another length")))?.copy_from_slice(numbers);
//!     Ok(())
//! }
//!
//! // A kernel of PyTorch that is 1 for output 0, input 2, row 0, column 1 alone.
//! let mut kernel = [0.0; 8 * 3 * 3 * 3];
//! kernel[(2 * 3) * 3 + 1] = 1.0;
//! let mut reader = Reader::init(1);
//! take_over(&mut reader, [&kernel, &[0.0; 8]], [&[0.0; 2880], &[0.0; 10]])?;
//! assert_eq!(reader.layers().conv1.kernel[0][1][2][0], 1.0);
//! # Ok::<(), Error>(())
//! ```
