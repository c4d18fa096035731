//! Layers of small networks for one image, by each kernel: nanoseconds on one thread, with sizes known at run time and with constant sizes.
//!
//! `cargo bench -p netwright-compute --features std --bench small`

use std::hint::black_box;
use std::time::{Duration, Instant};

use netwright_abi::{Activation, Epilogue};
use netwright_compute::configuration::{Constant, ConstantSizes};
use netwright_compute::context::Context;
use netwright_compute::kernels::{Kernels, conv};

/// Prints the best time of several rounds.
fn time(name: &str, mut call: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..30 {
        let (start, mut calls) = (Instant::now(), 0u32);
        while start.elapsed() < Duration::from_millis(2) {
            call();
            calls += 1;
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(calls));
    }
    println!("{name:40} {best:8.0}");
}

fn elements(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 37 % 251) as f32 / 251.0 - 0.5).collect()
}

fn convolution<C: ConstantSizes<Sizes = conv::Spec>>(name: &str) {
    let (spec, context) = (C::SIZES, Context::of(1));
    let (x, w, b) = (elements(spec.input_len()), elements(spec.weights_len()), elements(spec.output[2]));
    let mut y = elements(spec.output_len());
    let mut packed = vec![0.0; spec.packed_len()];
    f32::conv_pack(&context, spec, &w, &mut packed);
    let mut memory = vec![0.0; 1 << 16];
    time(&format!("{name} direct"), || {
        f32::conv_direct_forward(&context, spec, black_box(&x), &w, &[], &b, &mut y);
    });
    if spec.has_inner_windows() {
        time(&format!("{name} registers, constant sizes"), || {
            conv::conv_registers_forward(&context, Constant::<C>::SIZES, black_box(&x), &w, &[], &b, &mut y);
        });
    }
    time(&format!("{name} gemm"), || {
        f32::conv_packed_forward(&context, spec, black_box(&x), &packed, &[], &b, &mut y, &mut memory);
    });
    if spec.has_short_windows() {
        time(&format!("{name} pixels"), || {
            f32::conv_pixels_forward(&context, spec, black_box(&x), &w, &[], &b, &mut y, &mut memory);
        });
        time(&format!("{name} pixels, constant sizes"), || {
            let (sizes, x) = (Constant::<C>::SIZES, black_box(&x));
            conv::conv_pixels_forward(&context, sizes, x, &w, &[], &b, &mut y, &mut memory);
        });
    }
}

macro_rules! convolutions {
    ($($name:ident { $($field:ident: $value:expr),* })*) => {
        $({
            struct $name;
            impl ConstantSizes for $name {
                type Sizes = conv::Spec;
                const SIZES: &'static conv::Spec = &conv::Spec { $($field: $value,)* ..PLAIN };
            }
            convolution::<$name>(stringify!($name));
        })*
    };
}

const PLAIN: conv::Spec = conv::Spec {
    input: [28, 28, 1],
    output: [28, 28, 6],
    window: [5, 5],
    stride: [1, 1],
    padding: [0; 4],
    dilation: [1, 1],
    groups: 1,
    epilogue: Epilogue::NONE,
};
const TANH: Epilogue = Epilogue { accumulate: false, activation: Some(Activation::Tanh) };
const RELU: Epilogue = Epilogue { accumulate: false, activation: Some(Activation::Relu) };

fn main() {
    convolutions! {
        LeNet5Conv1 { padding: [2; 4] }
        LeNet5Conv1Tanh { padding: [2; 4], epilogue: TANH }
        LeNet5Conv2 { input: [14, 14, 6], output: [10, 10, 16] }
        LeNet5Conv2Tanh { input: [14, 14, 6], output: [10, 10, 16], epilogue: TANH }
        ToyConv1 { output: [26, 26, 2], window: [3, 3], epilogue: RELU }
        ToyConv2 { input: [26, 26, 2], output: [24, 24, 2], window: [3, 3], epilogue: RELU }
        ThreeToEight { input: [32, 32, 3], output: [32, 32, 8], window: [3, 3], padding: [1; 4], epilogue: RELU }
        EightToEight { input: [32, 32, 8], output: [32, 32, 8], window: [3, 3], padding: [1; 4], epilogue: RELU }
        ThreeToSixteen { input: [32, 32, 3], output: [32, 32, 16], window: [3, 3], padding: [1; 4], epilogue: RELU }
    }
}
