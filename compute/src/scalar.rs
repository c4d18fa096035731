//! What a network computes with: `f32` for speed, `f64` to check gradients.

use core::fmt::{Debug, Display, LowerExp};
use core::iter::Sum;
use core::ops::{AddAssign, DivAssign, MulAssign, SubAssign};

use crate::simd::{Lane, Vector};

/// `f32` or `f64`: arithmetic, and the elementary functions.
pub trait Scalar:
    Lane
    + Vector<Self>
    + Debug
    + Display
    + LowerExp
    + PartialEq
    + PartialOrd
    + Sum
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// The distance from 1 to the next larger number.
    const EPSILON: f64;
    /// The name in files of weights: `F32` or `F64`.
    const NAME: &'static str;
    /// The nearest value to `value`.
    fn from_f64(value: f64) -> Self;
    /// The value, widened where needed.
    fn to_f64(self) -> f64;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// |x|
    fn abs(self) -> Self;
    /// The larger; a NaN is ignored.
    fn max(self, other: Self) -> Self;
    /// The smaller; a NaN is ignored.
    fn min(self, other: Self) -> Self;
    /// √x
    fn sqrt(self) -> Self;
    /// eˣ
    fn exp(self) -> Self;
    /// eˣ − 1, exact near 0.
    fn exp_m1(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// ln(1 + x), exact near 0.
    fn ln_1p(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// xʸ
    fn powf(self, exponent: Self) -> Self;
    /// The error function.
    fn erf(self) -> Self;
    /// cos x
    fn cos(self) -> Self;
}

/// Takes an elementary function from the standard library where there is one, else from `libm`.
macro_rules! elementary {
    ($type:ty, $($name:ident => $libm:path),* $(,)?) => {
        $(
            #[inline]
            fn $name(self) -> Self {
                #[cfg(feature = "std")]
                return <$type>::$name(self);
                #[cfg(not(feature = "std"))]
                return $libm(self);
            }
        )*
    };
}

macro_rules! scalar {
    ($type:ty, $name:literal, $pow:path, $erf:path, $abs:path, $($elementary:tt)*) => {
        impl Scalar for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: f64 = <$type>::EPSILON as f64;
            const NAME: &'static str = $name;
            #[inline]
            fn from_f64(value: f64) -> Self {
                value as $type
            }
            #[inline]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline]
            fn is_finite(self) -> bool {
                <$type>::is_finite(self)
            }
            #[inline]
            fn abs(self) -> Self {
                $abs(self)
            }
            #[inline]
            fn max(self, other: Self) -> Self {
                <$type>::max(self, other)
            }
            #[inline]
            fn min(self, other: Self) -> Self {
                <$type>::min(self, other)
            }
            #[inline]
            fn powf(self, exponent: Self) -> Self {
                $pow(self, exponent)
            }
            #[inline]
            fn erf(self) -> Self {
                $erf(self)
            }
            elementary!($type, $($elementary)*);
        }
    };
}

scalar!(
    f32, "F32", libm::powf, libm::erff, libm::fabsf,
    sqrt => libm::sqrtf, exp => libm::expf, exp_m1 => libm::expm1f, ln => libm::logf, ln_1p => libm::log1pf,
    tanh => libm::tanhf, cos => libm::cosf,
);
scalar!(
    f64, "F64", libm::pow, libm::erf, libm::fabs,
    sqrt => libm::sqrt, exp => libm::exp, exp_m1 => libm::expm1, ln => libm::log, ln_1p => libm::log1p,
    tanh => libm::tanh, cos => libm::cos,
);
