//! Images in bytes, and their conversion into inputs of a network.

use super::Dataset;
use super::dataset::check_labels;
use crate::Shape;
use crate::error::Error;
use crate::memory::zeros;
use crate::once::Number;
use crate::scalar::Precision;
use crate::tensor::{Output, Tensor};

/// Images of one size in bytes; the channels of a pixel are contiguous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    origin: String,
    height: usize,
    width: usize,
    channels: usize,
    white: u8,
    pixels: Vec<u8>,
}

impl Images {
    /// Creates images from their bytes, contiguous. `white` is the byte that is converted to 1: 255, or 16 for the UCI digits;
    /// `origin` is the name of the images in errors.
    ///
    /// # Errors
    /// [`Error::Setting`] where a size or `white` is 0, [`Error::Empty`] without images, [`Error::Length`] where the bytes are
    /// not a whole number of images.
    pub fn new(origin: &str, [height, width, channels]: [usize; 3], white: u8, pixels: Vec<u8>) -> Result<Self, Error> {
        for (name, size) in [("height", height), ("width", width), ("channels", channels), ("white", white.into())] {
            crate::error::count_setting(name, size, size > 0, "at least 1")?;
        }
        let image = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels)).unwrap_or(usize::MAX);
        if pixels.is_empty() {
            return Err(Error::Empty { origin: origin.to_owned() });
        }
        if !pixels.len().is_multiple_of(image) {
            let expected = (pixels.len() / image).saturating_add(1).saturating_mul(image);
            return Err(Error::Length { what: "the pixels of whole images", expected, found: pixels.len() });
        }
        Ok(Self { origin: origin.to_owned(), height, width, channels, white, pixels })
    }

    /// Returns the number of images.
    #[allow(clippy::len_without_is_empty)] // It never is.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.image_len()
    }

    /// Returns the shape of each image.
    pub fn shape(&self) -> Shape {
        Shape::Image { height: self.height, width: self.width, channels: self.channels }
    }

    /// Returns the bytes of one image.
    pub fn get(&self, image: usize) -> Option<&[u8]> {
        self.pixels.chunks_exact(self.image_len()).nth(image)
    }

    fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Converts the images to elements between 0 and 1, without resizing.
    ///
    /// # Errors
    /// [`Error::ImageSize`] where they have another size.
    pub fn tensors<const H: usize, const W: usize, const C: usize, T: Number>(
        &self,
    ) -> Result<Vec<Tensor<H, W, C, T>>, Error> {
        let expected = Shape::Image { height: H, width: W, channels: C };
        if self.shape() != expected {
            return Err(self.another_size(expected));
        }
        Ok(self.convert())
    }

    /// Converts the images to vectors of `N` elements between 0 and 1, whatever their height and width.
    ///
    /// # Errors
    /// [`Error::ImageSize`] where they have another number of pixels.
    pub fn rows<const N: usize, T: Number>(&self) -> Result<Vec<[T; N]>, Error> {
        if self.image_len() != N { Err(self.another_size(Shape::Flat(N))) } else { Ok(self.convert()) }
    }

    /// Converts the images to elements between 0 and 1, and resizes them; see [`resize`].
    ///
    /// # Errors
    /// [`Error::ImageSize`] where they have another number of channels.
    pub fn resized<const H: usize, const W: usize, const C: usize, T: Number>(
        &self,
    ) -> Result<Vec<Tensor<H, W, C, T>>, Error> {
        if self.channels != C {
            return Err(self.another_size(Shape::Image { height: H, width: W, channels: C }));
        }
        let mut image = vec![T::ZERO; self.image_len()];
        let mut images: Vec<Tensor<H, W, C, T>> = zeros(self.len());
        for (bytes, tensor) in self.pixels.chunks_exact(self.image_len()).zip(&mut images) {
            self.scale(bytes, &mut image);
            resize(&image, [self.height, self.width], tensor.as_mut_slice(), [H, W], C);
        }
        Ok(images)
    }

    fn convert<T: Precision, X: Output<T>>(&self) -> Vec<X> {
        let mut images = zeros::<X>(self.len());
        self.scale(&self.pixels, X::many_mut(&mut images));
        images
    }

    /// Converts bytes to elements between 0 and 1.
    fn scale<T: Precision>(&self, bytes: &[u8], elements: &mut [T]) {
        let white = f64::from(self.white);
        for (element, &byte) in elements.iter_mut().zip(bytes) {
            *element = T::from_f64(f64::from(byte) / white);
        }
    }

    fn another_size(&self, expected: Shape) -> Error {
        Error::ImageSize { origin: self.origin.clone(), expected, found: self.shape() }
    }
}

/// Images with the class of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledImages {
    images: Images,
    labels: Vec<usize>,
    classes: usize,
}

impl LabelledImages {
    /// Combines images and labels, which belong together by index.
    ///
    /// # Errors
    /// [`Error::Count`] where the two numbers differ, [`Error::Label`] for a label that is not less than `classes`.
    pub fn new(images: Images, labels: Vec<usize>, classes: usize) -> Result<Self, Error> {
        if images.len() != labels.len() {
            let (origin, targets) = (images.origin.clone(), labels.len());
            return Err(Error::Count { origin, inputs: images.len(), targets });
        }
        check_labels(&labels, classes, &images.origin)?;
        Ok(Self { images, labels, classes })
    }

    /// Returns the images.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// Returns the class of each image.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Returns the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Converts it to a data set of images between 0 and 1, without resizing.
    ///
    /// # Errors
    /// [`Error::ImageSize`] where the images have another size.
    pub fn dataset<const H: usize, const W: usize, const C: usize, T: Number>(
        self,
    ) -> Result<Dataset<Tensor<H, W, C, T>>, Error> {
        Dataset::named(self.images.tensors()?, self.labels, &self.images.origin)
    }

    /// Converts it to a data set of images between 0 and 1, resized; see [`resize`].
    ///
    /// # Errors
    /// [`Error::ImageSize`] where they have another number of channels.
    pub fn resized_dataset<const H: usize, const W: usize, const C: usize, T: Number>(
        self,
    ) -> Result<Dataset<Tensor<H, W, C, T>>, Error> {
        Dataset::named(self.images.resized()?, self.labels, &self.images.origin)
    }

    /// Converts it to a data set of vectors of `N` elements between 0 and 1.
    ///
    /// # Errors
    /// [`Error::ImageSize`] where they have another number of pixels.
    pub fn flat_dataset<const N: usize, T: Number>(self) -> Result<Dataset<[T; N]>, Error> {
        Dataset::named(self.images.rows()?, self.labels, &self.images.origin)
    }
}

/// Resizes an image of `channels` to another size, `[height, width]`, by bilinear interpolation between the centres of
/// pixels; pixels of the border are repeated outside. Does nothing if a slice is too short for its size.
pub fn resize<T: Precision>(
    from: &[T],
    [h, w]: [usize; 2],
    to: &mut [T],
    [height, width]: [usize; 2],
    channels: usize,
) {
    if from.len() < h * w * channels || to.len() < height * width * channels || from.is_empty() || to.is_empty() {
        return;
    }
    for (y, row) in to.chunks_exact_mut(width * channels).take(height).enumerate() {
        let (top, bottom, down) = between(y, height, h);
        for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
            let (left, right, along) = between(x, width, w);
            for (channel, value) in pixel.iter_mut().enumerate() {
                let at = |y: usize, x: usize| from[(y * w + x) * channels + channel].to_f64();
                let upper = at(top, left) + (at(top, right) - at(top, left)) * along;
                let lower = at(bottom, left) + (at(bottom, right) - at(bottom, left)) * along;
                *value = T::from_f64(upper + (lower - upper) * down);
            }
        }
    }
}

/// Returns the two source pixels next to the centre of the target pixel `at`, and the weight of the second.
fn between(at: usize, new: usize, old: usize) -> (usize, usize, f64) {
    let centre = ((at as f64 + 0.5) * old as f64 / new as f64 - 0.5).clamp(0.0, (old - 1) as f64);
    let first = centre as usize;
    (first, (first + 1).min(old - 1), centre - first as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> Images {
        Images::new("two", [2, 2, 1], 16, vec![0, 16, 8, 4, 16, 16, 16, 16]).unwrap()
    }

    #[test]
    fn bytes_become_elements_between_0_and_1() {
        let tensors: Vec<Tensor<2, 2, 1>> = images().tensors().unwrap();
        assert_eq!(tensors[0].as_slice(), [0.0, 1.0, 0.5, 0.25]);
        assert_eq!(tensors.len(), 2);
        assert_eq!(images().rows::<4, f64>().unwrap()[1], [1.0; 4]);
        assert_eq!(images().get(1), Some(&[16; 4][..]));
        assert_eq!(images().get(2), None);
    }

    #[test]
    fn another_size_is_an_error_that_names_both() {
        let error = images().tensors::<28, 28, 1, f32>().unwrap_err();
        let message = error.to_string();
        assert!(message.contains("2x2x1") && message.contains("28x28x1"), "{message}");
        assert!(images().rows::<5, f32>().is_err());
        assert!(images().resized::<4, 4, 3, f32>().is_err());
    }

    #[test]
    fn images_that_make_no_sense_are_refused() {
        assert!(matches!(Images::new("none", [2, 2, 1], 255, vec![]), Err(Error::Empty { .. })));
        assert!(matches!(Images::new("part", [2, 2, 1], 255, vec![0; 6]), Err(Error::Length { expected: 8, .. })));
        assert!(matches!(Images::new("flat", [0, 2, 1], 255, vec![0; 6]), Err(Error::Setting { .. })));
        assert!(Images::new("vast", [usize::MAX, usize::MAX, 3], 255, vec![0; 6]).is_err());
    }

    #[test]
    fn labels_are_checked_with_their_images() {
        assert!(matches!(LabelledImages::new(images(), vec![0], 1), Err(Error::Count { inputs: 2, targets: 1, .. })));
        let error = LabelledImages::new(images(), vec![0, 3], 3).unwrap_err();
        assert!(matches!(error, Error::Label { sample: 1, label: 3, classes: 3, .. }));
        let set: Dataset<Tensor<2, 2, 1>> = LabelledImages::new(images(), vec![0, 2], 3).unwrap().dataset().unwrap();
        assert_eq!(set.targets(), [0, 2]);
    }

    #[test]
    fn stretching_keeps_the_same_size_and_constants_and_halves_distances() {
        let image = [1.0, 2.0, 3.0, 5.0, 8.0, 13.0_f64];
        let mut same = [0.0; 6];
        resize(&image, [2, 3], &mut same, [2, 3], 1);
        assert_eq!(same, image);
        let mut constant = [0.0_f32; 70];
        resize(&[0.5; 6], [3, 2], &mut constant, [7, 10], 1);
        assert_eq!(constant, [0.5; 70]);
        let mut wide = [0.0_f64; 4];
        resize(&[0.0, 1.0], [1, 2], &mut wide, [1, 4], 1);
        assert_eq!(wide, [0.0, 0.25, 0.75, 1.0]);
        let mut channels = [0.0_f64; 8];
        resize(&[0.0, 8.0, 1.0, 9.0], [1, 2], &mut channels, [1, 4], 2);
        assert_eq!(channels, [0.0, 8.0, 0.25, 8.25, 0.75, 8.75, 1.0, 9.0]);
    }
}
