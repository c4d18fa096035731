//! Squared Euclidean distances to fixed patterns: the output layer of LeNet-5 (LeCun et al., 1998, equation 7).

use super::parts;
use crate::context::Context;
use crate::scalar::Scalar;
pub use netwright_abi::spec::distance::Spec;

/// yₖ = Σᵢ (xᵢ − pₖᵢ)² for each pattern pₖ.
pub fn distance_forward<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    spec.check(context.batch, &[x], y);
    for (x, y) in x.chunks_exact(spec.inputs).zip(y.chunks_exact_mut(spec.outputs)) {
        for (y, pattern) in y.iter_mut().zip(spec.patterns.chunks_exact(spec.inputs)) {
            *y = parts::sum(spec.inputs, |input| {
                let off = x[input] - T::from_f64(pattern[input]);
                off * off
            });
        }
    }
}

/// ∂ℓ/∂xᵢ = Σₖ 2 (xᵢ − pₖᵢ) ∂ℓ/∂yₖ
pub fn distance_grad<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], dy: &[T], dx: &mut [T]) {
    spec.check(context.batch, &[x, dx], dy);
    let images = x.chunks_exact(spec.inputs).zip(dy.chunks_exact(spec.outputs)).zip(dx.chunks_exact_mut(spec.inputs));
    for ((x, dy), dx) in images {
        for (input, (&x, dx)) in x.iter().zip(dx).enumerate() {
            *dx = parts::sum(spec.outputs, |output| {
                (dy[output] + dy[output]) * (x - T::from_f64(spec.patterns[output * spec.inputs + input]))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::check::{assert_close, assert_gradient, inner_product, narrow, random_elements, widen};
    use crate::random::Random;

    const PATTERNS: [f64; 12] = [1.0, -1.0, 1.0, 1.0, -1.0, -1.0, -1.0, 1.0, 0.5, 2.0, 0.0, -0.25];
    const SPEC: Spec = Spec { inputs: 4, outputs: 3, patterns: &PATTERNS };

    #[test]
    fn agrees_with_equation_7_written_out() {
        let x = random_elements(&mut Random::new(1), 5 * 4);
        let expected: Vec<f64> =
            (0..5 * 3).map(|at| (0..4).map(|i| (x[at / 3 * 4 + i] - PATTERNS[at % 3 * 4 + i]).powi(2)).sum()).collect();
        let mut y = vec![f64::NAN; 15];
        distance_forward(&Context::of(5), &SPEC, &x, &mut y);
        assert_close(&y, &expected, 1e-14);
        let mut y = vec![f32::NAN; 15];
        distance_forward(&Context::of(5), &SPEC, &narrow::<f32>(&x), &mut y);
        assert_close(&widen(&y), &expected, 1e-5);
    }

    #[test]
    fn a_pattern_is_at_no_distance_from_itself() {
        let mut y = [f32::NAN; 3];
        distance_forward(&Context::of(1), &SPEC, &narrow::<f32>(&PATTERNS[4..8]), &mut y);
        assert_eq!(y[1], 0.0);
        assert!(y[0] > 0.0 && y[2] > 0.0);
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let mut random = Random::new(2);
        let (x, dy) = (random_elements(&mut random, 8), random_elements(&mut random, 6));
        let mut dx = vec![f64::NAN; 8];
        distance_grad(&Context::of(2), &SPEC, &x, &dy, &mut dx);
        assert_gradient(&x, &dx, |x| {
            let mut y = vec![0.0; 6];
            distance_forward(&Context::of(2), &SPEC, x, &mut y);
            inner_product(&y, &dy)
        });
    }
}
