//! Softmax over the last axis: the probabilities of the classes, or their logarithms.

use super::elementary::Elementary;
use super::in_place::Source;
use super::reduce;
use crate::context::Context;
use crate::scalar::Scalar;
use crate::simd::vectorised;
pub use netwright_abi::spec::softmax::Spec;

/// aᵢ = e^(zᵢ − m) / Σⱼ e^(zⱼ − m) with m = max z, so that no exponential overflows; in place, or from `source` where it is not empty.
pub fn softmax_forward<T: Elementary>(context: &Context<'_>, spec: &Spec, source: &[T], values: &mut [T]) {
    assert_eq!(values.len(), context.batch * spec.rows * spec.classes, "softmax: the values");
    let source = Source::new(source, values, "softmax");
    if spec.classes > 0 {
        source.update_blocks(spec.classes, values, &mut |_, values| forward(context.isa(), spec.classes, values));
    }
}

/// ∂ℓ/∂zᵢ = aᵢ (∂ℓ/∂aᵢ − Σⱼ ∂ℓ/∂aⱼ aⱼ). `y` holds a; `dy` holds ∂ℓ/∂a, unless `source` does, and is overwritten.
pub fn softmax_grad<T: Scalar>(context: &Context<'_>, spec: &Spec, y: &[T], source: &[T], dy: &mut [T]) {
    assert_eq!(y.len(), context.batch * spec.rows * spec.classes, "softmax: the outputs");
    assert_eq!(dy.len(), y.len(), "softmax: the gradient");
    let source = Source::new(source, dy, "softmax");
    if spec.classes > 0 {
        source.update_blocks(spec.classes, dy, &mut |first, dy| {
            gradient(context.isa(), spec.classes, &y[first..][..dy.len()], dy);
        });
    }
}

/// aᵢ = (zᵢ − m) − ln Σⱼ e^(zⱼ − m) with m = max z: the logarithm of softmax, without its underflow; in place, or from `source` where it is
/// not empty.
pub fn logsoftmax_forward<T: Elementary>(context: &Context<'_>, spec: &Spec, source: &[T], values: &mut [T]) {
    assert_eq!(values.len(), context.batch * spec.rows * spec.classes, "logsoftmax: the values");
    let source = Source::new(source, values, "logsoftmax");
    if spec.classes > 0 {
        source.update_blocks(spec.classes, values, &mut |_, values| log_forward(context.isa(), spec.classes, values));
    }
}

/// ∂ℓ/∂zᵢ = ∂ℓ/∂aᵢ − e^aᵢ Σⱼ ∂ℓ/∂aⱼ. `y` holds a; `dy` holds ∂ℓ/∂a, unless `source` does, and is overwritten.
pub fn logsoftmax_grad<T: Elementary>(context: &Context<'_>, spec: &Spec, y: &[T], source: &[T], dy: &mut [T]) {
    assert_eq!(y.len(), context.batch * spec.rows * spec.classes, "logsoftmax: the outputs");
    assert_eq!(dy.len(), y.len(), "logsoftmax: the gradient");
    let source = Source::new(source, dy, "logsoftmax");
    if spec.classes > 0 {
        source.update_blocks(spec.classes, dy, &mut |first, dy| {
            log_gradient(context.isa(), spec.classes, &y[first..][..dy.len()], dy);
        });
    }
}

/// Elements of one loop over the exponential: single rows of a few classes would not fill its vectors.
const BLOCK: usize = 1024;

#[inline(always)]
fn lower<T: Scalar>(row: &mut [T], by: T) {
    for value in row {
        *value -= by;
    }
}

vectorised! {
    fn forward<T: Elementary>(classes: usize, values: &mut [T]) {
        for rows in values.chunks_mut((BLOCK / classes).max(1) * classes) {
            for row in rows.chunks_exact_mut(classes) {
                lower(row, reduce::maximum(row));
            }
            for value in rows.iter_mut() {
                *value = value.fast_exp();
            }
            for row in rows.chunks_exact_mut(classes) {
                let factor = T::ONE / reduce::sum(row);
                for value in row.iter_mut() {
                    *value *= factor;
                }
            }
        }
    }
}

vectorised! {
    fn gradient<T: Scalar>(classes: usize, y: &[T], dy: &mut [T]) {
        for (y, dy) in y.chunks_exact(classes).zip(dy.chunks_exact_mut(classes)) {
            let mean = reduce::dot(y, dy);
            for (&y, dy) in y.iter().zip(dy) {
                *dy = y * (*dy - mean);
            }
        }
    }
}

vectorised! {
    fn log_forward<T: Elementary>(classes: usize, values: &mut [T]) {
        let mut powers = [T::ZERO; BLOCK];
        for rows in values.chunks_mut((BLOCK / classes).max(1) * classes) {
            for row in rows.chunks_exact_mut(classes) {
                lower(row, reduce::maximum(row));
            }
            // The rows of a block, or the blocks of one long row.
            let mut sum = T::ZERO;
            for part in rows.chunks_mut(BLOCK) {
                let powers = &mut powers[..part.len()];
                for (power, value) in powers.iter_mut().zip(part.iter()) {
                    *power = value.fast_exp();
                }
                if classes > BLOCK {
                    sum += reduce::sum(powers);
                    continue;
                }
                for (row, powers) in part.chunks_exact_mut(classes).zip(powers.chunks_exact(classes)) {
                    lower(row, reduce::sum(powers).ln());
                }
            }
            if classes > BLOCK {
                lower(rows, sum.ln());
            }
        }
    }
}

vectorised! {
    fn log_gradient<T: Elementary>(classes: usize, y: &[T], dy: &mut [T]) {
        for (y, dy) in y.chunks_exact(classes).zip(dy.chunks_exact_mut(classes)) {
            let sum = reduce::sum(dy);
            for (&y, dy) in y.iter().zip(dy) {
                *dy -= y.fast_exp() * sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;
    use crate::kernels::check::{assert_close, assert_gradient, inner_product, narrow, random_elements, widen};
    use crate::random::Random;

    fn output<T: Kernels>(spec: &Spec, z: &[f64]) -> Vec<f64> {
        let mut values = narrow::<T>(z);
        T::softmax_forward(&Context::of(z.len() / (spec.rows * spec.classes)), spec, &[], &mut values);
        widen(&values)
    }

    fn gradient_of<T: Kernels>(spec: &Spec, z: &[f64], dy: &[f64]) -> Vec<f64> {
        let (y, mut dz) = (narrow::<T>(&output::<T>(spec, z)), narrow::<T>(dy));
        T::softmax_grad(&Context::of(z.len() / (spec.rows * spec.classes)), spec, &y, &[], &mut dz);
        widen(&dz)
    }

    #[test]
    fn it_is_its_definition_row_by_row() {
        let mut random = Random::new(1);
        for classes in [1, 2, 10, 16, 21, 100] {
            let spec = Spec { rows: 3, classes };
            let z: Vec<f64> = random_elements(&mut random, 6 * classes).into_iter().map(|z| 4.0 * z).collect();
            let expected: Vec<f64> = z
                .chunks(classes)
                .flat_map(|row| {
                    let sum: f64 = row.iter().map(|z| z.exp()).sum();
                    row.iter().map(move |z| z.exp() / sum)
                })
                .collect();
            assert_close(&output::<f64>(&spec, &z), &expected, 1e-13);
            assert_close(&output::<f32>(&spec, &z), &expected, 1e-6);
        }
    }

    #[test]
    fn its_gradient_is_that_of_finite_differences() {
        let mut random = Random::new(2);
        let spec = Spec { rows: 2, classes: 19 };
        let (z, dy) = (random_elements(&mut random, 76), random_elements(&mut random, 76));
        let dz = gradient_of::<f64>(&spec, &z, &dy);
        assert_gradient(&z, &dz, |z| inner_product(&output::<f64>(&spec, z), &dy));
        assert_close(&gradient_of::<f32>(&spec, &z, &dy), &dz, 1e-5);
    }

    fn logarithms<T: Kernels>(spec: &Spec, z: &[f64]) -> Vec<f64> {
        let mut values = narrow::<T>(z);
        T::logsoftmax_forward(&Context::of(z.len() / (spec.rows * spec.classes)), spec, &[], &mut values);
        widen(&values)
    }

    #[test]
    fn its_logarithm_is_that_of_the_definition() {
        let mut random = Random::new(3);
        for classes in [2, 10, 16, 21, 100, 1024, 1025, 2500] {
            let spec = Spec { rows: 3, classes };
            let z: Vec<f64> = random_elements(&mut random, 6 * classes).into_iter().map(|z| 4.0 * z).collect();
            let expected: Vec<f64> = z
                .chunks(classes)
                .flat_map(|row| {
                    let sum: f64 = row.iter().map(|z| z.exp()).sum();
                    row.iter().map(move |z| z - sum.ln())
                })
                .collect();
            assert_close(&logarithms::<f64>(&spec, &z), &expected, 1e-13);
            assert_close(&logarithms::<f32>(&spec, &z), &expected, 1e-6);
        }
    }

    #[test]
    fn the_gradient_of_its_logarithm_is_that_of_finite_differences() {
        let mut random = Random::new(4);
        let spec = Spec { rows: 2, classes: 19 };
        let (z, dy) = (random_elements(&mut random, 76), random_elements(&mut random, 76));
        let gradient = |dz: &mut [f64]| {
            f64::logsoftmax_grad(&Context::of(2), &spec, &logarithms::<f64>(&spec, &z), &[], dz);
        };
        let mut dz = dy.clone();
        gradient(&mut dz);
        assert_gradient(&z, &dz, |z| inner_product(&logarithms::<f64>(&spec, z), &dy));
        let mut single = narrow::<f32>(&dy);
        f32::logsoftmax_grad(&Context::of(2), &spec, &narrow::<f32>(&logarithms::<f32>(&spec, &z)), &[], &mut single);
        assert_close(&widen(&single), &dz, 1e-5);
    }

    #[test]
    fn logarithms_of_huge_logits_are_finite() {
        let spec = Spec { rows: 1, classes: 3 };
        assert_eq!(logarithms::<f32>(&spec, &[1000.0, 0.0, -1000.0]), [0.0, -1000.0, -2000.0]);
        assert!(logarithms::<f32>(&spec, &[0.0, f64::NAN, 1.0]).iter().all(|y| y.is_nan()));
    }

    #[test]
    fn huge_logits_give_probabilities() {
        let spec = Spec { rows: 1, classes: 3 };
        assert_eq!(output::<f32>(&spec, &[3e38, -3e38, 0.0]), [1.0, 0.0, 0.0]);
        assert_eq!(output::<f32>(&spec, &[-3e38; 3]), [f64::from(1f32 / 3.0); 3]);
        assert_close(&output::<f64>(&spec, &[1e300, 1e300, -1e300]), &[0.5, 0.5, 0.0], 1e-15);
    }

    #[test]
    fn a_nan_is_not_hidden() {
        let spec = Spec { rows: 1, classes: 3 };
        assert!(output::<f32>(&spec, &[0.0, f64::NAN, 1.0]).iter().all(|y| y.is_nan()));
    }
}
