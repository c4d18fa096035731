//! Batch normalisation (Ioffe and Szegedy, 2015): each channel gets mean 0 and variance 1 over the batch and all positions.

use super::activation::{Activation, rectify};
use super::channel_sums::{self as sums, ChannelBlock, LANES, in_blocks};
use super::elementary::Elementary;
use super::in_place::Source;
use crate::context::Context;
use crate::epilogue::{Bounds, Epilogue, HOT};
use crate::pass::{BackwardRule, Pass};
use crate::scalar::Scalar;
use crate::simd::vectorised;
pub use netwright_abi::spec::batchnorm::Spec;

/// y = f(γ (x − μ) / √(σ² + ε) + β) with the mean and the (biased) variance of the batch. It updates the moving statistics, moving =
/// momentum · moving + (1 − momentum) · batch's, and saves μ and 1 / √(σ² + ε) for the backward pass.
///
/// An empty `gamma` is 1, an empty `beta` 0. A pass with frozen statistics uses the moving statistics instead of the batch's, and does not
/// update them.
#[allow(clippy::too_many_arguments)]
pub fn batchnorm_train_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    pass: &Pass,
    x: &[T],
    gamma: &[T],
    beta: &[T],
    moving_mean: &mut [T],
    moving_variance: &mut [T],
    y: &mut [T],
    saved_mean: &mut [T],
    saved_inverse_deviation: &mut [T],
) {
    let channels: [&[T]; 4] = [moving_mean, moving_variance, saved_mean, saved_inverse_deviation];
    spec.check(context.batch, &[x, y], &channels, &[gamma, beta]);
    if x.is_empty() {
        return;
    }
    if pass.keeps_statistics() {
        saved_mean.copy_from_slice(moving_mean);
        for (inverse, variance) in saved_inverse_deviation.iter_mut().zip(moving_variance) {
            *inverse = T::from_f64(1.0 / Scalar::sqrt(variance.to_f64() + spec.epsilon));
        }
    } else {
        measure(context, spec, x, saved_mean, moving_variance, saved_inverse_deviation);
        let momentum = T::from_f64(spec.momentum);
        let rest = T::from_f64(1.0 - spec.momentum);
        for (moving, &mean) in moving_mean.iter_mut().zip(&*saved_mean) {
            *moving = momentum * *moving + rest * mean;
        }
    }
    let epilogue = epilogue(spec);
    context.split_elements(y, spec.channels, &|first, y| {
        let together = together(epilogue.activation_after_bounds().is_some(), spec.channels, y.len());
        for (x, y) in x[first..][..y.len()].chunks(together).zip(y.chunks_mut(together)) {
            normalise(
                context.isa(),
                spec.channels,
                x,
                gamma,
                beta,
                saved_mean,
                saved_inverse_deviation,
                epilogue.bounds(),
                y,
            );
            epilogue.finish(context.isa(), y);
        }
    });
}

/// y = f(γ (x − moving mean) / √(moving variance + ε) + β), in place, or from `source` where it is not empty.
#[allow(clippy::too_many_arguments)]
pub fn batchnorm_predict_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    gamma: &[T],
    beta: &[T],
    moving_mean: &[T],
    moving_variance: &[T],
    source: &[T],
    values: &mut [T],
) {
    spec.check(context.batch, &[values], &[moving_mean, moving_variance], &[gamma, beta]);
    let (epsilon, epilogue) = (T::from_f64(spec.epsilon), epilogue(spec));
    let source = Source::new(source, values, "batchnorm");
    context.split_elements(values, spec.channels, &|first, values| {
        let source = source.part(first..first + values.len());
        let is_cut = source.out_of_place().is_some() || epilogue.activation_after_bounds().is_some();
        let together = together(is_cut, spec.channels, values.len());
        for (n, values) in values.chunks_mut(together).enumerate() {
            source.part(n * together..n * together + values.len()).copy_to(values);
            predict(
                context.isa(),
                spec.channels,
                epsilon,
                gamma,
                beta,
                moving_mean,
                moving_variance,
                epilogue.bounds(),
                values,
            );
            epilogue.finish(context.isa(), values);
        }
    });
}

/// The epilogue has only the activation: the normalisation applies scale and shift itself.
fn epilogue<T>(spec: &Spec) -> Epilogue<'static, T> {
    Epilogue { activation: spec.activation, ..Epilogue::NONE }
}

/// Returns the elements of a block: all, unless they are read again, as by an activation; then a block fits into the L1 cache. The
/// constants of each channel are broadcast once per block.
fn together(is_cut: bool, channels: usize, len: usize) -> usize {
    let hot = HOT.div_ceil(channels.max(1)).max(2 * LANES) * channels;
    if is_cut { hot.max(1) } else { len.max(1) }
}

/// Folds the normalisation of a prediction after a layer into a scale and a shift for each of the layer's channels:
/// γ (z + b − μ) / √(σ² + ε) + β = scale · z + shift, with the layer's bias b (none: 0) and the moving statistics.
#[allow(clippy::too_many_arguments)]
pub fn batchnorm_fold<T: Scalar>(
    context: &Context<'_>,
    spec: &Spec,
    gamma: &[T],
    beta: &[T],
    moving_mean: &[T],
    moving_variance: &[T],
    bias: &[T],
    scale: &mut [T],
    shift: &mut [T],
) {
    spec.check(0, &[], &[moving_mean, moving_variance, scale, shift], &[gamma, beta, bias]);
    fold(context.isa(), T::from_f64(spec.epsilon), gamma, beta, moving_mean, moving_variance, bias, scale, shift);
}

/// Computes the gradients of a batch normalisation. With x̂ = (x − μ) / √(σ² + ε), means over the batch and all positions, and the output y
/// before the activation:
///
/// - ∂ℓ/∂x = γ / √(σ² + ε) · (∂ℓ/∂y − mean(∂ℓ/∂y) − x̂ mean(∂ℓ/∂y · x̂)), which overwrites `dy`. With frozen statistics μ and σ do not depend on
///   x, and ∂ℓ/∂x = γ / √(σ² + ε) · ∂ℓ/∂y.
/// - ∂ℓ/∂γ += Σ ∂ℓ/∂y · x̂ and ∂ℓ/∂β += Σ ∂ℓ/∂y, unless they are empty.
///
/// `dy` holds the gradient of the output, unless `source` does. An activation that clamps y has the derivative 0 beyond its bounds, so that
/// ∂ℓ/∂y is 0 there. The outputs are not read: y is recomputed from x.
#[allow(clippy::too_many_arguments)]
pub fn batchnorm_grad<T: Scalar>(
    context: &Context<'_>,
    spec: &Spec,
    pass: &Pass,
    x: &[T],
    gamma: &[T],
    beta: &[T],
    saved_mean: &[T],
    saved_inverse_deviation: &[T],
    source: &[T],
    dy: &mut [T],
    dgamma: &mut [T],
    dbeta: &mut [T],
) {
    spec.check(context.batch, &[x, dy], &[saved_mean, saved_inverse_deviation], &[gamma, beta, dgamma, dbeta]);
    let mut source = Source::new(source, dy, "batchnorm");
    let count = (x.len() / spec.channels) as f64;
    let ends = spec.activation.map(|activation| {
        let ends = activation.bounds();
        assert!(
            ends.is_some(),
            "batchnorm: the gradient goes through an activation that only bounds, not {activation:?}"
        );
        ends.unwrap_or_default().map(T::from_f64)
    });
    let is_rectified =
        pass.rule != BackwardRule::Gradient && spec.activation.is_some_and(Activation::is_piecewise_rectifier);
    if is_rectified {
        source.copy_to(dy);
        source = Source::new(&[], dy, "batchnorm");
        context.split_elements(dy, 1, &|_, dy| _ = rectify(pass.rule, dy));
    }
    // The deconvnet's rule does not depend on the forward pass.
    let ends = ends.filter(|_| !(is_rectified && pass.rule == BackwardRule::Deconvnet));
    for channel_block in ChannelBlock::all(spec.channels) {
        let centre = channel_block.broadcast(|c| saved_mean[c]);
        let factor = channel_block.broadcast(|c| saved_inverse_deviation[c] * or(gamma, c, T::ONE));
        let gate = ends.map(|ends| Gate { factor, shift: channel_block.broadcast(|c| or(beta, c, T::ZERO)), ends });
        let [of_dy, of_products] = in_blocks(context, &channel_block, x.len(), |block| {
            let (x, dy) = (&x[block.clone()], &source.of(dy)[block]);
            let (of_dy, of_products) = match &gate {
                None => sums_of_gradient(context.isa(), &channel_block, x, dy, &centre),
                Some(gate) => sums_within(context.isa(), &channel_block, x, dy, &centre, gate),
            };
            [of_dy, of_products]
        });
        let (mut shift, mut slope) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        for ((c, sum), (_, product)) in channel_block.fold(of_dy).zip(channel_block.fold(of_products)) {
            let inverse = saved_inverse_deviation[c].to_f64();
            if let Some(dbeta) = dbeta.get_mut(c) {
                *dbeta += T::from_f64(sum);
            }
            if let Some(dgamma) = dgamma.get_mut(c) {
                *dgamma += T::from_f64(product * inverse);
            }
            if !pass.keeps_statistics() {
                shift[c - channel_block.start] = T::from_f64(sum / count);
                slope[c - channel_block.start] = T::from_f64(product * inverse * inverse / count);
            }
        }
        let shift = channel_block.broadcast(|c| shift[c - channel_block.start]);
        let slope = channel_block.broadcast(|c| slope[c - channel_block.start]);
        context.split_elements(dy, channel_block.step, &|first, dy| {
            let (range, lanes) = (first..first + dy.len(), [factor, shift, slope]);
            let (x, source) = (&x[range.clone()], source.part(range));
            match &gate {
                None => gradient(context.isa(), &channel_block, x, &centre, &lanes, source, dy),
                Some(gate) => gradient_within(context.isa(), &channel_block, x, &centre, &lanes, gate, source, dy),
            }
        });
    }
}

/// The derivative of an activation that clamps: it passes the gradient of outputs within its bounds. An output is recomputed from an input
/// by the factor and shift of its lane, with the same bits as in the forward pass.
struct Gate<T> {
    factor: [T; LANES],
    shift: [T; LANES],
    ends: [T; 2],
}

impl<T: Scalar> Gate<T> {
    /// Returns the gradient of a lane's output before the activation, from x − μ.
    #[inline(always)]
    fn through(&self, lane: usize, centred: T, dy: T) -> T {
        let (normal, [lowest, highest]) = (centred * self.factor[lane] + self.shift[lane], self.ends);
        // Adding 0 keeps the compiler from branching.
        let through = dy + T::ZERO;
        if normal > lowest && normal < highest { through } else { T::ZERO }
    }
}

/// Returns a parameter of a channel, or the default where the slice is empty.
#[inline(always)]
fn or<T: Scalar>(values: &[T], channel: usize, default: T) -> T {
    values.get(channel).copied().unwrap_or(default)
}

/// Computes the mean and the inverse deviation of each channel, and updates the moving variance.
fn measure<T: Scalar>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    saved_mean: &mut [T],
    moving_variance: &mut [T],
    inverse_deviation: &mut [T],
) {
    for channel_block in ChannelBlock::all(spec.channels) {
        sums::moments(context, &channel_block, spec.channels, x, |channel, mean, variance| {
            saved_mean[channel] = T::from_f64(mean);
            let moved = spec.momentum * moving_variance[channel].to_f64() + (1.0 - spec.momentum) * variance;
            moving_variance[channel] = T::from_f64(moved);
            inverse_deviation[channel] = T::from_f64(1.0 / Scalar::sqrt(variance + spec.epsilon));
        });
    }
}

vectorised! {
    fn sums_of_gradient<T: Scalar>(
        channel_block: &ChannelBlock,
        x: &[T],
        dy: &[T],
        centre: &[T; LANES],
    ) -> ([f64; LANES], [f64; LANES]) {
        sums::of_gradient(channel_block, x, dy, centre)
    }
}

vectorised! {
    /// [`sums_of_gradient`] of the gradient that a gate passes.
    fn sums_within<T: Scalar>(
        channel_block: &ChannelBlock,
        x: &[T],
        dy: &[T],
        centre: &[T; LANES],
        gate: &Gate<T>,
    ) -> ([f64; LANES], [f64; LANES]) {
        sums::of_gradient_through(channel_block, x, dy, centre, |lane, centred, dy| gate.through(lane, centred, dy))
    }
}

vectorised! {
    fn normalise<T: Scalar>(
        channels: usize,
        x: &[T],
        gamma: &[T],
        beta: &[T],
        mean: &[T],
        inverse_deviation: &[T],
        bounds: Bounds<T>,
        y: &mut [T],
    ) {
        for channel_block in ChannelBlock::all(channels) {
            let mean = channel_block.broadcast(|c| mean[c]);
            let factor = channel_block.broadcast(|c| inverse_deviation[c] * or(gamma, c, T::ONE));
            let shift = channel_block.broadcast(|c| or(beta, c, T::ZERO));
            for (x, y) in x.chunks(channel_block.step).zip(y.chunks_mut(channel_block.step)) {
                let range = channel_block.range(x.len());
                let (x, y) = (&x[range.clone()], &mut y[range]);
                for (i, (&x, y)) in x.iter().zip(y).enumerate().take(LANES) {
                    let normal = (x - mean[i]) * factor[i] + shift[i];
                    *y = bounds.clamp(normal);
                }
            }
        }
    }
}

vectorised! {
    fn predict<T: Scalar>(
        channels: usize,
        epsilon: T,
        gamma: &[T],
        beta: &[T],
        mean: &[T],
        variance: &[T],
        bounds: Bounds<T>,
        values: &mut [T],
    ) {
        for channel_block in ChannelBlock::all(channels) {
            let mean = channel_block.broadcast(|c| mean[c]);
            let factor = channel_block.broadcast(|c| or(gamma, c, T::ONE) / (variance[c] + epsilon).sqrt());
            let shift = channel_block.broadcast(|c| or(beta, c, T::ZERO));
            for values in values.chunks_mut(channel_block.step) {
                let range = channel_block.range(values.len());
                for (i, value) in values[range].iter_mut().enumerate().take(LANES) {
                    let normal = (*value - mean[i]) * factor[i] + shift[i];
                    *value = bounds.clamp(normal);
                }
            }
        }
    }
}

vectorised! {
    fn fold<T: Scalar>(
        epsilon: T,
        gamma: &[T],
        beta: &[T],
        mean: &[T],
        variance: &[T],
        bias: &[T],
        scale: &mut [T],
        shift: &mut [T],
    ) {
        for (channel, (scale, shift)) in scale.iter_mut().zip(shift).enumerate() {
            *scale = or(gamma, channel, T::ONE) / (variance[channel] + epsilon).sqrt();
            *shift = or(beta, channel, T::ZERO) + (or(bias, channel, T::ZERO) - mean[channel]) * *scale;
        }
    }
}

vectorised! {
    /// dy = factor · (dy − shift − (x − centre) · slope), for the lanes of a channel block.
    fn gradient<T: Scalar>(
        channel_block: &ChannelBlock,
        x: &[T],
        centre: &[T; LANES],
        lanes: &[[T; LANES]; 3],
        source: Source<'_, T>,
        dy: &mut [T],
    ) {
        gradient_through(channel_block, x, centre, lanes, source, dy, |_, _, dy| dy);
    }
}

vectorised! {
    /// [`gradient`] of the gradient that a gate passes.
    fn gradient_within<T: Scalar>(
        channel_block: &ChannelBlock,
        x: &[T],
        centre: &[T; LANES],
        lanes: &[[T; LANES]; 3],
        gate: &Gate<T>,
        source: Source<'_, T>,
        dy: &mut [T],
    ) {
        gradient_through(channel_block, x, centre, lanes, source, dy, |lane, centred, dy| gate.through(lane, centred, dy));
    }
}

/// [`gradient`] of `through(lane, x − centre, dy)` in place of dy.
#[inline(always)]
fn gradient_through<T: Scalar>(
    channel_block: &ChannelBlock,
    x: &[T],
    centre: &[T; LANES],
    [factor, shift, slope]: &[[T; LANES]; 3],
    source: Source<'_, T>,
    dy: &mut [T],
    through: impl Fn(usize, T, T) -> T,
) {
    for (n, (x, dy)) in x.chunks(channel_block.step).zip(dy.chunks_mut(channel_block.step)).enumerate() {
        let range = channel_block.range(x.len());
        let (x, dy) = (&x[range.clone()], &mut dy[range.clone()]);
        source.part(n * channel_block.step + range.start..n * channel_block.step + range.end).copy_to(dy);
        for (i, (&x, dy)) in x.iter().zip(dy).enumerate().take(LANES) {
            let centred = x - centre[i];
            *dy = factor[i] * (through(i, centred, *dy) - shift[i] - centred * slope[i]);
        }
    }
}

#[cfg(test)]
mod tests;
