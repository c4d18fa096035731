//! A value times a constant, as in the scaled residuals of Inception-ResNet.

use super::dispatch::vectorised;
use crate::scalar::Scalar;

/// The factor, and the size of the value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// What each number is multiplied by.
    pub factor: f64,
    /// Numbers an image.
    pub len: usize,
}

/// y = factor · y; its gradient is the same function of dy.
pub fn scale<T: Scalar>(batch: usize, spec: &Spec, values: &mut [T]) {
    assert_eq!(values.len(), batch * spec.len, "scale: the values");
    times(T::from_f64(spec.factor), values);
}

vectorised! {
    fn times<T: Scalar>(factor: T, values: &mut [T]) {
        for value in values {
            *value *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;

    #[test]
    fn each_number_is_multiplied() {
        let mut values = [1.0, -2.0, 4.0];
        f64::scale(1, &Spec { factor: 0.5, len: 3 }, &mut values);
        assert_eq!(values, [0.5, -1.0, 2.0]);
    }
}
