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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;

    #[test]
    fn sums_are_added_in_place() {
        let (x, mut y) = ([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]);
        f32::add_assign(2, &Spec { len: 2 }, &x, &mut y);
        assert_eq!(y, [11.0, 22.0, 33.0, 44.0]);
        f32::copy(2, &Spec { len: 2 }, &x, &mut y);
        assert_eq!(y, x);
    }

    #[test]
    #[should_panic(expected = "copy: the source")]
    fn a_wrong_length_is_refused() {
        f32::copy(2, &Spec { len: 2 }, &[0.0; 3], &mut [0.0; 4]);
    }
}
