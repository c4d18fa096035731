//! The non-linear functions f of a = f(z): slides 6 to 11, and their younger relatives.

pub mod reference;

use super::elementary::Elementary;
use crate::context::Context;
use crate::pass::{BackwardRule, Pass};
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, WithSimd, vectorised};
pub use netwright_abi::spec::activation::Spec;
pub use netwright_abi::{Activation, SELU_ALPHA, SELU_SCALE};

/// Holds back what came to a rectifier from above where the rule says so; whether that is all that the rule asks.
pub(super) fn rectify<T: Scalar>(rule: BackwardRule, dy: &mut [T]) -> bool {
    if rule == BackwardRule::Gradient {
        return false;
    }
    for dy in dy {
        *dy = if *dy > T::ZERO { *dy } else { T::ZERO };
    }
    rule == BackwardRule::Deconvnet
}

/// a = f(z), slide 4 (3), in place.
pub fn activation_forward<T: Elementary>(context: &Context<'_>, spec: &Spec, values: &mut [T]) {
    assert_eq!(values.len(), context.batch * spec.len, "activation: the values");
    context.split_elements(values, 1, &|_, values| forward(context.isa(), spec.activation, values));
}

/// ∂ℓ/∂z = ∂ℓ/∂a · f'(z) with f' written in a, as σ' = σ (1 − σ) on slide 6; `dy` becomes it.
///
/// For the functions of [`Activation::has_gradient_from_output`]; panics for `Gelu`, `GeluTanh` and `Silu`.
pub fn activation_grad_from_output<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    pass: &Pass,
    y: &[T],
    dy: &mut [T],
) {
    assert_eq!(y.len(), context.batch * spec.len, "activation: the outputs");
    assert_eq!(dy.len(), context.batch * spec.len, "activation: the gradient");
    assert!(
        !matches!(spec.activation, Activation::Gelu | Activation::GeluTanh | Activation::Silu),
        "activation: the output of gelu and silu does not tell their derivative"
    );
    context.split_elements(dy, 1, &|first, dy| {
        if !(spec.activation.is_piecewise_rectifier() && rectify(pass.rule, dy)) {
            grad_from_output(context.isa(), spec.activation, &y[first..][..dy.len()], dy);
        }
    });
}

/// ∂ℓ/∂z = ∂ℓ/∂a · f'(z), slide 4; `dy` becomes it.
pub fn activation_grad_from_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    pass: &Pass,
    z: &[T],
    dy: &mut [T],
) {
    assert_eq!(z.len(), context.batch * spec.len, "activation: the inputs");
    assert_eq!(dy.len(), context.batch * spec.len, "activation: the gradient");
    context.split_elements(dy, 1, &|first, dy| {
        if !(spec.activation.is_piecewise_rectifier() && rectify(pass.rule, dy)) {
            grad_from_input(context.isa(), spec.activation, &z[first..][..dy.len()], dy);
        }
    });
}

/// What [`Activation::GeluTanh`] takes for Φ(z), and its derivative: σ(u) and σ(u) (1 − σ(u)) u', with u = √(8/π) (z + 0.044715 z³).
#[inline(always)]
fn nearly_normal<T: Elementary>(z: T) -> (T, T) {
    // √(8/π), and 0.044715 times that.
    let [first, third, three, limit] = [1.595_769_121_605_730_7, 0.071_354_816_272_600_25, 3.0, 12.0].map(T::from_f64);
    // Beyond, σ(u) is 0 or 1, and z² could be infinite.
    let z = if z > limit { limit } else { z };
    let z = if z < -limit { -limit } else { z };
    let square = z * z;
    let distribution = (z * (first + third * square)).fast_sigmoid();
    (distribution, distribution * (T::ONE - distribution) * (first + three * third * square))
}

/// Replaces each number of a slice.
macro_rules! each {
    ($values:ident, $z:ident => $result:expr) => {
        for value in $values.iter_mut() {
            let $z = *value;
            *value = $result;
        }
    };
}

/// Multiplies each number of a gradient by a derivative at the number that stands at its place.
macro_rules! chain {
    ($at:ident, $dy:ident, $a:ident => $derivative:expr) => {
        for (dy, &$a) in $dy.iter_mut().zip($at) {
            *dy *= $derivative;
        }
    };
}

/// Passes a gradient on where a condition holds, and else stops it: also one that is infinite or NaN.
macro_rules! gate {
    ($at:ident, $dy:ident, $a:ident => $condition:expr, $factor:expr) => {
        for (dy, &$a) in $dy.iter_mut().zip($at) {
            let through = *dy * $factor + T::ZERO;
            *dy = if $condition { through } else { T::ZERO };
        }
    };
}

/// Elements of the widest vector that loops are compiled for.
const VECTOR: usize = 16;

/// f(z) in place, of however few elements. Loops take those that fill no vector one by one, at the price of a vector each; here they are
/// filled up.
#[inline(never)]
pub(crate) fn forward<T: Elementary>(isa: Isa, activation: Activation, values: &mut [T]) {
    // Double precision has no vectors.
    let few = if size_of::<T>() == size_of::<f32>() { values.len() % VECTOR } else { 0 };
    let (whole, few) = values.split_at_mut(values.len() - few);
    if !whole.is_empty() {
        isa.dispatch(EachElement { activation, values: whole });
    }
    if !few.is_empty() {
        let mut filled = [T::ZERO; VECTOR];
        filled[..few.len()].copy_from_slice(few);
        isa.dispatch(EachElement { activation, values: &mut filled });
        few.copy_from_slice(&filled[..few.len()]);
    }
}

/// f(z), element by element, in place: a plain loop, compiled for each instruction set, since it computes more than it waits for memory.
/// All do the same operations, so that they agree to the last bit.
struct EachElement<'a, T> {
    activation: Activation,
    values: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for EachElement<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, _: S) {
        let Self { activation, values } = self;
        let (zero, one) = (T::ZERO, T::ONE);
        let [half, six] = [0.5, 6.0].map(T::from_f64);
        match activation {
            // Not max(0, z), which would hide a NaN. Adding 0 keeps the compiler from storing only what changes: masked stores
            // cost more than the rest together.
            Activation::Relu => each!(values, z => if z < zero { zero } else { z + zero }),
            Activation::LeakyRelu(slope) => {
                let slope = T::from_f64(slope);
                each!(values, z => if z < zero { slope * z } else { z + zero });
            }
            Activation::Tanh => each!(values, z => z.fast_tanh()),
            Activation::Sigmoid => each!(values, z => z.fast_sigmoid()),
            Activation::Elu(alpha) => {
                let alpha = T::from_f64(alpha);
                each!(values, z => {
                    let below = alpha * (if z < zero { z } else { zero }).fast_exp_m1();
                    if z < zero { below } else { z + zero }
                });
            }
            Activation::Selu => {
                let (scale, alpha) = (T::from_f64(SELU_SCALE), T::from_f64(SELU_SCALE * SELU_ALPHA));
                each!(values, z => {
                    let below = alpha * (if z < zero { z } else { zero }).fast_exp_m1();
                    if z < zero { below } else { scale * z }
                });
            }
            Activation::Gelu => each!(values, z => {
                let (distribution, _) = z.normal();
                z * distribution
            }),
            Activation::Silu => each!(values, z => z * z.fast_sigmoid()),
            Activation::Softplus => each!(values, z => z.fast_softplus()),
            Activation::HardSigmoid(slope) => {
                let slope = T::from_f64(slope);
                each!(values, z => {
                    let raised = slope * z + half;
                    let raised = if raised < zero { zero } else { raised };
                    if raised > one { one } else { raised }
                });
            }
            Activation::Relu6 => each!(values, z => {
                let z = if z < zero { zero } else { z + zero };
                if z > six { six } else { z }
            }),
            Activation::GeluTanh => each!(values, z => z * nearly_normal(z).0),
            Activation::Softsign => each!(values, z => z / (one + z.magnitude())),
            Activation::Exp => each!(values, z => z.fast_exp()),
        }
    }
}

vectorised! {
    fn grad_from_output<T: Elementary>(activation: Activation, y: &[T], dy: &mut [T]) {
        let (zero, one) = (T::ZERO, T::ONE);
        match activation {
            Activation::Relu => gate!(y, dy, a => a > zero, one),
            Activation::LeakyRelu(slope) => {
                let slope = T::from_f64(slope);
                chain!(y, dy, a => if a < zero { slope } else { one });
            }
            Activation::Tanh => chain!(y, dy, a => (one - a) * (one + a)),
            Activation::Sigmoid => chain!(y, dy, a => a * (one - a)),
            Activation::Elu(alpha) => {
                let alpha = T::from_f64(alpha);
                chain!(y, dy, a => if a < zero { a + alpha } else { one });
            }
            Activation::Selu => {
                let (scale, alpha) = (T::from_f64(SELU_SCALE), T::from_f64(SELU_SCALE * SELU_ALPHA));
                chain!(y, dy, a => if a < zero { a + alpha } else { scale });
            }
            // f' = σ(z) = 1 − e⁻ᵃ
            Activation::Softplus => chain!(y, dy, a => -(-a).fast_exp_m1()),
            Activation::HardSigmoid(slope) => gate!(y, dy, a => a > zero && a < one, T::from_f64(slope)),
            Activation::Relu6 => gate!(y, dy, a => a > zero && a < T::from_f64(6.0), one),
            Activation::Softsign => chain!(y, dy, a => {
                let rest = one - a.magnitude();
                rest * rest
            }),
            Activation::Exp => chain!(y, dy, a => a),
            // Refused by the caller.
            Activation::Gelu | Activation::Silu | Activation::GeluTanh => {}
        }
    }
}

vectorised! {
    fn grad_from_input<T: Elementary>(activation: Activation, z: &[T], dy: &mut [T]) {
        let (zero, one) = (T::ZERO, T::ONE);
        match activation {
            Activation::Relu => gate!(z, dy, z => z > zero, one),
            Activation::LeakyRelu(slope) => {
                let slope = T::from_f64(slope);
                chain!(z, dy, z => if z < zero { slope } else { one });
            }
            Activation::Tanh => chain!(z, dy, z => {
                let a = z.fast_tanh();
                (one - a) * (one + a)
            }),
            Activation::Sigmoid => chain!(z, dy, z => {
                let a = z.fast_sigmoid();
                a * (one - a)
            }),
            Activation::Elu(alpha) => {
                let alpha = T::from_f64(alpha);
                chain!(z, dy, z => {
                    let below = alpha * (if z < zero { z } else { zero }).fast_exp();
                    if z < zero { below } else { one }
                });
            }
            Activation::Selu => {
                let (scale, alpha) = (T::from_f64(SELU_SCALE), T::from_f64(SELU_SCALE * SELU_ALPHA));
                chain!(z, dy, z => {
                    let below = alpha * (if z < zero { z } else { zero }).fast_exp();
                    if z < zero { below } else { scale }
                });
            }
            Activation::Gelu => chain!(z, dy, z => {
                let (distribution, density) = z.normal();
                distribution + z * density
            }),
            Activation::Silu => chain!(z, dy, z => {
                let s = z.fast_sigmoid();
                s + z * s * (one - s)
            }),
            Activation::Softplus => chain!(z, dy, z => z.fast_sigmoid()),
            Activation::HardSigmoid(slope) => {
                let (slope, half) = (T::from_f64(slope), T::from_f64(0.5));
                gate!(z, dy, z => (slope * z).magnitude() < half, slope);
            }
            Activation::Relu6 => gate!(z, dy, z => z > zero && z < T::from_f64(6.0), one),
            Activation::GeluTanh => chain!(z, dy, z => {
                let (distribution, density) = nearly_normal(z);
                distribution + z * density
            }),
            Activation::Softsign => chain!(z, dy, z => {
                let whole = one + z.magnitude();
                one / (whole * whole)
            }),
            Activation::Exp => chain!(z, dy, z => z.fast_exp()),
        }
    }
}

#[cfg(test)]
mod tests;
