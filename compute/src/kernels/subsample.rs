//! Trained subsampling (LeCun et al., 1998): y = coefficient · Σ of a window + bias, one coefficient and bias for each channel.

use super::conv::add_bias_gradient;
use super::elementary::Elementary;
use super::parts::Sums;
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::scalar::Scalar;
pub use netwright_abi::spec::subsample::Spec;

/// Calls `visit` for each tap of each window of a batch, with the offset of the output pixel and the offset of the input pixel.
#[inline(always)]
fn for_each_tap(spec: &Spec, batch: usize, mut visit: impl FnMut(usize, usize)) {
    let ([height, width, channels], [rows, columns, _]) = (spec.input, spec.output);
    for n in 0..batch {
        for row in 0..rows {
            for column in 0..columns {
                let y = ((n * rows + row) * columns + column) * channels;
                for i in 0..spec.window[0] {
                    let line = (n * height + row * spec.stride[0] + i) * width + column * spec.stride[1];
                    for j in 0..spec.window[1] {
                        visit(y, (line + j) * channels);
                    }
                }
            }
        }
    }
}

/// y = f(scale · coefficient · Σ x + shift + y), with the previous contents of y where the epilogue accumulates. An empty scale is 1, an
/// empty shift 0.
pub fn subsample_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    let ([_, _, channels], [rows, columns, _]) = (spec.input, spec.output);
    let epilogue = Epilogue::new(spec.epilogue, scale, shift);
    let images = x.chunks_exact(spec.input.iter().product());
    let lines = images.flat_map(|x| (0..rows).map(move |row| (x, row * spec.stride[0])));
    for ((x, row), y) in lines.zip(y.chunks_exact_mut(columns * channels)) {
        let [_, across] = spec.window;
        for (index, y) in y.chunks_exact_mut(channels).enumerate() {
            let column = index * spec.stride[1];
            for_channels(channels, |first, count| {
                let mut sums = Sums::<T, LANES, true>::new();
                for tap in 0..spec.window.iter().product() {
                    sums.take(1);
                    let pixel = (row + tap / across) * spec.input[1] + column + tap % across;
                    let x = &x[pixel * channels + first..][..count];
                    sums.part.iter_mut().zip(x).for_each(|(sum, &x)| *sum += x);
                }
                let mut z = sums.total();
                z.iter_mut().zip(&w[first..]).for_each(|(z, &w)| *z *= w);
                epilogue.store(first, &mut z[..count], &mut y[first..first + count]);
            });
        }
        epilogue.finish(context.isa(), y);
    }
}

/// ∂ℓ/∂x = coefficient · Σ ∂ℓ/∂y over the windows that contain x.
pub fn subsample_grad_input<T: Scalar>(context: &Context<'_>, spec: &Spec, dy: &[T], w: &[T], dx: &mut [T]) {
    spec.check(context.batch, dx.len(), w.len(), [0; 2], dy.len());
    let channels = spec.input[2];
    dx.fill(T::ZERO);
    for_each_tap(spec, context.batch, |from, to| {
        let pixel = dx[to..to + channels].iter_mut();
        for ((dx, &dy), &w) in pixel.zip(&dy[from..from + channels]).zip(w) {
            *dx += dy * w;
        }
    });
}

/// ∂ℓ/∂coefficient += Σ ∂ℓ/∂y · (Σ x) and ∂ℓ/∂bias += Σ ∂ℓ/∂y over the batch and all positions.
pub fn subsample_grad_weights<T: Scalar>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
) {
    spec.check(context.batch, x.len(), dw.len(), [db.len(), 0], dy.len());
    let channels = spec.input[2];
    for_channels(channels, |first, count| {
        let mut sums = Sums::<T, LANES, true>::new();
        for_each_tap(spec, context.batch, |y, from| {
            sums.take(1);
            let elements = x[from + first..from + first + count].iter().zip(&dy[y + first..y + first + count]);
            sums.part.iter_mut().zip(elements).for_each(|(sum, (&x, &dy))| *sum += dy * x);
        });
        dw.iter_mut().skip(first).take(count).zip(sums.total()).for_each(|(dw, sum)| *dw += sum);
    });
    add_bias_gradient(context, dy, db);
}

/// Channels that are summed together.
const LANES: usize = 16;

/// Calls `visit` with the first channel and the number of channels of every group of at most [`LANES`].
fn for_channels(channels: usize, mut visit: impl FnMut(usize, usize)) {
    (0..channels).step_by(LANES).for_each(|first| visit(first, LANES.min(channels - first)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epilogue::{self, tests::kinds};
    use crate::kernels::check::{assert_close, assert_gradient, inner_product, narrow, random_elements, widen};
    use crate::random::Random;
    use netwright_abi::Epilogue as Kind;

    fn spec(window: [usize; 2], stride: [usize; 2], output: [usize; 2], spare: usize, channels: usize) -> Spec {
        let side = |axis: usize| (output[axis] - 1) * stride[axis] + window[axis] + spare;
        Spec {
            input: [side(0), side(1), channels],
            output: [output[0], output[1], channels],
            window,
            stride,
            epilogue: Kind::NONE,
        }
    }

    fn specs() -> [Spec; 3] {
        [spec([2, 2], [2, 2], [2, 3], 0, 3), spec([3, 2], [1, 2], [3, 2], 1, 1), spec([2, 3], [3, 1], [2, 2], 0, 4)]
    }

    #[test]
    fn agrees_with_the_paper_written_out() {
        let mut random = Random::new(1);
        for (spec, epilogue) in specs().into_iter().flat_map(|spec| kinds().map(move |kind| (spec, kind))) {
            let spec = Spec { epilogue, ..spec };
            let ([height, width, channels], [rows, columns, _]) = (spec.input, spec.output);
            let x = random_elements(&mut random, 2 * height * width * channels);
            let [c, s, b] = [0; 3].map(|_| random_elements(&mut random, channels));
            let mut z = Vec::new();
            for (n, row, column, channel) in positions(2, rows, columns, channels) {
                let mut sum = 0.0;
                for i in 0..spec.window[0] {
                    for j in 0..spec.window[1] {
                        let (x_row, x_column) = (row * spec.stride[0] + i, column * spec.stride[1] + j);
                        sum += x[((n * height + x_row) * width + x_column) * channels + channel];
                    }
                }
                z.push(c[channel] * sum);
            }
            let before =
                if epilogue.accumulate { random_elements(&mut random, z.len()) } else { vec![f64::NAN; z.len()] };
            let (mut expected, mut y) = (before.clone(), before.clone());
            epilogue::reference(epilogue, &z, &s, &b, &mut expected, channels);
            subsample_forward(&Context::of(2), &spec, &x, &c, &s, &b, &mut y);
            assert_close(&y, &expected, 1e-14);
            let mut y = narrow::<f32>(&before);
            subsample_forward(
                &Context::of(2),
                &spec,
                &narrow::<f32>(&x),
                &narrow(&c),
                &narrow(&s),
                &narrow(&b),
                &mut y,
            );
            assert_close(&widen(&y), &expected, 1e-5);
        }
    }

    fn positions(a: usize, b: usize, c: usize, d: usize) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        (0..a * b * c * d).map(move |i| (i / (b * c * d), i / (c * d) % b, i / d % c, i % d))
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut random = Random::new(2);
        for spec in specs().map(|spec| Spec { epilogue: Kind::NONE, ..spec }) {
            let channels = spec.input[2];
            let x = random_elements(&mut random, 2 * spec.input.iter().product::<usize>());
            let (c, b) = (random_elements(&mut random, channels), random_elements(&mut random, channels));
            let dy = random_elements(&mut random, 2 * spec.output.iter().product::<usize>());
            let loss = |x: &[f64], c: &[f64], b: &[f64]| {
                let mut y = vec![0.0; dy.len()];
                subsample_forward(&Context::of(2), &spec, x, c, &[], b, &mut y);
                inner_product(&y, &dy)
            };
            let (mut dx, mut dc, mut db) = (vec![f64::NAN; x.len()], vec![1.0; channels], vec![1.0; channels]);
            subsample_grad_input(&Context::of(2), &spec, &dy, &c, &mut dx);
            subsample_grad_weights(&Context::of(2), &spec, &x, &dy, &mut dc, &mut db);
            let less_1 = |gradient: &[f64]| gradient.iter().map(|d| d - 1.0).collect::<Vec<_>>();
            assert_gradient(&x, &dx, |x| loss(x, &c, &b));
            assert_gradient(&c, &less_1(&dc), |c| loss(&x, c, &b));
            assert_gradient(&b, &less_1(&db), |b| loss(&x, &c, b));
        }
    }
}
