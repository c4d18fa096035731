//! The reference loops of a dense layer: the lecture's forward and backward equations (slide 4), one image per row.

use super::Spec;
use crate::scalar::Scalar;

/// z = W a + b   (slide 4, forward equation 2); `w` is `[inputs, outputs]`.
pub fn forward<T: Scalar>(batch: usize, spec: &Spec, x: &[T], w: &[T], b: &[T], y: &mut [T]) {
    for image in 0..batch {
        for o in 0..spec.outputs {
            let mut z = if b.is_empty() { T::ZERO } else { b[o] };
            for i in 0..spec.inputs {
                z += x[image * spec.inputs + i] * w[i * spec.outputs + o];
            }
            y[image * spec.outputs + o] = z;
        }
    }
}

/// ∂ℓ/∂a = ∂ℓ/∂z W   (slide 4, back-propagation equation 2)
pub fn grad_input<T: Scalar>(batch: usize, spec: &Spec, dy: &[T], w: &[T], dx: &mut [T]) {
    for image in 0..batch {
        for i in 0..spec.inputs {
            let mut sum = T::ZERO;
            for o in 0..spec.outputs {
                sum += dy[image * spec.outputs + o] * w[i * spec.outputs + o];
            }
            dx[image * spec.inputs + i] = sum;
        }
    }
}

/// ∂ℓ/∂W += (a ∂ℓ/∂z)ᵀ and ∂ℓ/∂b += ∂ℓ/∂z   (slide 4, back-propagation equations 3 and 4), summed over the batch.
pub fn grad_weights<T: Scalar>(batch: usize, spec: &Spec, x: &[T], dy: &[T], dw: &mut [T], db: &mut [T]) {
    for image in 0..batch {
        for o in 0..spec.outputs {
            let dz = dy[image * spec.outputs + o];
            for i in 0..spec.inputs {
                dw[i * spec.outputs + o] += x[image * spec.inputs + i] * dz;
            }
            if !db.is_empty() {
                db[o] += dz;
            }
        }
    }
}
