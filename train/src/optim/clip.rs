//! Gradient clipping.

use netwright_compute::update::clamp;

use crate::error::Error;
use crate::norm::norm;
use crate::scalar::Precision;

/// Returns the norm of the whole gradient, √Σg², without overflow or underflow of the squares: see LAPACK's `dlassq`. The sum is in f64 and
/// in a fixed order. Infinite where the norm is larger than an `f64` can hold.
///
/// ```
/// use netwright_train::optim::global_norm;
/// assert_eq!(global_norm(&[3e200_f64, -4e200, 12e200]), 13e200);
/// ```
pub fn global_norm<T: Precision>(gradients: &[T]) -> f64 {
    norm(gradients).length()
}

/// Scales the gradient to the norm `limit` if its norm is larger (Pascanu et al., 2013), and returns the original norm. The optimisers'
/// own `clip_norm` does the same within the step.
///
/// ```
/// use netwright_train::optim::clip_by_global_norm;
/// let mut gradients = [3.0, -4.0];
/// assert_eq!(clip_by_global_norm(&mut gradients, 2.5)?, 5.0);
/// assert_eq!(gradients, [1.5, -2.0]);
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] unless the limit is greater than 0.
pub fn clip_by_global_norm<T: Precision>(gradients: &mut [T], limit: f64) -> Result<f64, Error> {
    super::positive("clipping norm", limit)?;
    let norm = norm(gradients);
    let [factor, again] = norm.shorten::<T>(limit);
    if factor != T::ONE {
        gradients.iter_mut().for_each(|gradient| *gradient = *gradient * factor * again);
    }
    Ok(norm.length())
}

/// Clamps each element to ±`limit`. A NaN stays NaN.
///
/// ```
/// use netwright_train::optim::clip_by_value;
/// let mut gradients = [3.0, -4.0, 0.5];
/// clip_by_value(&mut gradients, 1.0)?;
/// assert_eq!(gradients, [1.0, -1.0, 0.5]);
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] unless the limit is greater than 0.
pub fn clip_by_value<T: Precision>(gradients: &mut [T], limit: f64) -> Result<(), Error> {
    let limit = T::from_f64(super::positive("clipping value", limit)?);
    gradients.iter_mut().for_each(|gradient| *gradient = clamp(*gradient, limit));
    Ok(())
}
