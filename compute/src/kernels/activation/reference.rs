//! The activation functions and their derivatives as they are defined.

use super::{Activation, SELU_ALPHA, SELU_SCALE};
use crate::scalar::Scalar;

/// f(z)
pub fn value<T: Scalar>(activation: Activation, z: T) -> T {
    let number = T::from_f64;
    let zero = T::ZERO;
    match activation {
        Activation::Relu => z.max(zero),
        Activation::LeakyRelu(slope) => {
            if z < zero {
                number(slope) * z
            } else {
                z
            }
        }
        Activation::Tanh => z.tanh(),
        Activation::Sigmoid => sigmoid(z),
        Activation::Elu(alpha) => {
            if z < zero {
                number(alpha) * z.exp_m1()
            } else {
                z
            }
        }
        Activation::Selu => number(SELU_SCALE) * value(Activation::Elu(SELU_ALPHA), z),
        Activation::Gelu => z * normal_distribution(z),
        Activation::Silu => z * sigmoid(z),
        Activation::Softplus => z.max(zero) + (-z.abs()).exp().ln_1p(),
        Activation::HardSigmoid(slope) => (number(slope) * z + number(0.5)).max(zero).min(T::ONE),
        Activation::Relu6 => z.max(zero).min(number(6.0)),
        Activation::GeluTanh => z * nearly_normal_distribution(z),
        Activation::Softsign => z / (T::ONE + z.abs()),
        Activation::Exp => z.exp(),
    }
}

/// f'(z). Where f has a kink, the side that frameworks take: 0 for `Relu` at 0 (slide 9), 1 for `LeakyRelu` (slide 11).
pub fn derivative<T: Scalar>(activation: Activation, z: T) -> T {
    let number = T::from_f64;
    let (zero, one) = (T::ZERO, T::ONE);
    match activation {
        Activation::Relu => {
            if z > zero {
                one
            } else {
                zero
            }
        }
        Activation::LeakyRelu(slope) => {
            if z < zero {
                number(slope)
            } else {
                one
            }
        }
        Activation::Tanh => one - z.tanh() * z.tanh(),
        // Slide 6.
        Activation::Sigmoid => sigmoid(z) * (one - sigmoid(z)),
        Activation::Elu(alpha) => {
            if z < zero {
                number(alpha) * z.exp()
            } else {
                one
            }
        }
        Activation::Selu => number(SELU_SCALE) * derivative(Activation::Elu(SELU_ALPHA), z),
        Activation::Gelu => {
            let density = number(0.398_942_280_401_432_7) * (number(-0.5) * z * z).exp();
            normal_distribution(z) + z * density
        }
        Activation::Silu => sigmoid(z) * (one + z * (one - sigmoid(z))),
        Activation::Softplus => sigmoid(z),
        Activation::HardSigmoid(slope) => {
            if (number(slope) * z).abs() < number(0.5) {
                number(slope)
            } else {
                zero
            }
        }
        Activation::Relu6 => {
            if z > zero && z < number(6.0) {
                one
            } else {
                zero
            }
        }
        Activation::GeluTanh => {
            // z³ of numbers where the distribution has long ended could be infinite.
            let z = z.max(number(-12.0)).min(number(12.0));
            let distribution = nearly_normal_distribution(z);
            let slope = number(2.0) * number(TANH_SCALE) * (one + number(3.0 * TANH_CUBE) * z * z);
            distribution + z * distribution * (one - distribution) * slope
        }
        Activation::Softsign => one / ((one + z.abs()) * (one + z.abs())),
        Activation::Exp => z.exp(),
    }
}

/// σ(z) = 1 / (1 + e⁻ᶻ); e⁻ᶻ may be infinite, and then σ is 0.
fn sigmoid<T: Scalar>(z: T) -> T {
    T::ONE / (T::ONE + (-z).exp())
}

/// Φ(z) = (1 + erf(z / √2)) / 2
fn normal_distribution<T: Scalar>(z: T) -> T {
    T::from_f64(0.5) * (T::ONE + (z * T::from_f64(core::f64::consts::FRAC_1_SQRT_2)).erf())
}

/// √(2/π)
const TANH_SCALE: f64 = 0.797_884_560_802_865_4;
const TANH_CUBE: f64 = 0.044_715;

/// Φ(z) ≈ (1 + tanh u) / 2 = σ(2u), with u = √(2/π) (z + 0.044715 z³)
fn nearly_normal_distribution<T: Scalar>(z: T) -> T {
    sigmoid(T::from_f64(2.0 * TANH_SCALE) * (z + T::from_f64(TANH_CUBE) * z * z * z))
}
