//! Activation maximisation: the image that excites a feature most.

use super::feature::Feature;
use super::picture::Picture;
use super::probe::Probe;
use crate::Shape;
use crate::error::{Error, Origin, count_setting, setting};
use crate::memory::{Stored, boxed_zeros};
use crate::network::Network;
use crate::norm::norm;
use crate::pass::BackwardRule;
use crate::random::{Random, key};
use crate::scalar::{Precision, Scalar};
use crate::tensor::{Output, Sample};

/// The purposes of random draws; each is part of the key, so that one seed serves all of them.
const START: u64 = 1;
const JITTER: u64 = 2;

/// Gradient ascent on an image that maximises a feature (Erhan et al., 2009; for classes Simonyan et al.,
/// 2014): x ← x + rate · g / rms(g), with g = ∂feature/∂x.
///
/// Without regularisation the result is noise that no natural image resembles. The regularisers are decay (the L2 penalty of Simonyan et
/// al.), blur (Yosinski et al., 2015), jitter (Mordvintsev et al., 2015), and the range of the elements.
///
/// ```
/// use netwright_runtime::{Error, Tensor, network::Network};
/// use netwright_train::see::{Feature, Maximisation, Maximised};
///
/// fn ideal<N>(network: &N, digit: usize) -> Result<Maximised<N::Input>, Error>
/// where
///     N: Network<Scalar = f32, Input = Tensor<28, 28, 1>>,
/// {
///     Maximisation::new().steps(100)?.blur(4, 0.6)?.jitter(1).range(0.0, 1.0)?.run(network, &Feature::class(digit))
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Maximisation {
    steps: usize,
    rate: f64,
    decay: f64,
    /// The number of steps between two blurs, and the standard deviation of the blur.
    blur: Option<(usize, f64)>,
    jitter: usize,
    least: f64,
    most: f64,
    seed: u64,
}

/// The result of [`Maximisation`].
#[derive(Clone, Debug, PartialEq)]
pub struct Maximised<I> {
    /// The image; it may be larger than the stack.
    pub image: Box<I>,
    /// The same image as a picture.
    pub picture: Picture,
    /// The value of the feature for this image.
    pub value: f64,
    /// The value of the feature before each step.
    pub course: Vec<f64>,
}

impl Default for Maximisation {
    fn default() -> Self {
        Self::new()
    }
}

impl Maximisation {
    /// Creates the default: 100 steps at the rate 0.05, with a decay of 0.01, no other regularisation, and seed 0.
    pub fn new() -> Self {
        let (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
        Self { steps: 100, rate: 0.05, decay: 0.01, blur: None, jitter: 0, least, most, seed: 0 }
    }

    /// Sets the number of steps.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn steps(mut self, steps: usize) -> Result<Self, Error> {
        count_setting("steps", steps, steps > 0, "at least 1")?;
        self.steps = steps;
        Ok(self)
    }

    /// Sets the size of a step: the root mean square of the change of the elements.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is greater than 0.
    pub fn rate(mut self, rate: f64) -> Result<Self, Error> {
        self.rate = setting("rate", rate, rate > 0.0, "more than 0")?;
        Ok(self)
    }

    /// Sets the share by which each element shrinks in a step, so that elements without influence on the feature go to 0.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is at least 0 and less than 1.
    pub fn decay(mut self, decay: f64) -> Result<Self, Error> {
        self.decay = setting("decay", decay, (0.0..1.0).contains(&decay), "at least 0 and less than 1")?;
        Ok(self)
    }

    /// Blurs the image after every `every` steps by a Gaussian of this standard deviation in pixels, to suppress high
    /// frequencies. It has no effect on inputs that are not images.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0 steps, or a standard deviation that is not greater than 0 and at most 100.
    pub fn blur(mut self, every: usize, deviation: f64) -> Result<Self, Error> {
        count_setting("steps between blurs", every, every > 0, "at least 1")?;
        let valid = deviation > 0.0 && deviation <= 100.0;
        self.blur = Some((every, setting("deviation of the blur", deviation, valid, "more than 0 and at most 100")?));
        Ok(self)
    }

    /// Shifts the image by up to `pixels` pixels in each direction before a step and back after it, so that it does not adapt to the
    /// grid of one position. It has no effect on inputs that are not images.
    pub fn jitter(mut self, pixels: usize) -> Self {
        self.jitter = pixels;
        self
    }

    /// Clamps elements to the range of an image, such as 0 to 1.
    ///
    /// # Errors
    /// [`Error::Setting`] where `least` is not below `most`.
    pub fn range(mut self, least: f64, most: f64) -> Result<Self, Error> {
        setting("least element of an image", least, least < most, "below the most")?;
        (self.least, self.most) = (least, most);
        Ok(self)
    }

    /// Sets the seed of the first image and of the jitter.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Runs gradient ascent from faint noise around 0 (or around the nearest value in the range).
    ///
    /// # Errors
    /// [`Error::NoSuchLayer`] and [`Error::Outside`] for a feature that the network does not have; [`Error::NotFinite`] where its
    /// gradient is NaN or infinite.
    pub fn run<N>(&self, network: &N, feature: &Feature) -> Result<Maximised<N::Input>, Error>
    where
        N: Network,
        N::Input: Output<N::Scalar>,
    {
        let mut image: Box<N::Input> = boxed_zeros();
        let mut random = Random::new(key(self.seed, 0, START, 0));
        for element in image.elements_mut() {
            *element = self.inside(random.normal() * 0.01);
        }
        self.climb(network, feature, &image)
    }

    /// Runs gradient ascent from the image `from`.
    ///
    /// # Errors
    /// As [`Maximisation::run`].
    pub fn climb<N>(&self, network: &N, feature: &Feature, from: &N::Input) -> Result<Maximised<N::Input>, Error>
    where
        N: Network,
        N::Input: Output<N::Scalar>,
    {
        let located = feature.locate::<N>()?;
        let mut probe = Probe::new(network);
        let mut image: Box<N::Input> = boxed_zeros();
        from.assign_to(&mut image);
        let mut gradient = vec![N::Scalar::ZERO; N::Input::LEN];
        let mut course = Vec::with_capacity(self.steps);
        let mut random = Random::new(key(self.seed, 0, JITTER, 0));
        for step in 0..self.steps {
            let shift = self.draw_shift(&mut random);
            roll(N::INPUT, image.elements_mut(), shift);
            let reading = probe.run(&image, located, BackwardRule::Gradient, &mut gradient)?;
            course.push(reading.value);
            let length = norm(&gradient).root_mean_square(gradient.len());
            if !length.is_finite() {
                let origin = Origin::Feature;
                return Err(Error::NotFinite { step: step as u64, origin, checkpoint: None });
            }
            // If the gradient is 0, as behind dead units, the image stays.
            let along = |slope: f64| if length > 0.0 { self.rate * (slope / length) } else { 0.0 };
            for (element, slope) in image.elements_mut().iter_mut().zip(&gradient) {
                *element = self.inside(element.to_f64() * (1.0 - self.decay) + along(slope.to_f64()));
            }
            roll(N::INPUT, image.elements_mut(), shift.map(|pixels| -pixels));
            if let Some((every, deviation)) = self.blur
                && (step + 1) % every == 0
            {
                blur(N::INPUT, image.elements_mut(), deviation);
            }
        }
        let value = probe.run(&image, located, BackwardRule::Gradient, &mut gradient)?.value;
        let picture = Picture::of_shape(N::INPUT, image.elements());
        Ok(Maximised { image, picture, value, course })
    }

    fn inside<T: Precision>(&self, element: f64) -> T {
        T::from_f64(element.max(self.least).min(self.most))
    }

    fn draw_shift(&self, random: &mut Random) -> [isize; 2] {
        let most = self.jitter.min(1 << 20) as u64;
        [(); 2].map(|()| random.below(2 * most + 1) as isize - most as isize)
    }
}

/// Shifts an image cyclically by rows and columns.
fn roll<T: Precision>(shape: Shape, elements: &mut [T], [down, right]: [isize; 2]) {
    let Shape::Image { height, width, channels } = shape else { return };
    let by = |pixels: isize, size: usize| pixels.rem_euclid(size as isize) as usize;
    elements.rotate_right(by(down, height) * width * channels);
    for row in elements.chunks_exact_mut(width * channels) {
        row.rotate_right(by(right, width) * channels);
    }
}

/// Blurs an image by a Gaussian, first along its columns and then along its rows; pixels of the border are repeated outside.
fn blur<T: Precision>(shape: Shape, elements: &mut [T], deviation: f64) {
    let Shape::Image { height, width, channels } = shape else { return };
    let reach = (3.0 * deviation).ceil() as isize;
    let weights: Vec<f64> = (-reach..=reach).map(|at| (-0.5 * (at as f64 / deviation).powi(2)).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut line = Vec::new();
    let mut along = |start: usize, step: usize, count: usize| {
        line.clear();
        line.extend((0..count).map(|at| elements[start + at * step].to_f64()));
        for at in 0..count {
            let near = |offset: isize| line[(at as isize + offset).clamp(0, count as isize - 1) as usize];
            let sum: f64 = weights.iter().zip(-reach..).map(|(weight, offset)| weight * near(offset)).sum();
            elements[start + at * step] = T::from_f64(sum / total);
        }
    };
    for column in 0..width * channels {
        along(column, width * channels, height);
    }
    for row in 0..height {
        for channel in 0..channels {
            along(row * width * channels + channel, channels, width);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape::Image { height: 3, width: 4, channels: 2 };

    #[test]
    fn a_roll_is_cyclic() {
        let mut elements: Vec<f64> = (0..24).map(f64::from).collect();
        roll(SHAPE, &mut elements, [1, -1]);
        // The last row comes first, and each row starts with its second pixel.
        assert_eq!(elements[..8], [18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 16.0, 17.0]);
        roll(SHAPE, &mut elements, [-1, 1]);
        assert!(elements.iter().enumerate().all(|(index, element)| *element == index as f64));
        roll(SHAPE, &mut elements, [300, -400]);
        assert!(elements.iter().enumerate().all(|(index, element)| *element == index as f64), "whole turns");
    }

    #[test]
    fn a_blur_spreads_a_pixel_symmetrically_and_keeps_constants() {
        let mut even = [0.25_f32; 24];
        blur(SHAPE, &mut even, 1.5);
        assert!(even.iter().all(|element| (element - 0.25).abs() < 1e-6));
        let shape = Shape::Image { height: 21, width: 21, channels: 1 };
        let mut dot = vec![0.0_f64; 21 * 21];
        dot[10 * 21 + 10] = 1.0;
        blur(shape, &mut dot, 1.0);
        assert!((dot.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let [middle, beside, diagonal] = [10 * 21 + 10, 10 * 21 + 11, 11 * 21 + 11].map(|index| dot[index]);
        assert!(
            (beside / middle - (-0.5_f64).exp()).abs() < 1e-12 && (diagonal / beside - (-0.5_f64).exp()).abs() < 1e-12
        );
        assert!((dot[9 * 21 + 10] - dot[10 * 21 + 9]).abs() < 1e-15, "as far down as across");
        let mut row = [1.0_f32, 0.0];
        blur(Shape::Flat(2), &mut row, 1.0);
        assert_eq!(row, [1.0, 0.0], "a row of features has no neighbours");
    }
}
