//! The product of a value and a constant, as in the scaled residuals of Inception-ResNet.

use super::in_place::Source;
use crate::context::Context;
use crate::scalar::Scalar;
use crate::simd::vectorised;
pub use netwright_abi::spec::scale::Spec;

/// y = factor · x, in place, or from `source` where it is not empty; the gradient is the same function of dy.
pub fn scale<T: Scalar>(context: &Context<'_>, spec: &Spec, source: &[T], values: &mut [T]) {
    assert_eq!(values.len(), context.batch * spec.len, "scale: the values");
    let (source, factor) = (Source::new(source, values, "scale"), T::from_f64(spec.factor));
    context.split_elements(values, 1, &|first, values| {
        let source = source.part(first..first + values.len());
        source.update_blocks(1, values, &mut |_, values| times(context.isa(), factor, values));
    });
}

/// Folds the factor after a layer into a scale and a shift for each of the layer's channels:
/// factor · (z + b) = scale · z + shift, with the layer's bias b (none: 0).
pub fn scale_fold<T: Scalar>(context: &Context<'_>, spec: &Spec, bias: &[T], scale: &mut [T], shift: &mut [T]) {
    assert!(bias.is_empty() || bias.len() == shift.len(), "scale: a bias for each channel, or none");
    scale.fill(T::from_f64(spec.factor));
    shift.fill(T::ZERO);
    shift[..bias.len()].copy_from_slice(bias);
    times(context.isa(), T::from_f64(spec.factor), shift);
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
    fn each_element_is_multiplied() {
        let mut values = [1.0, -2.0, 4.0];
        f64::scale(&Context::of(1), &Spec { factor: 0.5, len: 3 }, &[], &mut values);
        assert_eq!(values, [0.5, -1.0, 2.0]);
    }

    #[test]
    fn after_a_layer_it_scales_the_bias_too() {
        let (mut scale, mut shift) = ([0.0; 2], [9.0; 2]);
        f64::scale_fold(&Context::of(1), &Spec { factor: 0.5, len: 8 }, &[3.0, -4.0], &mut scale, &mut shift);
        assert_eq!((scale, shift), ([0.5, 0.5], [1.5, -2.0]));
        f64::scale_fold(&Context::of(1), &Spec { factor: 0.5, len: 8 }, &[], &mut scale, &mut shift);
        assert_eq!((scale, shift), ([0.5, 0.5], [0.0, 0.0]));
    }
}
