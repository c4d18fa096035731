//! Helpers of the kernels' tests: random elements, finite differences, and comparisons.

use proptest::test_runner::Config;

use crate::random::Random;
use crate::scalar::Scalar;

/// Returns the configuration of a property test with `count` random shapes, or at most as many as the variable `NETWRIGHT_SHAPES` says: an
/// emulated processor takes a hundred times as long.
pub(crate) fn shapes(count: u32) -> Config {
    let most = std::env::var("NETWRIGHT_SHAPES").ok().and_then(|most| most.parse().ok()).unwrap_or(u32::MAX);
    Config { cases: count.min(most), failure_persistence: None, ..Config::default() }
}

/// Returns `count` elements in (−1, 1). Each is a multiple of 2⁻¹⁰, which `f32` represents exactly, and none is within 2⁻¹⁰ of 0, where
/// some functions have a kink.
pub(crate) fn random_elements(random: &mut Random, count: usize) -> Vec<f64> {
    (0..count)
        .map(|_| {
            let size = (random.below(1022) + 2) as f64 / 1024.0;
            if random.below(2) == 0 { size } else { -size }
        })
        .collect()
}

/// Returns `count` elements that differ by at least 2⁻⁶, in random order.
pub(crate) fn distinct_elements(random: &mut Random, count: usize) -> Vec<f64> {
    let mut elements: Vec<f64> = (0..count).map(|i| (i as f64 - count as f64 / 2.0) / 64.0).collect();
    random.shuffle(&mut elements);
    elements
}

pub(crate) fn narrow<T: Scalar>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&x| T::from_f64(x)).collect()
}

pub(crate) fn widen<T: Scalar>(values: &[T]) -> Vec<f64> {
    values.iter().map(|x| x.to_f64()).collect()
}

/// Returns Σ aᵢ bᵢ: a loss whose gradient with respect to `a` is `b`.
pub(crate) fn inner_product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Asserts that two results agree: `tolerance` is relative to the expected element, or to a tenth of the largest where that is larger.
#[track_caller]
pub(crate) fn assert_close(actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len());
    let largest = expected.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    for (i, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        let error = (actual - expected).abs();
        let limit = tolerance * expected.abs().max(0.1 * largest);
        assert!(actual == expected || error <= limit, "number {i}: {actual:e} instead of {expected:e}");
    }
}

/// Asserts that `gradient` is the gradient of `loss` at `x`, by central differences of fourth order.
#[track_caller]
pub(crate) fn assert_gradient(x: &[f64], gradient: &[f64], loss: impl Fn(&[f64]) -> f64) {
    const STEP: f64 = 0.000_4;
    let mut moved = x.to_vec();
    let differences: Vec<f64> = (0..x.len())
        .map(|i| {
            let mut at = |steps: f64| {
                moved[i] = x[i] + steps * STEP;
                let loss = loss(&moved);
                moved[i] = x[i];
                loss
            };
            (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * STEP)
        })
        .collect();
    assert_close(gradient, &differences, 1e-7);
}

/// Asserts that a kernel gives the same bits for constant sizes as for sizes known at run time, on every instruction set. The expression
/// receives the configuration and returns the kernel's result.
macro_rules! assert_same_for_constants {
    ($sizes:expr, |$configuration:ident| $run:expr) => {{
        enum Known {}
        impl crate::configuration::ConstantSizes for Known {
            type Sizes = Spec;
            const SIZES: &'static Spec = &$sizes;
        }
        for isa in crate::simd::Isa::all().0 {
            crate::simd::tests::only(isa, || {
                let at_run_time = {
                    let $configuration: &Spec = &$sizes;
                    $run
                };
                let constant = {
                    let $configuration = crate::configuration::Constant::<Known>::SIZES;
                    $run
                };
                assert_eq!(at_run_time, constant, "{isa:?}, {:?}", $sizes);
            });
        }
    }};
}
pub(crate) use assert_same_for_constants;
