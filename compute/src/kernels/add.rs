//! Sums of two values: residual connections (He et al., 2015), and gradients that come from several layers.

use super::elementary::Elementary;
use crate::context::Context;
use crate::epilogue::{ElementEpilogue, Epilogue};
use crate::scalar::Scalar;
use crate::simd::{Isa, vectorised};
pub use netwright_abi::spec::add::Spec;

/// y = f(y + x)
pub fn add_assign<T: Elementary>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), context.batch * spec.len, "add_assign: the term");
    assert_eq!(y.len(), context.batch * spec.len, "add_assign: the sum");
    context.split_elements(y, 1, &|first, y| sum(context.isa(), spec, &x[first..][..y.len()], y));
}

fn sum<T: Elementary>(isa: Isa, spec: &Spec, x: &[T], y: &mut [T]) {
    let epilogue = Epilogue { activation: spec.activation, ..Epilogue::ACCUMULATE };
    epilogue.in_parts(isa, 1, y, |first, y| add(isa, &x[first..][..y.len()], epilogue.of_element(), y));
}

vectorised! {
    fn add<T: Scalar>(x: &[T], end: ElementEpilogue<T>, y: &mut [T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            end.store(x, y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;
    use netwright_abi::Activation;

    #[test]
    fn sums_are_taken_in_place() {
        let (x, mut y) = ([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]);
        f32::add_assign(&Context::of(2), &Spec { len: 2, activation: None }, &x, &mut y);
        assert_eq!(y, [11.0, 22.0, 33.0, 44.0]);
    }

    #[test]
    fn an_activation_acts_on_the_sum() {
        let len = 10_000;
        let x: Vec<f64> = (0..len).map(|i| (i % 17) as f64 - 9.0).collect();
        let start: Vec<f64> = (0..len).map(|i| (i % 23) as f64 / 8.0 - 1.0).collect();
        for activation in [Activation::Relu, Activation::Tanh, Activation::LeakyRelu(0.1)] {
            let mut y = start.clone();
            f64::add_assign(&Context::of(2), &Spec { len: len / 2, activation: Some(activation) }, &x, &mut y);
            let right = |i: usize| crate::kernels::activation::definition(activation, start[i] + x[i]);
            assert!((0..len).all(|i| y[i] == right(i)), "{activation:?}");
        }
    }

    #[test]
    #[should_panic(expected = "add_assign: the term")]
    fn a_wrong_length_is_refused() {
        f32::add_assign(&Context::of(2), &Spec { len: 2, activation: None }, &[0.0; 3], &mut [0.0; 4]);
    }
}
