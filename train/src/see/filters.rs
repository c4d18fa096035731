//! The filters of a layer as small pictures.

use super::find_layer;
use super::picture::Picture;
use crate::Shape;
use crate::error::Error;
use crate::layer::{ParameterKind, ParameterTensor};
use crate::network::Network;

/// Returns the filters of a layer, one picture each, as high and wide as the filter, with a channel for each input channel
/// (slides 23 to 25). The name is that in the table of layers: `conv1`, or the name after `as`.
///
/// For a depthwise convolution, or one with a table of connections: a picture of one channel for each input map that is read. For a
/// transposed convolution: the pattern that each input map contributes to the output. For a dense layer that reads an image: the weights of
/// each unit in the shape of that image. Filters of several channels can be shown channel by channel with [`Picture::split`].
///
/// # Errors
/// [`Error::NoSuchLayer`] where no layer of that name has weights that can be shown as pictures.
///
/// ```
/// use netwright_runtime::{Error, network::Network};
/// use netwright_train::see::{Sheet, Tones, filters};
///
/// fn show<N: Network>(network: &N) -> Result<Sheet, Error> {
///     Ok(Sheet::new("the filters of conv1").tones(Tones::Signed).numbered(filters(network, "conv1")?))
/// }
/// ```
pub fn filters<N: Network>(network: &N, layer: &str) -> Result<Vec<Picture>, Error> {
    let index = find_layer::<N>(layer, "layer with filters", |index| pictures::<N>(index).is_some())?;
    let Some((tensor, sizes)) = pictures::<N>(index) else { return Ok(Vec::new()) };
    let elements = network.tensor(layer, tensor.name).unwrap_or_default();
    let count = tensor.len / sizes.iter().product::<usize>();
    let filter = |filter: usize| {
        let weights: Vec<N::Scalar> = elements.iter().skip(filter).step_by(count).copied().collect();
        Picture::new(sizes, &weights)
    };
    (0..count).map(filter).collect()
}

/// Returns the tensor of a layer that can be shown as pictures, and their sizes. The stride between the weights of a picture
/// is the number of pictures.
fn pictures<N: Network>(index: usize) -> Option<(&'static ParameterTensor, [usize; 3])> {
    let layer = &N::LAYERS[index];
    let tensor = layer.tensors.iter().find(|tensor| tensor.kind == ParameterKind::Weight)?;
    let sizes = match *tensor.shape {
        // A depthwise convolution, in which a filter reads a single map.
        [height, width, _, _] if tensor.fan_in == height * width => [height, width, 1],
        [height, width, channels, _] => [height, width, channels],
        [height, width, _] => [height, width, 1],
        [inputs, _] => {
            // The shape of its input, or of the values before they were flattened, rectified or dropped.
            let before = N::LAYERS[..index].iter().rev().map(|layer| layer.output).chain([N::INPUT]);
            let mut alike = core::iter::once(layer.input).chain(before).take_while(|shape| shape.len() == inputs);
            alike.find_map(|shape| match shape {
                Shape::Image { height, width, channels } => Some([height, width, channels]),
                Shape::Series { length, channels } => Some([length, 1, channels]),
                Shape::Flat(_) => None,
            })?
        }
        _ => return None,
    };
    Some((tensor, sizes))
}
