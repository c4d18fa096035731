//! Parametric ReLU (slide 11): the slope below 0 is trained.

use super::dispatch::vectorised;
use super::reduce;
use crate::scalar::Scalar;

/// The size of the value, and how many slopes it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Numbers an image.
    pub len: usize,
    /// 1: shared by all. Else one a channel; divides `len`.
    pub slopes: usize,
}

/// f(z) = a z where z < 0, else z.
pub fn prelu_forward<T: Scalar>(batch: usize, spec: &Spec, x: &[T], slopes: &[T], y: &mut [T]) {
    assert_eq!(x.len(), batch * spec.len, "prelu: the inputs");
    assert_eq!(slopes.len(), spec.slopes, "prelu: the slopes");
    assert_eq!(y.len(), batch * spec.len, "prelu: the outputs");
    forward(x, slopes, y);
}

/// ∂ℓ/∂z = ∂ℓ/∂f · (a where z < 0, else 1), which `dy` becomes; ∂ℓ/∂a += Σ ∂ℓ/∂f · z over z < 0.
pub fn prelu_grad<T: Scalar>(batch: usize, spec: &Spec, x: &[T], slopes: &[T], dy: &mut [T], dslopes: &mut [T]) {
    assert_eq!(x.len(), batch * spec.len, "prelu: the inputs");
    assert_eq!(slopes.len(), spec.slopes, "prelu: the slopes");
    assert_eq!(dy.len(), batch * spec.len, "prelu: the gradient");
    assert_eq!(dslopes.len(), spec.slopes, "prelu: the gradient of the slopes");
    gradient(x, slopes, dy, dslopes);
}

vectorised! {
    fn forward<T: Scalar>(x: &[T], slopes: &[T], y: &mut [T]) {
        match *slopes {
            [] => {}
            [slope] => {
                for (&x, y) in x.iter().zip(y) {
                    *y = if x < T::ZERO { slope * x } else { x };
                }
            }
            _ => {
                for (x, y) in x.chunks_exact(slopes.len()).zip(y.chunks_exact_mut(slopes.len())) {
                    for ((&x, &slope), y) in x.iter().zip(slopes).zip(y) {
                        *y = if x < T::ZERO { slope * x } else { x };
                    }
                }
            }
        }
    }
}

/// How many numbers share one stretch of memory while a single slope's gradient is summed.
const BLOCK: usize = 64;

vectorised! {
    fn gradient<T: Scalar>(x: &[T], slopes: &[T], dy: &mut [T], dslopes: &mut [T]) {
        match *slopes {
            [] => {}
            [slope] => {
                let mut terms = [T::ZERO; BLOCK];
                for (x, dy) in x.chunks(BLOCK).zip(dy.chunks_mut(BLOCK)) {
                    for ((&x, dy), term) in x.iter().zip(dy.iter_mut()).zip(&mut terms) {
                        *term = if x < T::ZERO { *dy * x } else { T::ZERO };
                        *dy = if x < T::ZERO { *dy * slope } else { *dy };
                    }
                    dslopes[0] += reduce::sum(&terms[..x.len()]);
                }
            }
            _ => {
                for (x, dy) in x.chunks_exact(slopes.len()).zip(dy.chunks_exact_mut(slopes.len())) {
                    for (((&x, &slope), dy), dslope) in x.iter().zip(slopes).zip(dy).zip(dslopes.iter_mut()) {
                        *dslope += if x < T::ZERO { *dy * x } else { T::ZERO };
                        *dy = if x < T::ZERO { *dy * slope } else { *dy };
                    }
                }
            }
        }
    }
}
