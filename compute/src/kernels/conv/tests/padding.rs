//! Tests of parts of an image whose windows read only padding.

use std::vec::Vec;

use netwright_abi::Epilogue;

use super::super::{self as conv, Spec};
use super::{elements, memory};
use crate::context::{Context, tests::SerialFork};
use crate::kernels::depthwise;

/// Windows of 3x3 over an image of 2x2; the windows of the first and last rows read only padding.
fn padded(channels: usize, filters: usize, groups: usize) -> Spec {
    Spec {
        input: [2, 2, channels],
        output: [18, 18, filters],
        window: [3; 2],
        stride: [1; 2],
        padding: [9; 4],
        dilation: [1; 2],
        groups,
        epilogue: Epilogue::NONE,
    }
}

/// A kernel that computes the images of a context from x, w and a bias.
type Forward = fn(&Context<'_>, &Spec, &[f32], &[f32], &[f32]) -> Vec<f32>;

/// Returns memory for the output of a batch, and scratch memory.
fn output(context: &Context<'_>, spec: &Spec, scratch: usize) -> [Vec<f32>; 2] {
    [context.batch * spec.output_len(), context.threads() * scratch].map(memory)
}

const FORWARD: [(Forward, [usize; 3]); 7] = [
    (direct, [64, 64, 1]),
    (gemm, [64, 64, 1]),
    (packed, [64, 64, 1]),
    (packed, [64, 160, 1]),
    (pixels, [28, 128, 1]),
    (grouped, [128, 128, 2]),
    (one_by_one, [3300, 3300, 3300]),
];

fn direct(context: &Context<'_>, spec: &Spec, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f32> {
    let [mut y, _] = output(context, spec, 0);
    conv::conv_direct_forward(context, spec, x, w, &[], bias, &mut y);
    y
}

fn gemm(context: &Context<'_>, spec: &Spec, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f32> {
    let [mut y, mut scratch] = output(context, spec, conv::conv_gemm_forward_scratch(spec));
    conv::conv_gemm_forward(context, spec, x, w, &[], &[], bias, &mut y, &mut scratch);
    y
}

fn packed(context: &Context<'_>, spec: &Spec, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f32> {
    let [mut y, mut scratch] = output(context, spec, conv::conv_packed_forward_scratch(spec));
    let mut filters = memory(spec.packed_len());
    conv::conv_pack(context, spec, w, &mut filters);
    conv::conv_packed_forward(context, spec, x, &filters, &[], bias, &mut y, &mut scratch);
    y
}

fn pixels(context: &Context<'_>, spec: &Spec, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f32> {
    let [mut y, mut scratch] = output(context, spec, conv::conv_pixels_forward_scratch(spec));
    conv::conv_pixels_forward(context, spec, x, w, &[], bias, &mut y, &mut scratch);
    y
}

fn grouped(context: &Context<'_>, spec: &Spec, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f32> {
    let [mut y, mut scratch] = output(context, spec, conv::conv_grouped_forward_scratch(spec));
    conv::conv_grouped_forward(context, spec, x, w, &[], &[], bias, &mut y, &mut scratch);
    y
}

fn one_by_one(context: &Context<'_>, spec: &Spec, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f32> {
    let [mut y, mut scratch] = output(context, spec, depthwise::depthwise_forward_scratch(spec));
    depthwise::depthwise_forward(context, spec, x, w, &[], bias, &mut y, &mut scratch);
    y
}

#[test]
fn rows_of_padding_alone_can_be_a_part_of_their_own() {
    for (kernel, (forward, [channels, filters, groups])) in FORWARD.into_iter().enumerate() {
        let spec = padded(channels, filters, groups);
        let (x, w, bias) = (elements(2 * spec.input_len(), 1), elements(spec.weights_len(), 2), elements(filters, 3));
        let alone = forward(&Context::of(2), &spec, &x, &w, &bias);
        for threads in [2, 5, 18, 36] {
            let fork = SerialFork(threads);
            let together = forward(&Context::on(2, &fork), &spec, &x, &w, &bias);
            assert!(together == alone, "kernel {kernel}, {threads} threads");
        }
    }
}
