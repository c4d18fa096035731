//! Elementary functions without branches, so that `f32` loops over whole layers vectorise.

use netwright_abi::Activation;

use super::activation;
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, Vector};

/// Elementary functions for inner loops. `f64` uses the exact ones. `f32` has its own, within a few units in the last place; its functions
/// of a single element give the same bits on every processor.
pub trait Elementary: Scalar {
    /// eˣ
    #[inline(always)]
    fn fast_exp(self) -> Self {
        self.exp()
    }

    /// eˣ − 1, for x ≤ 0.
    #[inline(always)]
    fn fast_exp_m1(self) -> Self {
        self.exp_m1()
    }

    /// tanh x
    #[inline(always)]
    fn fast_tanh(self) -> Self {
        self.tanh()
    }

    /// tanh x of a vector. Its rounding depends on whether the instruction set fuses multiply-adds.
    #[inline(always)]
    fn fast_tanh_of<S: Simd<Self>>(x: S::Vector) -> S::Vector {
        x.map(Self::fast_tanh)
    }

    /// ln(1 + x), for 0 ≤ x ≤ 1.
    #[inline(always)]
    fn fast_ln_1p(self) -> Self {
        self.ln_1p()
    }

    /// σ(x) = 1 / (1 + e⁻ˣ), computed from e^−|x|, which cannot overflow.
    #[inline(always)]
    fn fast_sigmoid(self) -> Self {
        let e = (-self.magnitude()).fast_exp();
        let numerator = if self >= Self::ZERO { Self::ONE } else { e };
        numerator / (Self::ONE + e)
    }

    /// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|)
    #[inline(always)]
    fn fast_softplus(self) -> Self {
        let positive = if self < Self::ZERO { Self::ZERO } else { self };
        positive + (-self.magnitude()).fast_exp().fast_ln_1p()
    }

    /// Φ(x) and φ(x): the distribution function of N(0, 1), and its density.
    fn normal(self) -> (Self, Self);

    /// f(z) in place. It is compiled in this crate, even for kernels that another crate monomorphises for constant sizes.
    fn activate(isa: Isa, function: Activation, values: &mut [Self]);
}

impl Elementary for f64 {
    #[inline(always)]
    fn normal(self) -> (Self, Self) {
        use core::f64::consts::FRAC_1_SQRT_2;
        let density = FRAC_1_SQRT_TAU * Scalar::exp(-0.5 * self * self);
        (0.5 * libm::erfc(-self * FRAC_1_SQRT_2), density)
    }

    fn activate(isa: Isa, function: Activation, values: &mut [Self]) {
        activation::forward(isa, function, values);
    }
}

impl Elementary for f32 {
    /// eˣ = 2ⁿ eʳ with |r| ≤ ln 2 / 2. The error is at most 1 unit in the last place, for subnormal and infinite results too.
    #[inline(always)]
    fn fast_exp(self) -> Self {
        let x = if self > 90.0 { 90.0 } else { self };
        let x = if x < -105.0 { -105.0 } else { x };
        let (n, r) = reduce(x);
        let p = polynomial(r, [0.001_381_446_7, 0.008_368_78, 0.041_668_393, 0.166_665_2, 0.499_999_93]);
        let power = r + r * r * p + 1.0;
        // 2ⁿ as two factors, because the result may be subnormal, or so large that 2ⁿ alone is infinite.
        let half = n >> 1;
        power * power_of_two(half) * power_of_two(n - half)
    }

    /// eˣ − 1 = 2ⁿ (eʳ − 1) + (2ⁿ − 1), without cancellation for x ≤ 0. The error is at most 2 units in the last place.
    #[inline(always)]
    fn fast_exp_m1(self) -> Self {
        let x = if self < -25.0 { -25.0 } else { self };
        let (n, r) = reduce(x);
        let p = polynomial(r, [0.000_198_458_85, 0.001_394_072, 0.008_333_39, 0.041_666_36, 0.166_666_66, 0.5]);
        let scale = power_of_two(n);
        scale * (r + r * r * p) + (scale - 1.0)
    }

    #[inline(always)]
    fn fast_tanh(self) -> Self {
        tanh(self)
    }

    #[inline(always)]
    fn fast_tanh_of<S: Simd<Self>>(x: S::Vector) -> S::Vector {
        tanh(x)
    }

    /// ln(1 + x) = 2 artanh(x / (2 + x)). The error is at most 2 units in the last place.
    #[inline(always)]
    fn fast_ln_1p(self) -> Self {
        let s = self / (2.0 + self);
        let z = s * s;
        let p = polynomial(z, [0.140_122_3, 0.139_995_7, 0.200_108_5, 0.333_332_07]);
        2.0 * (s + s * (z * p))
    }

    /// Φ(−t) = e^(−t²/2) R(t) for t ≥ 0, with R fitted for t ≤ 14.5, beyond which Φ rounds to 0.
    #[inline(always)]
    fn normal(self) -> (Self, Self) {
        let t = self.abs();
        let t = if t > 14.5 { 14.5 } else { t };
        let square = t * t;
        // The rounding error of t², which the exponential would amplify.
        let high = Self::from_bits(t.to_bits() & 0xffff_f000);
        let low = t - high;
        let lost = ((high * high - square) + 2.0 * high * low) + low * low;
        let e = (-0.5 * square).fast_exp() * (1.0 - 0.5 * lost);
        let p = polynomial(t, [0.004_116_307_4, 0.040_633_213, 0.183_235_1, 0.438_294_9, 0.5]);
        let q = polynomial(t, [0.010_317_933, 0.101_858_81, 0.469_470_53, 1.202_503, 1.674_474_8, 1.0]);
        let tail = e * p / q;
        (if self > 0.0 { 1.0 - tail } else { tail }, FRAC_1_SQRT_TAU as Self * e)
    }

    fn activate(isa: Isa, function: Activation, values: &mut [Self]) {
        activation::forward(isa, function, values);
    }
}

/// The bound to which the argument of the hyperbolic tangent is clamped.
const TANH_BOUND: f32 = 8.177_626;

/// x P(x²) / Q(x²), fitted to tanh, with an error of at most 6 units in the last place. At [`TANH_BOUND`] the quotient is 1, and below it
/// is never above 1, whether multiply-adds are fused or not; tanh of the bound is within 3 units of 1.
#[inline(always)]
fn tanh<V: Vector<f32>>(x: V) -> V {
    let x = x.at_most(x.like(TANH_BOUND)).at_least(x.like(-TANH_BOUND));
    let u = x * x;
    let p = polynomial(u, [1.331_908_5e-8, 2.058_349_2e-5, 0.003_494_035_2, 0.133_797_19, 1.0]);
    let q = polynomial(u, [7.762_025e-7, 0.000_328_309_4, 0.025_871_076, 0.467_130_34, 1.0]);
    (x * p).quotient(q)
}

/// Evaluates a polynomial by Horner's method; `coefficients` begin with the highest power.
#[inline(always)]
fn polynomial<V: Vector<f32>, const N: usize>(x: V, coefficients: [f32; N]) -> V {
    let mut sum = x.like(coefficients[0]);
    for &coefficient in &coefficients[1..] {
        sum = sum.multiply_add(x, x.like(coefficient));
    }
    sum
}

/// Returns n and r with x = n ln 2 + r and |r| ≤ ln 2 / 2, for |x| below 10⁶.
#[inline(always)]
fn reduce(x: f32) -> (i32, f32) {
    // Adding 1.5 · 2²³ rounds to an integer, and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 as the sum of two constants; the first has so few bits that its product with n is exact.
    const HIGH: f32 = 355.0 / 512.0;
    const LOW: f32 = -2.121_944_4e-4;
    let rounded = x * core::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let whole = rounded.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    (whole, x - n * HIGH - n * LOW)
}

/// 2ⁿ for −127 < n < 128.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// 1 / √(2π)
pub(crate) const FRAC_1_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

#[cfg(test)]
mod tests {
    use std::boxed::Box;

    use super::*;

    /// The error of `value` in units in the last place of the `f32` nearest to the truth.
    fn ulps(value: f32, truth: f64) -> f64 {
        let nearest = truth as f32;
        if value == nearest || (value.is_nan() && truth.is_nan()) {
            return 0.0;
        }
        let above = f32::from_bits(nearest.abs().to_bits() + 1);
        (f64::from(value) - truth).abs() / f64::from(above - nearest.abs())
    }

    /// The largest error over floats of all magnitudes in a range.
    fn worst(range: core::ops::RangeInclusive<f32>, fast: impl Fn(f32) -> f32, truth: impl Fn(f64) -> f64) -> f64 {
        let mut worst: f64 = 0.0;
        for bits in (0..=u32::MAX).step_by(65_537) {
            let x = f32::from_bits(bits);
            if range.contains(&x) {
                let error = ulps(fast(x), truth(f64::from(x)));
                assert!(error < 1e3, "{x:e}: {} instead of {}", fast(x), truth(f64::from(x)));
                worst = worst.max(error);
            }
        }
        for i in 0..=50_000 {
            let x = range.start() + (range.end() - range.start()) * (i as f32 / 50_000.0);
            if x.is_finite() {
                worst = worst.max(ulps(fast(x), truth(f64::from(x))));
            }
        }
        worst
    }

    fn assert_within(limit: f64, worst: f64) {
        assert!(worst <= limit, "{worst} units in the last place");
    }

    #[test]
    fn exp_is_within_a_unit_in_the_last_place_down_to_subnormal_results() {
        assert_within(1.5, worst(-110.0..=95.0, f32::fast_exp, f64::exp));
        assert_eq!(f32::INFINITY.fast_exp(), f32::INFINITY);
        assert_eq!(f32::NEG_INFINITY.fast_exp(), 0.0);
        assert_eq!(0f32.fast_exp(), 1.0);
        assert!(f32::NAN.fast_exp().is_nan());
    }

    #[test]
    fn exp_m1_is_exact_near_0_and_saturates_at_minus_1() {
        assert_within(3.0, worst(f32::NEG_INFINITY..=0.0, f32::fast_exp_m1, f64::exp_m1));
        assert_eq!(f32::NEG_INFINITY.fast_exp_m1(), -1.0);
        assert!(f32::NAN.fast_exp_m1().is_nan());
    }

    /// tanh as a loop over a whole layer computes it.
    fn tanh_on(isa: Isa, x: f32) -> f32 {
        let mut values = [x; 16];
        activation::forward(isa, Activation::Tanh, &mut values);
        assert!(values.iter().all(|value| value.to_bits() == values[0].to_bits()), "all lanes alike");
        values[0]
    }

    #[test]
    fn tanh_is_within_units_in_the_last_place_and_never_leaves_its_range() {
        let vectors =
            Isa::all().0.into_iter().map(|isa| -> Box<dyn Fn(f32) -> f32> { Box::new(move |x| tanh_on(isa, x)) });
        for tanh in vectors.chain([Box::new(f32::fast_tanh) as Box<dyn Fn(f32) -> f32>]) {
            assert_within(6.0, worst(f32::NEG_INFINITY..=f32::INFINITY, &tanh, f64::tanh));
            assert_within(6.0, worst(-10.0..=10.0, &tanh, f64::tanh));
            assert_eq!([f32::INFINITY, -30.0].map(&tanh), [1.0, -1.0]);
            assert_eq!([TANH_BOUND, -TANH_BOUND].map(&tanh), [1.0, -1.0]);
            // Every float from 7.5 to the bound.
            assert!((7.5f32.to_bits()..=TANH_BOUND.to_bits()).all(|bits| tanh(f32::from_bits(bits)) <= 1.0));
            assert!((0..4000).all(|i| tanh(i as f32 * 0.01 - 20.0).abs() <= 1.0));
            assert!(tanh(f32::NAN).is_nan() && tanh(0.0) == 0.0);
        }
    }

    #[test]
    fn ln_1p_is_exact_near_0() {
        assert_within(3.0, worst(0.0..=1.0, f32::fast_ln_1p, f64::ln_1p));
    }

    #[test]
    fn sigmoid_neither_overflows_nor_loses_its_tail() {
        assert_within(4.0, worst(-110.0..=110.0, f32::fast_sigmoid, |x| 1.0 / (1.0 + (-x).exp())));
        assert_eq!([f32::NEG_INFINITY, f32::INFINITY].map(f32::fast_sigmoid), [0.0, 1.0]);
        assert_eq!([-1000.0, 1000.0].map(f64::fast_sigmoid), [0.0, 1.0]);
        assert!(f32::NAN.fast_sigmoid().is_nan());
    }

    #[test]
    fn softplus_neither_overflows_nor_loses_its_tail() {
        let truth = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        assert_within(4.0, worst(-110.0..=110.0, f32::fast_softplus, truth));
        assert_eq!([-1000.0, 1000.0].map(f64::fast_softplus), [0.0, 1000.0]);
        assert!(f32::NAN.fast_softplus().is_nan());
    }

    #[test]
    fn the_normal_distribution_keeps_its_relative_accuracy_in_the_tail() {
        let distribution = |x: f64| 0.5 * libm::erfc(-x * core::f64::consts::FRAC_1_SQRT_2);
        let density = |x: f64| FRAC_1_SQRT_TAU * (-0.5 * x * x).exp();
        assert_within(8.0, worst(-14.0..=14.0, |x| x.normal().0, distribution));
        assert_within(8.0, worst(-14.0..=14.0, |x| x.normal().1, density));
        assert_eq!(f32::NEG_INFINITY.normal(), (0.0, 0.0));
        assert_eq!(f32::INFINITY.normal(), (1.0, 0.0));
    }
}
