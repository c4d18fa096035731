//! What the tests of the kernels share: numbers to try, finite differences, and comparisons.

use proptest::test_runner::Config;

use crate::random::Random;
use crate::scalar::Scalar;

/// Over how many random shapes a property is tested: so many, or at most what the variable `NETWRIGHT_SHAPES` says, where an emulated
/// processor takes a hundred times as long.
pub(crate) fn shapes(count: u32) -> Config {
    let most = std::env::var("NETWRIGHT_SHAPES").ok().and_then(|most| most.parse().ok()).unwrap_or(u32::MAX);
    Config { cases: count.min(most), failure_persistence: None, ..Config::default() }
}

/// `count` numbers in (−1, 1), each a multiple of 2⁻¹⁰, which `f32` holds exactly, and none within 2⁻¹⁰ of 0, where some
/// functions have their kink.
pub(crate) fn numbers(random: &mut Random, count: usize) -> Vec<f64> {
    (0..count)
        .map(|_| {
            let size = (random.below(1022) + 2) as f64 / 1024.0;
            if random.below(2) == 0 { size } else { -size }
        })
        .collect()
}

/// `count` numbers that lie at least 2⁻⁶ apart, in random order.
pub(crate) fn distinct_numbers(random: &mut Random, count: usize) -> Vec<f64> {
    let mut numbers: Vec<f64> = (0..count).map(|i| (i as f64 - count as f64 / 2.0) / 64.0).collect();
    random.shuffle(&mut numbers);
    numbers
}

pub(crate) fn narrow<T: Scalar>(numbers: &[f64]) -> Vec<T> {
    numbers.iter().map(|&x| T::from_f64(x)).collect()
}

pub(crate) fn widen<T: Scalar>(numbers: &[T]) -> Vec<f64> {
    numbers.iter().map(|x| x.to_f64()).collect()
}

/// Σ aᵢ bᵢ: the loss whose gradient of `a` is `b`.
pub(crate) fn inner_product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Asserts that two results agree, relative to the larger of each number and a tenth of the largest.
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

/// Asserts that `gradient` is that of `loss` at `x`, by differences of fourth order.
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

/// Asserts that a kernel gives the same bits for sizes that are constants as for the same sizes when it runs, on every instruction set; it is
/// given the configuration, and returns what it computed.
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
