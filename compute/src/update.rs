//! The inner loops of optimisers: one pass over parameters, gradients and state, without branches that depend on the elements.

use crate::scalar::Scalar;
use crate::simd::vectorised;

/// What a gradient goes through before it is used: shortened, cut, then the penalties added.
#[derive(Clone, Copy, Debug)]
pub struct GradientTreatment<T> {
    /// Two, since one alone may be too small a number.
    pub factors: [T; 2],
    /// The largest absolute value.
    pub limit: T,
    /// The factor of the sign of the weight.
    pub l1: T,
    /// The factor of the weight.
    pub l2: T,
    /// What the learning rate is multiplied by.
    pub pace: T,
    /// 1 − rate · weight decay.
    pub keep: T,
}

impl<T: Scalar> GradientTreatment<T> {
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
        let numbers = weights.iter_mut().zip(gradients).zip(velocity);
        if nesterov {
            for ((weight, &g), v) in numbers {
                let g = gradient.of(*weight, g);
                *v = momentum * *v + g;
                *weight = *weight * gradient.keep - rate * (g + momentum * *v);
            }
        } else {
            for ((weight, &g), v) in numbers {
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
    /// β₁, what stays of the mean.
    pub beta1: T,
    /// 1 − β₁, not rounded twice.
    pub rest1: T,
    /// β₂, what stays of the mean of squares.
    pub beta2: T,
    /// 1 − β₂.
    pub rest2: T,
    /// What m is multiplied by.
    pub rate: T,
    /// What √v is multiplied by before ε is added.
    pub root_scale: T,
    /// ε, beside the root.
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
    /// ρ, what stays of the mean of squares.
    pub rho: T,
    /// 1 − ρ, not rounded twice.
    pub rest: T,
    /// ε under the root.
    pub inside: T,
    /// ε beside the root.
    pub outside: T,
    /// μ of the momentum; 0 without.
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

/// `value` within ±`limit`; unlike `max` and `min` it keeps a NaN, which must be seen.
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
