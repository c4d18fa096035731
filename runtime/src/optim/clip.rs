//! Gradients that are too long, cut.

use crate::error::Error;
use crate::scalar::Scalar;

/// The length of the whole gradient, √Σg². Added up in f64 and in a fixed order.
pub fn global_norm<T: Scalar>(gradients: &[T]) -> f64 {
    // Eight sums side by side, which become vector code.
    let mut sums = [0.0_f64; 8];
    let (chunks, rest) = gradients.as_chunks::<8>();
    for chunk in chunks {
        for (sum, gradient) in sums.iter_mut().zip(chunk) {
            let gradient = gradient.to_f64();
            *sum += gradient * gradient;
        }
    }
    for (sum, gradient) in sums.iter_mut().zip(rest) {
        let gradient = gradient.to_f64();
        *sum += gradient * gradient;
    }
    sums.iter().sum::<f64>().sqrt()
}

/// Shortens the gradient to the length `limit` where it is longer (Pascanu et al., 2013), and returns the length it had. The optimisers'
/// own `clip_norm` does the same within the step.
///
/// ```
/// use netwright_runtime::optim::clip_by_global_norm;
/// let mut gradients = [3.0, -4.0];
/// assert_eq!(clip_by_global_norm(&mut gradients, 2.5)?, 5.0);
/// assert_eq!(gradients, [1.5, -2.0]);
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] unless the limit is more than 0.
pub fn clip_by_global_norm<T: Scalar>(gradients: &mut [T], limit: f64) -> Result<f64, Error> {
    super::positive("clipping norm", limit)?;
    let norm = global_norm(gradients);
    let factor = norm_factor(norm, limit);
    if factor != 1.0 {
        let factor = T::from_f64(factor);
        gradients.iter_mut().for_each(|gradient| *gradient *= factor);
    }
    Ok(norm)
}

/// Cuts each number to ±`limit`. A NaN stays one.
///
/// ```
/// use netwright_runtime::optim::clip_by_value;
/// let mut gradients = [3.0, -4.0, 0.5];
/// clip_by_value(&mut gradients, 1.0)?;
/// assert_eq!(gradients, [1.0, -1.0, 0.5]);
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] unless the limit is more than 0.
pub fn clip_by_value<T: Scalar>(gradients: &mut [T], limit: f64) -> Result<(), Error> {
    let limit = T::from_f64(super::positive("clipping value", limit)?);
    gradients.iter_mut().for_each(|gradient| *gradient = clamp(*gradient, limit));
    Ok(())
}

/// What a gradient of length `norm` is multiplied by to be no longer than `limit`. A NaN is passed on.
pub(super) fn norm_factor(norm: f64, limit: f64) -> f64 {
    if norm <= limit { 1.0 } else { limit / norm }
}

/// `value` within ±`limit`; unlike `max` and `min` it keeps a NaN, which must be seen.
#[inline(always)]
pub(super) fn clamp<T: Scalar>(value: T, limit: T) -> T {
    if value > limit {
        limit
    } else if value < -limit {
        -limit
    } else {
        value
    }
}
