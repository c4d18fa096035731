//! Weights from and for other libraries: names of tensors, and the order of their axes.
//!
//! The name that another library gives to a layer is in the network's text, `conv 3x3x64 from "features.0"`, or in a [`Map`]. A file is any
//! implementation of [`TensorFile`]: safetensors here, other formats in the crate `netwright-formats`.

mod file;
mod layout;
mod map;
mod take;

use std::path::Path;

pub use file::{TensorFile, TensorInfo};
pub use map::{Convention, Map};
pub use take::WholeTensor;

pub(crate) use take::{read, tensors};

use crate::error::Error;
use crate::network::Network;
use crate::once::{Facts, Once};
pub use crate::storage::Safetensors;
pub use crate::storage::safetensors::Dtype;
use crate::storage::safetensors::Writer;
use crate::weights::Loaded;

/// Loads and saves the weights of a network under the names of another library, with the axes in that library's order.
///
/// ```
/// use netwright_runtime::foreign::ForeignWeights;
/// use netwright_runtime::{Error, network::Network};
///
/// /// From PyTorch and back: `safetensors.torch.save_file(model.state_dict(), "theirs.safetensors")` wrote the file, and
/// /// `model.load_state_dict(safetensors.torch.load_file("ours.safetensors"))` takes what this writes.
/// fn fine_tuned<N: Network>() -> Result<(), Error> {
///     let network = N::from_pytorch("theirs.safetensors")?;
///     // … train …
///     network.save_as_pytorch("ours.safetensors")
/// }
/// ```
pub trait ForeignWeights: Network {
    /// Loads the weights of a PyTorch `state_dict` that was saved as safetensors, by the names that `from` gives to the layers.
    ///
    /// # Errors
    /// [`Error::Io`]; those of [`Safetensors::of`]; and those of [`Self::load_foreign`]. The network is unchanged then.
    fn load_pytorch(&mut self, path: impl AsRef<Path>) -> Result<Loaded, Error> {
        self.load_foreign(&Safetensors::read(path)?, &Map::pytorch())
    }

    /// Creates a network with the weights of a `state_dict`, as [`Self::load_pytorch`] loads them.
    ///
    /// # Errors
    /// As [`Self::load_pytorch`].
    fn from_pytorch(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::from_foreign(&Safetensors::read(path)?, &Map::pytorch())
    }

    /// Creates a network with the weights of a file, as [`Self::load_foreign`] loads them.
    ///
    /// # Errors
    /// As [`Self::load_foreign`].
    fn from_foreign(file: &dyn TensorFile, map: &Map) -> Result<Self, Error> {
        Self::Scalar::read_foreign(Facts::of::<Self>(), file, map).map(|(weights, _)| Self::from_weights(weights))
    }

    /// Loads the weights of a file by the names of a map. Floating-point elements of any type are widened or rounded to the network's.
    ///
    /// # Errors
    /// [`Error::Weights`] with every tensor that is missing, unexpected or of another shape or element type, and every layer without a name;
    /// [`Error::NoSuchLayer`] for a layer of the map that the network does not have; and errors of reading. The network is unchanged then.
    fn load_foreign(&mut self, file: &dyn TensorFile, map: &Map) -> Result<Loaded, Error> {
        let (read, loaded) = Self::Scalar::read_foreign(Facts::of::<Self>(), file, map)?;
        self.weights_mut().take_buffers(read);
        Ok(loaded)
    }

    /// Writes the weights as safetensors, for `load_state_dict(safetensors.torch.load_file(path), strict=True)`: with the names that `from`
    /// gives, PyTorch's order of axes, and the additional tensors of PyTorch: counts of batches, and scales of 1 for layers without a scale.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`] where a layer with weights has no name.
    fn save_as_pytorch(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.save_foreign(path, &Map::pytorch())
    }

    /// Writes the weights as safetensors under the names of a map.
    ///
    /// # Errors
    /// As [`Self::save_as_pytorch`], and [`Error::NoSuchLayer`] for a layer of the map that the network does not have.
    fn save_foreign(&self, path: impl AsRef<Path>, map: &Map) -> Result<(), Error> {
        let mut writer = Writer::new();
        if map.convention() == Convention::PyTorch {
            writer.text("format", "pt");
        }
        for tensor in self.foreign_tensors(map)? {
            match tensor {
                WholeTensor::Elements { name, shape, elements } => writer.tensor(&name, &shape, &elements),
                WholeTensor::Count { name, count } => writer.count(&name, count),
            }
        }
        writer.write(path.as_ref())
    }

    /// Returns all tensors as another library has them, to write them in a format of your own.
    ///
    /// # Errors
    /// As [`Self::save_foreign`], without [`Error::Io`].
    fn foreign_tensors(&self, map: &Map) -> Result<Vec<WholeTensor<Self::Scalar>>, Error> {
        Self::Scalar::foreign_tensors(Facts::of::<Self>(), self.weights_ref(), map)
    }
}

impl<N: Network> ForeignWeights for N {}
