//! The element types of a network: `f32` for speed, `f64` to check gradients.

use core::fmt::{Debug, Display, LowerExp};
use core::iter::Sum;
use core::ops::{AddAssign, DivAssign, MulAssign, SubAssign};

use crate::simd::{Lane, Vector};

/// An element type, `f32` or `f64`, with arithmetic and the elementary functions.
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
    /// The machine epsilon: the distance from 1 to the next larger value.
    const EPSILON: f64;
    /// The name of the type in files of weights: `F32` or `F64`.
    const NAME: &'static str;
    /// Returns the value of this type that is nearest to `value`.
    fn from_f64(value: f64) -> Self;
    /// Returns the value as `f64`, which is exact.
    fn to_f64(self) -> f64;
    /// Returns whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// |x|
    fn abs(self) -> Self;
    /// The larger of both; a NaN is ignored.
    fn max(self, other: Self) -> Self;
    /// The smaller of both; a NaN is ignored.
    fn min(self, other: Self) -> Self;
    /// √x
    fn sqrt(self) -> Self;
    /// eˣ
    fn exp(self) -> Self;
    /// eˣ − 1, accurate near 0.
    fn exp_m1(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// ln(1 + x), accurate near 0.
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

/// Defines elementary functions by the standard library where it is available, else by `libm`.
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
