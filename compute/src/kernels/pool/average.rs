//! Average pooling: channels are contiguous, and a window is reduced for several channels at once.

#![allow(unsafe_code)]

use super::windows::{Reduction, Windows};
use super::{Pool, Spec, area, each_window, share};
use crate::configuration::{Configuration, may_be};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::kernels::parts::{PART, Sums};
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, Vector, WithSimd};

/// s(i', j') = mean of a(i, j) over the window without its padding, and y = f(scale · s + shift + y).
pub fn avgpool_forward<T: Elementary, C: Configuration<Spec>>(
    context: &Context<'_>,
    configuration: C,
    x: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    super::forward::<Average, T, C>(context, configuration, x, scale, shift, y);
}

struct Average;

/// Channels that are reduced at once where windows are long or overlap, if it divides the number of channels; few layers have such windows.
const LANES: usize = 16;

impl Pool for Average {
    #[inline(always)]
    fn pool<T: Elementary, C: Configuration<Spec>>(
        isa: Isa,
        images: usize,
        configuration: C,
        x: &[T],
        epilogue: &Epilogue<'_, T>,
        y: &mut [T],
    ) {
        let spec = configuration.sizes();
        if may_be!(C, |spec| area(&spec) > PART) && area(spec) > PART {
            match spec.input[2] % LANES {
                0 => long_means::<T, LANES>(images, spec, x, epilogue, y),
                _ => long_means::<T, 1>(images, spec, x, epilogue, y),
            }
        } else if may_be!(C, |spec| area(&spec) <= PART) {
            isa.dispatch(Windows::<T, C, Sum>::new(images, configuration, x, epilogue, y));
        }
    }
}

/// ∂ℓ/∂a += ∂ℓ/∂s / |window| for each element of each window; dx is overwritten.
pub fn avgpool_grad<T: Scalar>(context: &Context<'_>, spec: &Spec, dy: &[T], dx: &mut [T]) {
    spec.check(context.batch, &[dx], &[dy]);
    context.split_images(spec, dx, &mut [], &|first, dx, _| {
        let images = dx.len() / spec.input_len();
        let dy = &dy[first * spec.output_len()..][..images * spec.output_len()];
        if (spec.padding, spec.stride) == ([0; 4], spec.window) {
            return context.isa().dispatch(Shares { spec, dy, dx });
        }
        dx.fill(T::ZERO);
        match spec.input[2] % LANES {
            0 => gradient::<T, LANES>(images, spec, dy, dx),
            _ => gradient::<T, 1>(images, spec, dy, dx),
        }
    });
}

/// The mean, as a sum times the share of an element.
struct Sum;

impl Reduction for Sum {
    type State<V: Copy> = V;

    #[inline(always)]
    fn start<T: Scalar, S: Simd<T>>(simd: S) -> S::Vector {
        simd.splat(T::ZERO)
    }

    #[inline(always)]
    fn take<T: Scalar, V: Vector<T>>(sum: V, pixel: V) -> V {
        sum + pixel
    }

    #[inline(always)]
    fn end<T: Scalar, V: Vector<T>>(sum: V, share: V) -> V {
        sum * share
    }
}

/// The gradient of windows that do not overlap: each element of the input is in one of them at most, so that its gradient is stored and not
/// accumulated.
struct Shares<'a, T> {
    spec: &'a Spec,
    dy: &'a [T],
    dx: &'a mut [T],
}

impl<T: Scalar> WithSimd<T> for Shares<'_, T> {
    type Output = ();
    const GAINS_BY_WIDTH: bool = false;

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        // Few channels fill a larger share of a narrow vector.
        if const { S::Half::LANES < S::LANES } && self.spec.input[2] <= S::Half::LANES {
            self.run(simd.half());
        } else {
            self.run(simd);
        }
    }
}

impl<T: Scalar> Shares<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { spec, dy, dx } = self;
        let ([height, width, channels], [rows, columns, _], [tall, wide]) = (spec.input, spec.output, spec.window);
        let share = simd.splat(share::<T>((0, tall), (0, wide)));
        let row = width * channels;
        let whole = channels / S::LANES * S::LANES;
        let rest = simd.mask(channels - whole);
        let step = wide * channels;
        for (at, dy_of_row) in (0..).zip(dy.chunks_exact(columns * channels)) {
            let first = (at / rows * height + at % rows * tall) * row;
            let (dy, to) = (&dy[at * columns * channels..], &mut dx[first..]);
            assert!(dy.len() >= dy_of_row.len() && to.len() >= row && row >= columns * step, "a row of windows");
            // Elements that a vector stores beyond a pixel are overwritten by the following pixels, while there are any.
            let free = whole_vectors(dy.len(), whole + S::LANES, channels);
            let free = free.min(whole_vectors(to.len(), step - channels + whole + S::LANES, step));
            for column in 0..columns {
                let is_last = column >= free;
                // SAFETY: the assertion above checks that dy and dx have the row. A vector is inside the channels of a pixel, or inside
                // those and the elements that follow, whose length `free` accounts for, or masked to the channels.
                unsafe {
                    let dy = dy.as_ptr().add(column * channels);
                    let to = to.as_mut_ptr().add(column * step);
                    if whole < channels {
                        let part = simd.load_edge(dy.add(whole), is_last, rest) * share;
                        for pixel in 0..wide {
                            let to = to.add(pixel * channels + whole);
                            if is_last { part.store_masked(to, rest) } else { part.store_at(to) }
                        }
                    }
                    for channel in (0..whole).step_by(S::LANES) {
                        let part = simd.load_at(dy.add(channel)) * share;
                        for pixel in 0..wide {
                            part.store_at(to.add(pixel * channels + channel));
                        }
                    }
                }
            }
            to[columns * step..row].fill(T::ZERO);
            for below in 1..tall {
                to.copy_within(..row, below * row);
            }
            if at % rows == rows - 1 {
                to[tall * row..(height - (rows - 1) * tall) * row].fill(T::ZERO);
            }
        }
    }
}

/// Returns how many accesses of `reach` elements, whose starts are `step` apart, fit into `len` elements.
#[inline(always)]
const fn whole_vectors(len: usize, reach: usize, step: usize) -> usize {
    if len < reach { 0 } else { (len - reach) / step + 1 }
}

/// Computes the means of windows of any size.
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
