//! The shape of a value.

use core::fmt;

/// The maximum elements of a value of a network: the range of a 32-bit index.
pub const LARGEST_VALUE: u64 = 1 << 31;

/// The shape of one image, one series or one row of features in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Height x width x channels; channels are contiguous in memory.
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
    /// An image of height x width x channels.
    pub const fn image([height, width, channels]: [usize; 3]) -> Self {
        Self::Image { height, width, channels }
    }

    /// Returns the number of elements.
    pub const fn len(self) -> usize {
        self.positions() * self.channels()
    }

    /// Returns the number of positions with their own features: the pixels of an image, one for a row of features.
    pub const fn positions(self) -> usize {
        match self {
            Self::Image { height, width, .. } => height * width,
            Self::Series { length, .. } => length,
            Self::Flat(_) => 1,
        }
    }

    /// Returns the elements of each of the [`Shape::positions`]: the channels of an image, all features of a row.
    pub const fn channels(self) -> usize {
        match self {
            Self::Image { channels, .. } | Self::Series { channels, .. } => channels,
            Self::Flat(features) => features,
        }
    }

    /// Whether it has no elements; no network has such a shape.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns a series as an image of width 1, and other shapes unchanged.
    #[must_use]
    pub const fn as_image(self) -> Self {
        match self {
            Self::Series { length, channels } => Self::Image { height: length, width: 1, channels },
            other => other,
        }
    }

    /// Returns an image of width 1 as a series, and other shapes unchanged.
    #[must_use]
    pub const fn as_series(self) -> Self {
        match self {
            Self::Image { height: length, width: 1, channels } => Self::Series { length, channels },
            other => other,
        }
    }

    /// Returns the shape with `times` times as many channels.
    #[must_use]
    pub const fn with_channels(self, times: usize) -> Self {
        match self {
            Self::Image { height, width, channels } => Self::Image { height, width, channels: channels * times },
            Self::Series { length, channels } => Self::Series { length, channels: channels * times },
            Self::Flat(features) => Self::Flat(features * times),
        }
    }

    /// Returns height, width and channels of an image.
    pub const fn image_sizes(self) -> Option<[usize; 3]> {
        match self {
            Self::Image { height, width, channels } => Some([height, width, channels]),
            Self::Series { .. } | Self::Flat(_) => None,
        }
    }

    /// Returns the shape if every size is at least 1 and the product is at most [`LARGEST_VALUE`].
    pub fn checked(self) -> Option<Self> {
        let sizes = match self {
            Self::Image { height, width, channels } => [height, width, channels],
            Self::Series { length, channels } => [length, 1, channels],
            Self::Flat(features) => [1, 1, features],
        };
        let len = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(u64::try_from(size).ok()?))?;
        (1..=LARGEST_VALUE).contains(&len).then_some(self)
    }
}

/// `28x28x1`, `128x1`, or `784`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { height, width, channels } => write!(f, "{height}x{width}x{channels}"),
            Self::Series { length, channels } => write!(f, "{length}x{channels}"),
            Self::Flat(features) => write!(f, "{features}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;

    #[test]
    fn a_series_is_an_image_of_width_1_and_back() {
        let series = Shape::Series { length: 128, channels: 3 };
        assert_eq!(series.as_image(), Shape::image([128, 1, 3]));
        assert_eq!(series.as_image().as_series(), series);
        assert_eq!((series.len(), series.as_image().len()), (384, 384));
        assert_eq!(Shape::image([4, 2, 3]).as_series(), Shape::image([4, 2, 3]));
    }

    #[test]
    fn shapes_of_nothing_and_enormous_ones_are_refused() {
        let half = 1 << 16;
        assert!(Shape::image([half, half / 2, 1]).checked().is_some());
        for shape in [Shape::image([half, half, 1]), Shape::image([usize::MAX, 2, 2]), Shape::Flat(0)] {
            assert_eq!(shape.checked(), None, "{shape}");
        }
    }
}
