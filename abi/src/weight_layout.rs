//! What the axes of a tensor of weights mean: other programs keep the same weights with their axes in another order.

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
    /// What no other library has.
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

/// What a tensor's axes mean, and which images lie flattened along them. A row of features that came from an image has its elements
/// pixel by pixel, channels innermost; a library that keeps channels first has the same elements channel by channel, and so the rows of
/// the dense layer behind it in another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightLayout {
    /// The axes.
    pub axes: Axes,
    /// What lies one after the other along the inputs of [`Axes::Dense`]: images that were flattened, and rows of features. Empty where
    /// there is no image among them.
    pub inputs: &'static [Shape],
    /// The same of its outputs, or of [`Axes::Channels`].
    pub outputs: &'static [Shape],
}

impl WeightLayout {
    /// Axes along which no image lies.
    pub const fn of(axes: Axes) -> Self {
        Self { axes, inputs: &[], outputs: &[] }
    }
}
