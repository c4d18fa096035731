//! The forward pass of LeNet-5's layers for a batch of 64, with channels last and with images in the lanes: microseconds per image on one
//! thread. Then the kernels of training passes for micro-batches of 16 tiny images.
//!
//! `cargo bench -p netwright-compute --features std --bench lanes`

use std::hint::black_box;

use netwright_abi::{Activation, Epilogue, LANES};
use netwright_compute::context::Context;
use netwright_compute::kernels::{Kernels, conv, dense, pool, relayout};
use netwright_measure::best;

const BATCH: usize = 64;
const BLOCKS: usize = BATCH / LANES;
const TANH: Epilogue = Epilogue { activation: Some(Activation::Tanh), ..Epilogue::NONE };
const CONV1: conv::Spec = conv::Spec {
    input: [28, 28, 1],
    output: [28, 28, 6],
    window: [5, 5],
    stride: [1, 1],
    padding: [2, 2, 2, 2],
    dilation: [1, 1],
    groups: 1,
    epilogue: TANH,
};
const CONV2: conv::Spec = conv::Spec { input: [14, 14, 6], output: [10, 10, 16], padding: [0; 4], ..CONV1 };
const POOL1: pool::Spec = pool::Spec {
    input: [28, 28, 6],
    output: [14, 14, 6],
    window: [2, 2],
    stride: [2, 2],
    padding: [0; 4],
    epilogue: Epilogue::NONE,
};
const POOL2: pool::Spec = pool::Spec { input: [10, 10, 16], output: [5, 5, 16], ..POOL1 };
const DENSE: [dense::Spec; 3] = [
    dense::Spec { inputs: 400, outputs: 120, epilogue: TANH },
    dense::Spec { inputs: 120, outputs: 84, epilogue: TANH },
    dense::Spec { inputs: 84, outputs: 10, epilogue: Epilogue::NONE },
];

fn elements(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect()
}

/// Prints both times, and adds them to the sums.
fn compare(name: &str, sums: &mut [f64; 2], calls: [&mut dyn FnMut(); 2]) {
    let micros = best(calls).map(|seconds| seconds * 1e6 / BATCH as f64);
    println!("{name:24} {:8.2} {:8.2}", micros[0], micros[1]);
    sums.iter_mut().zip(micros).for_each(|(sum, micros)| *sum += micros);
}

fn convolution(name: &str, spec: &conv::Spec, sums: &mut [f64; 2]) {
    let (x, w, b) = (elements(BATCH * spec.input_len()), elements(spec.weights_len()), elements(spec.output[2]));
    let (mut y, mut blocks) = (elements(BATCH * spec.output_len()), elements(BATCH * spec.output_len()));
    let mut packed = vec![0.0; spec.packed_len()];
    f32::conv_pack(&Context::of(1), spec, &w, &mut packed);
    let mut memory = vec![0.0f32; conv::conv_packed_forward_scratch(spec)];
    let (images, lanes) = (Context::of(BATCH), Context::of(BLOCKS));
    let last = &mut || f32::conv_packed_forward(&images, spec, black_box(&x), &packed, &[], &b, &mut y, &mut memory);
    let in_lanes = &mut || f32::conv_lanes_forward(&lanes, spec, black_box(&x), &w, &[], &b, &mut blocks);
    compare(name, sums, [last, in_lanes]);
}

fn pooling(name: &str, spec: &pool::Spec, sums: &mut [f64; 2]) {
    let x = elements(BATCH * spec.input_len());
    let (mut y, mut blocks) = (elements(BATCH * spec.output_len()), elements(BATCH * spec.output_len()));
    let wide = |[height, width, channels]: [usize; 3]| [height, width, channels * LANES];
    let wide = pool::Spec { input: wide(spec.input), output: wide(spec.output), ..*spec };
    let last = &mut || f32::avgpool_forward(&Context::of(BATCH), spec, black_box(&x), &[], &[], &mut y);
    let in_lanes = &mut || f32::avgpool_forward(&Context::of(BLOCKS), &wide, black_box(&x), &[], &[], &mut blocks);
    compare(name, sums, [last, in_lanes]);
}

fn fully_connected(spec: &dense::Spec, sums: &mut [f64; 2]) {
    let (x, w, b) = (elements(BATCH * spec.inputs), elements(spec.inputs * spec.outputs), elements(spec.outputs));
    let (mut y, mut blocks) = (elements(BATCH * spec.outputs), elements(BATCH * spec.outputs));
    let mut memory = vec![0.0f32; dense::dense_forward_scratch(spec)];
    let (images, lanes) = (Context::of(BATCH), Context::of(BLOCKS));
    let last = &mut || f32::dense_forward(&images, spec, black_box(&x), &w, &[], &[], &b, &mut y, &mut memory);
    let in_lanes = &mut || f32::dense_lanes_forward(&lanes, spec, black_box(&x), &w, &[], &b, &mut blocks);
    compare(&format!("dense {}x{}", spec.inputs, spec.outputs), sums, [last, in_lanes]);
}

/// A convolution that keeps the size of its image for 3x3 windows, in each direction: as matrix products, direct, and in blocks.
fn training([size, channels, window, filters]: [usize; 4]) {
    const IMAGES: usize = LANES;
    let padding = if window == 3 { 1 } else { 0 };
    let out = size + 2 * padding + 1 - window;
    let (window, padding) = ([window; 2], [padding; 4]);
    let (input, output) = ([size, size, channels], [out, out, filters]);
    let spec = &conv::Spec { input, output, window, padding, epilogue: Epilogue::NONE, ..CONV1 };
    let (x, dy) = (elements(IMAGES * spec.input_len()), elements(IMAGES * spec.output_len()));
    let w = elements(spec.weights_len());
    let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
    let lens = [
        conv::conv_gemm_forward_scratch(spec),
        conv::conv_blocks_forward_scratch(spec),
        conv::conv_gemm_grad_input_scratch(spec),
        conv::conv_blocks_grad_input_scratch(spec),
        conv::conv_gemm_grad_weights_scratch(spec),
        conv::conv_direct_grad_weights_scratch(spec),
        conv::conv_blocks_grad_weights_scratch(spec),
    ];
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g] = lens.map(|len| vec![0.0f32; len]);
    let context = &Context::of(IMAGES);
    let (mut y2, mut y3, mut dx2, mut dx3, mut dw2, mut dw3) =
        (y.clone(), y.clone(), dx.clone(), dx.clone(), dw.clone(), dw.clone());
    let seconds = best([
        &mut || f32::conv_gemm_forward(context, spec, black_box(&x), &w, &[], &[], &[], &mut y, &mut a),
        &mut || f32::conv_direct_forward(context, spec, black_box(&x), &w, &[], &[], &mut y2),
        &mut || f32::conv_blocks_forward(context, spec, black_box(&x), &w, &[], &[], &[], &mut y3, &mut b),
        &mut || f32::conv_gemm_grad_input(context, spec, black_box(&dy), &w, &[], &mut dx, &mut c),
        &mut || f32::conv_direct_grad_input(context, spec, black_box(&dy), &w, &[], &mut dx2),
        &mut || f32::conv_blocks_grad_input(context, spec, black_box(&dy), &w, &[], &mut dx3, &mut d),
        &mut || f32::conv_gemm_grad_weights(context, spec, black_box(&x), &dy, &mut dw, &mut [], &mut e),
        &mut || f32::conv_direct_grad_weights(context, spec, black_box(&x), &dy, &mut dw2, &mut [], &mut f),
        &mut || f32::conv_blocks_grad_weights(context, spec, black_box(&x), &dy, &mut dw3, &mut [], &mut g),
    ]);
    let name = format!("{}x{}x{channels} {size}x{size} -> {filters}", window[0], window[1]);
    print!("{name:24}");
    for times in seconds.map(|seconds| seconds * 1e6 / IMAGES as f64).chunks(3) {
        print!("  {:7.2} {:7.2} {:7.2}", times[0], times[1], times[2]);
    }
    println!();
}

fn main() {
    println!("batch {BATCH}, microseconds an image    channels last, images in the lanes");
    let mut sums = [0.0; 2];
    let image = relayout::Spec { len: CONV1.input_len() };
    let (x, mut y) = (elements(BATCH * image.len), elements(BATCH * image.len));
    let into = &mut || f32::into_lanes(&Context::of(BLOCKS), &image, black_box(&x), &mut y);
    compare("images into the lanes", &mut sums, [&mut || {}, into]);
    convolution("conv1 5x5x6 same tanh", &CONV1, &mut sums);
    pooling("avgpool1", &POOL1, &mut sums);
    convolution("conv2 5x5x16 tanh", &CONV2, &mut sums);
    pooling("avgpool2", &POOL2, &mut sums);
    DENSE.iter().for_each(|spec| fully_connected(spec, &mut sums));
    println!("{:24} {:8.2} {:8.2}", "together", sums[0], sums[1]);
    println!("\nmicro-batch of 16: products, direct, blocks; forward, gradient of the input, gradient of the weights");
    for sizes in [
        [28, 1, 5, 6],
        [14, 6, 5, 16],
        [28, 1, 3, 4],
        [28, 1, 3, 8],
        [14, 8, 3, 8],
        [12, 8, 5, 16],
        [8, 16, 3, 16],
        [8, 16, 3, 32],
        [7, 12, 3, 24],
        [16, 3, 3, 8],
        [16, 3, 3, 16],
        [6, 16, 3, 32],
        [4, 24, 3, 24],
    ] {
        training(sizes);
    }
}
