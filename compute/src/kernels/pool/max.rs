//! Max pooling: channels lie together, and go through a window side by side.

use super::{Pool, Spec, by_lanes, each_window, is_nan};
use crate::configuration::{Configuration, may_be};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, WithSimd};

/// s(i', j') = max a(i, j) over the window (slide 39), and y = f(scale · s + shift); padding is −∞. A NaN in a window is its maximum.
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
        if const { C::CONSTANT.is_some() } {
            isa.dispatch(Largest { images, configuration, x, epilogue, y });
        } else {
            let spec = configuration.sizes();
            by_lanes!(spec.input[2], of_any_sizes(images, spec, x, epilogue, y));
        }
    }
}

/// [`forward`] where sizes are read when it runs: compiled once for each number of lanes, whoever calls it.
#[inline(never)]
fn of_any_sizes<T: Elementary, const LANES: usize>(
    batch: usize,
    spec: &Spec,
    x: &[T],
    epilogue: &Epilogue<'_, T>,
    y: &mut [T],
) {
    forward::<T, LANES>(batch, spec, x, epilogue, y);
}

/// The plain loops for constant sizes, which the compiler turns into the vectors of each instruction set.
struct Largest<'a, T, C> {
    images: usize,
    configuration: C,
    x: &'a [T],
    epilogue: &'a Epilogue<'a, T>,
    y: &'a mut [T],
}

impl<T: Elementary, C: Configuration<Spec>> WithSimd<T> for Largest<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, _: S) {
        let Self { images, configuration, x, epilogue, y } = self;
        let spec = configuration.sizes();
        if may_be!(C, |spec| spec.input[2] % 16 == 0) {
            forward::<T, 16>(images, spec, x, epilogue, y);
        } else if may_be!(C, |spec| spec.input[2] % 6 == 0) {
            forward::<T, 6>(images, spec, x, epilogue, y);
        } else if may_be!(C, |spec| spec.input[2] % 4 == 0) {
            forward::<T, 4>(images, spec, x, epilogue, y);
        } else {
            forward::<T, 1>(images, spec, x, epilogue, y);
        }
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

#[inline(always)]
fn forward<T: Elementary, const LANES: usize>(
    batch: usize,
    spec: &Spec,
    x: &[T],
    epilogue: &Epilogue<'_, T>,
    y: &mut [T],
) {
    let ([_, width, channels], epilogue) = (spec.input, epilogue.unless_none());
    each_window!(batch, spec, |out, rows, columns, first| {
        for (block, y) in y[out..out + channels].chunks_exact_mut(LANES).enumerate() {
            let mut largest = [T::from_f64(f64::NEG_INFINITY); LANES];
            for row in rows.0..rows.1 {
                for column in columns.0..columns.1 {
                    let at = first + (row * width + column) * channels + block * LANES;
                    let pixel = &x[at..at + LANES];
                    for (largest, &a) in largest.iter_mut().zip(pixel) {
                        let replaces = a > *largest || is_nan(a);
                        *largest = if replaces { a } else { *largest };
                    }
                }
            }
            match epilogue {
                None => y.copy_from_slice(&largest),
                Some(epilogue) => epilogue.store_lanes(block * LANES, largest, y),
            }
        }
    });
}

fn gradient<T: Scalar, const LANES: usize>(batch: usize, spec: &Spec, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
    let [_, width, channels] = spec.input;
    each_window!(batch, spec, |out, rows, columns, first| {
        for block in 0..channels / LANES {
            let at = out + block * LANES;
            let largest = &y[at..at + LANES];
            // What has not found its place yet: the first number that equals the largest takes it, and leaves 0.
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
