//! Products of two values, number by number, or of a value with one number a channel (squeeze and excite).

use super::channel_sums::{self as sums, Stretch};
use crate::context::Context;
use crate::scalar::Scalar;
use crate::simd::vectorised;
pub use netwright_abi::spec::multiply::Spec;

/// y = a · b
pub fn multiply_forward<T: Scalar>(context: &Context<'_>, spec: &Spec, a: &[T], b: &[T], y: &mut [T]) {
    spec.check(context.batch, [a, &*y], b);
    products(context.isa(), spec.len, spec.right_len(), a, b, y);
}

/// ∂ℓ/∂a = ∂ℓ/∂y · b
pub fn multiply_grad_left<T: Scalar>(context: &Context<'_>, spec: &Spec, dy: &[T], b: &[T], da: &mut [T]) {
    spec.check(context.batch, [dy, &*da], b);
    products(context.isa(), spec.len, spec.right_len(), dy, b, da);
}

/// ∂ℓ/∂b = Σ ∂ℓ/∂y · a, over the positions that a number of b applies to.
pub fn multiply_grad_right<T: Scalar>(context: &Context<'_>, spec: &Spec, dy: &[T], a: &[T], db: &mut [T]) {
    spec.check(context.batch, [dy, a], db);
    sums_of_products(context.isa(), spec.len, spec.right_len(), dy, a, db);
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
            if channels == len {
                for ((&dy, &a), db) in dy.iter().zip(a).zip(db.iter_mut()) {
                    *db = dy * a;
                }
                continue;
            }
            for stretch in Stretch::all(channels) {
                for (channel, sum) in stretch.fold(sums::of_products(&stretch, dy, a)) {
                    db[channel] = T::from_f64(sum);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;
    use crate::kernels::check::{assert_close, assert_gradient, inner_product, narrow, numbers, widen};
    use crate::random::Random;

    fn product<T: Kernels>(spec: &Spec, a: &[f64], b: &[f64]) -> Vec<f64> {
        let mut y = vec![T::ZERO; a.len()];
        T::multiply_forward(&Context::of(2), spec, &narrow::<T>(a), &narrow::<T>(b), &mut y);
        widen(&y)
    }

    fn gradients<T: Kernels>(spec: &Spec, a: &[f64], b: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (a, b, dy) = (narrow::<T>(a), narrow::<T>(b), narrow::<T>(dy));
        let (mut da, mut db) = (vec![T::ONE; a.len()], vec![T::ONE; b.len()]);
        T::multiply_grad_left(&Context::of(2), spec, &dy, &b, &mut da);
        T::multiply_grad_right(&Context::of(2), spec, &dy, &a, &mut db);
        (widen(&da), widen(&db))
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut random = Random::new(1);
        for channels in [None, Some(1), Some(6), Some(10)] {
            let spec = Spec { len: 30, channels };
            let (a, dy) = (numbers(&mut random, 60), numbers(&mut random, 60));
            let b = numbers(&mut random, 2 * spec.right_len());
            let (da, db) = gradients::<f64>(&spec, &a, &b, &dy);
            assert_gradient(&a, &da, |a| inner_product(&product::<f64>(&spec, a, &b), &dy));
            assert_gradient(&b, &db, |b| inner_product(&product::<f64>(&spec, &a, b), &dy));
            let (da32, db32) = gradients::<f32>(&spec, &a, &b, &dy);
            assert_close(&da32, &da, 1e-6);
            assert_close(&db32, &db, 1e-5);
        }
    }

    #[test]
    fn one_number_a_channel_applies_to_all_positions() {
        let spec = Spec { len: 4, channels: Some(2) };
        let y = product::<f32>(&spec, &[1.0, 2.0, 3.0, 4.0, 1.0, 1.0, 1.0, 1.0], &[10.0, 100.0, 2.0, 3.0]);
        assert_eq!(y, [10.0, 200.0, 30.0, 400.0, 2.0, 3.0, 2.0, 3.0]);
    }
}
