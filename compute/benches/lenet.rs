//! The convolutions and dense layers of LeNet-5: microseconds per image of one training step on one thread, for each kernel; the total uses
//! the fastest of the kernels that compute the same.
//!
//! `cargo bench -p netwright-compute --features std --bench lenet`

use std::hint::black_box;
use std::time::{Duration, Instant};

use netwright_abi::{Activation, Epilogue};
use netwright_compute::context::Context;
use netwright_compute::kernels::{Kernels, conv, dense};

/// The images of a micro-batch in training.
const BATCH: usize = 16;

const CONV1: conv::Spec = conv::Spec {
    input: [28, 28, 1],
    output: [28, 28, 6],
    window: [5, 5],
    stride: [1, 1],
    padding: [2, 2, 2, 2],
    dilation: [1, 1],
    groups: 1,
    epilogue: Epilogue::NONE,
};
const CONV2: conv::Spec = conv::Spec { input: [14, 14, 6], output: [10, 10, 16], padding: [0; 4], ..CONV1 };
/// The epilogue of LeNet-5's convolutions.
const TANH: Epilogue = Epilogue { accumulate: false, activation: Some(Activation::Tanh) };
const DENSE: [dense::Spec; 3] = [
    dense::Spec { inputs: 400, outputs: 120, epilogue: Epilogue::NONE },
    dense::Spec { inputs: 120, outputs: 84, epilogue: Epilogue::NONE },
    dense::Spec { inputs: 84, outputs: 10, epilogue: Epilogue::NONE },
];

/// Prints and returns the best time of several rounds, in microseconds per image.
fn time(name: &str, mut call: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..15 {
        let (start, mut calls) = (Instant::now(), 0u32);
        while start.elapsed() < Duration::from_millis(4) {
            call();
            calls += 1;
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(calls) / BATCH as f64);
    }
    println!("{name:40} {best:7.2}");
    best
}

fn elements(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect()
}

fn convolution(name: &str, spec: &conv::Spec) -> f64 {
    let (x, w, b) = (elements(BATCH * spec.input_len()), elements(spec.weights_len()), elements(spec.output[2]));
    let dy = elements(BATCH * spec.output_len());
    let (mut y, mut dx, mut dw, mut db) = (dy.clone(), x.clone(), w.clone(), b.clone());
    let mut memory = vec![0.0f32; conv::conv_gemm_forward_scratch(spec)];
    let forward = time(&format!("{name} forward"), || {
        f32::conv_gemm_forward(&Context::of(BATCH), spec, black_box(&x), &w, &[], &[], &b, &mut y, &mut memory);
    });
    let tanh = conv::Spec { epilogue: TANH, ..*spec };
    time(&format!("{name} forward, tanh"), || {
        f32::conv_gemm_forward(&Context::of(BATCH), &tanh, black_box(&x), &w, &[], &[], &b, &mut y, &mut memory);
    });
    let mut memory = vec![0.0f32; conv::conv_gemm_grad_input_scratch(spec)];
    let input = time(&format!("{name} gradient of input"), || {
        f32::conv_gemm_grad_input(&Context::of(BATCH), spec, black_box(&dy), &w, &[], &mut dx, &mut memory);
    });
    let mut memory = vec![0.0f32; conv::conv_gemm_grad_weights_scratch(spec)];
    let weights = time(&format!("{name} gradient of weights"), || {
        f32::conv_gemm_grad_weights(&Context::of(BATCH), spec, black_box(&x), &dy, &mut dw, &mut db, &mut memory);
    });
    let mut memory = vec![0.0f32; conv::conv_blocks_forward_scratch(spec)];
    let forward = forward.min(time(&format!("{name} forward, blocks"), || {
        f32::conv_blocks_forward(&Context::of(BATCH), spec, black_box(&x), &w, &[], &[], &b, &mut y, &mut memory);
    }));
    time(&format!("{name} forward, tanh, blocks"), || {
        f32::conv_blocks_forward(&Context::of(BATCH), &tanh, black_box(&x), &w, &[], &[], &b, &mut y, &mut memory);
    });
    let mut memory = vec![0.0f32; conv::conv_blocks_grad_input_scratch(spec)];
    let input = input.min(time(&format!("{name} gradient of input, blocks"), || {
        f32::conv_blocks_grad_input(&Context::of(BATCH), spec, black_box(&dy), &w, &[], &mut dx, &mut memory);
    }));
    let mut memory = vec![0.0f32; conv::conv_blocks_grad_weights_scratch(spec)];
    let weights = weights.min(time(&format!("{name} gradient of weights, blocks"), || {
        f32::conv_blocks_grad_weights(&Context::of(BATCH), spec, black_box(&x), &dy, &mut dw, &mut db, &mut memory);
    }));
    // The first layer needs no gradient of its input.
    forward + weights + if spec.input[2] == 1 { 0.0 } else { input }
}

fn fully_connected(spec: &dense::Spec) -> f64 {
    let name = format!("dense {}x{}", spec.inputs, spec.outputs);
    let (x, w, b) = (elements(BATCH * spec.inputs), elements(spec.inputs * spec.outputs), elements(spec.outputs));
    let dy = elements(BATCH * spec.outputs);
    let (mut y, mut dx, mut dw, mut db) = (dy.clone(), x.clone(), w.clone(), b.clone());
    let mut memory = vec![0.0f32; dense::dense_forward_scratch(spec)];
    let forward = time(&format!("{name} forward"), || {
        f32::dense_forward(&Context::of(BATCH), spec, black_box(&x), &w, &[], &[], &b, &mut y, &mut memory);
    });
    let mut memory = vec![0.0f32; dense::dense_grad_input_scratch(spec)];
    let input = time(&format!("{name} gradient of input"), || {
        f32::dense_grad_input(&Context::of(BATCH), spec, black_box(&dy), &w, &[], &mut dx, &mut memory);
    });
    let mut memory = vec![0.0f32; dense::dense_grad_weights_scratch(spec)];
    let weights = time(&format!("{name} gradient of weights"), || {
        f32::dense_grad_weights(&Context::of(BATCH), spec, black_box(&x), &dy, &mut dw, &mut db, &mut memory);
    });
    forward + input + weights
}

fn main() {
    println!("batch {BATCH}, microseconds an image");
    let mut sum = convolution("conv1 5x5x6 same", &CONV1) + convolution("conv2 5x5x16", &CONV2);
    sum += DENSE.iter().map(fully_connected).sum::<f64>();
    println!("{:40} {sum:7.2}", "together");
}
