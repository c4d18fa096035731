//! Weights from PyTorch and Keras, and back.
//!
//! The name that another library gives to a layer follows the layer, in quotation marks:
//!
//! ```
//! use netwright::prelude::*;
//!
//! netwright::network! {
//!     /// Two convolutions beside the identity.
//!     block identity(width) {
//!         residual {
//!             conv 3x3x(width) same nobias from "conv1" bn eps 1e-5 momentum 0.9 from "bn1" relu;
//!             conv 3x3x(width) same nobias from "conv2" bn eps 1e-5 momentum 0.9 from "bn2"
//!         } relu
//!     }
//!
//!     pub Reader(28x28x3) {
//!         conv 7x7x16 stride 2 pad 3 nobias from "conv1" bn eps 1e-5 momentum 0.9 from "bn1" relu;
//!         2 * identity(16) from "layer1.{}";
//!         globalavgpool;
//!         softmax 10 from "fc"
//!     }
//! }
//!
//! # fn main() -> Result<(), netwright::Error> {
//! let mut reader = Reader::init(1);
//! # let folder = std::env::temp_dir().join(format!("netwright-guide-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).expect("a folder");
//! # let [theirs, ours] = ["theirs.safetensors", "ours.safetensors"].map(|name| folder.join(name));
//! # reader.save_as_pytorch(&theirs)?;
//! reader.load_pytorch(theirs)?; // safetensors.torch.save_file(model.state_dict(), theirs)
//! reader.save_as_pytorch(ours)?; // model.load_state_dict(safetensors.torch.load_file(ours))
//! # std::fs::remove_dir_all(&folder).expect("a folder");
//! # Ok(())
//! # }
//! ```
//!
//! A name after the call of a block or after a repeat is the prefix of the names inside: `layer1.0.conv1`. They are joined by a dot, unless the
//! prefix itself ends in a separator, `block1_`. `{}` is the index of the surrounding repeat counted from 0, `{1..}` counts from 1, and `{0,2,5}`
//! lists the values: the two convolutions of `repeat 2 { conv 3x3x64 same from "features.{0,2}" relu }` are `features.0` and `features.2`. Of several
//! placeholders in a name, the last one counts the innermost repeat. A layer without `from` is reported by its name when a file is loaded.
//!
//! If all names have a common prefix, as in a checkpoint `{"model": model.state_dict(), "epoch": 3}` or behind `DataParallel`, pass that prefix to
//! the map: `Map::pytorch().below("model")`.
//!
//! All tensors that are missing, unexpected, or of another shape or element type are reported together, each beside the nearest name, and the
//! network stays unchanged. Elements of 16 and 64 bits are converted.
//!
//! # The classic networks
//!
//! The package `netwright-zoo` knows the names that torchvision and Keras give to the layers of its networks. With its features `formats`
//! (`.pt`, `.npz`, safetensors) or `hdf5` (Keras' `.h5` as well) one call reads a file: `netwright_zoo::torchvision::resnet50("resnet50.pt")?`,
//! `netwright_zoo::keras::xception("xception.weights.h5")?`.
//!
//! # A map in code
//!
//! For a network whose text has no `from`, or has the names of another library, a [`Map`](crate::foreign::Map) gives the names in code:
//!
//! ```no_run
//! use netwright::foreign::{Map, Safetensors};
//! use netwright::prelude::*;
//!
//! netwright::network! { pub Plain(32x32x3) { conv 3x3x8 relu; maxpool 2; dense 10 } }
//!
//! # fn main() -> Result<(), netwright::Error> {
//! let map = Map::pytorch().below("module").layers([("conv1", "features.0"), ("dense1", "classifier")]).ignoring("auxiliary");
//! let file = Safetensors::read("theirs.safetensors")?;
//! Plain::init(1).load_foreign(&file, &map)?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Map::keras`](crate::foreign::Map::keras) has Keras' names and axes; [`numbered`](crate::foreign::Map::numbered) names layers as Keras does
//! by default, `conv2d`, `conv2d_1`.
//!
//! # Other formats
//!
//! Safetensors are read by netwright itself. PyTorch's `.pt` and `.pth`, NumPy's `.npz` and, with its feature `hdf5`, Keras' `.weights.h5` and `.h5`
//! are read by the crate `netwright-formats`, a dependency beside netwright: `cargo add netwright-formats --features hdf5`.
//!
//! ```text
//! // torch.save(model.state_dict(), "model.pt")
//! let file = netwright_formats::open("model.pt")?;
//! network.load_foreign(&*file, &Map::pytorch())?;
//!
//! // model.save_weights("model.weights.h5")
//! let file = netwright_formats::open("model.weights.h5")?;
//! network.load_foreign(&*file, &Map::keras())?;
//! ```
//!
//! For any other format, implement [`TensorFile`](crate::foreign::TensorFile).
//!
//! # Axes
//!
//! | PyTorch | its axes | here |
//! |---|---|---|
//! | `Conv1d`, `Conv2d`, grouped too: `.weight` | out, in / groups, height, width | `kernel`: height, width, in / groups, filters |
//! | `Conv2d` with `groups = in` | in * multiplier, 1, height, width | of `dwconv`: height, width, in, multiplier |
//! | `ConvTranspose2d` | in, out, height, width | of `deconv`: height, width, filters, in |
//! | `Linear` | out, in | of `dense`: in, out |
//! | `BatchNorm2d`, `LayerNorm`: `.weight`, `.bias` | channels | `gamma`, `beta` |
//! | `.running_mean`, `.running_var` | channels | `moving_mean`, `moving_variance` |
//! | `PReLU`: `.weight` | channels, or 1 | `slope` |
//! | `depthwise.weight`, `pointwise.weight` and `.bias` | as convolutions | of `sepconv`: `depthwise_kernel`, `pointwise_kernel`, `bias` |
//!
//! PyTorch flattens an image channel by channel, netwright pixel by pixel. The weights of a dense layer behind a flattened image, or before a
//! `reshape`, are therefore reordered, together with those of the layers in between. Images passed to a network are height x width x channels.
//!
//! PyTorch keeps a count of batches, `num_batches_tracked`; files saved for PyTorch contain it as 0. A normalisation without a scale (`bn noscale`)
//! has a scale in PyTorch's file, which must be 1. Layers with tied weights have a tensor each there: exclude one with `ignoring`.
//!
//! # Other settings that must agree
//!
//! - Batch normalisation: PyTorch adds `eps = 1e-5` to the variance, netwright and Keras 0.001 by default: write `bn eps 1e-5`. PyTorch's
//!   `momentum = 0.1` is the weight of the new value, here it is that of the old one: `bn momentum 0.9`. Predictions do not depend on the momentum.
//! - Padding: `padding=1` of a 3x3 window is `same` at stride 1. At stride 2, `same` is that of Keras, which pads the bottom and right sides alone;
//!   write `pad 1` for PyTorch's.
//! - `AvgPool2d` with padding counts the zeros around an image, `avgpool` does not: `zeropad 1; avgpool 3 stride 1`.
//! - `GELU()` is `gelu`, `GELU(approximate="tanh")` is `gelu_tanh`; `LeakyReLU` has a slope of 0.01, which must be written out;
//!   `Hardtanh()` is `clip min -1 max 1`.
//! - A network for `CrossEntropyLoss` ends without a softmax in PyTorch; here `softmax 10` is the last layer, and its loss reads the logits.
//! - The normalisation of inputs, such as ImageNet's means and standard deviations, must be that of the network's training.
