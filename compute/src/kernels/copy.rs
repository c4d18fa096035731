//! Copies, for values that several layers read and for their gradients, and clearing, for the start of a sum.

use crate::context::Context;
use crate::scalar::Scalar;
pub use netwright_abi::spec::copy::Spec;

/// y = x
pub fn copy<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), context.batch * spec.len, "copy: the source");
    assert_eq!(y.len(), context.batch * spec.len, "copy: the destination");
    context.split_elements(y, 1, &|first, y| y.copy_from_slice(&x[first..][..y.len()]));
}

/// sum = 0, of `spec.len` elements whatever the batch.
pub fn clear<T: Scalar>(_context: &Context<'_>, spec: &Spec, sum: &mut [T]) {
    assert_eq!(sum.len(), spec.len, "clear: the sum");
    sum.fill(T::ZERO);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;

    #[test]
    fn elements_are_copied() {
        let (x, mut y) = ([1.0, 2.0, 3.0, 4.0], [0.0; 4]);
        f32::copy(&Context::of(2), &Spec { len: 2 }, &x, &mut y);
        assert_eq!(y, x);
    }

    #[test]
    fn a_sum_begins_with_zeros() {
        let mut sum = [f32::NAN; 3];
        f32::clear(&Context::of(2), &Spec { len: 3 }, &mut sum);
        assert_eq!(sum, [0.0; 3]);
    }

    #[test]
    #[should_panic(expected = "copy: the source")]
    fn a_wrong_length_is_refused() {
        f32::copy(&Context::of(2), &Spec { len: 2 }, &[0.0; 3], &mut [0.0; 4]);
    }
}
