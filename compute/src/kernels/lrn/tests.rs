use super::*;
use crate::context::Context;
use crate::epilogue::tests::assert_applies_epilogue;
use crate::kernels::Kernels;
use crate::kernels::check::{assert_close, assert_gradient, inner_product, narrow, random_elements, widen};
use crate::random::Random;
use netwright_abi::Epilogue as Kind;

fn output<T: Kernels>(spec: &Spec, x: &[f64]) -> Vec<f64> {
    let mut y = vec![T::ZERO; x.len()];
    T::lrn_forward(&Context::of(1), spec, &narrow::<T>(x), &mut y);
    widen(&y)
}

fn gradient_of<T: Kernels>(spec: &Spec, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![T::ZERO; x.len()];
    T::lrn_grad(&Context::of(1), spec, &narrow::<T>(x), &narrow::<T>(dy), &mut dx);
    widen(&dx)
}

fn specs() -> impl Iterator<Item = Spec> {
    [(1, 5), (4, 5), (7, 4), (9, 1), (30, 13), (64, 5), (65, 3), (96, 5), (150, 64), (150, 63), (80, 70), (3, 70)]
        .into_iter()
        .zip([0.75, 0.5, 1.0, 0.6].into_iter().cycle())
        .map(|((channels, size), beta)| Spec {
            rows: 2,
            channels,
            size,
            alpha: 0.3,
            beta,
            k: 1.5,
            epilogue: Kind::NONE,
        })
}

#[test]
fn fast_loops_agree_with_the_paper() {
    let mut random = Random::new(1);
    for spec in specs() {
        let (x, dy) =
            (random_elements(&mut random, 2 * spec.channels), random_elements(&mut random, 2 * spec.channels));
        let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        reference::lrn_forward(&spec, &x, &mut y);
        reference::lrn_grad(&spec, &x, &dy, &mut dx);
        assert_close(&output::<f64>(&spec, &x), &y, 1e-13);
        assert_close(&gradient_of::<f64>(&spec, &x, &dy), &dx, 1e-12);
        assert_close(&output::<f32>(&spec, &x), &y, 2e-6);
        assert_close(&gradient_of::<f32>(&spec, &x, &dy), &dx, 2e-5);
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let mut random = Random::new(2);
    for spec in specs() {
        let (x, dy) =
            (random_elements(&mut random, 2 * spec.channels), random_elements(&mut random, 2 * spec.channels));
        let dx = gradient_of::<f64>(&spec, &x, &dy);
        assert_gradient(&x, &dx, |x| inner_product(&output::<f64>(&spec, x), &dy));
    }
}

#[test]
fn alpha_is_not_divided_by_the_size() {
    let spec = Spec { rows: 1, channels: 3, size: 3, alpha: 1.0, beta: 1.0, k: 0.0, epilogue: Kind::NONE };
    assert_close(&output::<f64>(&spec, &[1.0, 2.0, 3.0]), &[1.0 / 5.0, 2.0 / 14.0, 3.0 / 13.0], 1e-15);
}

#[test]
fn it_applies_every_epilogue() {
    for spec in specs() {
        let x = random_elements(&mut Random::new(4), 2 * spec.channels);
        assert_applies_epilogue(x.len(), |epilogue, y: &mut [f32]| {
            f32::lrn_forward(&Context::of(1), &Spec { epilogue, ..spec }, &narrow(&x), y);
        });
    }
}
