//! The reference loops of pooling: the equations of slide 39, one element at a time.

use super::Spec;
use crate::scalar::Scalar;

/// Returns whether an element differs from itself: only NaN does.
#[allow(clippy::eq_op)]
fn is_nan<T: Scalar>(a: T) -> bool {
    a != a
}

/// Ω(i', j') of slide 39: returns the indices in the input of the window of output (row, column), in order, for one channel.
fn window(spec: &Spec, row: usize, column: usize, channel: usize) -> impl Iterator<Item = usize> {
    let [height, width, channels] = spec.input;
    let ([high, wide], [down, across], [top, _, left, _]) = (spec.window, spec.stride, spec.padding);
    (0..high).flat_map(move |m| (0..wide).map(move |n| (row * down + m, column * across + n))).filter_map(
        move |(i, j)| {
            let (i, j) = (i.checked_sub(top)?, j.checked_sub(left)?);
            (i < height && j < width).then_some((i * width + j) * channels + channel)
        },
    )
}

/// Calls `visit(image, row, column, channel, index in the output)` for each element of the output.
fn outputs(batch: usize, spec: &Spec, mut visit: impl FnMut(usize, usize, usize, usize, usize)) {
    let [height, width, channels] = spec.output;
    for image in 0..batch {
        for row in 0..height {
            for column in 0..width {
                for channel in 0..channels {
                    let index = ((image * height + row) * width + column) * channels + channel;
                    visit(image, row, column, channel, index);
                }
            }
        }
    }
}

/// s(i', j') = max a(i, j) over Ω(i', j'); −∞ where the window has only padding.
pub fn maxpool_forward<T: Scalar>(batch: usize, spec: &Spec, x: &[T], y: &mut [T]) {
    outputs(batch, spec, |image, row, column, channel, index| {
        let a = &x[image * spec.input_len()..];
        y[index] = window(spec, row, column, channel)
            .map(|i| a[i])
            .fold(T::from_f64(f64::NEG_INFINITY), |largest, a| if a > largest || is_nan(a) { a } else { largest });
    });
}

/// ∂s/∂a = 1 where a is the (first) largest of its window, else 0.
pub fn maxpool_grad<T: Scalar>(batch: usize, spec: &Spec, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
    dx.fill(T::ZERO);
    outputs(batch, spec, |image, row, column, channel, index| {
        let first = image * spec.input_len();
        if let Some(i) = window(spec, row, column, channel).find(|&i| x[first + i] == y[index]) {
            dx[first + i] += dy[index];
        }
    });
}

/// s(i', j') = mean of a over Ω(i', j'); 0 where the window has only padding.
pub fn avgpool_forward<T: Scalar>(batch: usize, spec: &Spec, x: &[T], y: &mut [T]) {
    outputs(batch, spec, |image, row, column, channel, index| {
        let a = &x[image * spec.input_len()..];
        let count = window(spec, row, column, channel).count().max(1);
        y[index] = window(spec, row, column, channel).map(|i| a[i]).sum::<T>() / T::from_f64(count as f64);
    });
}

/// ∂ℓ/∂a += ∂ℓ/∂s / |Ω| for each element of a window.
pub fn avgpool_grad<T: Scalar>(batch: usize, spec: &Spec, dy: &[T], dx: &mut [T]) {
    dx.fill(T::ZERO);
    outputs(batch, spec, |image, row, column, channel, index| {
        let count = window(spec, row, column, channel).count().max(1);
        for i in window(spec, row, column, channel) {
            dx[image * spec.input_len() + i] += dy[index] / T::from_f64(count as f64);
        }
    });
}
