//! Convolutions of networks made of 1x1, grouped and depthwise ones, each as a prediction of one image computes it on one thread: the share
//! of the peak measured in the same run, with each instruction set of the processor.
//!
//! `cargo bench -p netwright-compute --features std --bench predictions`, where words after `--` are networks.
//!
//! The weights of a network do not fit into a cache, so that a layer reads its own from memory: here each call uses another copy of them.

use std::time::Instant;

use netwright_abi::{Activation, Epilogue};
use netwright_compute::context::Context;
use netwright_compute::kernels::Kernels;
use netwright_compute::kernels::conv::{Spec, conv_grouped_forward_scratch, conv_packed_forward_scratch};
use netwright_compute::kernels::depthwise::depthwise_forward_scratch;
use netwright_compute::simd::{InstructionSet, Isa};
use netwright_measure::{Buffer, elements};

/// Inputs along an axis, window, stride, channels, filters, groups, and the number of such layers.
type Layer = [usize; 7];

const RESNET50: &[Layer] = &[
    [224, 7, 2, 3, 64, 1, 1],
    [56, 1, 1, 64, 64, 1, 1],
    [56, 1, 1, 64, 256, 1, 4],
    [56, 1, 1, 256, 64, 1, 2],
    [56, 1, 2, 256, 128, 1, 1],
    [56, 1, 2, 256, 512, 1, 1],
    [28, 1, 1, 128, 512, 1, 4],
    [28, 1, 1, 512, 128, 1, 3],
    [28, 1, 2, 512, 256, 1, 1],
    [28, 1, 2, 512, 1024, 1, 1],
    [14, 1, 1, 256, 1024, 1, 6],
    [14, 1, 1, 1024, 256, 1, 5],
    [14, 1, 2, 1024, 512, 1, 1],
    [14, 1, 2, 1024, 2048, 1, 1],
    [7, 1, 1, 512, 2048, 1, 3],
    [7, 1, 1, 2048, 512, 1, 2],
];

const RESNEXT50: &[Layer] = &[
    [56, 3, 1, 128, 128, 32, 3],
    [56, 3, 2, 256, 256, 32, 1],
    [28, 3, 1, 256, 256, 32, 3],
    [28, 3, 2, 512, 512, 32, 1],
    [14, 3, 1, 512, 512, 32, 5],
    [14, 3, 2, 1024, 1024, 32, 1],
    [7, 3, 1, 1024, 1024, 32, 2],
    [56, 1, 1, 64, 128, 1, 1],
    [56, 1, 1, 128, 256, 1, 3],
    [56, 1, 1, 256, 128, 1, 2],
    [56, 1, 1, 256, 256, 1, 1],
    [28, 1, 1, 256, 512, 1, 4],
    [28, 1, 1, 512, 256, 1, 3],
    [28, 1, 1, 512, 512, 1, 1],
    [14, 1, 1, 512, 1024, 1, 6],
    [14, 1, 1, 1024, 512, 1, 5],
    [14, 1, 1, 1024, 1024, 1, 1],
    [7, 1, 1, 1024, 2048, 1, 3],
    [7, 1, 1, 2048, 1024, 1, 2],
];

const MOBILENET: &[Layer] = &[
    [224, 3, 2, 3, 32, 1, 1],
    [112, 3, 1, 32, 32, 32, 1],
    [112, 1, 1, 32, 16, 1, 1],
    [112, 1, 1, 16, 96, 1, 1],
    [112, 3, 2, 96, 96, 96, 1],
    [56, 1, 1, 96, 24, 1, 1],
    [56, 1, 1, 24, 144, 1, 2],
    [56, 3, 1, 144, 144, 144, 1],
    [56, 1, 1, 144, 24, 1, 1],
    [56, 3, 2, 144, 144, 144, 1],
    [28, 1, 1, 144, 32, 1, 1],
    [28, 1, 1, 32, 192, 1, 3],
    [28, 3, 1, 192, 192, 192, 2],
    [28, 1, 1, 192, 32, 1, 2],
    [28, 3, 2, 192, 192, 192, 1],
    [14, 1, 1, 192, 64, 1, 1],
    [14, 1, 1, 64, 384, 1, 4],
    [14, 3, 1, 384, 384, 384, 4],
    [14, 1, 1, 384, 64, 1, 3],
    [14, 1, 1, 384, 96, 1, 1],
    [14, 1, 1, 96, 576, 1, 3],
    [14, 3, 1, 576, 576, 576, 2],
    [14, 1, 1, 576, 96, 1, 2],
    [14, 3, 2, 576, 576, 576, 1],
    [7, 1, 1, 576, 160, 1, 1],
    [7, 1, 1, 160, 960, 1, 3],
    [7, 3, 1, 960, 960, 960, 3],
    [7, 1, 1, 960, 160, 1, 2],
    [7, 1, 1, 960, 320, 1, 1],
    [7, 1, 1, 320, 1280, 1, 1],
];

/// Elements that do not fit into the last-level cache.
const UNCACHED: usize = 12 << 20;

/// A convolution with the filters and the memory of the kernel that a prediction uses.
struct Prediction {
    spec: Spec,
    x: Buffer<f32>,
    copies: Vec<Buffer<f32>>,
    shift: Buffer<f32>,
    y: Buffer<f32>,
    scratch: Buffer<f32>,
}

impl Prediction {
    fn new([size, window, stride, channels, filters, groups, _]: Layer, activation: Activation) -> Self {
        let mut spec = netwright_measure::convolution(size, window, stride, channels, filters);
        (spec.groups, spec.epilogue) = (groups, Epilogue { activation: Some(activation), ..Epilogue::NONE });
        let len = match groups {
            1 => spec.packed_len(),
            groups if groups == channels => spec.weights_len(),
            _ => spec.grouped_len(false),
        };
        let scratch = match groups {
            1 => conv_packed_forward_scratch(&spec),
            groups if groups == channels => depthwise_forward_scratch(&spec),
            _ => conv_grouped_forward_scratch(&spec),
        };
        Self {
            x: elements(spec.input_len()),
            copies: vec![elements(len); UNCACHED.div_ceil(len).min(64)],
            shift: elements(filters),
            y: Buffer::zeros(spec.output_len()),
            scratch: Buffer::zeros(scratch),
            spec,
        }
    }

    /// Returns the seconds of the best of some calls.
    fn seconds(&mut self, isa: Isa) -> f64 {
        let context = Context::of(1).with_isa(isa);
        let Self { spec, x, copies, shift, y, scratch } = self;
        let weights = Buffer::<f32>::zeros(spec.weights_len());
        let mut best = f64::INFINITY;
        let begin = Instant::now();
        for w in copies.iter().cycle() {
            let start = Instant::now();
            if spec.groups == 1 {
                f32::conv_packed_forward(&context, spec, x, w, &[], shift, y, scratch);
            } else if spec.groups == spec.input[2] {
                f32::depthwise_forward(&context, spec, x, w, &[], shift, y, scratch);
            } else {
                f32::conv_grouped_forward(&context, spec, x, &weights, w, &[], shift, y, scratch);
            }
            best = best.min(start.elapsed().as_secs_f64());
            if begin.elapsed().as_millis() > 25 {
                break;
            }
        }
        best
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let gflops = netwright_measure::peak(1);
    println!("peak {gflops:.0} GFLOP/s; of each layer microseconds and the share of the peak");
    let sets = [InstructionSet::Avx512, InstructionSet::Avx2, InstructionSet::Neon];
    let sets: Vec<(InstructionSet, Isa)> = sets.into_iter().filter_map(|set| Some((set, Isa::of(set).ok()?))).collect();
    let networks = [
        ("resnet50", RESNET50, Activation::Relu),
        ("resnext50", RESNEXT50, Activation::Relu),
        ("mobilenet", MOBILENET, Activation::Relu6),
    ];
    for (network, layers, activation) in networks {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == network) {
            continue;
        }
        print!("{network:40}");
        sets.iter().for_each(|(set, _)| print!(" {:>25}", set.to_string()));
        println!();
        let mut sums = vec![0.0; sets.len() + 1];
        for &layer in layers {
            let [size, window, stride, channels, filters, groups, count] = layer;
            let mut prediction = Prediction::new(layer, activation);
            let macs = (prediction.spec.output_len() * prediction.spec.weights_len() / filters) as f64;
            let least = 2.0 * macs / gflops / 1e9;
            print!(
                "{:40}",
                format!("{window}x{window}x{channels}-{filters} /{stride} @{size}, {groups} groups, {count} times")
            );
            for (n, &(_, isa)) in sets.iter().enumerate() {
                let seconds = prediction.seconds(isa);
                sums[n] += count as f64 * seconds;
                print!(" {:19.1} {:4.0}%", seconds * 1e6, 100.0 * least / seconds);
            }
            sums[sets.len()] += count as f64 * least;
            println!();
        }
        print!("{:40}", "together");
        for sum in &sums[..sets.len()] {
            print!(" {:19.1} {:4.0}%", sum * 1e6, 100.0 * sums[sets.len()] / sum);
        }
        println!();
    }
}
