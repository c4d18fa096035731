//! Copies of a value, and sums of two: what forks, residual additions and their gradients are made of.

use super::dispatch::vectorised;
use crate::scalar::Scalar;

/// The size of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Numbers an image.
    pub len: usize,
}

/// y = x
pub fn copy<T: Scalar>(batch: usize, spec: &Spec, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), batch * spec.len, "copy: the source");
    assert_eq!(y.len(), batch * spec.len, "copy: the destination");
    y.copy_from_slice(x);
}

/// y += x
pub fn add_assign<T: Scalar>(batch: usize, spec: &Spec, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), batch * spec.len, "add_assign: the term");
    assert_eq!(y.len(), batch * spec.len, "add_assign: the sum");
    add(x, y);
}

vectorised! {
    fn add<T: Scalar>(x: &[T], y: &mut [T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y += x;
        }
    }
}
