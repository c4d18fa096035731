//! Grouped and depthwise convolution compared with alternatives in the same run, on one thread.
//!
//! `cargo bench -p netwright-compute --features std --bench grouped`
//!
//! For each pass: the kernel's GFLOP/s, and how many times faster it is than
//!
//! - the loop: matrix products for each group, on the channels in place;
//! - split before: the same, on channels that are split before and joined after, neither of which is timed;
//! - grouped: the dense convolution whose number of channels gives as many multiplications;
//! - depthwise: copying as many bytes as input and output have, a lower bound where images are large.
//!
//! Each line times all in turn, several rounds, and keeps the best of each, so that none profits from a quieter moment.

use std::hint::black_box;

use netwright_abi::Epilogue;
use netwright_compute::context::Context;
use netwright_compute::kernels::Kernels;
use netwright_compute::kernels::conv::{
    Spec, conv_gemm_forward_scratch, conv_gemm_grad_input_scratch, conv_gemm_grad_weights_scratch,
    conv_grouped_forward_scratch, conv_grouped_grad_input_scratch, conv_grouped_grad_weights_scratch,
};
use netwright_compute::kernels::depthwise::{
    depthwise_forward_scratch, depthwise_grad_input_scratch, depthwise_grad_weights_scratch,
};
use netwright_measure::best;

fn elements(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 + i / 251) % 251) as f32 / 251.0 - 0.5).collect()
}

/// One image and one set of weights for a convolution, with its gradients.
struct Layer {
    spec: Spec,
    x: Vec<f32>,
    w: Vec<f32>,
    y: Vec<f32>,
    dx: Vec<f32>,
    dw: Vec<f32>,
    dy: Vec<f32>,
    memory: Vec<f32>,
}

impl Layer {
    fn new(spec: Spec) -> Self {
        let [x, w, y] = [spec.input_len(), spec.weights_len(), spec.output_len()];
        let memory = [
            conv_gemm_forward_scratch(&spec),
            conv_gemm_grad_input_scratch(&spec),
            conv_gemm_grad_weights_scratch(&spec),
            conv_grouped_forward_scratch(&spec),
            conv_grouped_grad_input_scratch(&spec),
            conv_grouped_grad_weights_scratch(&spec),
            depthwise_forward_scratch(&spec),
            depthwise_grad_input_scratch(&spec),
            depthwise_grad_weights_scratch(&spec),
        ];
        Self {
            spec,
            x: elements(x),
            w: elements(w),
            y: vec![0.0; y],
            dx: vec![0.0; x],
            dw: vec![0.0; w],
            dy: elements(y),
            memory: vec![0.0; memory.into_iter().max().unwrap_or(0)],
        }
    }

    fn gemm(&mut self, pass: Direction) {
        let Self { spec, x, w, y, dx, dw, dy, memory } = self;
        match pass {
            Direction::Forward => {
                f32::conv_gemm_forward(&Context::of(1), spec, black_box(x), w, &[], &[], &[], y, memory)
            }
            Direction::GradInput => f32::conv_gemm_grad_input(&Context::of(1), spec, black_box(dy), w, &[], dx, memory),
            Direction::GradWeights => {
                f32::conv_gemm_grad_weights(&Context::of(1), spec, black_box(x), dy, dw, &mut [], memory)
            }
        }
    }

    fn grouped(&mut self, pass: Direction) {
        let Self { spec, x, w, y, dx, dw, dy, memory } = self;
        match pass {
            Direction::Forward => {
                f32::conv_grouped_forward(&Context::of(1), spec, black_box(x), w, &[], &[], &[], y, memory)
            }
            Direction::GradInput => {
                f32::conv_grouped_grad_input(&Context::of(1), spec, black_box(dy), w, &[], dx, memory)
            }
            Direction::GradWeights => {
                f32::conv_grouped_grad_weights(&Context::of(1), spec, black_box(x), dy, dw, &mut [], memory)
            }
        }
    }

    fn depthwise(&mut self, pass: Direction) {
        let Self { spec, x, w, y, dx, dw, dy, memory } = self;
        match pass {
            Direction::Forward => f32::depthwise_forward(&Context::of(1), spec, black_box(x), w, &[], &[], y, memory),
            Direction::GradInput => f32::depthwise_grad_input(&Context::of(1), spec, black_box(dy), w, dx, memory),
            Direction::GradWeights => {
                f32::depthwise_grad_weights(&Context::of(1), spec, black_box(x), dy, dw, &mut [], memory)
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Forward,
    GradInput,
    GradWeights,
}

const PASSES: [(&str, Direction); 3] =
    [("forward", Direction::Forward), ("grad_input", Direction::GradInput), ("grad_weights", Direction::GradWeights)];

fn spec(size: usize, stride: usize, groups: usize, inner: usize, outer: usize) -> Spec {
    Spec {
        input: [size, size, groups * inner],
        output: [size.div_ceil(stride), size.div_ceil(stride), groups * outer],
        window: [3; 2],
        stride: [stride; 2],
        padding: [1; 4],
        dilation: [1; 2],
        groups,
        epilogue: Epilogue::NONE,
    }
}

/// Returns the multiplications and additions of one pass.
fn operations(spec: &Spec) -> f64 {
    2.0 * (spec.output_len() * 9 * (spec.input[2] / spec.groups)) as f64
}

fn grouped(size: usize, stride: usize, groups: usize, channels: usize) {
    let spec = spec(size, stride, groups, channels, channels);
    let mut layer = Layer::new(spec);
    let mut split: Vec<Layer> =
        (0..groups).map(|_| Layer::new(self::spec(size, stride, 1, channels, channels))).collect();
    // As many multiplications: groups · channels² = dense².
    let dense = ((groups as f64).sqrt() * channels as f64).round() as usize;
    let mut dense = Layer::new(self::spec(size, stride, 1, dense, dense));
    let dense_operations = operations(&dense.spec);
    for (name, pass) in PASSES {
        let mut in_place = Layer::new(spec);
        let [ours, in_place, loops, dense] = best([
            &mut || layer.grouped(pass),
            &mut || in_place.gemm(pass),
            &mut || split.iter_mut().for_each(|group| group.gemm(pass)),
            &mut || dense.gemm(pass),
        ]);
        let speed = operations(&spec) / ours / 1e9;
        println!(
            "{size:4} /{stride} {groups:4} x {channels:3} {name:13} {speed:7.1} GFLOP/s  {:6.2} x the loop  {:5.2} x split before  {:5.2} x dense ({:.1})",
            in_place / ours,
            loops / ours,
            speed / (dense_operations / dense / 1e9),
            dense_operations / dense / 1e9,
        );
    }
}

fn depthwise(size: usize, stride: usize, channels: usize, multiplier: usize) {
    let spec = spec(size, stride, channels, 1, multiplier);
    let mut layer = Layer::new(spec);
    let mut split: Vec<Layer> = (0..channels).map(|_| Layer::new(self::spec(size, stride, 1, 1, multiplier))).collect();
    let mut in_place = Layer::new(spec);
    // As many bytes as x and y together.
    let from = elements((spec.input_len() + spec.output_len()) / 2);
    let mut to = from.clone();
    for (name, pass) in PASSES {
        let [ours, in_place, loops, copy] = best([
            &mut || layer.depthwise(pass),
            &mut || in_place.gemm(pass),
            &mut || split.iter_mut().for_each(|group| group.gemm(pass)),
            &mut || to.copy_from_slice(black_box(&from)),
        ]);
        let speed = operations(&spec) / ours / 1e9;
        println!(
            "{size:4} /{stride} {channels:4} by {multiplier} {name:13} {speed:7.1} GFLOP/s  {:6.2} x the loop  {:6.2} x split before  {:5.2} x a copy",
            in_place / ours,
            loops / ours,
            copy / ours,
        );
    }
}

fn main() {
    let wanted = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    if wanted.as_deref() != Some("depthwise") {
        // The group widths of ResNeXt-50; those with stride 2 are at the start of every stage but the first.
        for (size, stride, channels) in
            [(56, 1, 4), (56, 2, 4), (28, 1, 8), (56, 2, 8), (14, 1, 16), (28, 2, 16), (7, 1, 32), (14, 2, 32)]
        {
            grouped(size, stride, 32, channels);
        }
    }
    if wanted.as_deref() != Some("grouped") {
        // The layers of Xception in order, then one with a stride and some with several filters per channel.
        for (size, channels) in
            [(147, 64), (147, 128), (74, 128), (74, 256), (37, 256), (37, 728), (19, 728), (10, 1024), (10, 1536)]
        {
            depthwise(size, 1, channels, 1);
        }
        depthwise(112, 2, 64, 1);
        for multiplier in [2, 3, 8] {
            depthwise(56, 1, 64, multiplier);
        }
        depthwise(56, 2, 64, 2);
    }
}
