//! Weights from PyTorch and Keras, and back.
//!
//! What another library calls a layer stands behind it, in quotation marks:
//!
//! ```
//! use netwright::prelude::*;
//!
//! netwright::network! {
//!     /// Two convolutions, beside what comes in.
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
//! A name behind the call of a block or a repeat is what the names inside begin with: `layer1.0.conv1`. A dot stands between, unless the
//! first ends in a sign itself, `block1_`. `{}` counts the repeat around it from 0, `{1..}` from 1, and `{0,2,5}` lists what stands there each
//! time: the two convolutions of `repeat 2 { conv 3x3x64 same from "features.{0,2}" relu }` are `features.0` and `features.2`. Of several such places
//! in a name, the last counts the innermost repeat. A layer without `from` is told by its name when a file is loaded.
//!
//! Names that all begin with one more, as in a checkpoint `{"model": model.state_dict(), "epoch": 3}` or behind `DataParallel`, are said to lie
//! below it, with what the map needs: `Map::pytorch().below("model")`.
//!
//! What is missing, unexpected, of other sizes or kinds is told at once, beside the nearest name, and the network stays as it was. Numbers
//! of 16 and 64 bits are converted.
//!
//! # The classic networks
//!
//! The package `netwright-zoo` knows what torchvision and Keras call the layers of its networks. With its features `formats` (`.pt`, `.npz`, safetensors) or
//! `hdf5` (Keras' `.h5` as well) one call reads a file: `netwright_zoo::torchvision::resnet50("resnet50.pt")?`, `netwright_zoo::keras::xception("xception.weights.h5")?`.
//!
//! # A map in code
//!
//! For a network whose text says nothing, or says what another library calls its layers, a [`Map`](crate::foreign::Map) does the same:
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
//! [`Map::keras`](crate::foreign::Map::keras) has Keras' names and axes; [`numbered`](crate::foreign::Map::numbered) calls layers as Keras does
//! where nobody did, `conv2d`, `conv2d_1`.
//!
//! # Other formats
//!
//! Safetensors are read by netwright itself. PyTorch's `.pt` and `.pth`, NumPy's `.npz` and, with its feature `hdf5`, Keras' `.weights.h5` and `.h5` are
//! read by the crate `netwright-formats`, beside netwright in Cargo.toml: `cargo add netwright-formats --features hdf5`.
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
//! What is neither is a [`TensorFile`](crate::foreign::TensorFile) that you write.
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
//! PyTorch flattens an image channel by channel, netwright pixel by pixel: the weights of a dense layer behind a flattened image, or before a
//! `reshape`, change their order too, with all that stands between. The images that a network is shown have to be height x width x channels.
//!
//! PyTorch keeps a count of batches, `num_batches_tracked`, which is 0 in what is saved for it. A normalisation without a scale (`bn noscale`)
//! has one there, which must be 1. Layers whose weights are tied have them in both places there: leave one out with `ignoring`.
//!
//! # What else has to be the same
//!
//! - Batch normalisation: PyTorch adds `eps = 1e-5` to the variance, netwright and Keras 0.001 unless told: write `bn eps 1e-5`. Its `momentum = 0.1`
//!   is the weight of the new value, here it is that of the old one: `bn momentum 0.9`. Predictions do not depend on the momentum.
//! - Padding: `padding=1` of a 3x3 window is `same` at stride 1. At stride 2 `same` is that of Keras, which pads the far side alone; write
//!   `pad 1` for PyTorch's.
//! - `AvgPool2d` with padding counts the zeros around an image, `avgpool` does not: `zeropad 1; avgpool 3 stride 1`.
//! - `GELU()` is `gelu`, `GELU(approximate="tanh")` is `gelu_tanh`; `LeakyReLU` has a slope of 0.01, to be written out;
//!   `Hardtanh()` is `clip min -1 max 1`.
//! - A network for `CrossEntropyLoss` ends without a softmax in PyTorch; here `softmax 10` is the last layer, and its loss reads the logits.
//! - What inputs were normalised with, such as ImageNet's means and deviations, belongs to the network.
