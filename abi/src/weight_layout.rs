//! The meaning of the axes of a tensor of weights: other programs store the same weights with their axes in another order.

use crate::Shape;

/// The axes of a tensor of weights, slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axes {
    /// One element for each channel, or one for all.
    Channels,
    /// Height, width, input channels of a group, filters.
    Conv,
    /// Height, width, channels, filters of each channel.
    Depthwise,
    /// Height, width, filters, input channels.
    Deconv,
    /// Inputs, outputs.
    Dense,
    /// Axes that no other library has.
    Own,
}

impl Axes {
    /// The name of its variant.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Channels => "Channels",
            Self::Conv => "Conv",
            Self::Depthwise => "Depthwise",
            Self::Deconv => "Deconv",
            Self::Dense => "Dense",
            Self::Own => "Own",
        }
    }
}

/// The meaning of a tensor's axes, and the images that are flattened along them. Features of a flattened image are ordered pixel by pixel,
/// channels innermost. A library that stores channels first orders them channel by channel, and so has the rows of the following dense
/// layer in another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightLayout {
    /// The axes.
    pub axes: Axes,
    /// The consecutive shapes along the inputs of [`Axes::Dense`]: flattened images, and rows of features. Empty where there is no image
    /// among them.
    pub inputs: &'static [Shape],
    /// The same along its outputs, or along [`Axes::Channels`].
    pub outputs: &'static [Shape],
}

impl WeightLayout {
    /// Axes without flattened images.
    pub const fn of(axes: Axes) -> Self {
        Self { axes, inputs: &[], outputs: &[] }
    }
}
