//! Pooling: the largest element, or the mean, of each window of each channel (slides 30 and 32).

pub mod average;
pub mod max;
pub mod reference;
mod windows;

use super::elementary::Elementary;
use super::images::images;
use crate::configuration::Configuration;
use crate::context::Context;
use crate::epilogue::{Epilogue, HOT};
use crate::scalar::Scalar;
use crate::simd::Isa;
use netwright_abi::spec::Windowed as _;
pub use netwright_abi::spec::pool::Spec;

pub use average::{avgpool_forward, avgpool_grad};
pub use max::{maxpool_forward, maxpool_grad};

/// A kind of pooling.
trait Pool: Sync {
    /// Computes y of some images, with the epilogue except for the activation beyond its bounds.
    fn pool<T: Elementary, C: Configuration<Spec>>(
        isa: Isa,
        images: usize,
        configuration: C,
        x: &[T],
        epilogue: &Epilogue<'_, T>,
        y: &mut [T],
    );
}

/// Computes y with the epilogue, a few rows at a time where the activation is not only bounds. Constant sizes are those of a small layer,
/// which runs on one thread and stays in the L1 cache.
#[inline(always)]
fn forward<P: Pool, T: Elementary, C: Configuration<Spec>>(
    context: &Context<'_>,
    configuration: C,
    x: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    let spec = configuration.sizes();
    let epilogue = &Epilogue::new(spec.epilogue, scale, shift);
    spec.check(context.batch, &[x], &[y]);
    epilogue.check(spec.output[2]);
    if const { C::CONSTANT.is_some() } {
        P::pool(context.isa(), context.batch, configuration, x, epilogue, y);
        epilogue.finish(context.isa(), y);
    } else {
        in_parts::<P, T>(context, spec, x, epilogue, y);
    }
}

fn in_parts<P: Pool, T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    epilogue: &Epilogue<'_, T>,
    y: &mut [T],
) {
    let pool = |images, spec: &Spec, x: &[T], y: &mut [T]| P::pool(context.isa(), images, spec, x, epilogue, y);
    context.split_windows(spec, x, y, &mut [], &|spec, x, y, _| {
        if epilogue.activation_after_bounds().is_none() {
            return pool(y.len() / spec.output_len(), spec, x, y);
        }
        let [row_in, row_out] = spec.shapes().map(|[_, width, channels]| width * channels);
        let at_once = HOT.div_ceil(row_out);
        for (x, y) in images(x, spec.input_len(), y, spec.output_len()) {
            for (n, y) in y.chunks_mut(at_once * row_out).enumerate() {
                let first = n * at_once;
                let (part, reached) = spec.of_rows(first..first + y.len() / row_out);
                pool(1, &part, &x[reached.start * row_in..reached.end * row_in], y);
                epilogue.finish(context.isa(), y);
            }
        }
    });
}

/// Returns the pixels of a window.
const fn area(spec: &Spec) -> usize {
    spec.window[0] * spec.window[1]
}

/// Returns 1 / the elements of a window; 1 for an empty window, whose mean is 0.
#[inline(always)]
fn share<T: Scalar>(rows: (usize, usize), columns: (usize, usize)) -> T {
    T::ONE / T::from_f64(((rows.1 - rows.0) * (columns.1 - columns.0)).max(1) as f64)
}

/// Calls a function with the largest of a few lane counts that divides the channels.
macro_rules! by_lanes {
    ($channels:expr, $function:ident($($argument:expr),*)) => {
        match $channels {
            c if c % 16 == 0 => $function::<T, 16>($($argument),*),
            c if c % 6 == 0 => $function::<T, 6>($($argument),*),
            c if c % 4 == 0 => $function::<T, 4>($($argument),*),
            _ => $function::<T, 1>($($argument),*),
        }
    };
}
use by_lanes;

/// Runs a body for each pixel of the output: `$out` is the offset of its first channel, `$rows` and `$columns` are the bounds of its
/// window, `$first` is the offset of its image in the input.
macro_rules! each_window {
    ($batch:expr, $spec:expr, |$out:ident, $rows:ident, $columns:ident, $first:ident| $body:block) => {
        let [height, width, channels] = $spec.output;
        for image in 0..$batch {
            let $first = image * $spec.input_len();
            for row in 0..height {
                let $rows = $spec.rows(row);
                for column in 0..width {
                    let $columns = $spec.columns(column);
                    let $out = ((image * height + row) * width + column) * channels;
                    $body
                }
            }
        }
    };
}
use each_window;

#[cfg(test)]
mod tests;
