//! Average pooling: channels lie together, and go through a window side by side.

use super::{Spec, by_lanes, each_window};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::kernels::parts::{PART, Sums};
use crate::scalar::Scalar;
use crate::simd::{Simd, Vector, WithSimd};

/// The mean s of each window, padding left out, and y = f(scale · s + shift).
pub fn avgpool_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    let epilogue = Epilogue::new(spec.epilogue, scale, shift);
    super::forward(context, spec, x, &epilogue, y, |images, spec, x, epilogue, y| {
        if spec.window.iter().product::<usize>() > PART {
            by_lanes!(spec.input[2], long_means(images, spec, x, epilogue, y));
        } else {
            context.isa().dispatch(Means { batch: images, spec, x, epilogue, y });
        }
    });
}

/// Each number of a window has an equal share of the gradient of its mean; dx is overwritten.
pub fn avgpool_grad<T: Scalar>(context: &Context<'_>, spec: &Spec, dy: &[T], dx: &mut [T]) {
    spec.check(context.batch, &[dx], &[dy]);
    context.split_images(spec, dx, &mut [], &|first, dx, _| {
        let images = dx.len() / spec.input_len();
        let dy = &dy[first * spec.output_len()..][..images * spec.output_len()];
        dx.fill(T::ZERO);
        by_lanes!(spec.input[2], gradient(images, spec, dy, dx));
    });
}

/// 1 / the elements of a window; 1 for an empty one, whose mean is 0.
#[inline(always)]
fn share<T: Scalar>(rows: (usize, usize), columns: (usize, usize)) -> T {
    T::ONE / T::from_f64(((rows.1 - rows.0) * (columns.1 - columns.0)).max(1) as f64)
}

/// Means of windows of at most [`PART`] pixels, a vector of channels at a time.
struct Means<'a, T> {
    batch: usize,
    spec: &'a Spec,
    x: &'a [T],
    epilogue: &'a Epilogue<'a, T>,
    y: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for Means<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { batch, spec, x, epilogue, y } = self;
        let ([_, width, channels], epilogue) = (spec.input, epilogue.unless_none());
        each_window!(batch, spec, |out, rows, columns, first| {
            let share = simd.splat(share::<T>(rows, columns));
            for (block, y) in y[out..out + channels].chunks_mut(S::LANES).enumerate() {
                let mut sum = simd.splat(T::ZERO);
                for row in rows.0..rows.1 {
                    let at = first + (row * width + columns.0) * channels + block * S::LANES;
                    for column in 0..columns.1 - columns.0 {
                        let pixel = &x[at + column * channels..][..y.len()];
                        sum = sum + if y.len() == S::LANES { simd.load(pixel) } else { simd.load_partial(pixel) };
                    }
                }
                let mean = sum * share;
                match epilogue {
                    None if y.len() == S::LANES => mean.store(y),
                    None => mean.store_partial(y),
                    Some(epilogue) => epilogue.store_vector(simd, block * S::LANES, mean, y),
                }
            }
        });
    }
}

/// Means of windows of any size.
fn long_means<T: Elementary, const LANES: usize>(
    batch: usize,
    spec: &Spec,
    x: &[T],
    epilogue: &Epilogue<'_, T>,
    y: &mut [T],
) {
    let ([_, width, channels], epilogue) = (spec.input, epilogue.unless_none());
    each_window!(batch, spec, |out, rows, columns, first| {
        let share = share::<T>(rows, columns);
        for (block, y) in y[out..out + channels].chunks_exact_mut(LANES).enumerate() {
            let mut sums = Sums::<T, LANES, true>::new();
            for row in rows.0..rows.1 {
                let mut start = columns.0;
                while start < columns.1 {
                    let end = start + sums.take(columns.1 - start);
                    for column in start..end {
                        let at = first + (row * width + column) * channels + block * LANES;
                        let pixel = &x[at..at + LANES];
                        for (sum, &a) in sums.part.iter_mut().zip(pixel) {
                            *sum += a;
                        }
                    }
                    start = end;
                }
            }
            let mean = sums.total().map(|sum| sum * share);
            match epilogue {
                None => y.copy_from_slice(&mean),
                Some(epilogue) => epilogue.store_lanes(block * LANES, mean, y),
            }
        }
    });
}

fn gradient<T: Scalar, const LANES: usize>(batch: usize, spec: &Spec, dy: &[T], dx: &mut [T]) {
    let [_, width, channels] = spec.input;
    each_window!(batch, spec, |out, rows, columns, first| {
        let share = share::<T>(rows, columns);
        for (block, dy) in dy[out..out + channels].chunks_exact(LANES).enumerate() {
            let mut shares = [T::ZERO; LANES];
            for (share_of_dy, &dy) in shares.iter_mut().zip(dy) {
                *share_of_dy = dy * share;
            }
            for row in rows.0..rows.1 {
                for column in columns.0..columns.1 {
                    let at = first + (row * width + column) * channels + block * LANES;
                    for (dx, share) in dx[at..at + LANES].iter_mut().zip(shares) {
                        *dx += share;
                    }
                }
            }
        }
    });
}
