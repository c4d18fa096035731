//! The shape of a value, as a fact that a program can print.

/// What one image (or one row of features) looks like at some place of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Height x width x channels; in memory the channels lie together.
    Image {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Channels, or feature maps.
        channels: usize,
    },
    /// Length x channels, as `128x1` in a network's text: an image of `length` rows and width 1, a `Tensor<length, 1, channels>`.
    Series {
        /// Positions.
        length: usize,
        /// Channels, or feature maps.
        channels: usize,
    },
    /// A row of features.
    Flat(usize),
}

impl Shape {
    /// How many elements it holds.
    pub const fn len(self) -> usize {
        match self {
            Self::Image { height, width, channels } => height * width * channels,
            Self::Series { length, channels } => length * channels,
            Self::Flat(features) => features,
        }
    }

    /// How many places have features of their own: the pixels of an image, one for a row of features.
    pub const fn positions(self) -> usize {
        match self {
            Self::Image { height, width, .. } => height * width,
            Self::Series { length, .. } => length,
            Self::Flat(_) => 1,
        }
    }

    /// How many elements each of [`Shape::positions`] has: the channels of an image, all features of a row.
    pub const fn channels(self) -> usize {
        match self {
            Self::Image { channels, .. } | Self::Series { channels, .. } => channels,
            Self::Flat(features) => features,
        }
    }

    /// Whether it holds nothing; no network has such a shape.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// `28x28x1`, `128x1`, or `784`.
impl core::fmt::Display for Shape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Image { height, width, channels } => write!(f, "{height}x{width}x{channels}"),
            Self::Series { length, channels } => write!(f, "{length}x{channels}"),
            Self::Flat(features) => write!(f, "{features}"),
        }
    }
}
