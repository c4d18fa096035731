//! Features: a class, a unit, or a feature map, for which a picture is computed.

use super::find_layer;
use crate::Shape;
use crate::error::Error;
use crate::network::Network;
use crate::scalar::Precision;

/// A scalar that a network computes, such as one element of a layer. Layers are named as in the table of layers; the units of a layer
/// without image shape are its channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature(Description);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Description {
    Class(usize),
    Layer { layer: String, channel: usize, within: Within },
}

/// Selects elements of a feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// The element at a row and column.
    At([usize; 2]),
    /// The largest element.
    Peak,
    /// The mean of all elements.
    Mean,
}

impl Feature {
    /// Creates the feature of a class: its logit, before the final softmax or sigmoid. The output after the softmax could also be increased
    /// by decreasing the other classes (Simonyan et al., 2014, section 2).
    pub fn class(class: usize) -> Self {
        Self(Description::Class(class))
    }

    /// Creates the feature of one unit: the element of `layer` at `[row, column, channel]`.
    pub fn at(layer: impl Into<String>, [row, column, channel]: [usize; 3]) -> Self {
        Self(Description::Layer { layer: layer.into(), channel, within: Within::At([row, column]) })
    }

    /// Creates the feature of a map's peak: the largest element of a feature map of `layer`, at any position of each image.
    pub fn peak(layer: impl Into<String>, channel: usize) -> Self {
        Self(Description::Layer { layer: layer.into(), channel, within: Within::Peak })
    }

    /// Creates the feature of a whole map: the mean of a feature map of `layer`.
    pub fn map(layer: impl Into<String>, channel: usize) -> Self {
        Self(Description::Layer { layer: layer.into(), channel, within: Within::Mean })
    }

    /// Looks the feature up in a network.
    pub(super) fn locate<N: Network>(&self) -> Result<Located, Error> {
        match &self.0 {
            Description::Class(class) => {
                inside("class", N::NAME, *class, N::OUTPUT.len())?;
                Ok(Located::Class(*class))
            }
            Description::Layer { layer, channel, within } => {
                let index = find_layer::<N>(layer, "layer", |_| true)?;
                let map = MapOf::new::<N>(index);
                let [height, width, channels] = map.sizes;
                if let Within::At([row, column]) = *within {
                    inside("row", layer, row, height)?;
                    inside("column", layer, column, width)?;
                }
                inside("channel", layer, *channel, channels)?;
                Ok(Located::Layer(MapOf { channel: *channel, ..map }, *within))
            }
        }
    }
}

/// Refuses an index that is out of range.
pub(super) fn inside(what: &'static str, of: &str, found: usize, count: usize) -> Result<(), Error> {
    if found < count { Ok(()) } else { Err(Error::Outside { what, of: of.to_owned(), found, count }) }
}

/// A feature that was looked up in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Located {
    Class(usize),
    Layer(MapOf, Within),
}

/// One feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MapOf {
    /// The index of the layer in the table of layers.
    pub(super) layer: usize,
    /// The sizes of its output; without image shape, the units are channels.
    sizes: [usize; 3],
    channel: usize,
}

impl MapOf {
    /// Returns the first feature map of a layer.
    fn new<N: Network>(layer: usize) -> Self {
        let sizes = match N::LAYERS[layer].output {
            Shape::Image { height, width, channels } => [height, width, channels],
            Shape::Series { length, channels } => [length, 1, channels],
            Shape::Flat(features) => [1, 1, features],
        };
        Self { layer, sizes, channel: 0 }
    }

    /// Returns all feature maps of a layer.
    pub(super) fn all<N: Network>(layer: usize) -> impl Iterator<Item = Self> {
        let first = Self::new::<N>(layer);
        (0..first.sizes[2]).map(move |channel| Self { channel, ..first })
    }

    /// Returns the value of a feature in the layer's output, and the row and column of its element: `[0, 0]` for a mean.
    pub(super) fn read<T: Precision>(&self, within: Within, output: &[T]) -> (f64, [usize; 2]) {
        let [_, width, channels] = self.sizes;
        let map = || output.iter().skip(self.channel).step_by(channels).map(|element| element.to_f64());
        match within {
            Within::At([row, column]) => (map().nth(row * width + column).unwrap_or(0.0), [row, column]),
            Within::Mean => (map().sum::<f64>() / map().len().max(1) as f64, [0, 0]),
            Within::Peak => {
                let larger = |best: (usize, f64), next: (usize, f64)| if next.1 > best.1 { next } else { best };
                let (index, value) = map().enumerate().reduce(larger).unwrap_or((0, 0.0));
                (value, [index / width, index % width])
            }
        }
    }

    /// Writes the derivative of a feature with respect to the layer's output, times `scale`. `place` is the position that [`MapOf::read`] returned.
    pub(super) fn derive<T: Precision>(
        &self,
        within: Within,
        [row, column]: [usize; 2],
        scale: T,
        derivative: &mut [T],
    ) {
        let [height, width, channels] = self.sizes;
        derivative.fill(T::ZERO);
        match within {
            Within::At(_) | Within::Peak => derivative[(row * width + column) * channels + self.channel] = scale,
            Within::Mean => {
                let share = scale / T::from_f64((height * width) as f64);
                derivative.iter_mut().skip(self.channel).step_by(channels).for_each(|element| *element = share);
            }
        }
    }
}
