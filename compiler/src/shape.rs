//! Shapes and their arithmetic; no spans.

use std::fmt;

/// The most numbers one value of a network may hold: what a 32-bit index reaches.
pub const LARGEST_VALUE: u64 = 1 << 31;

/// What one image looks like at some place of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Height, width, channels.
    Image([usize; 3]),
    /// Length, channels: what has one axis, as a sound has. Operations see an image of width 1: [`Shape::as_image`].
    Series([usize; 2]),
    /// A row of features.
    Flat(usize),
}

impl Shape {
    /// How many numbers it holds. Shapes are made only within [`LARGEST_VALUE`], so this does not overflow.
    pub fn len(self) -> usize {
        match self {
            Self::Image([height, width, channels]) => height * width * channels,
            Self::Series([length, channels]) => length * channels,
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
            Self::Image([_, _, channels]) | Self::Series([_, channels]) => channels,
            Self::Flat(features) => features,
        }
    }

    /// How many rows of [`Shape::channels`] it holds: the positions of an image.
    pub fn positions(self) -> usize {
        match self {
            Self::Image([height, width, _]) => height * width,
            Self::Series([length, _]) => length,
            Self::Flat(_) => 1,
        }
    }

    /// Its sizes, as `in.height` and its like ask for them.
    pub fn sizes(self) -> Vec<(&'static str, usize)> {
        match self {
            Self::Image([height, width, channels]) => {
                vec![("height", height), ("width", width), ("channels", channels)]
            }
            Self::Series([length, channels]) => vec![("length", length), ("channels", channels)],
            Self::Flat(features) => vec![("features", features)],
        }
    }

    /// What operations see: a series as an image of width 1.
    #[must_use]
    pub fn as_image(self) -> Self {
        match self {
            Self::Series([length, channels]) => Self::Image([length, 1, channels]),
            other => other,
        }
    }

    /// [`Self::as_image`] the other way round, for what an operation makes of a series.
    #[must_use]
    pub fn as_series(self) -> Self {
        match self {
            Self::Image([length, 1, channels]) => Self::Series([length, channels]),
            other => other,
        }
    }

    /// The shape if every size is at least 1 and the whole within [`LARGEST_VALUE`].
    pub fn checked(self) -> Option<Self> {
        let sizes: &[usize] = match &self {
            Self::Image(sizes) => sizes,
            Self::Series(sizes) => sizes,
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
            Self::Series([length, channels]) => write!(f, "{length}x{channels}"),
            Self::Flat(features) => write!(f, "{features}"),
        }
    }
}

/// What is said of images of width 1, in the words and sizes of the series that they are.
pub(crate) fn text_of_series(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let end = rest[start..]
            .find(|letter: char| !letter.is_ascii_digit() && letter != 'x')
            .map_or(rest.len(), |end| start + end);
        words.push_str(&rest[..start]);
        let sizes: Vec<&str> = rest[start..end].split('x').collect();
        let behind = rest[end..].strip_prefix(" window");
        let length = match (sizes.as_slice(), behind) {
            ([length, "1"], Some(_)) => format!("window of {length}"),
            ([length, "0" | "1"], None) => (*length).to_owned(),
            ([length, "1", channels], _) => format!("{length}x{channels}"),
            ([before, after, "0", "0"], _) => format!("{before}x{after}"),
            _ => rest[start..end].to_owned(),
        };
        words.push_str(&length);
        rest = behind.filter(|_| length.starts_with("window")).unwrap_or(&rest[end..]);
    }
    words.push_str(rest);
    words.replace("an image", "a series").replace("image", "series")
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
