//! The reference loops of local response normalisation: the paper's equation, one element at a time.

use super::Spec;
use crate::kernels::parts;
use crate::scalar::Scalar;

/// sᵢ = k + α Σ xⱼ² over the neighbours j of i.
fn damping<T: Scalar>(spec: &Spec, x: &[T], i: usize) -> T {
    let squares = parts::sum(x.len(), |j| if are_neighbours(spec, i, j) { x[j] * x[j] } else { T::ZERO });
    T::from_f64(spec.k) + T::from_f64(spec.alpha) * squares
}

/// Whether channel j is a neighbour of channel i, and so in its sum.
fn are_neighbours(spec: &Spec, i: usize, j: usize) -> bool {
    let (before, after) = spec.reach();
    j + before >= i && j <= i + after
}

/// yᵢ = xᵢ / sᵢ^β
pub fn lrn_forward<T: Scalar>(spec: &Spec, x: &[T], y: &mut [T]) {
    each_output(spec, x, y, |z, y| *y = z);
}

/// [`lrn_forward`] that calls `store` with each output and its element of y.
pub(super) fn each_output<T: Scalar>(spec: &Spec, x: &[T], y: &mut [T], store: impl Fn(T, &mut T)) {
    let beta = T::from_f64(spec.beta);
    for (x, y) in x.chunks_exact(spec.channels.max(1)).zip(y.chunks_exact_mut(spec.channels.max(1))) {
        for (i, y) in y.iter_mut().enumerate() {
            store(x[i] / damping(spec, x, i).powf(beta), y);
        }
    }
}

/// ∂ℓ/∂xᵢ = ∂ℓ/∂yᵢ / sᵢ^β − 2 α β xᵢ Σ ∂ℓ/∂yⱼ xⱼ / sⱼ^(β+1), over the j that have i as a neighbour.
pub fn lrn_grad<T: Scalar>(spec: &Spec, x: &[T], dy: &[T], dx: &mut [T]) {
    let beta = T::from_f64(spec.beta);
    let factor = T::from_f64(2.0 * spec.alpha * spec.beta);
    let pixels = x.chunks_exact(spec.channels.max(1)).zip(dy.chunks_exact(spec.channels.max(1)));
    for ((x, dy), dx) in pixels.zip(dx.chunks_exact_mut(spec.channels.max(1))) {
        for (i, dx) in dx.iter_mut().enumerate() {
            let sum = parts::sum(x.len(), |j| match are_neighbours(spec, j, i) {
                true => dy[j] * x[j] / damping(spec, x, j).powf(beta + T::ONE),
                false => T::ZERO,
            });
            *dx = dy[i] / damping(spec, x, i).powf(beta) - factor * x[i] * sum;
        }
    }
}
