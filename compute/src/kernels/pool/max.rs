//! Max pooling: channels are contiguous, and a window is reduced for several channels at once.

use super::windows::{Reduction, Windows};
use super::{Pool, Spec, by_lanes, each_window};
use crate::configuration::Configuration;
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, Vector};

/// s(i', j') = max a(i, j) over the window (slide 39), and y = f(scale · s + shift + y); padding is −∞. A NaN in a window gives NaN.
pub fn maxpool_forward<T: Elementary, C: Configuration<Spec>>(
    context: &Context<'_>,
    configuration: C,
    x: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    super::forward::<Max, T, C>(context, configuration, x, scale, shift, y);
}

struct Max;

impl Pool for Max {
    #[inline(always)]
    fn pool<T: Elementary, C: Configuration<Spec>>(
        isa: Isa,
        images: usize,
        configuration: C,
        x: &[T],
        epilogue: &Epilogue<'_, T>,
        y: &mut [T],
    ) {
        isa.dispatch(Windows::<T, C, Self>::new(images, configuration, x, epilogue, y));
    }
}

/// The largest pixel that is not NaN; and a sum of magnitudes, which is NaN where a pixel was.
impl Reduction for Max {
    type State<V: Copy> = [V; 2];

    #[inline(always)]
    fn start<T: Scalar, S: Simd<T>>(simd: S) -> [S::Vector; 2] {
        [simd.splat(T::from_f64(f64::NEG_INFINITY)), simd.splat(T::ZERO)]
    }

    #[inline(always)]
    fn take<T: Scalar, V: Vector<T>>([largest, seen]: [V; 2], pixel: V) -> [V; 2] {
        [pixel.at_least(largest), seen + pixel.magnitude()]
    }

    #[inline(always)]
    fn end<T: Scalar, V: Vector<T>>([largest, seen]: [V; 2], _: V) -> V {
        // Comparisons with NaN are false.
        seen.like(-T::ONE).where_less(seen, largest, seen)
    }
}

/// ∂ℓ/∂a goes to the first largest element of each window (slide 39); dx is overwritten.
pub fn maxpool_grad<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
    spec.check(context.batch, &[x, dx], &[y, dy]);
    context.split_images(spec, dx, &mut [], &|first, dx, _| {
        let images = dx.len() / spec.input_len();
        let x = &x[first * spec.input_len()..][..dx.len()];
        let [y, dy] = [y, dy].map(|all| &all[first * spec.output_len()..][..images * spec.output_len()]);
        dx.fill(T::ZERO);
        by_lanes!(spec.input[2], gradient(images, spec, x, y, dy, dx));
    });
}

fn gradient<T: Scalar, const LANES: usize>(batch: usize, spec: &Spec, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
    let [_, width, channels] = spec.input;
    each_window!(batch, spec, |out, rows, columns, first| {
        for block in 0..channels / LANES {
            let at = out + block * LANES;
            let largest = &y[at..at + LANES];
            // The gradient that is not assigned yet: the first element that equals the largest gets it, and leaves 0.
            let mut waiting = [T::ZERO; LANES];
            waiting.copy_from_slice(&dy[at..at + LANES]);
            for row in rows.0..rows.1 {
                for column in columns.0..columns.1 {
                    let at = first + (row * width + column) * channels + block * LANES;
                    let lanes = x[at..at + LANES].iter().zip(largest).zip(&mut waiting);
                    for (((&a, &largest), waiting), dx) in lanes.zip(&mut dx[at..at + LANES]) {
                        let found = a == largest;
                        *dx += if found { *waiting } else { T::ZERO };
                        *waiting = if found { T::ZERO } else { *waiting };
                    }
                }
            }
        }
    });
}
