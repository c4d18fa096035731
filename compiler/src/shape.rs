//! Shapes and their arithmetic; without spans.

pub use netwright_abi::{LARGEST_VALUE, Shape};

/// The sizes of a shape by name, for expressions such as `in.height`.
pub(crate) fn sizes(shape: Shape) -> Vec<(&'static str, usize)> {
    match shape {
        Shape::Image { height, width, channels } => {
            vec![("height", height), ("width", width), ("channels", channels)]
        }
        Shape::Series { length, channels } => vec![("length", length), ("channels", channels)],
        Shape::Flat(features) => vec![("features", features)],
    }
}

/// Translates a message about images of width 1 into the words and sizes of series.
pub(crate) fn text_of_series(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let end = rest[start..]
            .find(|letter: char| !letter.is_ascii_digit() && letter != 'x')
            .map_or(rest.len(), |end| start + end);
        words.push_str(&rest[..start]);
        let sizes: Vec<&str> = rest[start..end].split('x').collect();
        let after_window = rest[end..].strip_prefix(" window");
        let length = match (sizes.as_slice(), after_window) {
            ([length, "1"], Some(_)) => format!("window of {length}"),
            ([length, "0" | "1"], None) => (*length).to_owned(),
            ([length, "1", channels], _) => format!("{length}x{channels}"),
            ([before, after, "0", "0"], _) => format!("{before}x{after}"),
            _ => rest[start..end].to_owned(),
        };
        words.push_str(&length);
        rest = after_window.filter(|_| length.starts_with("window")).unwrap_or(&rest[end..]);
    }
    words.push_str(rest);
    words.replace("an image", "a series").replace("image", "series")
}

/// A sliding window: size, stride, dilation and padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub size: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Distance between the taps of the window.
    pub dilation: [usize; 2],
    /// The padding as specified.
    pub padding: Padding,
}

/// The padding as specified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Output = ceil(input / stride); an odd padding element goes to the bottom and right.
    Same,
    /// Top, bottom, left, right.
    Explicit([usize; 4]),
}

/// The result of applying a window to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Laid {
    /// Height and width of the output.
    pub output: [usize; 2],
    /// Top, bottom, left, right.
    pub padding: [usize; 4],
}

impl Window {
    /// The rows and columns that the window covers, including dilation.
    pub fn extent(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.dilation[axis].saturating_mul(self.size[axis] - 1).saturating_add(1))
    }

    /// Computes output size and padding for an image of `height` x `width`; `None` where the window is larger than the padded image.
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
