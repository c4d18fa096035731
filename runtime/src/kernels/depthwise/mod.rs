//! Depthwise convolution (Sifre, 2014; Chollet, 2017): each channel has its own filters and meets no other channel.
//!
//! Its sizes are a [`conv::Spec`](super::conv::Spec) with as many groups as input channels; output channel
//! c·multiplier + m is filter m of channel c, so that weights are `[window height, window width, 1, channels · multiplier]`.

use super::conv::{Spec, add_bias_gradient, conv_direct_forward, conv_direct_grad_input, conv_direct_grad_weights};
use super::elementary::Elementary;
use crate::gemm::vector::{Level, run};
use crate::scalar::Scalar;

#[cfg(test)]
mod tests;
mod vectors;

use vectors::{Job, Pass};

/// Whether each channel has one filter, so that channels lie alike in input and output.
const fn one_filter(spec: &Spec) -> bool {
    spec.input[2] == spec.output[2]
}

#[track_caller]
fn check(spec: &Spec, batch: usize, input: usize, weights: usize, each_filter: [usize; 2], output: usize) {
    assert_eq!(spec.groups, spec.input[2], "a depthwise convolution has a group for each channel");
    spec.check(batch, input, weights, each_filter, output);
}

/// y from x, w, scale, shift.
pub fn depthwise_forward<T: Elementary>(
    batch: usize,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    check(spec, batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    if !one_filter(spec) {
        return conv_direct_forward(batch, spec, x, w, scale, shift, y);
    }
    let (level, epilogue) = (Level::detect(), spec.ending.epilogue(scale, shift));
    for (x, y) in x.chunks_exact(spec.input_len()).zip(y.chunks_exact_mut(spec.output_len())) {
        run(level, Job { spec, pass: Pass::Forward { x, w, epilogue, y } });
        spec.ending.finish(y);
    }
}

/// dx from dy, w.
pub fn depthwise_grad_input<T: Scalar>(batch: usize, spec: &Spec, dy: &[T], w: &[T], dx: &mut [T]) {
    check(spec, batch, dx.len(), w.len(), [0; 2], dy.len());
    if one_filter(spec) {
        run(Level::detect(), Job { spec, pass: Pass::GradInput { dy, w, dx } });
    } else {
        conv_direct_grad_input(batch, spec, dy, w, dx);
    }
}

/// dw and db, added to, from x, dy.
pub fn depthwise_grad_weights<T: Scalar>(batch: usize, spec: &Spec, x: &[T], dy: &[T], dw: &mut [T], db: &mut [T]) {
    check(spec, batch, x.len(), dw.len(), [0, db.len()], dy.len());
    if one_filter(spec) {
        add_bias_gradient(dy, db);
        run(Level::detect(), Job { spec, pass: Pass::GradWeights { x, dy, dw } });
    } else {
        conv_direct_grad_weights(batch, spec, x, dy, dw, db);
    }
}
