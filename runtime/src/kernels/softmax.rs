//! Softmax over the last axis: the probabilities of the classes.

use super::dispatch::vectorised;
use super::elementary::Elementary;
use super::reduce;
use crate::scalar::Scalar;

/// The size of the value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Positions an image, each with probabilities of its own.
    pub rows: usize,
    /// Numbers a position.
    pub classes: usize,
}

/// aᵢ = e^(zᵢ − m) / Σⱼ e^(zⱼ − m) with m = max z, so that no exponential overflows; in place.
pub fn softmax_forward<T: Elementary>(batch: usize, spec: &Spec, values: &mut [T]) {
    assert_eq!(values.len(), batch * spec.rows * spec.classes, "softmax: the values");
    if spec.classes > 0 {
        forward(spec.classes, values);
    }
}

/// ∂ℓ/∂zᵢ = aᵢ (∂ℓ/∂aᵢ − Σⱼ ∂ℓ/∂aⱼ aⱼ), which `dy` becomes; `y` holds a.
pub fn softmax_grad<T: Scalar>(batch: usize, spec: &Spec, y: &[T], dy: &mut [T]) {
    assert_eq!(y.len(), batch * spec.rows * spec.classes, "softmax: the outputs");
    assert_eq!(dy.len(), y.len(), "softmax: the gradient");
    if spec.classes > 0 {
        gradient(spec.classes, y, dy);
    }
}

vectorised! {
    fn forward<T: Elementary>(classes: usize, values: &mut [T]) {
        for row in values.chunks_exact_mut(classes) {
            let largest = reduce::maximum(row);
            for value in row.iter_mut() {
                *value = (*value - largest).fast_exp();
            }
            let factor = T::ONE / reduce::sum(row);
            for value in row.iter_mut() {
                *value *= factor;
            }
        }
    }
}

vectorised! {
    fn gradient<T: Scalar>(classes: usize, y: &[T], dy: &mut [T]) {
        for (y, dy) in y.chunks_exact(classes).zip(dy.chunks_exact_mut(classes)) {
            let mean = reduce::dot(y, dy);
            for (&y, dy) in y.iter().zip(dy) {
                *dy = y * (*dy - mean);
            }
        }
    }
}
