//! Layer normalisation (Ba et al. 2016): each position gets mean 0 and variance 1 over its channels.

use super::dispatch::vectorised;
use super::reduce;
use crate::scalar::Scalar;

/// The sizes and constants of the layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Positions an image, each normalised by itself.
    pub rows: usize,
    /// Numbers a position.
    pub channels: usize,
    /// Added to the variance.
    pub epsilon: f64,
}

impl Spec {
    fn check<T>(&self, batch: usize, values: &[&[T]], optional: &[&[T]]) {
        let whole = batch * self.rows * self.channels;
        assert!(values.iter().all(|s| s.len() == whole), "layernorm: the values");
        assert!(
            optional.iter().all(|s| s.is_empty() || s.len() == self.channels),
            "layernorm: gamma, beta and their gradients have one number a channel, or none"
        );
    }
}

/// y = γ (x − μ) / √(σ² + ε) + β with the mean and the (biased) variance of each position. `gamma` and `beta` may be empty:
/// 1 and 0.
pub fn layernorm_forward<T: Scalar>(batch: usize, spec: &Spec, x: &[T], gamma: &[T], beta: &[T], y: &mut [T]) {
    spec.check(batch, &[x, y], &[gamma, beta]);
    if spec.channels > 0 {
        forward(spec.channels, T::from_f64(spec.epsilon), x, gamma, beta, y);
    }
}

/// With x̂ = (x − μ) / √(σ² + ε) and means over the channels of a position:
/// ∂ℓ/∂x = (γ ∂ℓ/∂y − mean(γ ∂ℓ/∂y) − x̂ mean(γ ∂ℓ/∂y · x̂)) / √(σ² + ε), which `dy` becomes;
/// ∂ℓ/∂γ += Σ ∂ℓ/∂y · x̂ and ∂ℓ/∂β += Σ ∂ℓ/∂y over all positions, unless they are empty.
pub fn layernorm_grad<T: Scalar>(
    batch: usize,
    spec: &Spec,
    x: &[T],
    gamma: &[T],
    dy: &mut [T],
    dgamma: &mut [T],
    dbeta: &mut [T],
) {
    spec.check(batch, &[x, dy], &[gamma, dgamma, dbeta]);
    if spec.channels > 0 {
        gradient(spec.channels, T::from_f64(spec.epsilon), x, gamma, dy, dgamma, dbeta);
    }
}

/// μ and 1 / √(σ² + ε)
#[inline(always)]
fn statistics<T: Scalar>(row: &[T], epsilon: T) -> (T, T) {
    let share = T::ONE / T::from_f64(row.len() as f64);
    let mean = reduce::sum(row) * share;
    let variance = reduce::sum_of_squares(row, mean) * share;
    (mean, T::ONE / (variance + epsilon).sqrt())
}

vectorised! {
    fn forward<T: Scalar>(channels: usize, epsilon: T, x: &[T], gamma: &[T], beta: &[T], y: &mut [T]) {
        for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
            let (mean, inverse) = statistics(x, epsilon);
            for (&x, y) in x.iter().zip(y.iter_mut()) {
                *y = (x - mean) * inverse;
            }
            for (y, &gamma) in y.iter_mut().zip(gamma) {
                *y *= gamma;
            }
            for (y, &beta) in y.iter_mut().zip(beta) {
                *y += beta;
            }
        }
    }
}

vectorised! {
    fn gradient<T: Scalar>(
        channels: usize,
        epsilon: T,
        x: &[T],
        gamma: &[T],
        dy: &mut [T],
        dgamma: &mut [T],
        dbeta: &mut [T],
    ) {
        let share = T::ONE / T::from_f64(channels as f64);
        for (x, dy) in x.chunks_exact(channels).zip(dy.chunks_exact_mut(channels)) {
            let (mean, inverse) = statistics(x, epsilon);
            for (dbeta, &dy) in dbeta.iter_mut().zip(&*dy) {
                *dbeta += dy;
            }
            for (dgamma, (&x, &dy)) in dgamma.iter_mut().zip(x.iter().zip(&*dy)) {
                *dgamma += dy * (x - mean) * inverse;
            }
            for (dy, &gamma) in dy.iter_mut().zip(gamma) {
                *dy *= gamma;
            }
            let shift = reduce::sum(dy) * share;
            // Σ dy (x − μ), without the cancellation of Σ dy x − μ Σ dy.
            let slope = reduce::dot_centred(dy, x, mean) * share * inverse * inverse;
            for (&x, dy) in x.iter().zip(dy) {
                *dy = inverse * (*dy - shift - (x - mean) * slope);
            }
        }
    }
}
