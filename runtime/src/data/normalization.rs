//! Inputs brought to mean 0 and deviation 1.

use crate::error::Error;
use crate::scalar::Scalar;
use crate::tensor::Output;

/// The mean and the deviation of each channel of a set, by which it and others are normalised: x ← (x − μ) / σ. Measure them on
/// the training set alone, and keep them with the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalization {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Normalization {
    /// Measures `inputs` of `channels` channels: those of the images, or as many as there are features, each by itself. A
    /// channel that never changes has the deviation 1, and so becomes 0.
    ///
    /// # Errors
    /// [`Error::Length`] where an input is not made of whole pixels, [`Error::Empty`] where there are none, [`Error::Input`] for one
    /// that is NaN or infinite, which would spoil all others.
    pub fn fit<T: Scalar, X: Output<T>>(inputs: &[X], channels: usize) -> Result<Self, Error> {
        check::<T, X>(channels)?;
        let numbers = X::many(inputs);
        if numbers.is_empty() {
            return Err(Error::Empty { origin: "the inputs to normalise".to_owned() });
        }
        if let Some(place) = numbers.iter().position(|number| !number.is_finite()) {
            return Err(Error::Input { origin: "the inputs to normalise".to_owned(), sample: place / X::LEN });
        }
        let count = (numbers.len() / channels) as f64;
        let sums = |value: &dyn Fn(usize, f64) -> f64| {
            let mut sums = vec![0.0; channels];
            for pixel in numbers.chunks_exact(channels) {
                for (channel, (sum, number)) in sums.iter_mut().zip(pixel).enumerate() {
                    *sum += value(channel, number.to_f64());
                }
            }
            sums
        };
        let mean: Vec<f64> = sums(&|_, number| number).iter().map(|sum| sum / count).collect();
        let squares = sums(&|channel, number| (number - mean[channel]).powi(2));
        let deviation = squares.iter().map(|sum| (sum / count).sqrt());
        let deviation = deviation.map(|deviation| if deviation > 0.0 { deviation } else { 1.0 }).collect();
        Ok(Self { mean, deviation })
    }

    /// With a known mean and deviation for each channel.
    ///
    /// # Errors
    /// [`Error::Length`] where there are not as many of both, [`Error::Setting`] for a deviation that is not more than 0.
    pub fn new(mean: Vec<f64>, deviation: Vec<f64>) -> Result<Self, Error> {
        if mean.len() != deviation.len() {
            return Err(Error::Length { what: "the deviations", expected: mean.len(), found: deviation.len() });
        }
        for (&mean, &deviation) in mean.iter().zip(&deviation) {
            crate::error::setting("mean", mean, true, "a finite number")?;
            crate::error::setting("deviation", deviation, deviation > 0.0, "more than 0")?;
        }
        Ok(Self { mean, deviation })
    }

    /// The mean of each channel.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The deviation of each channel.
    pub fn deviation(&self) -> &[f64] {
        &self.deviation
    }

    /// Normalises inputs in place.
    ///
    /// # Errors
    /// [`Error::Length`] where an input is not made of whole pixels of these channels.
    pub fn apply<T: Scalar, X: Output<T>>(&self, inputs: &mut [X]) -> Result<(), Error> {
        check::<T, X>(self.mean.len())?;
        for pixel in X::many_mut(inputs).chunks_exact_mut(self.mean.len()) {
            for ((number, mean), deviation) in pixel.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *number = T::from_f64((number.to_f64() - mean) / deviation);
            }
        }
        Ok(())
    }
}

fn check<T: Scalar, X: Output<T>>(channels: usize) -> Result<(), Error> {
    if channels > 0 && X::LEN.is_multiple_of(channels) {
        return Ok(());
    }
    Err(Error::Length { what: "the channels of an input", expected: X::LEN, found: channels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;

    #[test]
    fn every_channel_gets_mean_0_and_deviation_1() {
        let images = |shift: f64| {
            Tensor::<4, 5, 3, f64>::from_fn(|y, x, c| (c + 1) as f64 * ((y * 5 + x) as f64 + shift).sin() + c as f64)
        };
        let mut images = [images(0.0), images(7.0)];
        let normalization = Normalization::fit(&images, 3).unwrap();
        normalization.apply(&mut images).unwrap();
        let again = Normalization::fit(&images, 3).unwrap();
        assert!(again.mean().iter().all(|mean| mean.abs() < 1e-12));
        assert!(again.deviation().iter().all(|deviation| (deviation - 1.0).abs() < 1e-12));
    }

    #[test]
    fn a_constant_feature_becomes_0() {
        let mut rows = [[1.0_f32, 3.0], [2.0, 3.0]];
        Normalization::fit(&rows, 2).unwrap().apply(&mut rows).unwrap();
        assert_eq!(rows, [[-1.0, 0.0], [1.0, 0.0]]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(matches!(Normalization::fit::<f32, [f32; 4]>(&[[0.0; 4]], 3), Err(Error::Length { .. })));
        assert!(matches!(Normalization::fit::<f32, [f32; 4]>(&[], 1), Err(Error::Empty { .. })));
        let rows = [[1.0_f32, 3.0], [2.0, 3.0], [2.0, f32::NAN]];
        assert!(matches!(Normalization::fit(&rows, 2), Err(Error::Input { sample: 2, .. })));
        assert!(Normalization::new(vec![0.0], vec![0.0]).is_err());
        assert!(Normalization::new(vec![0.0], vec![]).is_err());
    }
}
