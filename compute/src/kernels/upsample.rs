//! Enlargement by whole factors: each pixel becomes a block of equal pixels.

use super::parts::{self, PART};
use crate::context::Context;
use crate::scalar::Scalar;
pub use netwright_abi::spec::upsample::Spec;

/// y(i, j) = x(⌊i / down⌋, ⌊j / across⌋)
pub fn upsample_forward<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    spec.check(context.batch, x, y);
    let ([_, width, channels], [down, across]) = (spec.input, spec.factor);
    let (narrow, wide) = (width * channels, width * across * channels);
    if y.is_empty() {
        return;
    }
    for (x, block) in x.chunks_exact(narrow).zip(y.chunks_exact_mut(down * wide)) {
        let (first, others) = block.split_at_mut(wide);
        for (pixel, copies) in x.chunks_exact(channels).zip(first.chunks_exact_mut(across * channels)) {
            for copy in copies.chunks_exact_mut(channels) {
                copy.copy_from_slice(pixel);
            }
        }
        for row in others.chunks_exact_mut(wide) {
            row.copy_from_slice(first);
        }
    }
}

/// dx(i, j) = Σ dy over the block of pixel (i, j).
pub fn upsample_grad<T: Scalar>(context: &Context<'_>, spec: &Spec, dy: &[T], dx: &mut [T]) {
    spec.check(context.batch, dx, dy);
    let ([_, width, channels], [down, across]) = (spec.input, spec.factor);
    let (narrow, wide) = (width * channels, width * across * channels);
    dx.fill(T::ZERO);
    if dy.is_empty() {
        return;
    }
    if down * across > PART {
        return long_sums(spec, dy, dx);
    }
    for (dx, block) in dx.chunks_exact_mut(narrow).zip(dy.chunks_exact(down * wide)) {
        for row in block.chunks_exact(wide) {
            for (dx, copies) in dx.chunks_exact_mut(channels).zip(row.chunks_exact(across * channels)) {
                for copy in copies.chunks_exact(channels) {
                    for (dx, &dy) in dx.iter_mut().zip(copy) {
                        *dx += dy;
                    }
                }
            }
        }
    }
}

/// [`upsample_grad`] for blocks of more pixels than one accumulator takes.
fn long_sums<T: Scalar>(spec: &Spec, dy: &[T], dx: &mut [T]) {
    let ([_, width, channels], [down, across]) = (spec.input, spec.factor);
    for (place, dx) in dx.iter_mut().enumerate() {
        let (pixel, channel) = (place / channels, place % channels);
        let first = (pixel / width * down * width + pixel % width) * across;
        *dx = parts::sum(down * across, |tap| {
            dy[(first + tap / across * width * across + tap % across) * channels + channel]
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;

    #[test]
    fn pixels_become_blocks_and_their_gradients_sums() {
        let spec = Spec { input: [1, 2, 2], factor: [2, 3] };
        let (x, mut y) = ([1.0, 2.0, 3.0, 4.0], [0.0; 24]);
        f32::upsample_forward(&Context::of(1), &spec, &x, &mut y);
        let row = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 3.0, 4.0];
        assert_eq!((&y[..12], &y[12..]), (&row[..], &row[..]));
        let mut dx = [9.0; 4];
        f32::upsample_grad(&Context::of(1), &spec, &y, &mut dx);
        assert_eq!(dx, [6.0, 12.0, 18.0, 24.0]);
    }
}
