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
        Activation::HardSigmoid => (z + number(3.0)).max(zero).min(number(6.0)) * number(1.0 / 6.0),
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
        Activation::HardSigmoid => {
            if z.abs() < number(3.0) {
                number(1.0 / 6.0)
            } else {
                zero
            }
        }
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
