//! Convolution with a connection table (LeCun et al., 1998, Table I): each filter sees some of the input's channels.
//!
//! Only what is connected has weights: they are `[window height, window width, connections]`, in the order of the table.

use super::conv::add_bias_gradient;
use super::elementary::Elementary;
use super::parts::Sums;
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::scalar::Scalar;
pub use netwright_abi::spec::conv_table::Spec;

/// Calls `visit` for each tap of each output that lies in the image: the start of the output's pixel, of the input's
/// pixel, and of the tap's weights.
#[inline(always)]
fn for_each_tap(spec: &Spec, batch: usize, mut visit: impl FnMut(usize, usize, usize)) {
    let ([height, width, channels], [rows, columns, filters]) = (spec.input, spec.output);
    for n in 0..batch {
        for row in 0..rows {
            for column in 0..columns {
                let y = ((n * rows + row) * columns + column) * filters;
                for i in 0..spec.window[0] {
                    let line = (row * spec.stride[0] + i * spec.dilation[0]).wrapping_sub(spec.padding[0]);
                    if line >= height {
                        continue;
                    }
                    for j in 0..spec.window[1] {
                        let place = (column * spec.stride[1] + j * spec.dilation[1]).wrapping_sub(spec.padding[2]);
                        if place >= width {
                            continue;
                        }
                        let x = ((n * height + line) * width + place) * channels;
                        visit(y, x, (i * spec.window[1] + j) * spec.connections.len());
                    }
                }
            }
        }
    }
}

/// y = f(scale · z + shift) with z = Σ x · w over the window and the channels that the filter sees. An empty scale is 1, an empty
/// shift 0.
pub fn conv_table_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    let ([_, _, channels], [rows, columns, filters]) = (spec.input, spec.output);
    let epilogue = Epilogue { scale, shift, activation: spec.activation, ..Epilogue::NONE };
    let images = x.chunks_exact(spec.input.iter().product()).zip(y.chunks_exact_mut(rows * columns * filters));
    for (x, y) in images {
        y.fill(T::ZERO);
        for_each_tap(spec, 1, |to, from, tap| {
            let (x, y) = (&x[from..from + channels], &mut y[to..to + filters]);
            for (&[channel, filter], &w) in spec.connections.iter().zip(&w[tap..]) {
                y[filter] += x[channel] * w;
            }
        });
        epilogue.apply(context.isa(), filters, y);
    }
}

/// ∂ℓ/∂x = Σ ∂ℓ/∂y · w over the filters that see x.
pub fn conv_table_grad_input<T: Scalar>(context: &Context<'_>, spec: &Spec, dy: &[T], w: &[T], dx: &mut [T]) {
    spec.check(context.batch, dx.len(), w.len(), [0; 2], dy.len());
    let ([_, _, channels], [_, _, filters]) = (spec.input, spec.output);
    dx.fill(T::ZERO);
    for_each_tap(spec, context.batch, |from, to, tap| {
        let (dy, dx) = (&dy[from..from + filters], &mut dx[to..to + channels]);
        for (&[channel, filter], &w) in spec.connections.iter().zip(&w[tap..]) {
            dx[channel] += dy[filter] * w;
        }
    });
}

/// ∂ℓ/∂w += Σ ∂ℓ/∂y · x and ∂ℓ/∂b += Σ ∂ℓ/∂y over the batch and all positions.
pub fn conv_table_grad_weights<T: Scalar>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
) {
    spec.check(context.batch, x.len(), dw.len(), [db.len(), 0], dy.len());
    let ([_, _, channels], [_, _, filters]) = (spec.input, spec.output);
    for (tap, dw) in dw.chunks_exact_mut(spec.connections.len().max(1)).enumerate() {
        for (dw, connections) in dw.chunks_mut(LANES).zip(spec.connections.chunks(LANES)) {
            let mut sums = Sums::<T, LANES, true>::new();
            for_each_position(spec, context.batch, [tap / spec.window[1], tap % spec.window[1]], |y, from| {
                sums.take(1);
                let (x, dy) = (&x[from..from + channels], &dy[y..y + filters]);
                for (sum, &[channel, filter]) in sums.part.iter_mut().zip(connections) {
                    *sum += dy[filter] * x[channel];
                }
            });
            dw.iter_mut().zip(sums.total()).for_each(|(dw, sum)| *dw += sum);
        }
    }
    add_bias_gradient(context, dy, db);
}

/// Connections whose weights are summed together.
const LANES: usize = 16;

/// Calls `visit` with each output for which a tap lies in the image: the start of its pixel, and of the pixel under the tap.
#[inline(always)]
fn for_each_position(spec: &Spec, batch: usize, tap: [usize; 2], mut visit: impl FnMut(usize, usize)) {
    let ([height, width, channels], [rows, columns, filters]) = (spec.input, spec.output);
    let under = |axis: usize, position: usize| {
        (position * spec.stride[axis] + tap[axis] * spec.dilation[axis]).wrapping_sub(spec.padding[2 * axis])
    };
    for n in 0..batch {
        for (row, line) in (0..rows).map(|row| (row, under(0, row))).filter(|&(_, line)| line < height) {
            for (column, place) in (0..columns).map(|column| (column, under(1, column))) {
                if place < width {
                    let y = ((n * rows + row) * columns + column) * filters;
                    visit(y, ((n * height + line) * width + place) * channels);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epilogue;
    use crate::kernels::check::{assert_close, assert_gradient, inner_product, narrow, numbers, widen};
    use crate::kernels::conv;
    use crate::random::Random;
    use netwright_abi::Activation;
    use netwright_abi::Epilogue;

    const TABLE: &[[usize; 2]] = &[[0, 0], [2, 0], [1, 1], [0, 3], [1, 3], [2, 3], [2, 2]];
    const SPECS: [Spec; 2] = [
        Spec {
            input: [5, 4, 3],
            output: [3, 3, 4],
            window: [3, 2],
            stride: [1, 1],
            padding: [0; 4],
            dilation: [1, 1],
            connections: TABLE,
            activation: None,
        },
        Spec {
            input: [5, 6, 3],
            output: [3, 4, 4],
            window: [2, 3],
            stride: [2, 1],
            padding: [1, 0, 2, 0],
            dilation: [1, 2],
            connections: TABLE,
            activation: None,
        },
    ];

    fn lens(spec: &Spec) -> [usize; 3] {
        let taps = spec.window[0] * spec.window[1];
        [2 * spec.input.iter().product::<usize>(), taps * TABLE.len(), 2 * spec.output.iter().product::<usize>()]
    }

    #[test]
    fn is_a_convolution_whose_other_weights_are_zero() {
        let mut random = Random::new(1);
        let activations = [None, Some(Activation::Relu), Some(Activation::Tanh)];
        for (spec, activation) in SPECS.into_iter().flat_map(|spec| activations.map(|f| (spec, f))) {
            let spec = Spec { activation, ..spec };
            let [x, w, y] = lens(&spec);
            let (x, w) = (numbers(&mut random, x), numbers(&mut random, w));
            let (scale, shift) = (numbers(&mut random, 4), numbers(&mut random, 4));
            let whole = conv::Spec {
                input: spec.input,
                output: spec.output,
                window: spec.window,
                stride: spec.stride,
                padding: spec.padding,
                dilation: spec.dilation,
                groups: 1,
                epilogue: netwright_abi::Epilogue::NONE,
            };
            let mut full = vec![0.0; whole.weights_len()];
            for (at, &w) in w.iter().enumerate() {
                let [channel, filter] = TABLE[at % TABLE.len()];
                full[(at / TABLE.len() * 3 + channel) * 4 + filter] = w;
            }
            let mut expected = vec![0.0; y];
            conv::reference::forward(2, &whole, &x, &full, &[], &mut expected);
            for scale in [&scale[..], &[]] {
                let (z, epilogue) = (expected.clone(), Epilogue { accumulate: false, activation });
                let mut expected = vec![0.0; y];
                epilogue::reference(epilogue, &z, scale, &shift, &mut expected, 4);
                let mut found = vec![f64::NAN; y];
                conv_table_forward(&Context::of(2), &spec, &x, &w, scale, &shift, &mut found);
                assert_close(&found, &expected, 1e-13);
                let mut found = vec![f32::NAN; y];
                let (x, w, scale, shift) = (narrow::<f32>(&x), narrow(&w), narrow(scale), narrow(&shift));
                conv_table_forward(&Context::of(2), &spec, &x, &w, &scale, &shift, &mut found);
                assert_close(&widen(&found), &expected, 1e-5);
            }
        }
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut random = Random::new(2);
        for spec in SPECS {
            let [x, w, y] = lens(&spec);
            let (x, w, b) = (numbers(&mut random, x), numbers(&mut random, w), numbers(&mut random, 4));
            let dy = numbers(&mut random, y);
            let loss = |x: &[f64], w: &[f64], b: &[f64]| {
                let mut y = vec![0.0; y];
                conv_table_forward(&Context::of(2), &spec, x, w, &[], b, &mut y);
                inner_product(&y, &dy)
            };
            let (mut dx, mut dw, mut db) = (vec![f64::NAN; x.len()], vec![1.0; w.len()], vec![1.0; 4]);
            conv_table_grad_input(&Context::of(2), &spec, &dy, &w, &mut dx);
            conv_table_grad_weights(&Context::of(2), &spec, &x, &dy, &mut dw, &mut db);
            let less_1 = |gradient: &[f64]| gradient.iter().map(|d| d - 1.0).collect::<Vec<_>>();
            assert_gradient(&x, &dx, |x| loss(x, &w, &b));
            assert_gradient(&w, &less_1(&dw), |w| loss(&x, w, &b));
            assert_gradient(&b, &less_1(&db), |b| loss(&x, &w, b));
        }
    }
}
