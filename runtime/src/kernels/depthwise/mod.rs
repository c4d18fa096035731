//! Depthwise convolution (Sifre, 2014; Chollet, 2017): each channel has its own filters and meets no other channel.
//!
//! Its sizes are a [`conv::Spec`](super::conv::Spec) with as many groups as input channels; output channel
//! c·multiplier + m is filter m of channel c, so that weights are `[window height, window width, 1, channels · multiplier]`.

use super::conv::{Spec, reference};
use crate::scalar::Scalar;

#[track_caller]
fn check(spec: &Spec, batch: usize, input: usize, weights: usize, bias: usize, output: usize) {
    assert_eq!(spec.groups, spec.input[2], "a depthwise convolution has a group for each channel");
    spec.check(batch, input, weights, bias, output);
}

/// y from x, w, b.
pub fn depthwise_forward<T: Scalar>(batch: usize, spec: &Spec, x: &[T], w: &[T], b: &[T], y: &mut [T]) {
    check(spec, batch, x.len(), w.len(), b.len(), y.len());
    reference::forward(batch, spec, x, w, b, y);
}

/// dx from dy, w.
pub fn depthwise_grad_input<T: Scalar>(batch: usize, spec: &Spec, dy: &[T], w: &[T], dx: &mut [T]) {
    check(spec, batch, dx.len(), w.len(), 0, dy.len());
    reference::grad_input(batch, spec, dy, w, dx);
}

/// dw and db, added to, from x, dy.
pub fn depthwise_grad_weights<T: Scalar>(batch: usize, spec: &Spec, x: &[T], dy: &[T], dw: &mut [T], db: &mut [T]) {
    check(spec, batch, x.len(), dw.len(), db.len(), dy.len());
    reference::grad_weights(batch, spec, x, dy, dw, db);
}
