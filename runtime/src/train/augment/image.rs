//! Images shifted, turned, scaled, flipped, cropped, lit, and with noise.

use super::Augment;
use crate::error::{Error, setting};
use crate::random::Random;
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// Random changes of an image (slide 15): "images can be translated/rotated slightly, their brightness changed". Each amount is
/// drawn anew for every copy; nothing is changed unless asked for.
///
/// Shift, rotation, scale, flip and crop are one mapping of places, read with bilinear interpolation; places outside the image
/// get the background. Then come contrast, brightness and noise.
///
/// ```
/// use netwright_runtime::train::augment::Augmentation;
/// let digits = Augmentation::new().shift(2.0)?.rotate(10.0)?.scale(0.1)?;
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
    background: f64,
}

impl Augmentation {
    /// Nothing changed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves by up to ±`pixels` along each axis, fractions included.
    ///
    /// # Errors
    /// [`Error::Setting`] where it is negative or no number.
    pub fn shift(mut self, pixels: f64) -> Result<Self, Error> {
        self.shift = setting("shift", pixels, pixels >= 0.0, "at least 0")?;
        Ok(self)
    }

    /// Turns by up to ±`degrees` around the middle.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it lies between 0 and 180.
    pub fn rotate(mut self, degrees: f64) -> Result<Self, Error> {
        self.rotate = setting("rotate", degrees, (0.0..=180.0).contains(&degrees), "between 0 and 180")?;
        Ok(self)
    }

    /// Enlarges by a factor from 1 − `share` to 1 + `share`.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is at least 0 and less than 1.
    pub fn scale(mut self, share: f64) -> Result<Self, Error> {
        self.scale = setting("scale", share, (0.0..1.0).contains(&share), "at least 0 and less than 1")?;
        Ok(self)
    }

    /// Cuts out a part whose sides are at least 1 − `share` of the image's, anywhere in it, and enlarges it to the whole.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is at least 0 and less than 1.
    pub fn crop(mut self, share: f64) -> Result<Self, Error> {
        self.crop = setting("crop", share, (0.0..1.0).contains(&share), "at least 0 and less than 1")?;
        Ok(self)
    }

    /// Swaps left and right with this probability.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it lies between 0 and 1.
    pub fn flip_horizontal(mut self, probability: f64) -> Result<Self, Error> {
        self.flip_horizontal = chance(probability)?;
        Ok(self)
    }

    /// Swaps top and bottom with this probability.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it lies between 0 and 1.
    pub fn flip_vertical(mut self, probability: f64) -> Result<Self, Error> {
        self.flip_vertical = chance(probability)?;
        Ok(self)
    }

    /// Adds up to ±`amount` to every number.
    ///
    /// # Errors
    /// [`Error::Setting`] where it is negative or no number.
    pub fn brightness(mut self, amount: f64) -> Result<Self, Error> {
        self.brightness = setting("brightness", amount, amount >= 0.0, "at least 0")?;
        Ok(self)
    }

    /// Stretches the distance from the image's mean by a factor from 1 − `share` to 1 + `share`.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is at least 0 and less than 1.
    pub fn contrast(mut self, share: f64) -> Result<Self, Error> {
        self.contrast = setting("contrast", share, (0.0..1.0).contains(&share), "at least 0 and less than 1")?;
        Ok(self)
    }

    /// Adds a draw from N(0, σ²) to every number.
    ///
    /// # Errors
    /// [`Error::Setting`] where σ is negative or no number.
    pub fn noise(mut self, sigma: f64) -> Result<Self, Error> {
        self.noise = setting("noise", sigma, sigma >= 0.0, "at least 0")?;
        Ok(self)
    }

    /// What places outside the image get; 0 unless said.
    ///
    /// # Errors
    /// [`Error::Setting`] where it is no number.
    pub fn background(mut self, value: f64) -> Result<Self, Error> {
        self.background = setting("background", value, true, "a number")?;
        Ok(self)
    }

    fn moves(&self) -> bool {
        let Self { shift, rotate, scale, crop, flip_horizontal, flip_vertical, .. } = *self;
        [shift, rotate, scale, crop, flip_horizontal, flip_vertical].iter().any(|amount| *amount > 0.0)
    }

    /// Draws where each place of the copy comes from.
    fn mapping(&self, height: usize, width: usize, random: &mut Random) -> Mapping {
        let turn = within(self.rotate, random).to_radians();
        let crop = 1.0 - self.crop * random.uniform();
        let zoom = (1.0 + within(self.scale, random)) / crop;
        let (sin, cos) = (libm::sin(turn) / zoom, libm::cos(turn) / zoom);
        let mirror = |probability: f64, draw: f64| if draw < probability { -1.0 } else { 1.0 };
        let flip_x = mirror(self.flip_horizontal, random.uniform());
        let flip_y = mirror(self.flip_vertical, random.uniform());
        let mut offset = |size: usize| {
            let free = 0.5 * (1.0 - crop) * size as f64;
            let cut = within(free, random);
            cut - within(self.shift, random)
        };
        let (down, right) = (offset(height), offset(width));
        let (middle_y, middle_x) = (0.5 * (height as f64 - 1.0), 0.5 * (width as f64 - 1.0));
        Mapping {
            y: [cos * flip_y, -sin * flip_x, middle_y + down],
            x: [sin * flip_y, cos * flip_x, middle_x + right],
            middle: [middle_y, middle_x],
        }
    }
}

fn chance(probability: f64) -> Result<f64, Error> {
    setting("probability", probability, (0.0..=1.0).contains(&probability), "between 0 and 1")
}

/// Even in ±`amount`.
fn within(amount: f64, random: &mut Random) -> f64 {
    amount * (2.0 * random.uniform() - 1.0)
}

/// Where in the source a place of the copy comes from: an affine map of its distance from the middle.
struct Mapping {
    y: [f64; 3],
    x: [f64; 3],
    middle: [f64; 2],
}

impl Mapping {
    fn source(&self, row: usize, column: usize) -> (f64, f64) {
        let (down, right) = (row as f64 - self.middle[0], column as f64 - self.middle[1]);
        let at = |[a, b, c]: [f64; 3]| a * down + b * right + c;
        (at(self.y), at(self.x))
    }
}

impl<T: Scalar, const H: usize, const W: usize, const C: usize> Augment<Tensor<H, W, C, T>> for Augmentation {
    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn augment(&self, source: &Tensor<H, W, C, T>, copy: &mut Tensor<H, W, C, T>, random: &mut Random) {
        if self.moves() {
            let mapping = self.mapping(H, W, random);
            for row in 0..H {
                for column in 0..W {
                    let (y, x) = mapping.source(row, column);
                    let (top, left) = (y.floor(), x.floor());
                    for channel in 0..C {
                        let at = |dy: f64, dx: f64| {
                            let (y, x) = (top + dy, left + dx);
                            let inside = y >= 0.0 && x >= 0.0 && y < H as f64 && x < W as f64;
                            if inside { source[[y as usize, x as usize, channel]].to_f64() } else { self.background }
                        };
                        let (below, beside) = (y - top, x - left);
                        let upper = (1.0 - beside) * at(0.0, 0.0) + beside * at(0.0, 1.0);
                        let lower = (1.0 - beside) * at(1.0, 0.0) + beside * at(1.0, 1.0);
                        copy[[row, column, channel]] = T::from_f64((1.0 - below) * upper + below * lower);
                    }
                }
            }
        } else {
            copy.as_mut_slice().copy_from_slice(source.as_slice());
        }
        let numbers = copy.as_mut_slice();
        if self.contrast > 0.0 || self.brightness > 0.0 {
            let mean = numbers.iter().map(|number| number.to_f64()).sum::<f64>() / numbers.len().max(1) as f64;
            let factor = 1.0 + within(self.contrast, random);
            let light = within(self.brightness, random) + mean * (1.0 - factor);
            let (factor, light) = (T::from_f64(factor), T::from_f64(light));
            numbers.iter_mut().for_each(|number| *number = *number * factor + light);
        }
        if self.noise > 0.0 {
            numbers.iter_mut().for_each(|number| *number += T::from_f64(self.noise * random.normal()));
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
    fn every_number_of_the_copy_is_written_and_the_seed_decides_it() {
        let all = Augmentation::new().shift(2.0).and_then(|a| a.rotate(20.0)).and_then(|a| a.scale(0.2)).unwrap();
        let all = all.crop(0.2).and_then(|a| a.contrast(0.3)).and_then(|a| a.brightness(0.1)).unwrap();
        let all = all.noise(0.05).unwrap();
        for seed in 0..50 {
            assert!(apply(all, seed).as_slice().iter().all(|number| number.is_finite()));
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

    #[test]
    fn settings_out_of_range_are_refused() {
        assert!(Augmentation::new().shift(-1.0).is_err());
        assert!(Augmentation::new().rotate(f64::NAN).is_err());
        assert!(Augmentation::new().scale(1.0).is_err());
        assert!(Augmentation::new().flip_vertical(1.5).is_err());
    }
}
