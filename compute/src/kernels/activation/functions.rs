//! Each activation function three times: by its definition, with its derivative; as fast code; and its gradient as fast code, from the
//! input and, where f' is a function of the output, from the output. Tests compare the fast code with the definitions.

use netwright_abi::{Activation, RELU6_CEILING, SELU_ALPHA, SELU_SCALE, for_each_activation};

use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::{Simd, Vector};

/// A function f and its derivative.
pub(super) trait Function: Copy {
    /// f(z) by its definition.
    fn definition<T: Scalar>(self, z: T) -> T;

    /// f'(z) by its definition. At a kink it is the side that frameworks use: 0 for [`Relu`] at 0 (slide 9), 1 for [`LeakyRelu`] (slide
    /// 11).
    fn derivative<T: Scalar>(self, z: T) -> T;

    /// f(z) without branches. NaN gives NaN.
    fn value<T: Elementary>(self, z: T) -> T;

    /// f(z) in place: by default a loop that the compiler vectorises, so that all instruction sets give the same bits.
    #[inline(always)]
    fn apply<T: Elementary, S: Simd<T>>(self, _simd: S, values: &mut [T]) {
        for value in values {
            *value = self.value(*value);
        }
    }

    /// ∂ℓ/∂z = ∂ℓ/∂a · f'(z). Where f is constant, the result is 0 even if ∂ℓ/∂a is infinite or NaN.
    fn gradient<T: Elementary>(self, z: T, da: T) -> T;

    /// The same with f' as a function of a. It is used where [`Activation::has_gradient_from_output`] says so, else it is NaN.
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, _a: T, _da: T) -> T {
        T::from_f64(f64::NAN)
    }
}

/// Code that is generic over the function, and compiled for each.
pub(super) trait ForFunction {
    type Output;

    fn with<F: Function>(self, function: F) -> Self::Output;
}

macro_rules! declare {
    ($($(#[$docs:meta])* $name:ident $(($($constant:ident: $real:ty),+))?: $($fact:expr),+;)*) => {
        $($(#[$docs])* #[derive(Clone, Copy)] struct $name $(($(#[allow(dead_code)] $real),+))?;)*

        /// Runs `what` with the function of a row of the table.
        #[inline(always)]
        pub(super) fn for_function<K: ForFunction>(activation: Activation, what: K) -> K::Output {
            match activation {
                $(Activation::$name $(($($constant),+))? => what.with($name $(($($constant),+))?)),*
            }
        }
    };
}
for_each_activation!(declare);

/// Returns the gradient where `is_open`, else 0. Adding 0 keeps the compiler from masked stores of the changed elements, which cost more
/// than all other instructions.
#[inline(always)]
fn gate<T: Scalar>(is_open: bool, through: T) -> T {
    let through = through + T::ZERO;
    if is_open { through } else { T::ZERO }
}

/// Returns the smaller of both; NaN where z is NaN.
#[inline(always)]
pub(crate) fn at_most<T: Scalar>(z: T, bound: T) -> T {
    if z > bound { bound } else { z }
}

/// Returns the larger of both; NaN where z is NaN.
#[inline(always)]
pub(crate) fn at_least<T: Scalar>(z: T, bound: T) -> T {
    if z < bound { bound } else { z }
}

impl Function for Relu {
    fn definition<T: Scalar>(self, z: T) -> T {
        z.max(T::ZERO)
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        if z > T::ZERO { T::ONE } else { T::ZERO }
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        // Not max(0, z), which would hide a NaN; 0 is added as in `gate`.
        if z < T::ZERO { T::ZERO } else { z + T::ZERO }
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        gate(z > T::ZERO, da)
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        gate(a > T::ZERO, da)
    }
}

impl Function for LeakyRelu {
    fn definition<T: Scalar>(self, z: T) -> T {
        if z < T::ZERO { T::from_f64(self.0) * z } else { z }
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        if z < T::ZERO { T::from_f64(self.0) } else { T::ONE }
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        if z < T::ZERO { T::from_f64(self.0) * z } else { z + T::ZERO }
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        da * if z < T::ZERO { T::from_f64(self.0) } else { T::ONE }
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        self.gradient(a, da)
    }
}

impl Function for Relu6 {
    fn definition<T: Scalar>(self, z: T) -> T {
        z.max(T::ZERO).min(T::from_f64(RELU6_CEILING))
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        if z > T::ZERO && z < T::from_f64(RELU6_CEILING) { T::ONE } else { T::ZERO }
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        at_most(Relu.value(z), T::from_f64(RELU6_CEILING))
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        gate(z > T::ZERO && z < T::from_f64(RELU6_CEILING), da)
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        self.gradient(a, da)
    }
}

impl Function for Clip {
    fn definition<T: Scalar>(self, z: T) -> T {
        z.max(T::from_f64(self.0)).min(T::from_f64(self.1))
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        if z > T::from_f64(self.0) && z < T::from_f64(self.1) { T::ONE } else { T::ZERO }
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        at_most(at_least(z, T::from_f64(self.0)), T::from_f64(self.1))
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        gate(z > T::from_f64(self.0) && z < T::from_f64(self.1), da)
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        self.gradient(a, da)
    }
}

impl Function for Elu {
    fn definition<T: Scalar>(self, z: T) -> T {
        if z < T::ZERO { T::from_f64(self.0) * z.exp_m1() } else { z }
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        if z < T::ZERO { T::from_f64(self.0) * z.exp() } else { T::ONE }
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        let below = T::from_f64(self.0) * (if z < T::ZERO { z } else { T::ZERO }).fast_exp_m1();
        if z < T::ZERO { below } else { z + T::ZERO }
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        let below = T::from_f64(self.0) * (if z < T::ZERO { z } else { T::ZERO }).fast_exp();
        da * if z < T::ZERO { below } else { T::ONE }
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        da * if a < T::ZERO { a + T::from_f64(self.0) } else { T::ONE }
    }
}

impl Function for Selu {
    fn definition<T: Scalar>(self, z: T) -> T {
        T::from_f64(SELU_SCALE) * Elu(SELU_ALPHA).definition(z)
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        T::from_f64(SELU_SCALE) * Elu(SELU_ALPHA).derivative(z)
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        let below = T::from_f64(SELU_SCALE * SELU_ALPHA) * (if z < T::ZERO { z } else { T::ZERO }).fast_exp_m1();
        if z < T::ZERO { below } else { T::from_f64(SELU_SCALE) * z }
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        let below = T::from_f64(SELU_SCALE * SELU_ALPHA) * (if z < T::ZERO { z } else { T::ZERO }).fast_exp();
        da * if z < T::ZERO { below } else { T::from_f64(SELU_SCALE) }
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        let below = a + T::from_f64(SELU_SCALE * SELU_ALPHA);
        da * if a < T::ZERO { below } else { T::from_f64(SELU_SCALE) }
    }
}

impl Function for Softplus {
    fn definition<T: Scalar>(self, z: T) -> T {
        z.max(T::ZERO) + (-z.abs()).exp().ln_1p()
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        Sigmoid.definition(z)
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        z.fast_softplus()
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        da * z.fast_sigmoid()
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        // f' = σ(z) = 1 − e⁻ᵃ
        da * -(-a).fast_exp_m1()
    }
}

impl Function for Tanh {
    fn definition<T: Scalar>(self, z: T) -> T {
        z.tanh()
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        T::ONE - z.tanh() * z.tanh()
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        z.fast_tanh()
    }
    /// By explicit vectors, whose multiply-adds and quotients are faster: fused, and by reciprocals, where the processor has them.
    #[inline(always)]
    fn apply<T: Elementary, S: Simd<T>>(self, simd: S, values: &mut [T]) {
        let mut vectors = values.chunks_exact_mut(S::LANES);
        for vector in &mut vectors {
            T::fast_tanh_of::<S>(simd.load(vector)).store(vector);
        }
        for value in vectors.into_remainder() {
            *value = self.value(*value);
        }
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        self.gradient_from_output(z.fast_tanh(), da)
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        da * ((T::ONE - a) * (T::ONE + a))
    }
}

impl Function for Sigmoid {
    fn definition<T: Scalar>(self, z: T) -> T {
        // e⁻ᶻ may be infinite; σ is then 0.
        T::ONE / (T::ONE + (-z).exp())
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        // Slide 6.
        self.definition(z) * (T::ONE - self.definition(z))
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        z.fast_sigmoid()
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        self.gradient_from_output(z.fast_sigmoid(), da)
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        da * (a * (T::ONE - a))
    }
}

impl Function for HardSigmoid {
    fn definition<T: Scalar>(self, z: T) -> T {
        (T::from_f64(self.0) * z + T::from_f64(0.5)).max(T::ZERO).min(T::ONE)
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        let slope = T::from_f64(self.0);
        if (slope * z).abs() < T::from_f64(0.5) { slope } else { T::ZERO }
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        at_most(at_least(T::from_f64(self.0) * z + T::from_f64(0.5), T::ZERO), T::ONE)
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        let slope = T::from_f64(self.0);
        gate((slope * z).magnitude() < T::from_f64(0.5), da * slope)
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        gate(a > T::ZERO && a < T::ONE, da * T::from_f64(self.0))
    }
}

impl Function for Softsign {
    fn definition<T: Scalar>(self, z: T) -> T {
        z / (T::ONE + z.abs())
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        T::ONE / ((T::ONE + z.abs()) * (T::ONE + z.abs()))
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        z / (T::ONE + z.magnitude())
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        let whole = T::ONE + z.magnitude();
        da * (T::ONE / (whole * whole))
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        let rest = T::ONE - a.magnitude();
        da * (rest * rest)
    }
}

impl Function for Gelu {
    fn definition<T: Scalar>(self, z: T) -> T {
        z * normal_distribution(z)
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        let density = T::from_f64(0.398_942_280_401_432_7) * (T::from_f64(-0.5) * z * z).exp();
        normal_distribution(z) + z * density
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        let (distribution, _) = z.normal();
        z * distribution
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        let (distribution, density) = z.normal();
        da * (distribution + z * density)
    }
}

/// Φ(z) = (1 + erf(z / √2)) / 2
fn normal_distribution<T: Scalar>(z: T) -> T {
    T::from_f64(0.5) * (T::ONE + (z * T::from_f64(core::f64::consts::FRAC_1_SQRT_2)).erf())
}

impl Function for GeluTanh {
    fn definition<T: Scalar>(self, z: T) -> T {
        z * Sigmoid.definition(z * (T::from_f64(ROOT) + T::from_f64(CUBIC) * z * z))
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        // Beyond ±12 the distribution is 0 or 1 in both precisions, and z³ could be infinite.
        let z = z.max(T::from_f64(-12.0)).min(T::from_f64(12.0));
        let square = z * z;
        let distribution = Sigmoid.definition(z * (T::from_f64(ROOT) + T::from_f64(CUBIC) * square));
        let slope = T::from_f64(ROOT) + T::from_f64(3.0 * CUBIC) * square;
        distribution + z * distribution * (T::ONE - distribution) * slope
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        z * nearly_normal(z).0
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        let (distribution, density) = nearly_normal(z);
        da * (distribution + z * density)
    }
}

/// √(8/π), and 0.044715 · √(8/π).
const ROOT: f64 = 1.595_769_121_605_730_7;
const CUBIC: f64 = 0.071_354_816_272_600_25;

/// The approximation of Φ(z) in [`GeluTanh`], and its derivative: σ(u) and σ(u) (1 − σ(u)) u', with u = √(8/π) (z + 0.044715 z³).
#[inline(always)]
fn nearly_normal<T: Elementary>(z: T) -> (T, T) {
    let [first, third, three, limit] = [ROOT, CUBIC, 3.0, 12.0].map(T::from_f64);
    // Beyond ±12, σ(u) is 0 or 1, and z² could be infinite.
    let z = at_least(at_most(z, limit), -limit);
    let square = z * z;
    let distribution = (z * (first + third * square)).fast_sigmoid();
    (distribution, distribution * (T::ONE - distribution) * (first + three * third * square))
}

impl Function for Silu {
    fn definition<T: Scalar>(self, z: T) -> T {
        z * Sigmoid.definition(z)
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        let s = Sigmoid.definition(z);
        s * (T::ONE + z * (T::ONE - s))
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        z * z.fast_sigmoid()
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        let s = z.fast_sigmoid();
        da * (s + z * s * (T::ONE - s))
    }
}

impl Function for Exp {
    fn definition<T: Scalar>(self, z: T) -> T {
        z.exp()
    }
    fn derivative<T: Scalar>(self, z: T) -> T {
        z.exp()
    }
    #[inline(always)]
    fn value<T: Elementary>(self, z: T) -> T {
        z.fast_exp()
    }
    #[inline(always)]
    fn gradient<T: Elementary>(self, z: T, da: T) -> T {
        da * z.fast_exp()
    }
    #[inline(always)]
    fn gradient_from_output<T: Elementary>(self, a: T, da: T) -> T {
        da * a
    }
}
