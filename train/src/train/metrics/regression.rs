//! Metrics of regression.

use super::same_count;
use crate::error::Error;
use crate::loss::Dense;
use crate::scalar::Precision;
use crate::tensor::Output;

/// Checks that there are as many targets as answers, of the same length.
fn comparable<T: Precision, A: Output<T>, Y: Dense>(answers: &[A], targets: &[Y]) -> Result<(), Error> {
    same_count(answers.len(), targets.len())?;
    match targets.iter().find(|target| target.len() != A::LEN) {
        None => Ok(()),
        Some(target) => Err(Error::Length { what: "one target", expected: A::LEN, found: target.len() }),
    }
}

/// Returns the mean of `of(a − y)` over all outputs of all answers; 0 without answers.
fn mean<T: Precision, A: Output<T>, Y: Dense>(
    answers: &[A],
    targets: &[Y],
    of: impl Fn(f64) -> f64,
) -> Result<f64, Error> {
    comparable(answers, targets)?;
    let error = |(answer, target): (&A, &Y)| {
        let errors = answer.elements().iter().enumerate().map(|(index, a)| a.to_f64() - target.at(index));
        errors.map(&of).sum::<f64>()
    };
    let sum: f64 = answers.iter().zip(targets).map(error).sum();
    Ok(sum / (answers.len() * A::LEN).max(1) as f64)
}

/// Returns the mean of (a − y)² over all outputs of all answers.
///
/// # Errors
/// [`Error::Count`] where the numbers of targets and answers differ, [`Error::Length`] where a target has another length than the answer.
pub fn mean_squared_error<T: Precision, A: Output<T>, Y: Dense>(answers: &[A], targets: &[Y]) -> Result<f64, Error> {
    mean(answers, targets, |error| error * error)
}

/// Returns the mean of |a − y| over all outputs of all answers: the average deviation, in the unit of the target.
///
/// # Errors
/// As [`mean_squared_error`].
pub fn mean_absolute_error<T: Precision, A: Output<T>, Y: Dense>(answers: &[A], targets: &[Y]) -> Result<f64, Error> {
    mean(answers, targets, f64::abs)
}

/// Returns R², the coefficient of determination: 1 − Σ(a − y)² / Σ(y − ȳ)² of each output, averaged over the outputs as in scikit-learn. 1 is
/// perfect, 0 is no better than always predicting the mean target, and negative values are worse. For a constant target it is 1 if every
/// answer is exact, else 0. NaN for fewer than two answers, for which R² is not defined.
///
/// ```
/// use netwright_train::train::metrics::r_squared;
/// let found = r_squared(&[[2.5_f32], [0.0], [2.0], [8.0]], &[3.0_f32, -0.5, 2.0, 7.0])?;
/// assert!((found - 0.9486).abs() < 1e-4);
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
///
/// # Errors
/// As [`mean_squared_error`].
pub fn r_squared<T: Precision, A: Output<T>, Y: Dense>(answers: &[A], targets: &[Y]) -> Result<f64, Error> {
    comparable(answers, targets)?;
    if answers.len() < 2 {
        return Ok(f64::NAN);
    }
    let of_output = |index: usize| {
        let mean = targets.iter().map(|target| target.at(index)).sum::<f64>() / targets.len() as f64;
        let spread: f64 = targets.iter().map(|target| (target.at(index) - mean).powi(2)).sum();
        let errors = answers.iter().zip(targets).map(|(a, y)| a.elements()[index].to_f64() - y.at(index));
        let error: f64 = errors.map(|error| error * error).sum();
        if targets.iter().any(|target| target.at(index) != targets[0].at(index)) {
            1.0 - error / spread
        } else if error == 0.0 {
            1.0
        } else {
            // Multiplication keeps a NaN.
            0.0 * error
        }
    };
    Ok((0..A::LEN).map(of_output).sum::<f64>() / A::LEN.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_means_over_all_elements() {
        let (answers, targets) = ([[1.0_f32, 2.0], [0.0, 0.0]], [[1.0_f32, 0.0], [0.0, 3.0]]);
        assert_eq!(mean_squared_error(&answers, &targets).unwrap(), 13.0 / 4.0);
        assert_eq!(mean_absolute_error(&answers, &targets).unwrap(), 5.0 / 4.0);
        assert!(mean_absolute_error(&answers, &targets[..1]).is_err());
        assert!(matches!(r_squared(&answers, &[[0.0_f32]; 2]), Err(Error::Length { expected: 2, found: 1, .. })));
    }

    /// The example in scikit-learn's documentation of `r2_score`.
    #[test]
    fn r_squared_is_that_of_scikit_learn() {
        let close = |found: Result<f64, Error>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-12);
        close(r_squared(&[[2.5], [0.0], [2.0], [8.0]], &[3.0, -0.5, 2.0, 7.0]), 0.948_608_137_044_967_9);
        let (answers, targets) = ([[0.0, 2.0], [-1.0, 2.0], [8.0, -5.0]], [[0.5, 1.0], [-1.0, 1.0], [7.0, -6.0]]);
        close(r_squared(&answers, &targets), (0.9654377880184332 + 0.908_163_265_306_122_4) / 2.0);
        close(r_squared(&[[3.0], [2.0], [1.0]], &[1.0, 2.0, 3.0]), -3.0);
        close(r_squared(&[[2.0]; 3], &[2.0; 3]), 1.0);
        close(r_squared(&[[2.0], [2.0], [2.5]], &[2.0; 3]), 0.0);
        assert!(r_squared(&[[2.0]], &[2.0]).unwrap().is_nan());
        assert!(r_squared(&[[f64::NAN], [2.0]], &[2.0, 2.0]).unwrap().is_nan());
        assert!(r_squared(&[[f64::NAN], [2.0]], &[2.0, 3.0]).unwrap().is_nan());
    }
}
