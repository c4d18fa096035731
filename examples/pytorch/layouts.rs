//! Weights of PyTorch in the order in which netwright keeps them.

use netwright::{Error, Network};
use safetensors::{Dtype, SafeTensors};

/// The tensors of a `state_dict`.
pub(crate) struct StateDict<'f>(SafeTensors<'f>);

impl<'f> StateDict<'f> {
    /// Of the bytes of a file.
    pub(crate) fn new(bytes: &'f [u8]) -> Result<Self, Error> {
        SafeTensors::deserialize(bytes).map(Self).map_err(|error| Error::other(error.to_string()))
    }

    /// The sizes and the numbers of a tensor of `f32`.
    pub(crate) fn tensor(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), Error> {
        let found = self.0.tensor(name).map_err(|error| Error::other(error.to_string()))?;
        if found.dtype() != Dtype::F32 {
            return Err(Error::other(format!("`{name}` holds {}, where F32 was expected", found.dtype())));
        }
        let numbers = found.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        Ok((found.shape().to_vec(), numbers))
    }
}

/// The same numbers with their axes in another order: `[2, 3, 1, 0]` of a tensor [out, in, height, width] is [height, width, in, out].
pub(crate) fn permuted<const AXES: usize>(numbers: &[f32], sizes: [usize; AXES], order: [usize; AXES]) -> Vec<f32> {
    let stride = |axis: usize| sizes[axis + 1..].iter().product::<usize>();
    let place = |mut index: usize| {
        let mut place = 0;
        for axis in order.into_iter().rev() {
            place += index % sizes[axis] * stride(axis);
            index /= sizes[axis];
        }
        place
    };
    (0..numbers.len()).map(|index| numbers[place(index)]).collect()
}

/// Gives a tensor of a network its numbers.
pub(crate) fn set<N: Network<Scalar = f32>>(
    network: &mut N,
    [layer, tensor]: [&str; 2],
    numbers: &[f32],
) -> Result<(), Error> {
    let place = network.tensor_mut(layer, tensor);
    let place = place.ok_or_else(|| Error::other(format!("the network has no `{layer}.{tensor}`")))?;
    if place.len() != numbers.len() {
        let (expected, found) = (place.len(), numbers.len());
        return Err(Error::other(format!("`{layer}.{tensor}` has {expected} numbers, and {found} were found")));
    }
    place.copy_from_slice(numbers);
    Ok(())
}
