//! Depthwise convolution (Sifre, 2014; Chollet, 2017): each channel has its own filters, and no filter reads another channel.
//!
//! Its sizes are a [`Spec`] with as many groups as input channels; output channel c·multiplier + m is filter m of channel c, and
//! weights are `[window height, window width, channels, multiplier]`.
//!
//! Channels are in the lanes of vectors. Where a channel has several filters, it is repeated once for each filter in a band of rows in
//! scratch memory; then each repeated channel has one filter. With one filter per channel, no scratch memory is needed.

pub use super::conv::Spec;
use super::conv::strips::{self, in_strips};
use super::conv::{StridePhase, add_bias_gradient};
use super::elementary::Elementary;
use super::images::images;
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::simd::{Isa, Simd, WithSimd};

mod axis;
mod gradient;
mod repeat;
#[cfg(test)]
mod tests;
mod windows;

use axis::Axis;
use gradient::WeightGradient;
use repeat::{Repeated, sum_of_each};
use windows::Windows;

/// Some pixels of an image, from pixel `first` on.
#[derive(Clone, Copy)]
struct Pixels<S> {
    first: usize,
    elements: S,
}

/// Returns the elements of scratch memory that `depthwise_forward` needs per thread, whatever the batch.
pub const fn depthwise_forward_scratch(spec: &Spec) -> usize {
    repeat::scratch(spec, repeat::window_rows(spec))
}

/// Returns the elements of scratch memory that `depthwise_grad_input` needs per thread, whatever the batch.
pub const fn depthwise_grad_input_scratch(spec: &Spec) -> usize {
    repeat::scratch(spec, 1)
}

/// Returns the elements of scratch memory that `depthwise_grad_weights` needs, whatever the batch.
pub const fn depthwise_grad_weights_scratch(spec: &Spec) -> usize {
    strips::scratch(spec) + repeat::scratch(spec, repeat::window_rows(spec))
}

#[track_caller]
fn check(spec: &Spec, batch: usize, input: usize, weights: usize, each_filter: [usize; 2], output: usize) {
    assert_eq!(spec.groups, spec.input[2], "a depthwise convolution has a group for each channel");
    spec.check(batch, input, weights, each_filter, output);
}

/// y\[i′,j′,c] = f(scale\[c] · Σᵢⱼ x\[i′+i, j′+j, c] · w\[i,j,c] + shift\[c] + y\[i′,j′,c]), with one filter per channel.
#[allow(clippy::too_many_arguments)]
pub fn depthwise_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    check(spec, context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    context.split_windows(spec, x, y, scratch, &|spec, x, y, scratch| {
        forward(context.isa(), spec, x, w, scale, shift, y, scratch)
    });
}

/// [`depthwise_forward`] for some rows on the calling thread; lengths are checked.
#[allow(clippy::too_many_arguments)]
pub(super) fn forward<T: Elementary>(
    isa: Isa,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    let [rows, columns, all] = spec.output;
    let windows = Windows {
        axes: [Axis::of_windows(spec, 0), Axis::of_windows(spec, 1)],
        channels: all,
        weights: w,
        tap: [0, spec.window[1], 1].map(usize::cast_signed),
        target: [0, columns, 1],
        epilogue: Epilogue::new(spec.epilogue, scale, shift),
    };
    let mut repeated = Repeated::new(spec, scratch);
    for (x, y) in images(x, spec.input_len(), y, spec.output_len()) {
        let mut first = 0;
        while first < rows {
            let (x, positions) = repeated.rows_for(x, first..rows);
            first = positions.end;
            let y = &mut y[positions.start * columns * all..positions.end * columns * all];
            let target = Pixels { first: positions.start * columns, elements: y };
            isa.dispatch(WindowsJob { windows, positions, source: x, target });
        }
    }
}

/// dx\[i,j,c] = Σ dy\[i′,j′,c] · w\[i−i′, j−j′, c] over the windows that contain (i, j).
pub fn depthwise_grad_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    check(spec, context.batch, dx.len(), w.len(), [0; 2], dy.len());
    context.split_images(spec, dx, scratch, &|first, dx, scratch| {
        grad_input(context.isa(), spec, &dy[first * spec.output_len()..], w, dx, scratch);
    });
}

fn grad_input<T: Elementary>(isa: Isa, spec: &Spec, dy: &[T], w: &[T], dx: &mut [T], scratch: &mut [T]) {
    let ([height, width, channels], all) = (spec.input, spec.output[2]);
    let multiplier = all / channels;
    let at_once = if multiplier == 1 { height } else { repeat::rows_that_fit(spec, scratch.len()) };
    for (dy, dx) in dy.chunks_exact(spec.output_len()).zip(dx.chunks_exact_mut(spec.input_len())) {
        for (n, dx) in dx.chunks_mut(at_once * width * channels).enumerate() {
            let rows = n * at_once..n * at_once + dx.len() / (width * channels);
            let each = if multiplier == 1 { &mut *dx } else { &mut scratch[..rows.len() * width * all] };
            for (top, left) in (0..spec.stride[0]).flat_map(|top| (0..spec.stride[1]).map(move |left| (top, left))) {
                let windows = windows_of_phase(spec, [top, left], w);
                // The positions of the phase in these rows.
                let [start, end] = [rows.start, rows.end].map(|row| row.saturating_sub(top).div_ceil(spec.stride[0]));
                let (source, target) =
                    (Pixels { first: 0, elements: dy }, Pixels { first: rows.start * width, elements: &mut *each });
                isa.dispatch(WindowsJob { windows, positions: start..end, source, target });
            }
            if multiplier > 1 {
                sum_of_each(&scratch[..rows.len() * width * all], multiplier, dx);
            }
        }
    }
}

/// Returns the windows of dy whose sums are the gradient at every `stride`-th position of the input from `phase` on; their taps are in
/// reverse order.
fn windows_of_phase<'a, T: Elementary>(spec: &Spec, phase: [usize; 2], w: &'a [T]) -> Windows<'a, T> {
    let [down, across] = [0, 1].map(|axis| StridePhase::new(spec, axis, phase[axis]));
    let last = |phase: StridePhase| phase.first + phase.taps.saturating_sub(1) * phase.every;
    let window = spec.window[1];
    Windows {
        axes: [Axis::of_phase(spec, 0, down), Axis::of_phase(spec, 1, across)],
        channels: spec.output[2],
        weights: w,
        tap: [
            (last(down) * window + last(across)).cast_signed(),
            -(down.every * window).cast_signed(),
            -across.every.cast_signed(),
        ],
        target: [phase[0] * spec.input[1] + phase[1], spec.stride[0] * spec.input[1], spec.stride[1]],
        epilogue: Epilogue::NONE,
    }
}

/// dw\[i,j,c] += Σ dy\[i′,j′,c] · x\[i′+i, j′+j, c] and db\[c] += Σ dy\[i′,j′,c] over all positions.
pub fn depthwise_grad_weights<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut [T],
) {
    check(spec, context.batch, x.len(), dw.len(), [0, db.len()], dy.len());
    add_bias_gradient(context, dy, db);
    let isa = context.isa();
    in_strips(spec, x, dy, dw, scratch, &mut |spec, x, dy, dw, scratch| {
        let gradient = WeightGradient::new(spec);
        let mut repeated = Repeated::new(spec, scratch);
        for (x, dy) in x.chunks_exact(spec.input_len()).zip(dy.chunks_exact(spec.output_len())) {
            let mut first = 0;
            while first < spec.output[0] {
                let (x, positions) = repeated.rows_for(x, first..spec.output[0]);
                first = positions.end;
                isa.dispatch(GradientJob { gradient, positions, x, dy, dw: &mut *dw });
            }
        }
    });
}

/// Some rows of positions of one image. This and [`GradientJob`] are functions of their own: one large function takes longer to build than
/// two.
struct WindowsJob<'a, T> {
    windows: Windows<'a, T>,
    positions: core::ops::Range<usize>,
    source: Pixels<&'a [T]>,
    target: Pixels<&'a mut [T]>,
}

impl<T: Elementary> WithSimd<T> for WindowsJob<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { windows, positions, source, target } = self;
        windows.run(simd, positions, source, target);
    }
}

/// The gradient of the weights from some rows of positions of one image.
struct GradientJob<'a, T> {
    gradient: WeightGradient,
    positions: core::ops::Range<usize>,
    x: Pixels<&'a [T]>,
    dy: &'a [T],
    dw: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for GradientJob<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { gradient, positions, x, dy, dw } = self;
        gradient.run(simd, positions, x, dy, dw);
    }
}
