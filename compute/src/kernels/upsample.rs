//! Nearest-neighbour upsampling by integer factors: each pixel becomes a block of equal pixels.

use super::elementary::Elementary;
use super::parts::{self, PART};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::scalar::Scalar;
pub use netwright_abi::spec::upsample::Spec;

/// z(i, j) = x(⌊i / down⌋, ⌊j / across⌋) and y = f(z + y)
pub fn upsample_forward<T: Elementary>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    spec.check(context.batch, x, y);
    let ([_, width, channels], [down, across]) = (spec.input, spec.factor);
    let (narrow, wide) = (width * channels, width * across * channels);
    if y.is_empty() {
        return;
    }
    let (isa, epilogue) = (context.isa(), Epilogue::new(spec.epilogue, &[], &[]));
    let end = epilogue.of_element();
    for (x, block) in x.chunks_exact(narrow).zip(y.chunks_exact_mut(down * wide)) {
        // Without accumulation the rows of a block are equal: the first is copied.
        let (first, others) = block.split_at_mut(if epilogue.accumulate { down * wide } else { wide });
        for row in first.chunks_exact_mut(wide) {
            epilogue.in_parts(isa, across * channels, row, |start, row| {
                let x = &x[start / across..];
                for (pixel, copies) in x.chunks_exact(channels).zip(row.chunks_exact_mut(across * channels)) {
                    for copy in copies.chunks_exact_mut(channels) {
                        if epilogue.unless_none().is_none() {
                            copy.copy_from_slice(pixel);
                        } else {
                            pixel.iter().zip(copy).for_each(|(&z, y)| end.store(z, y));
                        }
                    }
                }
            });
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

/// [`upsample_grad`] for blocks of more pixels than one accumulator may sum.
fn long_sums<T: Scalar>(spec: &Spec, dy: &[T], dx: &mut [T]) {
    let ([_, width, channels], [down, across]) = (spec.input, spec.factor);
    for (index, dx) in dx.iter_mut().enumerate() {
        let (pixel, channel) = (index / channels, index % channels);
        let first = (pixel / width * down * width + pixel % width) * across;
        *dx = parts::sum(down * across, |tap| {
            dy[(first + tap / across * width * across + tap % across) * channels + channel]
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epilogue::tests::assert_applies_epilogue;
    use crate::kernels::Kernels;
    use netwright_abi::Epilogue as Kind;

    #[test]
    fn pixels_become_blocks_and_gradients_are_sums_of_blocks() {
        let spec = Spec { input: [1, 2, 2], factor: [2, 3], epilogue: Kind::NONE };
        let (x, mut y) = ([1.0, 2.0, 3.0, 4.0], [0.0; 24]);
        f32::upsample_forward(&Context::of(1), &spec, &x, &mut y);
        let row = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 3.0, 4.0];
        assert_eq!((&y[..12], &y[12..]), (&row[..], &row[..]));
        let mut dx = [9.0; 4];
        f32::upsample_grad(&Context::of(1), &spec, &y, &mut dx);
        assert_eq!(dx, [6.0, 12.0, 18.0, 24.0]);
    }

    #[test]
    fn it_applies_every_epilogue() {
        for (input, factor) in [([1, 2, 2], [2, 3]), ([3, 5, 7], [1, 2]), ([2, 40, 30], [2, 2])] {
            let small: usize = input.iter().product();
            let x: Vec<f32> = (0..2 * small).map(|index| (index * 7919 % 1009) as f32 / 504.5 - 1.0).collect();
            let ends = |epilogue, y: &mut [f32]| {
                f32::upsample_forward(&Context::of(2), &Spec { input, factor, epilogue }, &x, y);
            };
            assert_applies_epilogue(2 * small * factor[0] * factor[1], ends);
        }
    }
}
