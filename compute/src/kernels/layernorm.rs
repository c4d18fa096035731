//! Layer normalisation (Ba et al., 2016): each position gets mean 0 and variance 1 over its channels.

use super::elementary::Elementary;
use super::parts::PART;
use super::reduce;
use crate::context::Context;
use crate::epilogue::{ElementEpilogue, Epilogue};
use crate::scalar::Scalar;
use crate::simd::vectorised;
pub use netwright_abi::spec::layernorm::Spec;

/// z = γ (x − μ) / √(σ² + ε) + β and y = f(z + y), with the mean and the (biased) variance of each position. An empty `gamma` is 1, an
/// empty `beta` 0.
pub fn layernorm_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    gamma: &[T],
    beta: &[T],
    y: &mut [T],
) {
    spec.check(context.batch, &[x, y], &[gamma, beta]);
    if spec.channels > 0 {
        let (isa, epsilon, epilogue) =
            (context.isa(), T::from_f64(spec.epsilon), Epilogue::new(spec.epilogue, &[], &[]));
        epilogue.in_parts(isa, spec.channels, y, |first, y| {
            forward(isa, spec.channels, epsilon, &x[first..][..y.len()], gamma, beta, epilogue.of_element(), y);
        });
    }
}

/// Computes the gradients of a layer normalisation. With x̂ = (x − μ) / √(σ² + ε) and means over the channels of a position:
///
/// - ∂ℓ/∂x = (γ ∂ℓ/∂y − mean(γ ∂ℓ/∂y) − x̂ mean(γ ∂ℓ/∂y · x̂)) / √(σ² + ε), which overwrites `dy`.
/// - ∂ℓ/∂γ += Σ ∂ℓ/∂y · x̂ and ∂ℓ/∂β += Σ ∂ℓ/∂y over all positions, unless they are empty.
pub fn layernorm_grad<T: Scalar>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    gamma: &[T],
    dy: &mut [T],
    dgamma: &mut [T],
    dbeta: &mut [T],
) {
    spec.check(context.batch, &[x, dy], &[gamma, dgamma, dbeta]);
    if spec.channels > 0 {
        gradient(context.isa(), spec.channels, T::from_f64(spec.epsilon), x, gamma, dy, dgamma, dbeta);
    }
}

/// Channels of a position that are normalised together, so that default parameters fit on the stack.
const BLOCK: usize = 64;

/// μ and 1 / √(σ² + ε)
#[inline(always)]
fn statistics<T: Scalar>(row: &[T], epsilon: T) -> (T, T) {
    let share = T::ONE / T::from_f64(row.len() as f64);
    let mean = reduce::sum(row) * share;
    let variance = reduce::sum_of_squares(row, mean) * share;
    (mean, T::ONE / (variance + epsilon).sqrt())
}

vectorised! {
    fn forward<T: Scalar>(
        channels: usize,
        epsilon: T,
        x: &[T],
        gamma: &[T],
        beta: &[T],
        end: ElementEpilogue<T>,
        y: &mut [T],
    ) {
        // Multiplying by 1 and adding −0 change nothing.
        let (ones, zeros) = ([T::ONE; BLOCK], [-T::ZERO; BLOCK]);
        for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
            let (mean, inverse) = statistics(x, epsilon);
            for (block, (x, y)) in x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)).enumerate() {
                let first = block * BLOCK;
                let gamma = if gamma.is_empty() { &ones[..] } else { &gamma[first..] };
                let beta = if beta.is_empty() { &zeros[..] } else { &beta[first..] };
                for ((&x, y), (&gamma, &beta)) in x.iter().zip(y).zip(gamma.iter().zip(beta)) {
                    end.store((x - mean) * inverse * gamma + beta, y);
                }
            }
        }
    }
}

vectorised! {
    fn gradient<T: Scalar>(
        channels: usize,
        epsilon: T,
        x: &[T],
        gamma: &[T],
        dy: &mut [T],
        dgamma: &mut [T],
        dbeta: &mut [T],
    ) {
        for first in (0..channels).step_by(GROUP) {
            let (last, group) = (first + GROUP >= channels, first..channels.min(first + GROUP));
            let mut sums = [[0.0; GROUP]; 2];
            for (x, dy) in x.chunks(channels * PART).zip(dy.chunks_mut(channels * PART)) {
                let [mut betas, mut gammas] = [[T::ZERO; GROUP]; 2];
                for (x, dy) in x.chunks_exact(channels).zip(dy.chunks_exact_mut(channels)) {
                    let (mean, inverse) = statistics(x, epsilon);
                    let elements = x[group.clone()].iter().zip(&dy[group.clone()]);
                    for ((&x, &dy), (beta, gamma)) in elements.zip(betas.iter_mut().zip(&mut gammas)) {
                        *beta += dy;
                        *gamma += dy * (x - mean) * inverse;
                    }
                    if last {
                        gradient_of_row(x, mean, inverse, gamma, dy);
                    }
                }
                for (sums, part) in sums.iter_mut().zip([betas, gammas]) {
                    sums.iter_mut().zip(part).take(group.len()).for_each(|(sum, part)| *sum += part.to_f64());
                }
            }
            for (slopes, sums) in [&mut *dbeta, &mut *dgamma].into_iter().zip(sums) {
                let slopes = slopes.iter_mut().skip(first);
                slopes.zip(sums).for_each(|(slope, sum)| *slope += T::from_f64(sum));
            }
        }
    }
}

/// Channels whose parameter gradients are summed together. Each such group needs one pass over all positions.
const GROUP: usize = 512;

/// Overwrites `dy` of one position with ∂ℓ/∂x.
#[inline(always)]
fn gradient_of_row<T: Scalar>(x: &[T], mean: T, inverse: T, gamma: &[T], dy: &mut [T]) {
    let share = T::ONE / T::from_f64(x.len() as f64);
    for (dy, &gamma) in dy.iter_mut().zip(gamma) {
        *dy *= gamma;
    }
    let shift = reduce::sum(dy) * share;
    // Σ dy (x − μ), without the cancellation of Σ dy x − μ Σ dy.
    let slope = reduce::dot_centred(dy, x, mean) * share * inverse * inverse;
    for (&x, dy) in x.iter().zip(dy) {
        *dy = inverse * (*dy - shift - (x - mean) * slope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epilogue::tests::assert_applies_epilogue;
    use crate::kernels::Kernels;
    use crate::kernels::check::{assert_close, assert_gradient, inner_product, narrow, random_elements, widen};
    use crate::random::Random;
    use netwright_abi::Epilogue as Kind;

    fn output<T: Kernels>(spec: &Spec, x: &[f64], gamma: &[f64], beta: &[f64]) -> Vec<f64> {
        let (x, gamma, beta) = (narrow::<T>(x), narrow::<T>(gamma), narrow::<T>(beta));
        let mut y = vec![T::ZERO; x.len()];
        T::layernorm_forward(&Context::of(2), spec, &x, &gamma, &beta, &mut y);
        widen(&y)
    }

    fn gradients<T: Kernels>(spec: &Spec, x: &[f64], gamma: &[f64], dy: &[f64]) -> [Vec<f64>; 3] {
        let (x, mut dx) = (narrow::<T>(x), narrow::<T>(dy));
        let (mut dgamma, mut dbeta) = (vec![T::ZERO; gamma.len()], vec![T::ZERO; gamma.len()]);
        T::layernorm_grad(&Context::of(2), spec, &x, &narrow::<T>(gamma), &mut dx, &mut dgamma, &mut dbeta);
        [widen(&dx), widen(&dgamma), widen(&dbeta)]
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut random = Random::new(1);
        for (channels, affine) in [(3, true), (17, true), (40, true), (5, false)] {
            let spec = Spec { rows: 2, channels, epsilon: 1e-3, epilogue: Kind::NONE };
            let (x, dy) = (random_elements(&mut random, 4 * channels), random_elements(&mut random, 4 * channels));
            let parameters = if affine { channels } else { 0 };
            let (gamma, beta) = (random_elements(&mut random, parameters), random_elements(&mut random, parameters));
            let [dx, dgamma, dbeta] = gradients::<f64>(&spec, &x, &gamma, &dy);
            assert_gradient(&x, &dx, |x| inner_product(&output::<f64>(&spec, x, &gamma, &beta), &dy));
            assert_gradient(&gamma, &dgamma, |gamma| inner_product(&output::<f64>(&spec, &x, gamma, &beta), &dy));
            assert_gradient(&beta, &dbeta, |beta| inner_product(&output::<f64>(&spec, &x, &gamma, beta), &dy));
            let [dx32, dgamma32, dbeta32] = gradients::<f32>(&spec, &x, &gamma, &dy);
            assert_close(&dx32, &dx, 2e-5);
            assert_close(&dgamma32, &dgamma, 1e-5);
            assert_close(&dbeta32, &dbeta, 1e-5);
        }
    }

    #[test]
    fn each_position_gets_mean_0_and_variance_1() {
        let spec = Spec { rows: 2, channels: 50, epsilon: 0.0, epilogue: Kind::NONE };
        let x: Vec<f64> = random_elements(&mut Random::new(2), 200).into_iter().map(|x| 3.0 * x + 7.0).collect();
        for row in output::<f32>(&spec, &x, &[], &[]).chunks(50) {
            assert!(row.iter().sum::<f64>().abs() < 1e-4);
            assert!((row.iter().map(|y| y * y).sum::<f64>() / 50.0 - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn gradients_of_parameters_add_up() {
        let spec = Spec { rows: 1, channels: 2, epsilon: 1e-3, epilogue: Kind::NONE };
        let (mut dy, mut dgamma, mut dbeta) = ([1.0, 2.0], [100.0; 2], [100.0; 2]);
        f64::layernorm_grad(&Context::of(1), &spec, &[1.0, -1.0], &[1.0; 2], &mut dy, &mut dgamma, &mut dbeta);
        assert_eq!(dbeta, [101.0, 102.0]);
        assert!((dgamma[0] - 101.0).abs() < 1e-2 && (dgamma[1] - 98.0).abs() < 1e-2);
    }

    #[test]
    fn it_applies_every_epilogue() {
        for (channels, parameters) in [(3, 3), (64, 0), (70, 70), (2100, 2100)] {
            let (x, gamma) =
                (random_elements(&mut Random::new(4), 4 * channels), random_elements(&mut Random::new(5), parameters));
            let ends = |kind, y: &mut [f32]| {
                let spec = Spec { rows: 2, channels, epsilon: 1e-3, epilogue: kind };
                let gamma = narrow(&gamma);
                f32::layernorm_forward(&Context::of(2), &spec, &narrow(&x), &gamma, &gamma, y);
            };
            assert_applies_epilogue(4 * channels, ends);
        }
    }
}
