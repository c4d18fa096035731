//! The inner loops of optimisers: one pass over parameters, gradients and state, without branches that depend on the elements.

use crate::scalar::Scalar;
use crate::simd::vectorised;

/// The treatment of a gradient before it is used: scaled, clipped, then the penalties added.
#[derive(Clone, Copy, Debug)]
pub struct GradientTreatment<T> {
    /// The product of both scales the gradient. They are two, because a single factor may underflow.
    pub factors: [T; 2],
    /// The largest absolute value: gradients are clipped to ±`limit`.
    pub limit: T,
    /// The coefficient of the L1 penalty, whose gradient is the sign of the weight.
    pub l1: T,
    /// The coefficient of the L2 penalty, whose gradient is the weight.
    pub l2: T,
    /// The factor of the learning rate.
    pub pace: T,
    /// 1 − rate · weight decay.
    pub keep: T,
}

impl<T: Scalar> GradientTreatment<T> {
    /// Whether a gradient is used unchanged, and weights do not decay.
    #[inline(always)]
    fn is_plain(&self) -> bool {
        let Self { factors, limit, l1, l2, keep, .. } = self;
        *factors == [T::ONE; 2] && !limit.is_finite() && *l1 == T::ZERO && *l2 == T::ZERO && *keep == T::ONE
    }

    #[inline(always)]
    fn of(&self, weight: T, gradient: T) -> T {
        let sign = if weight > T::ZERO {
            T::ONE
        } else if weight < T::ZERO {
            -T::ONE
        } else {
            T::ZERO
        };
        clamp(gradient * self.factors[0] * self.factors[1], self.limit) + self.l2 * weight + self.l1 * sign
    }
}

vectorised! {
    /// w ← w − rate · g
    pub fn descend<T: Scalar>(rate: T, gradient: &GradientTreatment<T>, weights: &mut [T], gradients: &[T]) {
        if gradient.is_plain() {
            for (weight, &g) in weights.iter_mut().zip(gradients) {
                // Adding 0 turns a negative zero into a positive one, as adding the penalties does.
                *weight -= rate * (g + T::ZERO);
            }
            return;
        }
        for (weight, &g) in weights.iter_mut().zip(gradients) {
            let g = gradient.of(*weight, g);
            *weight = *weight * gradient.keep - rate * g;
        }
    }
}

vectorised! {
    /// v ← μ v + g; w ← w − rate · v, or − rate · (g + μ v) after Nesterov.
    pub fn momentum<T: Scalar>(
        rate: T,
        momentum: T,
        nesterov: bool,
        gradient: &GradientTreatment<T>,
        weights: &mut [T],
        gradients: &[T],
        velocity: &mut [T],
    ) {
        let elements = weights.iter_mut().zip(gradients).zip(velocity);
        if nesterov {
            for ((weight, &g), v) in elements {
                let g = gradient.of(*weight, g);
                *v = momentum * *v + g;
                *weight = *weight * gradient.keep - rate * (g + momentum * *v);
            }
        } else {
            for ((weight, &g), v) in elements {
                let g = gradient.of(*weight, g);
                *v = momentum * *v + g;
                *weight = *weight * gradient.keep - rate * *v;
            }
        }
    }
}

/// The constants of one Adam step, the same for all parameters.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep<T> {
    /// β₁, the decay of the mean.
    pub beta1: T,
    /// 1 − β₁, rounded once.
    pub rest1: T,
    /// β₂, the decay of the mean of squares.
    pub beta2: T,
    /// 1 − β₂.
    pub rest2: T,
    /// The factor of m: the learning rate with the bias correction.
    pub rate: T,
    /// The factor of √v before ε is added.
    pub root_scale: T,
    /// ε, added to the root.
    pub epsilon: T,
}

vectorised! {
    /// m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − rate · m / (scale · √v + ε)
    pub fn adam<T: Scalar>(
        step: &AdamStep<T>,
        gradient: &GradientTreatment<T>,
        weights: &mut [T],
        gradients: &[T],
        first: &mut [T],
        second: &mut [T],
    ) {
        for (((weight, &g), m), v) in weights.iter_mut().zip(gradients).zip(first).zip(second) {
            let g = gradient.of(*weight, g);
            *m = step.beta1 * *m + step.rest1 * g;
            *v = step.beta2 * *v + step.rest2 * g * g;
            *weight = *weight * gradient.keep - step.rate * *m / (v.sqrt() * step.root_scale + step.epsilon);
        }
    }
}

/// The constants of one RMSProp step.
#[derive(Clone, Copy, Debug)]
pub struct RmsPropStep<T> {
    /// The learning rate.
    pub rate: T,
    /// ρ, the decay of the mean of squares.
    pub rho: T,
    /// 1 − ρ, rounded once.
    pub rest: T,
    /// The ε that is added under the root.
    pub inside: T,
    /// The ε that is added to the root.
    pub outside: T,
    /// μ, the momentum; 0 without momentum.
    pub momentum: T,
}

vectorised! {
    /// v ← ρ v + (1 − ρ) g²; u = g / √v; w ← w − rate · u
    pub fn rms_prop<T: Scalar>(
        step: &RmsPropStep<T>,
        gradient: &GradientTreatment<T>,
        weights: &mut [T],
        gradients: &[T],
        squares: &mut [T],
    ) {
        for ((weight, &g), v) in weights.iter_mut().zip(gradients).zip(squares) {
            let g = gradient.of(*weight, g);
            *v = step.rho * *v + step.rest * g * g;
            *weight = *weight * gradient.keep - step.rate * g / ((*v + step.inside).sqrt() + step.outside);
        }
    }
}

vectorised! {
    /// As [`rms_prop`], with b ← μ b + u; w ← w − rate · b.
    pub fn rms_prop_momentum<T: Scalar>(
        step: &RmsPropStep<T>,
        gradient: &GradientTreatment<T>,
        weights: &mut [T],
        gradients: &[T],
        squares: &mut [T],
        velocity: &mut [T],
    ) {
        for (((weight, &g), v), b) in weights.iter_mut().zip(gradients).zip(squares).zip(velocity) {
            let g = gradient.of(*weight, g);
            *v = step.rho * *v + step.rest * g * g;
            *b = step.momentum * *b + g / ((*v + step.inside).sqrt() + step.outside);
            *weight = *weight * gradient.keep - step.rate * *b;
        }
    }
}

/// Clamps `value` to ±`limit`. Unlike `max` and `min` it propagates a NaN, which must not be hidden.
#[inline(always)]
pub fn clamp<T: Scalar>(value: T, limit: T) -> T {
    if value > limit {
        limit
    } else if value < -limit {
        -limit
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Isa;

    #[test]
    fn a_plain_step_has_the_bits_of_one_with_penalties_of_zero() {
        let plain =
            GradientTreatment { factors: [1.0_f32; 2], limit: f32::INFINITY, l1: 0.0, l2: 0.0, pace: 1.0, keep: 1.0 };
        // A limit that no gradient of this test reaches.
        let general = GradientTreatment { limit: f32::MAX, ..plain };
        assert!(plain.is_plain() && !general.is_plain());
        let elements = [0.0, -0.0, 1.5, -1.5, 1e-42, -1e-42, 3e38, -3e38, 0.1];
        for rate in [0.0, 0.1, 1e-40] {
            for weight in elements {
                let (mut one, mut other) = ([weight; 9], [weight; 9]);
                descend(Isa::detect(), rate, &plain, &mut one, &elements);
                descend(Isa::detect(), rate, &general, &mut other, &elements);
                assert_eq!(one.map(f32::to_bits), other.map(f32::to_bits), "{weight} at {rate}");
            }
        }
    }
}
