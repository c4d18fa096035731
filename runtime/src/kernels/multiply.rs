//! Products of two values, number by number, or of a value with one number a channel (squeeze and excite).

use super::dispatch::vectorised;
use crate::scalar::Scalar;

/// The sizes of the factors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Numbers an image of the left factor, and of the product.
    pub len: usize,
    /// `None`: the right factor has the shape of the left. `Some(channels)`: it has that many numbers an image, and each
    /// applies to all positions; `channels` divides `len`.
    pub channels: Option<usize>,
}

impl Spec {
    /// Numbers an image of the right factor.
    pub const fn right_len(&self) -> usize {
        match self.channels {
            None => self.len,
            Some(channels) => channels,
        }
    }

    fn check<T>(&self, batch: usize, whole: [&[T]; 2], right: &[T]) {
        assert!(whole.iter().all(|s| s.len() == batch * self.len), "multiply: a left factor, product or gradient of them");
        assert_eq!(right.len(), batch * self.right_len(), "multiply: the right factor or its gradient");
    }
}

/// y = a · b
pub fn multiply_forward<T: Scalar>(batch: usize, spec: &Spec, a: &[T], b: &[T], y: &mut [T]) {
    spec.check(batch, [a, &*y], b);
    products(spec.len, spec.right_len(), a, b, y);
}

/// ∂ℓ/∂a = ∂ℓ/∂y · b
pub fn multiply_grad_left<T: Scalar>(batch: usize, spec: &Spec, dy: &[T], b: &[T], da: &mut [T]) {
    spec.check(batch, [dy, &*da], b);
    products(spec.len, spec.right_len(), dy, b, da);
}

/// ∂ℓ/∂b = Σ ∂ℓ/∂y · a, over the positions that a number of b applies to.
pub fn multiply_grad_right<T: Scalar>(batch: usize, spec: &Spec, dy: &[T], a: &[T], db: &mut [T]) {
    spec.check(batch, [dy, a], db);
    sums_of_products(spec.len, spec.right_len(), dy, a, db);
}

vectorised! {
    fn products<T: Scalar>(len: usize, channels: usize, a: &[T], b: &[T], y: &mut [T]) {
        if len == 0 || channels == 0 {
            return;
        }
        for ((a, b), y) in a.chunks_exact(len).zip(b.chunks_exact(channels)).zip(y.chunks_exact_mut(len)) {
            for (a, y) in a.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
                for ((&a, &b), y) in a.iter().zip(b).zip(y) {
                    *y = a * b;
                }
            }
        }
    }
}

vectorised! {
    fn sums_of_products<T: Scalar>(len: usize, channels: usize, dy: &[T], a: &[T], db: &mut [T]) {
        if len == 0 || channels == 0 {
            return;
        }
        for ((dy, a), db) in dy.chunks_exact(len).zip(a.chunks_exact(len)).zip(db.chunks_exact_mut(channels)) {
            db.fill(T::ZERO);
            for (dy, a) in dy.chunks_exact(channels).zip(a.chunks_exact(channels)) {
                for ((&dy, &a), db) in dy.iter().zip(a).zip(db.iter_mut()) {
                    *db += dy * a;
                }
            }
        }
    }
}
