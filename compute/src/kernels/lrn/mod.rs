//! Local response normalisation (Krizhevsky et al., 2012): each element is divided by a power of a constant plus
//! the squares of neighbouring channels.

pub mod reference;

use core::ops::Range;
pub use netwright_abi::spec::lrn::Spec;

use super::elementary::Elementary;
use crate::context::Context;
use crate::epilogue::{ElementEpilogue, Epilogue};
use crate::scalar::Scalar;
use crate::simd::vectorised;

/// zᵢ = xᵢ / sᵢ^β and y = f(z + y) with sᵢ = k + α Σ xⱼ² over the neighbours j of i.
pub fn lrn_forward<T: Elementary>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    spec.check(context.batch, &[x, y]);
    let (isa, epilogue) = (context.isa(), Epilogue::new(spec.epilogue, &[], &[]));
    let end = epilogue.of_element();
    context.split_elements(y, spec.channels, &|start, y| {
        epilogue.in_parts(isa, spec.channels, y, |first, y| {
            let x = &x[start + first..][..y.len()];
            if spec.size > BLOCK {
                reference::each_output(spec, x, y, |z, y| end.store(z, y));
            } else {
                forward(isa, spec, x, end, y);
            }
        });
    });
}

/// ∂ℓ/∂xᵢ = ∂ℓ/∂yᵢ / sᵢ^β − 2 α β xᵢ Σ ∂ℓ/∂yⱼ xⱼ / sⱼ^(β+1), over the j that have i as a neighbour; dx is overwritten.
pub fn lrn_grad<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], dy: &[T], dx: &mut [T]) {
    spec.check(context.batch, &[x, dy, dx]);
    if spec.size > BLOCK {
        return reference::lrn_grad(spec, x, dy, dx);
    }
    gradient(context.isa(), spec, x, dy, dx);
}

/// Channels that are processed together, and the widest neighbourhood of the fast loops.
const BLOCK: usize = 64;
/// A block and its neighbours on both sides.
const WIDE: usize = 2 * BLOCK;

/// Computes s^−β of each s. Exponents that square roots give need no `powf`.
#[inline(always)]
fn damped<T: Scalar>(beta: f64, s: &[T], power: &mut [T]) {
    let each = power.iter_mut().zip(s);
    match beta {
        0.5 => each.for_each(|(power, &s)| *power = T::ONE / s.sqrt()),
        0.75 => each.for_each(|(power, &s)| *power = T::ONE / (s.sqrt() * s.sqrt().sqrt())),
        1.0 => each.for_each(|(power, &s)| *power = T::ONE / s),
        _ => {
            let exponent = T::from_f64(-beta);
            each.for_each(|(power, &s)| *power = s.powf(exponent));
        }
    }
}

/// Computes s = k + α Σ x² over the neighbours, for a range of channels.
#[inline(always)]
fn damping<T: Scalar>(spec: &Spec, x: &[T], range: Range<usize>, s: &mut [T; WIDE]) {
    let (before, after) = spec.reach();
    let mut squares = [T::ZERO; WIDE];
    for offset in 0..=before + after {
        // The neighbour of channel c at `offset` is c + offset − before, where it exists.
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
    fn forward<T: Scalar>(spec: &Spec, x: &[T], end: ElementEpilogue<T>, y: &mut [T]) {
        if spec.channels == 0 {
            return;
        }
        let (mut s, mut power) = ([T::ONE; WIDE], [T::ZERO; WIDE]);
        for (x, y) in x.chunks_exact(spec.channels).zip(y.chunks_exact_mut(spec.channels)) {
            for start in (0..spec.channels).step_by(BLOCK) {
                let range = start..(start + BLOCK).min(spec.channels);
                damping(spec, x, range.clone(), &mut s);
                damped(spec.beta, &s[..range.len()], &mut power);
                for ((y, &x), &power) in y[range.clone()].iter_mut().zip(&x[range]).zip(&power) {
                    end.store(x * power, y);
                }
            }
        }
    }
}

vectorised! {
    fn gradient<T: Scalar>(spec: &Spec, x: &[T], dy: &[T], dx: &mut [T]) {
        if spec.channels == 0 {
            return;
        }
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
                damped(spec.beta, &s[..wide.len()], &mut power);
                let elements = x[wide.clone()].iter().zip(&dy[wide.clone()]).zip(s.iter().zip(&power));
                for (term, ((&x, &dy), (&s, &power))) in term.iter_mut().zip(elements) {
                    *term = dy * x * power / s;
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
                let elements = x[range.clone()].iter().zip(&dy[range.clone()]).zip(own);
                for ((dx, ((&x, &dy), &power)), sum) in dx[range].iter_mut().zip(elements).zip(sums) {
                    *dx = dy * power - factor * x * sum;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
