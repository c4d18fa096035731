//! Elementwise products of two values, or of a value with one factor per channel (squeeze and excite).

use super::channel_sums::{self as sums, ChannelBlock};
use super::elementary::Elementary;
use crate::context::Context;
use crate::epilogue::{ElementEpilogue, Epilogue};
use crate::scalar::Scalar;
use crate::simd::{Isa, vectorised};
pub use netwright_abi::spec::multiply::Spec;

/// y = f(a · b + y)
pub fn multiply_forward<T: Elementary>(context: &Context<'_>, spec: &Spec, a: &[T], b: &[T], y: &mut [T]) {
    spec.check(context.batch, [a, &*y], b);
    products(context.isa(), spec, a, b, Epilogue::new(spec.epilogue, &[], &[]), y);
}

/// ∂ℓ/∂a = ∂ℓ/∂y · b
pub fn multiply_grad_left<T: Elementary>(context: &Context<'_>, spec: &Spec, dy: &[T], other: &[T], dx: &mut [T]) {
    spec.check(context.batch, [dy, &*dx], other);
    products(context.isa(), spec, dy, other, Epilogue::NONE, dx);
}

/// ∂ℓ/∂b = Σ ∂ℓ/∂y · a, over the positions that an element of b applies to.
pub fn multiply_grad_right<T: Scalar>(context: &Context<'_>, spec: &Spec, dy: &[T], other: &[T], dx: &mut [T]) {
    spec.check(context.batch, [dy, other], dx);
    sums_of_products(context.isa(), spec.len, spec.right_len(), dy, other, dx);
}

/// y = f(a · b + y)
fn products<T: Elementary>(isa: Isa, spec: &Spec, a: &[T], b: &[T], epilogue: Epilogue<'_, T>, y: &mut [T]) {
    let (len, channels, end) = (spec.len, spec.right_len(), epilogue.of_element());
    if y.is_empty() {
        return;
    }
    if len == channels {
        return epilogue
            .in_parts(isa, 1, y, |first, y| rows(isa, &a[first..][..y.len()], &b[first..][..y.len()], end, y));
    }
    for ((a, b), y) in a.chunks_exact(len).zip(b.chunks_exact(channels)).zip(y.chunks_exact_mut(len)) {
        epilogue.in_parts(isa, channels, y, |first, y| rows(isa, &a[first..][..y.len()], b, end, y));
    }
}

vectorised! {
    /// y = a · b for rows of a as long as b.
    fn rows<T: Scalar>(a: &[T], b: &[T], end: ElementEpilogue<T>, y: &mut [T]) {
        for (a, y) in a.chunks_exact(b.len()).zip(y.chunks_exact_mut(b.len())) {
            for ((&a, &b), y) in a.iter().zip(b).zip(y) {
                end.store(a * b, y);
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
            for channel_block in ChannelBlock::all(channels) {
                for (channel, sum) in channel_block.fold(sums::of_products(&channel_block, dy, a)) {
                    db[channel] = T::from_f64(sum);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epilogue::tests::assert_applies_epilogue;
    use crate::kernels::Kernels;
    use crate::kernels::check::{assert_close, assert_gradient, inner_product, narrow, random_elements, widen};
    use crate::random::Random;
    use netwright_abi::Epilogue as Kind;

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
            let spec = Spec { len: 30, channels, epilogue: Kind::NONE };
            let (a, dy) = (random_elements(&mut random, 60), random_elements(&mut random, 60));
            let b = random_elements(&mut random, 2 * spec.right_len());
            let (da, db) = gradients::<f64>(&spec, &a, &b, &dy);
            assert_gradient(&a, &da, |a| inner_product(&product::<f64>(&spec, a, &b), &dy));
            assert_gradient(&b, &db, |b| inner_product(&product::<f64>(&spec, &a, b), &dy));
            let (da32, db32) = gradients::<f32>(&spec, &a, &b, &dy);
            assert_close(&da32, &da, 1e-6);
            assert_close(&db32, &db, 1e-5);
        }
    }

    #[test]
    fn one_factor_per_channel_applies_to_all_positions() {
        let spec = Spec { len: 4, channels: Some(2), epilogue: Kind::NONE };
        let y = product::<f32>(&spec, &[1.0, 2.0, 3.0, 4.0, 1.0, 1.0, 1.0, 1.0], &[10.0, 100.0, 2.0, 3.0]);
        assert_eq!(y, [10.0, 200.0, 30.0, 400.0, 2.0, 3.0, 2.0, 3.0]);
    }

    #[test]
    fn it_applies_every_epilogue() {
        for (len, channels) in [(30, None), (2500, None), (30, Some(1)), (30, Some(6)), (5000, Some(50))] {
            let ends = |epilogue, y: &mut [f32]| {
                let spec = Spec { len, channels, epilogue };
                let (a, b) = (
                    random_elements(&mut Random::new(4), 2 * len),
                    random_elements(&mut Random::new(5), 2 * spec.right_len()),
                );
                f32::multiply_forward(&Context::of(2), &spec, &narrow(&a), &narrow(&b), y);
            };
            assert_applies_epilogue(2 * len, ends);
        }
    }
}
