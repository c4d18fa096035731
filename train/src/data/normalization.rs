//! Normalisation of inputs to mean 0 and standard deviation 1.

use std::path::Path;

use crate::error::Error;
use crate::scalar::Precision;
use crate::storage::replace_file;
use crate::tensor::Output;

/// The mean and the standard deviation of each channel of a set, for the normalisation x ← (x − μ) / σ of this and other sets. Compute them on
/// the training set alone, and save them with the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalization {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Normalization {
    /// Computes the statistics of `inputs` with `channels` channels: those of the images, or the number of features to treat each separately.
    /// A channel that is constant up to rounding gets the standard deviation 1, and so becomes 0: its largest and its smallest element differ by
    /// at most 8 ulps (units in the last place) of the inputs' precision.
    ///
    /// # Errors
    /// [`Error::Length`] where an input is not a whole number of pixels, [`Error::Empty`] without inputs, [`Error::Input`] for one
    /// that is NaN or infinite, since it would make all statistics NaN.
    pub fn fit<T: Precision, X: Output<T>>(inputs: &[X], channels: usize) -> Result<Self, Error> {
        check::<T, X>(channels)?;
        let elements = X::many(inputs);
        if elements.is_empty() {
            return Err(Error::Empty { origin: "the inputs to normalise".to_owned() });
        }
        if let Some(index) = elements.iter().position(|element| !element.is_finite()) {
            return Err(Error::Input { origin: "the inputs to normalise".to_owned(), sample: index / X::LEN });
        }
        let (mean, deviation) = (0..channels).map(|channel| spread(elements, channel, channels)).unzip();
        Ok(Self { mean, deviation })
    }

    /// Creates a normalisation from known means and standard deviations of each channel.
    ///
    /// # Errors
    /// [`Error::Length`] where the two numbers differ, [`Error::Setting`] for a standard deviation that is not greater than 0.
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

    /// Returns the mean of each channel.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Returns the standard deviation of each channel.
    pub fn deviation(&self) -> &[f64] {
        &self.deviation
    }

    /// Normalises inputs in place.
    ///
    /// # Errors
    /// [`Error::Length`] where an input is not a whole number of pixels of these channels.
    pub fn apply<T: Precision, X: Output<T>>(&self, inputs: &mut [X]) -> Result<(), Error> {
        self.each(inputs, |element, mean, deviation| (element - mean) / deviation)
    }

    /// Normalises a single input, such as a row to predict.
    ///
    /// # Errors
    /// As [`Normalization::apply`].
    pub fn apply_one<T: Precision, X: Output<T>>(&self, input: &mut X) -> Result<(), Error> {
        self.apply(core::slice::from_mut(input))
    }

    /// Reverses the normalisation in place, x ← σ x + μ: for answers to normalised targets, or for inputs to display.
    ///
    /// # Errors
    /// As [`Normalization::apply`].
    pub fn inverse<T: Precision, X: Output<T>>(&self, inputs: &mut [X]) -> Result<(), Error> {
        self.each(inputs, |element, mean, deviation| element * deviation + mean)
    }

    /// Reverses the normalisation of a single answer or input.
    ///
    /// # Errors
    /// As [`Normalization::apply`].
    pub fn inverse_one<T: Precision, X: Output<T>>(&self, input: &mut X) -> Result<(), Error> {
        self.inverse(core::slice::from_mut(input))
    }

    fn each<T: Precision, X: Output<T>>(
        &self,
        inputs: &mut [X],
        change: impl Fn(f64, f64, f64) -> f64,
    ) -> Result<(), Error> {
        check::<T, X>(self.mean.len())?;
        for pixel in X::many_mut(inputs).chunks_exact_mut(self.mean.len()) {
            for ((element, &mean), &deviation) in pixel.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *element = T::from_f64(change(element.to_f64(), mean, deviation));
            }
        }
        Ok(())
    }

    /// Writes a table with a line for each channel, `mean,deviation`, with all digits, to store beside the network's weights. The file
    /// is written atomically.
    ///
    /// ```no_run
    /// use netwright_train::data::Normalization;
    /// # fn main() -> Result<(), netwright_runtime::Error> {
    /// # let (inputs, mut row) = ([[1.0_f32, 2.0], [3.0, 4.0]], [2.0_f32, 3.0]);
    /// Normalization::fit(&inputs, 2)?.save("houses.normalization.csv")?;
    /// // In the program that predicts:
    /// Normalization::load("houses.normalization.csv")?.apply_one(&mut row)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let lines = self.mean.iter().zip(&self.deviation).map(|(mean, deviation)| format!("{mean:?},{deviation:?}\n"));
        let text = format!("{},{}\n{}", HEADER[0], HEADER[1], lines.collect::<String>());
        replace_file(path.as_ref(), text.as_bytes())
    }

    /// Reads a file that [`Normalization::save`] wrote.
    ///
    /// # Errors
    /// Those of [`csv::read`](super::csv::read); [`Error::Line`], [`Error::Cell`] or [`Error::NoColumn`] for another table, and those of
    /// [`Normalization::new`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let table = super::csv::Reader::new().header(true).read(path)?;
        let rows = table.select(HEADER)?.inputs::<2, f64>()?;
        let (mean, deviation) = rows.into_iter().map(|[mean, deviation]| (mean, deviation)).unzip();
        Self::new(mean, deviation)
    }
}

/// The header of the file.
const HEADER: [&str; 2] = ["mean", "deviation"];

/// Returns the mean and the standard deviation of one channel. Elements are scaled to -1 to 1 before they are summed, so that neither a large
/// mean nor a large or small spread costs digits; a channel that is constant up to rounding has the standard deviation 1.
fn spread<T: Precision>(elements: &[T], channel: usize, channels: usize) -> (f64, f64) {
    let values = || elements[channel..].iter().step_by(channels).map(|element| element.to_f64());
    let (least, most) =
        values().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)));
    // Each term is halved, since the whole range may overflow f64.
    let (middle, half) = (least / 2.0 + most / 2.0, most / 2.0 - least / 2.0);
    let rounding = 4.0 * T::EPSILON * least.abs().max(most.abs());
    if half <= rounding {
        return (if least == most { least } else { middle }, 1.0);
    }
    let count = values().count() as f64;
    let unit = || values().map(|value| (value - middle) / half);
    let mean = unit().sum::<f64>() / count;
    let variance = unit().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (middle + half * mean, half * variance.sqrt())
}

fn check<T: Precision, X: Output<T>>(channels: usize) -> Result<(), Error> {
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
    fn what_is_saved_is_loaded_to_the_bit_and_normalises_a_single_row() {
        let folder = crate::test_folder::TestFolder::new("normalization");
        let rows = [[0.1_f64, -1e-300, 3.0], [7.0 / 3.0, 1e-300, 1e300], [1.0, 0.0, -5.0]];
        let fitted = Normalization::fit(&rows, 3).unwrap();
        let path = folder.path().join("it.csv");
        fitted.save(&path).unwrap();
        let loaded = Normalization::load(&path).unwrap();
        assert_eq!(loaded, fitted);
        let (mut one, mut all) = (rows[1], rows);
        loaded.apply_one(&mut one).unwrap();
        fitted.apply(&mut all).unwrap();
        assert_eq!(one, all[1]);
        loaded.inverse_one(&mut one).unwrap();
        fitted.inverse(&mut all).unwrap();
        assert_eq!(one, all[1]);
        assert!(one.iter().zip(&rows[1]).all(|(a, b)| (a - b).abs() <= 1e-14 * b.abs()), "{one:?}");
        assert!(loaded.inverse_one(&mut [0.0_f64; 4]).is_err());
        for (text, is) in
            [("mean,deviation\n1,0\n", "deviation"), ("a,b\n1,2\n", "mean"), ("mean,deviation\n1\n", "line 2")]
        {
            let error = Normalization::load(folder.file("wrong.csv", text.as_bytes())).unwrap_err().to_string();
            assert!(error.contains(is), "{error}");
        }
        assert!(matches!(Normalization::load(folder.path().join("none.csv")), Err(Error::Io { .. })));
    }

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
    fn a_feature_is_constant_up_to_rounding_in_either_precision() {
        let fit = |rows: &[[f64; 1]]| Normalization::fit(rows, 1).unwrap();
        let tenths = fit(&[[0.1]; 10]);
        assert_eq!((tenths.mean(), tenths.deviation()), (&[0.1][..], &[1.0][..]));
        let mut row = [[0.101_f64]];
        tenths.apply(&mut row).unwrap();
        assert!((row[0][0] - 0.001).abs() < 1e-15, "{row:?}");
        // The number 0.3, computed in two ways.
        assert_eq!(fit(&[[0.1 + 0.2], [0.3], [0.3]]).deviation(), [1.0]);
        for constant in [1e8, -1e300, 1e-30, 5e-324, f64::MAX, 0.0, -0.0] {
            let normalization = fit(&[[constant]; 1000]);
            assert_eq!((normalization.mean(), normalization.deviation()), (&[constant][..], &[1.0][..]));
        }
        let single = Normalization::fit(&[[0.1_f32 + 0.2], [0.3], [0.3]], 1).unwrap();
        assert_eq!(single.deviation(), [1.0]);
        assert_eq!(Normalization::fit(&[[1e8_f32]; 1000], 1).unwrap().deviation(), [1.0]);
    }

    #[test]
    fn a_feature_that_varies_is_normalised_whatever_its_size() {
        fn check<T: Precision>(values: [f64; 4], deviation: f64) {
            let mut rows = values.map(|value| [T::from_f64(value)]);
            let found = Normalization::fit(&rows, 1).unwrap();
            assert!((found.deviation()[0] / deviation - 1.0).abs() < 1e-6, "{values:?}: {found:?}");
            found.apply(&mut rows).unwrap();
            let expected = [-1.0, 1.0, -1.0, 1.0];
            for (row, expected) in rows.iter().zip(expected) {
                assert!((row[0].to_f64() - expected).abs() < 1e-6, "{values:?}: {rows:?}");
            }
        }
        for size in [1e-300, 1e-30, 1.0, 1e200, 8e307] {
            check::<f64>([-size, size, -size, size], size);
            check::<f64>([size, 2.0 * size, size, 2.0 * size], 0.5 * size);
        }
        check::<f64>([1e8, 1e8 + 1.0, 1e8, 1e8 + 1.0], 0.5);
        check::<f64>([1.0, 1.0 + 1e-12, 1.0, 1.0 + 1e-12], 0.5 * (1.0 + 1e-12 - 1.0));
        for size in [1e-38, 1e-30, 1.0, 1e38] {
            check::<f32>([-size, size, -size, size], size);
        }
        check::<f32>([1.0, 1.001, 1.0, 1.001], 0.5 * f64::from(1.001_f32 - 1.0));
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
