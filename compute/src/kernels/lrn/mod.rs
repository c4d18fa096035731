//! Local response normalisation (Krizhevsky et al. 2012): neighbouring channels damp each other.

pub mod reference;

use core::ops::Range;
pub use netwright_abi::spec::lrn::Spec;

use crate::context::Context;
use crate::scalar::Scalar;
use crate::simd::vectorised;

/// yᵢ = xᵢ / sᵢ^β with sᵢ = k + α Σ xⱼ² over the neighbours j of i.
pub fn lrn_forward<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    spec.check(context.batch, &[x, y]);
    if spec.size > BLOCK {
        return reference::lrn_forward(spec, x, y);
    }
    context.split_elements(y, spec.channels, &|first, y| {
        by_exponent!(spec.beta, forward(spec, &x[first..][..y.len()], y));
    });
}

/// ∂ℓ/∂xᵢ = ∂ℓ/∂yᵢ / sᵢ^β − 2 α β xᵢ Σ ∂ℓ/∂yⱼ xⱼ / sⱼ^(β+1), over the j that i is a neighbour of; dx is overwritten.
pub fn lrn_grad<T: Scalar>(batch: usize, spec: &Spec, x: &[T], dy: &[T], dx: &mut [T]) {
    spec.check(batch, &[x, dy, dx]);
    if spec.size > BLOCK {
        return reference::lrn_grad(spec, x, dy, dx);
    }
    by_exponent!(spec.beta, gradient(spec, x, dy, dx));
}

/// Channels that are worked on together, and the widest neighbourhood that the fast loops take.
const BLOCK: usize = 64;
/// A block and its neighbours on both sides.
const WIDE: usize = 2 * BLOCK;

/// Calls a function compiled for an exponent; for those made of square roots there is no power to compute.
macro_rules! by_exponent {
    ($beta:expr, $function:ident($($argument:expr),*)) => {
        match $beta {
            0.5 => $function::<T, 2>($($argument),*),
            0.75 => $function::<T, 3>($($argument),*),
            1.0 => $function::<T, 4>($($argument),*),
            _ => $function::<T, 0>($($argument),*),
        }
    };
}
use by_exponent;

/// s^−β, where QUARTERS is 4 β, or 0 for any β.
#[inline(always)]
fn damped<T: Scalar, const QUARTERS: usize>(s: T, beta: T) -> T {
    match QUARTERS {
        2 => T::ONE / s.sqrt(),
        3 => T::ONE / (s.sqrt() * s.sqrt().sqrt()),
        4 => T::ONE / s,
        _ => s.powf(-beta),
    }
}

/// s of a range of channels: k + α Σ x² over the neighbours.
#[inline(always)]
fn damping<T: Scalar>(spec: &Spec, x: &[T], range: Range<usize>, s: &mut [T; WIDE]) {
    let (before, after) = spec.reach();
    let mut squares = [T::ZERO; WIDE];
    for offset in 0..=before + after {
        // The neighbour of channel c is c + offset − before, where it exists.
        let first = range.start.max(before.saturating_sub(offset));
        let last = range.end.min((x.len() + before).saturating_sub(offset));
        if first < last {
            let neighbours = &x[first + offset - before..last + offset - before];
            for (square, &x) in squares[first - range.start..last - range.start].iter_mut().zip(neighbours) {
                *square += x * x;
            }
        }
    }
    let (k, alpha) = (T::from_f64(spec.k), T::from_f64(spec.alpha));
    for (s, square) in s[..range.len()].iter_mut().zip(squares) {
        *s = k + alpha * square;
    }
}

vectorised! {
    fn forward<T: Scalar, const QUARTERS: usize>(spec: &Spec, x: &[T], y: &mut [T]) {
        if spec.channels == 0 {
            return;
        }
        let beta = T::from_f64(spec.beta);
        let mut s = [T::ONE; WIDE];
        for (x, y) in x.chunks_exact(spec.channels).zip(y.chunks_exact_mut(spec.channels)) {
            for start in (0..spec.channels).step_by(BLOCK) {
                let range = start..(start + BLOCK).min(spec.channels);
                damping(spec, x, range.clone(), &mut s);
                for ((y, &x), &s) in y[range.clone()].iter_mut().zip(&x[range]).zip(&s) {
                    *y = x * damped::<T, QUARTERS>(s, beta);
                }
            }
        }
    }
}

vectorised! {
    fn gradient<T: Scalar, const QUARTERS: usize>(spec: &Spec, x: &[T], dy: &[T], dx: &mut [T]) {
        if spec.channels == 0 {
            return;
        }
        let beta = T::from_f64(spec.beta);
        let factor = T::from_f64(2.0 * spec.alpha * spec.beta);
        let (before, after) = spec.reach();
        let mut s = [T::ONE; WIDE];
        let pixels = x.chunks_exact(spec.channels).zip(dy.chunks_exact(spec.channels));
        for ((x, dy), dx) in pixels.zip(dx.chunks_exact_mut(spec.channels)) {
            for start in (0..spec.channels).step_by(BLOCK) {
                let range = start..(start + BLOCK).min(spec.channels);
                // Channel i is a neighbour of those from i − after to i + before.
                let wide = start.saturating_sub(after)..(range.end + before).min(spec.channels);
                damping(spec, x, wide.clone(), &mut s);
                let mut power = [T::ZERO; WIDE];
                let mut term = [T::ZERO; WIDE];
                let numbers = x[wide.clone()].iter().zip(&dy[wide.clone()]).zip(&s);
                for ((power, term), ((&x, &dy), &s)) in power.iter_mut().zip(&mut term).zip(numbers) {
                    *power = damped::<T, QUARTERS>(s, beta);
                    *term = dy * x * *power / s;
                }
                let mut sums = [T::ZERO; BLOCK];
                for offset in 0..=before + after {
                    let first = range.start.max(after.saturating_sub(offset));
                    let last = range.end.min((spec.channels + after).saturating_sub(offset));
                    if first < last {
                        let from = first + offset - after - wide.start;
                        let terms = &term[from..from + (last - first)];
                        for (sum, &term) in sums[first - range.start..last - range.start].iter_mut().zip(terms) {
                            *sum += term;
                        }
                    }
                }
                let own = &power[range.start - wide.start..];
                let numbers = x[range.clone()].iter().zip(&dy[range.clone()]).zip(own);
                for ((dx, ((&x, &dy), &power)), sum) in dx[range].iter_mut().zip(numbers).zip(sums) {
                    *dx = dy * power - factor * x * sum;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
