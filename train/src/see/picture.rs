//! Pictures: elements in rows and columns.

use core::fmt;
use std::borrow::Cow;

use super::tones::{Scale, Tones};
use crate::Shape;
use crate::data::resize;
use crate::error::Error;
use crate::once::Number;
use crate::scalar::Precision;
use crate::tensor::Tensor;

/// The largest width of a picture whose elements are all shown separately in a terminal.
const SMALL: usize = 16;

/// Elements in rows, columns and channels, of any range: an image, a filter, a feature map, a gradient. [`Tones`] convert them to
/// colours. `{}` prints characters, from the smallest element (blank) to the largest: two for each element of a picture of up to 16
/// columns, else one for two rows of a column.
///
/// ```
/// use netwright_runtime::Tensor;
/// use netwright_train::see::Picture;
/// let edge = Picture::from(&Tensor::<2, 4, 1>::from_fn(|_, x, _| if x < 2 { 0.0 } else { 1.0 }));
/// assert_eq!(edge.to_string(), "    ████\n    ████\n");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    height: usize,
    width: usize,
    channels: usize,
    elements: Vec<f32>,
}

impl Picture {
    /// Creates a picture from elements row by row, channels innermost; sizes are `[height, width, channels]`.
    ///
    /// # Errors
    /// [`Error::Setting`] where a size is 0, [`Error::Length`] where there are not height x width x channels elements.
    pub fn new<T: Precision>([height, width, channels]: [usize; 3], elements: &[T]) -> Result<Self, Error> {
        for (name, size) in [("height", height), ("width", width), ("channels", channels)] {
            crate::error::count_setting(name, size, size > 0, "at least 1")?;
        }
        let expected = height.saturating_mul(width).saturating_mul(channels);
        if elements.len() != expected {
            return Err(Error::Length { what: "the elements of a picture", expected, found: elements.len() });
        }
        Ok(Self::of([height, width, channels], elements.iter().map(|element| element.to_f64() as f32).collect()))
    }

    /// Creates a picture from exactly as many elements as the sizes say.
    pub(super) fn of([height, width, channels]: [usize; 3], elements: Vec<f32>) -> Self {
        debug_assert_eq!(elements.len(), height * width * channels);
        Self { height, width, channels, elements }
    }

    /// Creates a picture from a value of a network; a vector of features becomes one row of pixels.
    pub(super) fn of_shape<T: Precision>(shape: Shape, elements: &[T]) -> Self {
        let sizes = match shape {
            Shape::Image { height, width, channels } => [height, width, channels],
            Shape::Series { length, channels } => [1, length, channels],
            Shape::Flat(features) => [1, features, 1],
        };
        Self::of(sizes, elements.iter().map(|element| element.to_f64() as f32).collect())
    }

    /// Returns `[height, width, channels]`.
    pub fn sizes(&self) -> [usize; 3] {
        [self.height, self.width, self.channels]
    }

    /// Returns all elements, row by row, channels innermost.
    pub fn elements(&self) -> &[f32] {
        &self.elements
    }

    /// Returns the element in a row, column and channel; `None` out of range.
    pub fn get(&self, row: usize, column: usize, channel: usize) -> Option<f32> {
        let inside = row < self.height && column < self.width && channel < self.channels;
        inside.then(|| self.elements[(row * self.width + column) * self.channels + channel])
    }

    /// Returns the smallest and the largest finite element; `(0, 0)` if there is none.
    pub fn range(&self) -> (f32, f32) {
        let finite = self.elements.iter().filter(|element| element.is_finite());
        let range = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), &x| (least.min(x), most.max(x)));
        if range.0 <= range.1 { range } else { (0.0, 0.0) }
    }

    /// Returns the row, column and channel of the largest element, the first of equal ones; zeros if all are NaN.
    pub fn peak(&self) -> [usize; 3] {
        let mut peak = 0;
        for (index, element) in self.elements.iter().enumerate() {
            if *element > self.elements[peak] || (self.elements[peak].is_nan() && !element.is_nan()) {
                peak = index;
            }
        }
        let (pixel, channel) = (peak / self.channels, peak % self.channels);
        [pixel / self.width, pixel % self.width, channel]
    }

    /// Returns each channel as a picture of its own.
    pub fn split(&self) -> Vec<Self> {
        let channel = |channel| {
            let elements = self.elements.iter().skip(channel).step_by(self.channels).copied().collect();
            Self::of([self.height, self.width, 1], elements)
        };
        (0..self.channels).map(channel).collect()
    }

    /// Returns the mean over the channels of each pixel.
    pub fn mean_channel(&self) -> Self {
        let pixels = self.elements.chunks_exact(self.channels);
        let elements = pixels.map(|pixel| pixel.iter().sum::<f32>() / self.channels as f32).collect();
        Self::of([self.height, self.width, 1], elements)
    }

    /// Applies a function to every element.
    pub fn map(&self, change: impl FnMut(f32) -> f32) -> Self {
        Self::of(self.sizes(), self.elements.iter().copied().map(change).collect())
    }

    /// Returns the difference of this picture and `before`.
    ///
    /// # Errors
    /// [`Error::ImageSize`] where the two have different sizes.
    pub fn minus(&self, before: &Self) -> Result<Self, Error> {
        before.expect_sizes(self.sizes(), "the difference of two pictures")?;
        let elements = self.elements.iter().zip(&before.elements).map(|(after, before)| after - before).collect();
        Ok(Self::of(self.sizes(), elements))
    }

    /// Crops a rectangle of `[height, width]` that starts at `[row, column]`; parts beyond the border are omitted.
    ///
    /// # Errors
    /// [`Error::Setting`] where the result would be empty.
    pub fn cut(&self, [row, column]: [usize; 2], [height, width]: [usize; 2]) -> Result<Self, Error> {
        let rows = row.min(self.height)..row.saturating_add(height).min(self.height);
        let columns = column.min(self.width)..column.saturating_add(width).min(self.width);
        crate::error::count_setting("rows of the cut", rows.len(), !rows.is_empty(), "at least 1")?;
        crate::error::count_setting("columns of the cut", columns.len(), !columns.is_empty(), "at least 1")?;
        let sizes = [rows.len(), columns.len(), self.channels];
        let row = |row| {
            let start = row * self.width;
            &self.elements[(start + columns.start) * self.channels..(start + columns.end) * self.channels]
        };
        Ok(Self::of(sizes, rows.flat_map(row).copied().collect()))
    }

    /// Resizes it to `[height, width]` by bilinear interpolation.
    ///
    /// # Errors
    /// [`Error::Setting`] where a size is 0.
    pub fn resized(&self, [height, width]: [usize; 2]) -> Result<Self, Error> {
        crate::error::count_setting("height", height, height > 0, "at least 1")?;
        crate::error::count_setting("width", width, width > 0, "at least 1")?;
        let mut elements = vec![0.0; height * width * self.channels];
        resize(&self.elements, [self.height, self.width], &mut elements, [height, width], self.channels);
        Ok(Self::of([height, width, self.channels], elements))
    }

    /// Blends this picture, in grey, with the colours of `map`, which is resized to its size: for example an image with its occlusion
    /// map. `tones` are those of the map; `strength`, from 0 to 1, is the weight of the map's colours.
    /// The result has three channels between 0 and 1.
    ///
    /// # Errors
    /// [`Error::Setting`] for a strength outside of 0 to 1.
    pub fn under(&self, map: &Self, tones: Tones, strength: f32) -> Result<Self, Error> {
        let valid = (0.0..=1.0).contains(&strength);
        crate::error::setting("strength", strength.into(), valid, "between 0 and 1")?;
        let colours = map.mean_channel().resized([self.height, self.width])?.colours(tones);
        let greys = self.mean_channel().colours(Tones::Own);
        let blend = |(grey, colour): (&[u8; 3], &[u8; 3])| {
            let blended = |c: usize| f32::from(grey[c]) + (f32::from(colour[c]) - f32::from(grey[c])) * strength;
            core::array::from_fn::<f32, 3, _>(|c| blended(c) / 255.0)
        };
        Ok(Self::of([self.height, self.width, 3], greys.iter().zip(&colours).flat_map(blend).collect()))
    }

    /// Returns the picture that is displayed: itself, or the mean over its channels if they are not colours.
    pub(super) fn shown(&self) -> Cow<'_, Self> {
        if matches!(self.channels, 1 | 3) { Cow::Borrowed(self) } else { Cow::Owned(self.mean_channel()) }
    }

    /// Returns the colour of each pixel, row by row: red, green and blue.
    pub fn colours(&self, tones: Tones) -> Vec<[u8; 3]> {
        let shown = self.shown();
        shown.colours_by(tones.scale(shown.range()))
    }

    /// Returns the colour of each pixel on a given scale.
    pub(super) fn colours_by(&self, scale: Scale) -> Vec<[u8; 3]> {
        let shown = self.shown();
        match shown.channels {
            3 => shown.elements.as_chunks().0.iter().map(|&pixel| pixel.map(|element| scale.light(element))).collect(),
            _ => shown.elements.iter().map(|&element| scale.colour(element)).collect(),
        }
    }

    /// Formats its colours as half blocks with the escape sequences of a colour terminal: two rows of pixels in one line.
    /// [`fmt::Display`] prints shades without escape sequences.
    pub fn to_ansi(&self, tones: Tones) -> String {
        use fmt::Write;
        let colours = self.colours(tones);
        let mut text = String::new();
        for rows in colours.chunks(2 * self.width) {
            let (upper, lower) = rows.split_at(self.width);
            for (x, [r, g, b]) in upper.iter().enumerate() {
                // Writing to a `String` cannot fail.
                let _ = write!(text, "\x1b[38;2;{r};{g};{b}");
                let _ = match lower.get(x) {
                    Some([r, g, b]) => write!(text, ";48;2;{r};{g};{b}m▀"),
                    None => write!(text, ";49m▀"),
                };
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }

    /// Returns the number of characters in a line of its [`fmt::Display`].
    pub(super) fn characters(&self) -> usize {
        if self.width <= SMALL { 2 * self.width } else { self.width }
    }

    /// Returns the lines of its [`fmt::Display`].
    pub(super) fn shades(&self) -> Vec<String> {
        const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];
        let grey = self.mean_channel();
        let scale = Tones::Own.scale(grey.range());
        let lights: Vec<u16> = grey.elements.iter().map(|&element| scale.light(element).into()).collect();
        let shade = |upper: u16, lower: u16| SHADES[usize::from((upper + lower) * 5 / 511)];
        if self.width <= SMALL {
            let doubled = |row: &[u16]| row.iter().flat_map(|&light| [shade(light, light); 2]).collect();
            return lights.chunks(self.width).map(doubled).collect();
        }
        let line = |rows: &[u16]| {
            let (upper, lower) = rows.split_at(self.width);
            let lower = if lower.is_empty() { upper } else { lower };
            upper.iter().zip(lower).map(|(&upper, &lower)| shade(upper, lower)).collect()
        };
        lights.chunks(2 * self.width).map(line).collect()
    }

    pub(super) fn expect_sizes(&self, [height, width, channels]: [usize; 3], origin: &str) -> Result<(), Error> {
        if self.sizes() == [height, width, channels] {
            return Ok(());
        }
        let (expected, found) = (Shape::Image { height, width, channels }, self.shape());
        Err(Error::ImageSize { origin: origin.to_owned(), expected, found })
    }

    fn shape(&self) -> Shape {
        Shape::Image { height: self.height, width: self.width, channels: self.channels }
    }
}

impl<const H: usize, const W: usize, const C: usize, T: Number> From<&Tensor<H, W, C, T>> for Picture {
    fn from(tensor: &Tensor<H, W, C, T>) -> Self {
        Self::of([H, W, C], tensor.as_slice().iter().map(|element| element.to_f64() as f32).collect())
    }
}

/// Prints from the smallest element (blank) to the largest: two characters for each element of a small picture, one for two rows of a
/// column of a large one. Characters are about twice as high as wide.
impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shades().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(sizes: [usize; 3], elements: &[f32]) -> Picture {
        Picture::new(sizes, elements).unwrap()
    }

    #[test]
    fn a_picture_has_as_many_elements_as_its_sizes_say() {
        assert!(matches!(Picture::new([2, 2, 1], &[0.0_f32; 3]), Err(Error::Length { expected: 4, found: 3, .. })));
        assert!(matches!(Picture::new([0, 2, 1], &[0.0_f64; 0]), Err(Error::Setting { setting: "height", .. })));
        assert!(Picture::new([usize::MAX, usize::MAX, 1], &[0.0_f32; 3]).is_err());
    }

    #[test]
    fn channels_come_apart_and_together() {
        let colour = picture([1, 2, 3], &[1.0, 2.0, 6.0, 4.0, 5.0, 9.0]);
        let split = colour.split();
        assert_eq!(split.iter().map(Picture::elements).collect::<Vec<_>>(), [[1.0, 4.0], [2.0, 5.0], [6.0, 9.0]]);
        assert_eq!(colour.mean_channel().elements(), [3.0, 6.0]);
        assert_eq!(colour.get(0, 1, 2), Some(9.0));
        assert_eq!(colour.get(1, 0, 0), None);
    }

    #[test]
    fn the_peak_is_the_first_of_the_largest_elements_and_never_nan() {
        assert_eq!(picture([2, 2, 1], &[f32::NAN, 1.0, 3.0, 3.0]).peak(), [1, 0, 0]);
        assert_eq!(picture([1, 1, 2], &[f32::NAN; 2]).peak(), [0, 0, 0]);
        assert_eq!(picture([1, 2, 1], &[f32::NAN, f32::INFINITY]).range(), (0.0, 0.0));
    }

    #[test]
    fn a_cut_stops_at_the_border() {
        let elements = picture([2, 3, 1], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let corner = elements.cut([1, 1], [5, usize::MAX]).unwrap();
        assert_eq!((corner.sizes(), corner.elements()), ([1, 2, 1], &[5.0, 6.0][..]));
        assert!(elements.cut([2, 0], [1, 1]).is_err());
    }

    #[test]
    fn differences_need_equal_sizes() {
        let (a, b) = (picture([1, 2, 1], &[1.0, 2.0]), picture([1, 2, 1], &[0.5, 3.0]));
        assert_eq!(a.minus(&b).unwrap().elements(), [0.5, -1.0]);
        assert!(matches!(a.minus(&picture([2, 1, 1], &[0.0, 0.0])), Err(Error::ImageSize { .. })));
    }

    #[test]
    fn a_small_picture_shows_every_element_and_a_large_one_two_rows_in_a_line() {
        let row = [0.0, 0.25, 0.5, 0.75, 1.0];
        let small = picture([2, 5, 1], &[row, [1.0, 1.0, 0.0, 0.0, 0.0]].concat());
        assert_eq!(small.to_string(), "  ░░▒▒▓▓██\n████      \n");
        assert_eq!(small.characters(), 10);
        let upper: Vec<f32> = row.iter().copied().cycle().take(20).collect();
        let large = picture([3, 20, 1], &[&upper[..], &upper, &[1.0; 20]].concat());
        assert_eq!(large.to_string(), format!("{}\n{}\n", " ░▒▓█".repeat(4), "█".repeat(20)));
        assert_eq!(large.characters(), 20);
    }

    #[test]
    fn colours_in_a_terminal_are_half_blocks() {
        let coloured = picture([3, 5, 1], &[0.0; 15]).to_ansi(Tones::Own);
        assert_eq!(coloured.lines().count(), 2);
        assert_eq!(coloured.matches('▀').count(), 10);
        assert!(coloured.starts_with("\x1b[38;2;0;0;0;48;2;0;0;0m▀"), "{coloured:?}");
    }

    #[test]
    fn a_map_covers_the_whole_image() {
        let image = picture([2, 4, 1], &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
        let map = picture([1, 2, 1], &[0.0, 1.0]);
        let bare = image.under(&map, Tones::Heat(0.0, 1.0), 0.0).unwrap();
        assert_eq!(bare.sizes(), [2, 4, 3]);
        assert_eq!(bare.elements()[..3], [0.0; 3]);
        assert_eq!(bare.elements()[9..12], [1.0; 3]);
        let covered = image.under(&map, Tones::Heat(0.0, 1.0), 1.0).unwrap();
        assert_ne!(covered.elements()[..3], covered.elements()[9..12]);
        assert!(image.under(&map, Tones::Own, 1.5).is_err());
    }
}
