//! Augmentation of images: shift, rotation, scale, flip, crop, contrast, brightness and noise.

use super::Augment;
use crate::error::{Error, setting};
use crate::once::Number;
use crate::random::Random;
use crate::tensor::Tensor;

/// The values of pixels that come from outside of the image, in [`Augmentation::shift`], [`Augmentation::rotate`]
/// and [`Augmentation::scale`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// A constant; interpolation at the border blends it with the image. Black is 0 where elements are between 0 and 1.
    Constant(f64),
    /// The nearest pixel of the border: `a a a | a b c d | d d d`.
    Edge,
    /// The image mirrored at the pixels of its border, which are not repeated: `d c b | a b c d | c b a`.
    Reflect,
}

/// Random changes of an image (slide 15): "images can be translated/rotated slightly, their brightness changed". Each amount is
/// drawn anew for every copy; by default nothing is changed.
///
/// Crop, flip, rotation, scale and shift are one mapping of coordinates, evaluated by bilinear interpolation. Contrast, brightness
/// and noise follow. A constant image stays unchanged, except by [`Self::noise`], or where a shift, a rotation or a scale reads outside of
/// the image, where values are 0 unless [`Self::fill`] is set.
///
/// ```
/// use netwright_train::train::augment::{Augmentation, Fill};
/// let digits = Augmentation::new().shift(2.0)?.rotate(10.0)?.scale(0.1)?;
/// let photographs = Augmentation::new().crop(0.3)?.rotate(15.0)?.flip_horizontal(0.5)?.fill(Fill::Reflect)?;
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    shift: f64,
    rotate: f64,
    scale: f64,
    crop: f64,
    flip_horizontal: f64,
    flip_vertical: f64,
    brightness: f64,
    contrast: f64,
    noise: f64,
    fill: Fill,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self::new()
    }
}

impl Augmentation {
    /// Creates an augmentation that changes nothing.
    pub const fn new() -> Self {
        Self {
            shift: 0.0,
            rotate: 0.0,
            scale: 0.0,
            crop: 0.0,
            flip_horizontal: 0.0,
            flip_vertical: 0.0,
            brightness: 0.0,
            contrast: 0.0,
            noise: 0.0,
            fill: Fill::Constant(0.0),
        }
    }

    /// Shifts by up to ±`pixels` along each axis, fractions included. Pixels from outside have the values of [`Self::fill`].
    ///
    /// # Errors
    /// [`Error::Setting`] where it is negative or not finite.
    pub fn shift(mut self, pixels: f64) -> Result<Self, Error> {
        self.shift = setting("shift", pixels, pixels >= 0.0, "at least 0")?;
        Ok(self)
    }

    /// Rotates by up to ±`degrees` around the centre. The corners, which come from outside, have the values of [`Self::fill`].
    ///
    /// # Errors
    /// [`Error::Setting`] for an angle outside of 0 to 180.
    pub fn rotate(mut self, degrees: f64) -> Result<Self, Error> {
        self.rotate = setting("rotate", degrees, (0.0..=180.0).contains(&degrees), "between 0 and 180")?;
        Ok(self)
    }

    /// Scales by a factor from 1 − `share` to 1 + `share`. Below 1, the borders come from outside and have the values of [`Self::fill`].
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is at least 0 and less than 1.
    pub fn scale(mut self, share: f64) -> Result<Self, Error> {
        self.scale = setting("scale", share, (0.0..1.0).contains(&share), "at least 0 and less than 1")?;
        Ok(self)
    }

    /// Crops a random window whose sides are at least 1 − `share` of the image's, and enlarges it to the whole image. At the image's border its
    /// own pixels are repeated, so nothing comes from outside. All other changes apply to the cropped window.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is at least 0 and less than 1.
    pub fn crop(mut self, share: f64) -> Result<Self, Error> {
        self.crop = setting("crop", share, (0.0..1.0).contains(&share), "at least 0 and less than 1")?;
        Ok(self)
    }

    /// Flips left and right with this probability.
    ///
    /// # Errors
    /// [`Error::Setting`] for a probability outside of 0 to 1.
    pub fn flip_horizontal(mut self, probability: f64) -> Result<Self, Error> {
        self.flip_horizontal = chance(probability)?;
        Ok(self)
    }

    /// Flips top and bottom with this probability.
    ///
    /// # Errors
    /// [`Error::Setting`] for a probability outside of 0 to 1.
    pub fn flip_vertical(mut self, probability: f64) -> Result<Self, Error> {
        self.flip_vertical = chance(probability)?;
        Ok(self)
    }

    /// Adds up to ±`amount` to every element, the same amount to the whole image.
    ///
    /// # Errors
    /// [`Error::Setting`] where it is negative or not finite.
    pub fn brightness(mut self, amount: f64) -> Result<Self, Error> {
        self.brightness = setting("brightness", amount, amount >= 0.0, "at least 0")?;
        Ok(self)
    }

    /// Scales the differences from the image's mean by a factor from 1 − `share` to 1 + `share`.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is at least 0 and less than 1.
    pub fn contrast(mut self, share: f64) -> Result<Self, Error> {
        self.contrast = setting("contrast", share, (0.0..1.0).contains(&share), "at least 0 and less than 1")?;
        Ok(self)
    }

    /// Adds an independent draw from N(0, σ²) to every element.
    ///
    /// # Errors
    /// [`Error::Setting`] where σ is negative or not finite.
    pub fn noise(mut self, sigma: f64) -> Result<Self, Error> {
        self.noise = setting("noise", sigma, sigma >= 0.0, "at least 0")?;
        Ok(self)
    }

    /// Sets the values of pixels that a shift, a rotation or a scale reads from outside of the image; the default is [`Fill::Constant`]
    /// of 0.
    ///
    /// # Errors
    /// [`Error::Setting`] where a constant is not finite.
    pub fn fill(mut self, fill: Fill) -> Result<Self, Error> {
        if let Fill::Constant(value) = fill {
            setting("fill", value, true, "a number")?;
        }
        self.fill = fill;
        Ok(self)
    }

    /// Sets [`Self::fill`] to a constant, such as the background of a drawing.
    ///
    /// # Errors
    /// [`Error::Setting`] where it is not finite.
    pub fn background(self, value: f64) -> Result<Self, Error> {
        self.fill(Fill::Constant(value))
    }

    fn moves(&self) -> bool {
        let Self { shift, rotate, scale, crop, flip_horizontal, flip_vertical, .. } = *self;
        [shift, rotate, scale, crop, flip_horizontal, flip_vertical].iter().any(|amount| *amount > 0.0)
    }

    /// Draws the mapping from pixels of the copy to coordinates in the source.
    fn mapping(&self, height: usize, width: usize, random: &mut Random) -> Mapping {
        let turn = within(self.rotate, random).to_radians();
        let part = 1.0 - self.crop * random.uniform();
        let zoom = 1.0 + within(self.scale, random);
        let (sin, cos) = (libm::sin(turn) / zoom, libm::cos(turn) / zoom);
        let mirror = |probability: f64, draw: f64| if draw < probability { -1.0 } else { 1.0 };
        let flip_x = mirror(self.flip_horizontal, random.uniform());
        let flip_y = mirror(self.flip_vertical, random.uniform());
        let mut axis = |size: usize| {
            let cut = within(0.5 * (1.0 - part) * size as f64, random);
            let shift = within(self.shift, random);
            let middle = 0.5 * (size as f64 - 1.0);
            (shift, Axis { size, fill: self.fill, part, start: middle + cut - part * middle })
        };
        let ((down, vertical), (right, horizontal)) = (axis(height), axis(width));
        let (middle_y, middle_x) = (0.5 * (height as f64 - 1.0), 0.5 * (width as f64 - 1.0));
        Mapping {
            y: [cos * flip_y, -sin * flip_x, middle_y - down],
            x: [sin * flip_y, cos * flip_x, middle_x - right],
            middle: [middle_y, middle_x],
            axes: [vertical, horizontal],
        }
    }
}

fn chance(probability: f64) -> Result<f64, Error> {
    setting("probability", probability, (0.0..=1.0).contains(&probability), "between 0 and 1")
}

/// Draws uniformly from ±`amount`.
fn within(amount: f64, random: &mut Random) -> f64 {
    amount * (2.0 * random.uniform() - 1.0)
}

/// The mapping from pixels of the copy to the source: an affine map of the distance from the centre gives coordinates in the cropped window,
/// and each axis maps these to the source.
struct Mapping {
    y: [f64; 3],
    x: [f64; 3],
    middle: [f64; 2],
    axes: [Axis; 2],
}

/// One axis of the source, and the window cropped from it.
struct Axis {
    size: usize,
    fill: Fill,
    /// The length of the window as a share of the source.
    part: f64,
    /// The coordinate in the source of the window's first pixel.
    start: f64,
}

/// The two pixels next to a coordinate, the weight of the second, and the share of the coordinate that is inside of the image.
struct Interpolation {
    first: usize,
    second: usize,
    along: f64,
    inside: f64,
}

impl Mapping {
    fn source(&self, row: usize, column: usize) -> [Interpolation; 2] {
        let (down, right) = (row as f64 - self.middle[0], column as f64 - self.middle[1]);
        let at = |[a, b, c]: [f64; 3]| a * down + b * right + c;
        [self.axes[0].find(at(self.y)), self.axes[1].find(at(self.x))]
    }
}

impl Axis {
    fn find(&self, coordinate: f64) -> Interpolation {
        let last = (self.size - 1) as f64;
        let (coordinate, inside) = match self.fill {
            Fill::Constant(_) => (coordinate, (coordinate + 1.0).min(last + 1.0 - coordinate).clamp(0.0, 1.0)),
            Fill::Edge => (coordinate, 1.0),
            Fill::Reflect if self.size == 1 => (0.0, 1.0),
            Fill::Reflect => (last - (coordinate.rem_euclid(2.0 * last) - last).abs(), 1.0),
        };
        let coordinate = (self.start + self.part * coordinate.clamp(0.0, last)).clamp(0.0, last);
        let first = coordinate as usize;
        Interpolation { first, second: (first + 1).min(self.size - 1), along: coordinate - first as f64, inside }
    }
}

/// Interpolates from `a` to `b`. If they are equal, the result is exactly that number.
fn blend(a: f64, b: f64, share: f64) -> f64 {
    a + (b - a) * share
}

impl<T: Number, const H: usize, const W: usize, const C: usize> Augment<Tensor<H, W, C, T>> for Augmentation {
    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn augment(&self, source: &Tensor<H, W, C, T>, copy: &mut Tensor<H, W, C, T>, random: &mut Random) {
        if self.moves() {
            let mapping = self.mapping(H, W, random);
            for row in 0..H {
                for column in 0..W {
                    let [y, x] = mapping.source(row, column);
                    for channel in 0..C {
                        let at = |y: usize, x: usize| source[[y, x, channel]].to_f64();
                        let upper = blend(at(y.first, x.first), at(y.first, x.second), x.along);
                        let lower = blend(at(y.second, x.first), at(y.second, x.second), x.along);
                        let mut element = blend(upper, lower, y.along);
                        if let Fill::Constant(outside) = self.fill {
                            element = blend(element, outside, 1.0 - y.inside * x.inside);
                        }
                        copy[[row, column, channel]] = T::from_f64(element);
                    }
                }
            }
        } else {
            copy.as_mut_slice().copy_from_slice(source.as_slice());
        }
        let elements = copy.as_mut_slice();
        if let (true, &[first, ..]) = (self.contrast > 0.0 || self.brightness > 0.0, &*elements) {
            let (first, count) = (first.to_f64(), elements.len() as f64);
            // The mean of the distances from one element: exact if all elements are equal.
            let mut distance = 0.0;
            for element in &*elements {
                distance += element.to_f64() - first;
            }
            let mean = first + distance / count;
            let contrast = within(self.contrast, random);
            let light = within(self.brightness, random);
            for element in elements.iter_mut() {
                let old = element.to_f64();
                *element = T::from_f64(old + contrast * (old - mean) + light);
            }
        }
        if self.noise > 0.0 {
            elements.iter_mut().for_each(|element| *element += T::from_f64(self.noise * random.normal()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Image = Tensor<5, 7, 2>;

    fn source() -> Image {
        Tensor::from_fn(|y, x, c| (y * 14 + x * 2 + c) as f32)
    }

    fn apply(augmentation: Augmentation, seed: u64) -> Image {
        let mut copy = Tensor::from_fn(|_, _, _| f32::NAN);
        augmentation.augment(&source(), &mut copy, &mut Random::new(seed));
        copy
    }

    #[test]
    fn without_settings_the_copy_is_the_source() {
        assert!(apply(Augmentation::new(), 1) == source());
    }

    #[test]
    fn flips_swap_sides_exactly() {
        let flipped = apply(Augmentation::new().flip_horizontal(1.0).unwrap(), 1);
        assert!(flipped == Tensor::from_fn(|y, x, c| source()[[y, 6 - x, c]]));
        let flipped = apply(Augmentation::new().flip_vertical(1.0).unwrap(), 1);
        assert!(flipped == Tensor::from_fn(|y, x, c| source()[[4 - y, x, c]]));
    }

    #[test]
    fn every_element_of_the_copy_is_written_and_the_seed_decides_it() {
        let all = Augmentation::new().shift(2.0).and_then(|a| a.rotate(20.0)).and_then(|a| a.scale(0.2)).unwrap();
        let all = all.crop(0.2).and_then(|a| a.contrast(0.3)).and_then(|a| a.brightness(0.1)).unwrap();
        let all = all.noise(0.05).unwrap();
        for seed in 0..50 {
            assert!(apply(all, seed).as_slice().iter().all(|element| element.is_finite()));
            assert!(apply(all, seed) == apply(all, seed));
        }
        assert!(apply(all, 1) != apply(all, 2));
    }

    #[test]
    fn a_shift_keeps_the_mass_of_a_spot_away_from_the_border() {
        let mut spot = Tensor::<9, 9, 1>::zeros();
        spot[[4, 4, 0]] = 1.0;
        let shift = Augmentation::new().shift(3.0).unwrap();
        for seed in 0..20 {
            let mut copy = Tensor::zeros();
            shift.augment(&spot, &mut copy, &mut Random::new(seed));
            let mass: f32 = copy.as_slice().iter().sum();
            assert!((mass - 1.0).abs() < 1e-5, "{mass}");
        }
    }

    #[test]
    fn a_rotation_turns_around_the_middle() {
        let mut spot = Tensor::<9, 9, 1>::zeros();
        spot[[4, 4, 0]] = 1.0;
        let mut copy = Tensor::zeros();
        Augmentation::new().rotate(180.0).unwrap().augment(&spot, &mut copy, &mut Random::new(3));
        assert!((copy[[4, 4, 0]] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn contrast_keeps_the_mean_and_brightness_the_differences() {
        let mean = |image: &Image| image.as_slice().iter().sum::<f32>() / 70.0;
        let contrast = apply(Augmentation::new().contrast(0.5).unwrap(), 5);
        assert!((mean(&contrast) - mean(&source())).abs() < 1e-3);
        assert!(contrast != source());
        let bright = apply(Augmentation::new().brightness(2.0).unwrap(), 5);
        let first = bright[[0, 0, 0]] - source()[[0, 0, 0]];
        let last = bright[[4, 6, 1]] - source()[[4, 6, 1]];
        assert!(first.abs() > 1e-3 && (first - last).abs() < 1e-4);
    }

    /// Returns whether a constant image stays unchanged.
    fn stays<T: Number>(augmentation: Augmentation, number: f64) -> bool {
        let ones = Tensor::<5, 7, 2, T>::from_fn(|_, _, _| T::from_f64(number));
        (0..50).all(|seed| {
            let mut copy = Tensor::zeros();
            augmentation.augment(&ones, &mut copy, &mut Random::new(seed));
            copy == ones
        })
    }

    #[test]
    fn augmentations_that_read_nothing_outside_keep_a_constant_image() {
        let nothing = Augmentation::new();
        let kept = [
            nothing.crop(0.5).unwrap(),
            nothing.crop(0.99).unwrap(),
            nothing.flip_horizontal(0.5).unwrap().flip_vertical(0.5).unwrap(),
            nothing.contrast(0.9).unwrap(),
            nothing.crop(0.3).unwrap().flip_horizontal(0.5).unwrap().contrast(0.5).unwrap(),
        ];
        let moved = |fill| {
            let moved = nothing.shift(20.0).unwrap().rotate(180.0).unwrap().scale(0.9).unwrap().crop(0.5).unwrap();
            moved.contrast(0.5).unwrap().fill(fill).unwrap()
        };
        for number in [1.0, 0.1, -3.7, 1e6] {
            for augmentation in kept.into_iter().chain([Fill::Edge, Fill::Reflect, Fill::Constant(number)].map(moved)) {
                // The value in f32 is rounded, so the fill would be another number.
                assert!(
                    augmentation.fill == Fill::Constant(number) || stays::<f32>(augmentation, number),
                    "{augmentation:?} of {number}"
                );
                assert!(stays::<f64>(augmentation, number), "{augmentation:?} of {number}");
            }
            assert!(!stays::<f64>(nothing.shift(2.0).unwrap(), number), "zeros come in, as its page says");
        }
        assert!(stays::<f32>(moved(Fill::Constant(1.0)), 1.0));
    }

    #[test]
    fn a_crop_has_no_element_that_the_image_has_not() {
        let (least, most) = (0.0, 69.0);
        for seed in 0..200 {
            let crop = apply(Augmentation::new().crop(0.8).unwrap(), seed);
            assert!(crop.as_slice().iter().all(|element| (least..=most).contains(element)));
            // The image increases along both axes, and so does a window of it.
            assert!(crop[[0, 0, 0]] <= crop[[0, 6, 0]] && crop[[0, 0, 0]] <= crop[[4, 0, 0]]);
        }
    }

    #[test]
    fn pixels_from_outside_have_the_fill_value() {
        // A row of 0 to 6, read at an offset of two and a half pixels.
        let axis = |fill| Axis { size: 7, fill, part: 1.0, start: 0.0 };
        let at = |fill, coordinate: f64| {
            let Interpolation { first, second, along, inside } = axis(fill).find(coordinate);
            (blend(first as f64, second as f64, along), inside)
        };
        assert_eq!(at(Fill::Edge, -2.5), (0.0, 1.0));
        assert_eq!(at(Fill::Edge, 8.5), (6.0, 1.0));
        assert_eq!(at(Fill::Reflect, -2.5), (2.5, 1.0));
        assert_eq!(at(Fill::Reflect, 8.5), (3.5, 1.0));
        assert_eq!(at(Fill::Reflect, 13.0), (1.0, 1.0));
        assert_eq!(at(Fill::Constant(3.0), -2.5), (0.0, 0.0));
        assert_eq!(at(Fill::Constant(3.0), -0.25), (0.0, 0.75));
        assert_eq!(at(Fill::Constant(3.0), 6.25), (6.0, 0.75));
        assert_eq!(at(Fill::Constant(3.0), 2.25), (2.25, 1.0));
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        assert!(Augmentation::new().shift(-1.0).is_err());
        assert!(Augmentation::new().rotate(f64::NAN).is_err());
        assert!(Augmentation::new().scale(1.0).is_err());
        assert!(Augmentation::new().flip_vertical(1.5).is_err());
        assert!(Augmentation::new().fill(Fill::Constant(f64::NAN)).is_err());
        assert!(Augmentation::new().background(f64::INFINITY).is_err());
    }
}
