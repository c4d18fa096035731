//! Shapes and their arithmetic; no spans.

use std::fmt;

/// The most numbers one value of a network may hold: what a 32-bit index reaches.
pub const LARGEST_VALUE: u64 = 1 << 31;

/// What one image looks like at some place of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Height, width, channels.
    Image([usize; 3]),
    /// A row of features.
    Flat(usize),
}

impl Shape {
    /// How many numbers it holds. Shapes are made only within [`LARGEST_VALUE`], so this does not overflow.
    pub fn len(self) -> usize {
        match self {
            Self::Image([height, width, channels]) => height * width * channels,
            Self::Flat(features) => features,
        }
    }

    /// Never: a shape of nothing is refused when it is made.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The size of the last axis: channels, or features.
    pub fn channels(self) -> usize {
        match self {
            Self::Image([_, _, channels]) => channels,
            Self::Flat(features) => features,
        }
    }

    /// How many rows of [`Shape::channels`] it holds: the positions of an image.
    pub fn positions(self) -> usize {
        match self {
            Self::Image([height, width, _]) => height * width,
            Self::Flat(_) => 1,
        }
    }

    /// Its sizes, as `in.height` and its like ask for them.
    pub fn sizes(self) -> Vec<(&'static str, usize)> {
        match self {
            Self::Image([height, width, channels]) => {
                vec![("height", height), ("width", width), ("channels", channels)]
            }
            Self::Flat(features) => vec![("features", features)],
        }
    }

    /// The shape if every size is at least 1 and the whole within [`LARGEST_VALUE`].
    pub fn checked(self) -> Option<Self> {
        let sizes: &[usize] = match &self {
            Self::Image(sizes) => sizes,
            Self::Flat(features) => std::slice::from_ref(features),
        };
        sizes
            .iter()
            .try_fold(1_u64, |product, &size| product.checked_mul(u64::try_from(size).ok()?))
            .filter(|&product| (1..=LARGEST_VALUE).contains(&product))
            .map(|_| self)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image([height, width, channels]) => write!(f, "{height}x{width}x{channels}"),
            Self::Flat(features) => write!(f, "{features}"),
        }
    }
}

/// How a window is laid over an image: stride, dilation and the padding words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub size: [usize; 2],
    /// Steps down and to the right.
    pub stride: [usize; 2],
    /// Distance between the taps of the window.
    pub dilation: [usize; 2],
    /// What was said of padding.
    pub padding: Padding,
}

/// What was said of padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Output = ceil(input / stride); the extra zero at the bottom and right.
    Same,
    /// Top, bottom, left, right.
    Explicit([usize; 4]),
}

/// A window laid over an image that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Laid {
    /// Height and width of the output.
    pub output: [usize; 2],
    /// Top, bottom, left, right.
    pub padding: [usize; 4],
}

impl Window {
    /// How many rows and columns the window covers, dilation included.
    pub fn extent(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.dilation[axis].saturating_mul(self.size[axis] - 1).saturating_add(1))
    }

    /// Lays the window over an image of `height` x `width`; `None` where it is larger than the padded image.
    pub fn lay(&self, [height, width]: [usize; 2]) -> Option<Laid> {
        let extent = self.extent();
        let axis = |axis: usize, input: usize| -> Option<(usize, usize, usize)> {
            let (before, after) = match self.padding {
                Padding::Same => {
                    let output = input.div_ceil(self.stride[axis]);
                    let covered = (output - 1).checked_mul(self.stride[axis])?.checked_add(extent[axis])?;
                    let padding = covered.saturating_sub(input);
                    (padding / 2, padding - padding / 2)
                }
                Padding::Explicit([top, bottom, left, right]) => [(top, bottom), (left, right)][axis],
            };
            let padded = input.checked_add(before)?.checked_add(after)?;
            Some((padded.checked_sub(extent[axis])? / self.stride[axis] + 1, before, after))
        };
        let (rows, top, bottom) = axis(0, height)?;
        let (columns, left, right) = axis(1, width)?;
        Some(Laid { output: [rows, columns], padding: [top, bottom, left, right] })
    }
}
