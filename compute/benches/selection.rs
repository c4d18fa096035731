//! The constants of the compiler's cost model (`compiler/src/cost.rs`) on this machine, in single precision, on one thread.
//!
//! `cargo bench -p netwright-compute --features std --bench selection`
//!
//! Each constant is the time of a kernel that does mostly one thing, less the time that the constants above it explain.

use std::hint::black_box;

use netwright_compute::context::Context;
use netwright_compute::kernels::Kernels;
use netwright_compute::kernels::conv::{
    Spec, conv_gemm_forward_scratch, conv_packed_forward_scratch, conv_winograd_forward_scratch,
};
use netwright_measure::{Buffer, best, elements};

/// A convolution of one image that keeps its size, with memory for all operands of its kernels.
struct Layer {
    spec: Spec,
    x: Buffer<f32>,
    w: Buffer<f32>,
    prepared: Buffer<f32>,
    y: Buffer<f32>,
    dw: Buffer<f32>,
    scratch: Buffer<f32>,
}

impl Layer {
    fn new(size: usize, window: usize, channels: usize, filters: usize) -> Self {
        let spec = netwright_measure::convolution(size, window, 1, channels, filters);
        let fits = spec.winograd().is_some();
        let winograd = if fits { conv_winograd_forward_scratch(&spec) } else { 0 };
        let scratch = winograd.max(conv_gemm_forward_scratch(&spec)).max(conv_packed_forward_scratch(&spec));
        Self {
            spec,
            x: elements(spec.input_len()),
            w: elements(spec.weights_len()),
            prepared: elements(spec.packed_len().max(if fits { spec.winograd_len() } else { 0 })),
            y: elements(spec.output_len()),
            dw: Buffer::zeros(spec.weights_len()),
            scratch: Buffer::zeros(scratch),
        }
    }

    fn macs(&self) -> f64 {
        (self.spec.output_len() * self.spec.weights_len() / self.spec.output[2]) as f64
    }

    fn packed(&mut self) {
        let Self { spec, x, prepared, y, scratch, .. } = self;
        let filters = &prepared[..spec.packed_len()];
        f32::conv_packed_forward(&Context::of(1), spec, black_box(x), filters, &[], &[], y, scratch);
    }

    fn gemm(&mut self) {
        let Self { spec, x, w, y, scratch, .. } = self;
        f32::conv_gemm_forward(&Context::of(1), spec, black_box(x), w, &[], &[], &[], y, scratch);
    }

    fn direct(&mut self) {
        let Self { spec, x, w, y, .. } = self;
        f32::conv_direct_forward(&Context::of(1), spec, black_box(x), w, &[], &[], y);
    }

    fn winograd(&mut self) {
        let Self { spec, x, prepared, y, scratch, .. } = self;
        let filters = &prepared[..spec.winograd_len()];
        f32::conv_winograd_forward(&Context::of(1), spec, black_box(x), filters, &[], &[], y, scratch);
    }

    fn direct_grad_weights(&mut self) {
        let Self { spec, x, y, dw, .. } = self;
        f32::conv_direct_grad_weights(&Context::of(1), spec, black_box(x), y, dw, &mut [], &mut []);
    }
}

fn main() {
    // Much arithmetic; little of it; many transforms; many filters.
    let mut pointwise = Layer::new(14, 1, 256, 1024);
    let mut small = [0; 2].map(|_| Layer::new(28, 3, 1, 8));
    let mut transforms = Layer::new(32, 3, 16, 16);
    let mut filters = [0; 4].map(|_| Layer::new(7, 3, 512, 512));
    let (from, mut to) = (elements(16 * 1024), Buffer::zeros(16 * 1024));
    let [small_macs, filters_macs, weights] =
        [small[0].macs(), filters[0].macs(), filters[0].spec.weights_len() as f64];
    let (pointwise_macs, winograd_len) = (pointwise.macs(), filters[0].spec.winograd_len());
    let [gemm, gemm_small] = &mut small;
    let [packed, unpacked, winograd, gradient] = &mut filters;
    let [arithmetic, rows, windows, transformed, packed, unpacked, winograd, gradient, copy] = best([
        &mut || pointwise.packed(),
        &mut || gemm.packed(),
        &mut || gemm_small.direct(),
        &mut || transforms.winograd(),
        &mut || packed.packed(),
        &mut || unpacked.gemm(),
        &mut || winograd.winograd(),
        &mut || gradient.direct_grad_weights(),
        &mut || to.copy_from_slice(black_box(&from)),
    ])
    .map(|seconds| seconds * 1e9);
    let lane = arithmetic / pointwise_macs;
    let copied = copy / from.len() as f64;
    // 28 rows of windows in tiles of six; in direct convolution two windows of each row are products of their own.
    let window = (windows - rows) / 56.0;
    let tile = ((rows - small_macs * lane - 900.0 * copied - 28.0 * window) / (28.0 * 4.0)).max(0.0);
    // 64 tiles of 32 elements at 36 points, and their products; then 16 tiles of 1024 at 16 points, with filters that fit into no L2 cache.
    let each = (transformed - 1.1 * lane * (36 * 64 * 256) as f64) / (36 * 64 * 32) as f64;
    let transformed_filters = winograd_len as f64;
    let rest = winograd - 1.1 * lane * 16.0 * transformed_filters - each * (16 * 16 * 1024) as f64;
    // The share of the taps of 3x3 windows over 7x7 outputs that are inside the image.
    let inside = (19.0_f64 / 21.0).powi(2);
    println!("nanoseconds of one");
    for (name, value) in [
        ("LANE", lane),
        ("CALL", window - tile),
        ("TILE", tile),
        ("COPIED", copied),
        ("TRANSFORMED", each),
        ("PACKED", (unpacked - packed) / weights),
        ("READ", rest / transformed_filters),
        ("UPDATED", (gradient - filters_macs * lane * inside) / weights),
    ] {
        println!("{name:<12} {value:8.4}");
    }
}
