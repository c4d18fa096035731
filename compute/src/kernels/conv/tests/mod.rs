//! Tests of the convolution kernels against [`reference`], and their helpers.

use std::vec::Vec;

use netwright_measure::convolution;
use proptest::prelude::*;

use super::{Spec, reference};
use netwright_abi::Epilogue;
use netwright_abi::spec::Windowed as _;

use crate::context::{Context, tests::SerialFork};
use crate::epilogue;
use crate::epilogue::tests::epilogues;
use crate::kernels::activation::Activation;
use crate::kernels::check::shapes;
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::Isa;
use crate::simd::tests::only;

mod padding;
mod winograd;

/// Returns pseudo-random elements in [−2, 2), which both types represent exactly.
pub(crate) fn elements<T: Scalar>(count: usize, seed: usize) -> Vec<T> {
    (0..count).map(|i| T::from_f64(f64::from((((i + seed) as u64 * 2_654_435_761) >> 7) as u8) / 64.0 - 2.0)).collect()
}

/// Small convolutions with all kinds of sizes.
pub(crate) fn specs(channels: impl Strategy<Value = [usize; 3]>) -> impl Strategy<Value = Spec> {
    let axis = || (1usize..9, 1usize..5, 1usize..4, 1usize..4, [0usize..4, 0usize..4]);
    let all = (axis(), axis(), channels, epilogues());
    all.prop_filter_map("the window fits", |(down, across, [groups, channels, filters], epilogue)| {
        let output = |(size, window, stride, dilation, [before, after]): (usize, usize, usize, usize, [usize; 2])| {
            (size + before + after).checked_sub((window - 1) * dilation + 1).map(|room| room / stride + 1)
        };
        Some(Spec {
            input: [down.0, across.0, groups * channels],
            output: [output(down)?, output(across)?, groups * filters],
            window: [down.1, across.1],
            stride: [down.2, across.2],
            padding: [down.4[0], down.4[1], across.4[0], across.4[1]],
            dilation: [down.3, across.3],
            groups,
            epilogue,
        })
    })
}

/// A variant of the three passes. Its scratch memory is full of NaN and exactly as long as required.
#[allow(clippy::type_complexity)]
pub(crate) struct Variant<T> {
    pub(crate) forward: fn(usize, &Spec, &[T], &[T], &[T], &[T], &mut [T]),
    pub(crate) grad_input: fn(usize, &Spec, &[T], &[T], &mut [T]),
    pub(crate) grad_weights: fn(usize, &Spec, &[T], &[T], &mut [T], &mut [T]),
}

#[track_caller]
fn same<T: Scalar>(what: &str, got: &[T], right: &[T], terms: usize) {
    let tolerance = if T::NAME == "F32" { 2e-6 } else { 1e-14 } * (terms + 4) as f64;
    for (index, (got, right)) in got.iter().zip(right).enumerate() {
        let error = (got.to_f64() - right.to_f64()).abs();
        assert!(error <= tolerance, "{what} at {index}: {got} for {right}");
    }
}

/// Calls `check` for each instruction set of this processor; in double precision for portable code only, which is all it has.
fn on_each_isa<T: Scalar>(check: impl Fn()) {
    let (all, _) = Isa::all();
    for &isa in if T::NAME == "F32" { &all[..] } else { &all[..1] } {
        only(isa, &check);
    }
}

/// Compares a variant with the reference on every instruction set, with or without a scale and a shift.
pub(crate) fn agrees<T: Elementary>(batch: usize, spec: &Spec, each_filter: [bool; 2], variant: &Variant<T>) {
    forward_agrees(batch, spec, each_filter, variant);
    gradients_agree(batch, spec, each_filter, variant);
}

pub(crate) fn forward_agrees<T: Elementary>(
    batch: usize,
    spec: &Spec,
    [scaled, shifted]: [bool; 2],
    variant: &Variant<T>,
) {
    let (x, w) = (elements::<T>(batch * spec.input_len(), 1), elements::<T>(spec.weights_len(), 2));
    let each_filter = |given: bool, seed| elements::<T>(if given { spec.output[2] } else { 0 }, seed);
    let (scale, shift) = (each_filter(scaled, 7), each_filter(shifted, 4));
    let len = batch * spec.output_len();
    let mut z = memory(len);
    reference::forward(batch, spec, &x, &w, &[], &mut z);
    let before = if spec.epilogue.accumulate { elements::<T>(len, 8) } else { memory(len) };
    let mut right = before.clone();
    epilogue::reference(spec.epilogue, &z, &scale, &shift, &mut right, spec.output[2]);
    on_each_isa::<T>(|| {
        let mut y = before.clone();
        (variant.forward)(batch, spec, &x, &w, &scale, &shift, &mut y);
        same("y", &y, &right, 2 * spec.window[0] * spec.window[1] * spec.input[2] / spec.groups);
    });
}

fn gradients_agree<T: Elementary>(batch: usize, spec: &Spec, [_, shifted]: [bool; 2], variant: &Variant<T>) {
    let (x, w) = (elements::<T>(batch * spec.input_len(), 1), elements::<T>(spec.weights_len(), 2));
    let dy = elements::<T>(batch * spec.output_len(), 3);
    let mut right = memory(x.len());
    reference::grad_input(batch, spec, &dy, &w, &mut right);
    let before = (elements::<T>(w.len(), 5), elements::<T>(if shifted { spec.output[2] } else { 0 }, 6));
    let (mut right_weights, mut right_bias) = before.clone();
    reference::grad_weights(batch, spec, &x, &dy, &mut right_weights, &mut right_bias);
    on_each_isa::<T>(|| {
        let mut dx = memory(x.len());
        (variant.grad_input)(batch, &Spec { epilogue: Epilogue::NONE, ..*spec }, &dy, &w, &mut dx);
        same("dx", &dx, &right, spec.window[0] * spec.window[1] * spec.output[2] / spec.groups);
        let (mut dw, mut db) = before.clone();
        (variant.grad_weights)(batch, spec, &x, &dy, &mut dw, &mut db);
        same("dw", &dw, &right_weights, dy.len());
        same("db", &db, &right_bias, dy.len());
    });
}

/// Asserts that an accumulated gradient of the input has the bits of a separate addition.
fn gradient_is_accumulated(batch: usize, spec: &Spec) {
    let [plain, added] =
        [false, true].map(|accumulate| Spec { epilogue: Epilogue { accumulate, ..Epilogue::NONE }, ..*spec });
    let (dy, w) = (elements::<f32>(batch * spec.output_len(), 3), elements::<f32>(spec.weights_len(), 2));
    let before = elements::<f32>(batch * spec.input_len(), 9);
    let (mut alone, mut sum) = (memory(before.len()), before.clone());
    (gemm().grad_input)(batch, &plain, &dy, &w, &mut alone);
    (gemm().grad_input)(batch, &added, &dy, &w, &mut sum);
    assert!(before.iter().zip(alone).map(|(before, alone)| before + alone).eq(sum), "{spec:?}");
}

fn direct<T: Elementary>() -> Variant<T> {
    Variant {
        forward: |batch, spec, x, w, scale, shift, y| {
            super::conv_direct_forward(&Context::of(batch), spec, x, w, scale, shift, y);
        },
        grad_input: |batch, spec, dy, w, dx| super::conv_direct_grad_input(&Context::of(batch), spec, dy, w, &[], dx),
        grad_weights: |batch, spec, x, dy, dw, db| {
            let mut memory = memory(super::conv_direct_grad_weights_scratch(spec));
            super::conv_direct_grad_weights(&Context::of(batch), spec, x, dy, dw, db, &mut memory);
        },
    }
}

/// Returns scratch memory of NaN, so that a read of an element that was never written shows in the result.
pub(crate) fn memory<T: Scalar>(len: usize) -> Vec<T> {
    std::vec![T::from_f64(f64::NAN); len]
}

fn grouped<T: Elementary>() -> Variant<T> {
    Variant {
        forward: |batch, spec, x, w, scale, shift, y| {
            let mut memory = memory(super::conv_grouped_forward_scratch(spec));
            super::conv_grouped_forward(&Context::of(batch), spec, x, w, &[], scale, shift, y, &mut memory);
        },
        grad_input: |batch, spec, dy, w, dx| {
            let mut memory = memory(super::conv_grouped_grad_input_scratch(spec));
            super::conv_grouped_grad_input(&Context::of(batch), spec, dy, w, &[], dx, &mut memory);
        },
        grad_weights: |batch, spec, x, dy, dw, db| {
            let mut memory = memory(super::conv_grouped_grad_weights_scratch(spec));
            super::conv_grouped_grad_weights(&Context::of(batch), spec, x, dy, dw, db, &mut memory);
        },
    }
}

/// Pixels in the lanes.
fn pixels<T: Elementary>() -> Variant<T> {
    Variant {
        forward: |batch, spec, x, w, scale, shift, y| {
            let mut memory = memory(super::conv_pixels_forward_scratch(spec));
            super::conv_pixels_forward(&Context::of(batch), spec, x, w, scale, shift, y, &mut memory);
        },
        ..gemm()
    }
}

/// Filters packed in advance; a grouped convolution has none.
pub(crate) fn packed<T: Elementary>() -> Variant<T> {
    Variant {
        forward: |batch, spec, x, w, scale, shift, y| {
            let (mut filters, mut memory) =
                (memory(spec.packed_len()), memory(super::conv_packed_forward_scratch(spec)));
            super::conv_pack(&Context::of(batch), spec, w, &mut filters);
            super::conv_packed_forward(&Context::of(batch), spec, x, &filters, scale, shift, y, &mut memory);
        },
        ..gemm()
    }
}

fn gemm<T: Elementary>() -> Variant<T> {
    Variant {
        forward: |batch, spec, x, w, scale, shift, y| {
            let mut memory = memory(super::conv_gemm_forward_scratch(spec));
            super::conv_gemm_forward(&Context::of(batch), spec, x, w, &[], scale, shift, y, &mut memory);
        },
        grad_input: |batch, spec, dy, w, dx| {
            super::conv_gemm_grad_input(
                &Context::of(batch),
                spec,
                dy,
                w,
                &[],
                dx,
                &mut memory(super::conv_gemm_grad_input_scratch(spec)),
            );
        },
        grad_weights: |batch, spec, x, dy, dw, db| {
            let mut memory = memory(super::conv_gemm_grad_weights_scratch(spec));
            super::conv_gemm_grad_weights(&Context::of(batch), spec, x, dy, dw, db, &mut memory);
        },
    }
}

fn all_agree(batch: usize, spec: &Spec, each_filter: [bool; 2]) {
    for variant in [direct(), gemm(), grouped()] {
        agrees::<f32>(batch, spec, each_filter, &variant);
    }
    for variant in [direct(), gemm(), grouped()] {
        agrees::<f64>(batch, spec, each_filter, &variant);
    }
    gradient_is_accumulated(batch, spec);
    if spec.groups == 1 {
        forward_agrees::<f32>(batch, spec, each_filter, &packed());
        forward_agrees::<f64>(batch, spec, each_filter, &packed());
    }
    if spec.has_short_windows() {
        forward_agrees::<f32>(batch, spec, each_filter, &pixels());
        forward_agrees::<f64>(batch, spec, each_filter, &pixels());
    }
}

proptest! {
    #![proptest_config(shapes(150))]

    #[test]
    fn every_variant_agrees_with_the_reference(
        spec in specs([1usize..4, 1usize..6, 1usize..20]), batch in 1usize..4, each_filter in any::<[bool; 2]>(),
    ) {
        all_agree(batch, &spec, each_filter);
    }

    #[test]
    fn rows_of_windows_are_a_convolution_of_their_own(
        spec in specs([1usize..4, 1usize..4, 1usize..9]), cut in any::<prop::sample::Index>(),
    ) {
        let spec = Spec { epilogue: Epilogue::NONE, ..spec };
        let (x, w) = (elements::<f32>(spec.input_len(), 1), elements::<f32>(spec.weights_len(), 2));
        let (mut whole, mut parts) = (std::vec![0.0; spec.output_len()], Vec::new());
        reference::forward(1, &spec, &x, &w, &[], &mut whole);
        let cut = cut.index(spec.output[0] + 1);
        for rows in [0..cut, cut..spec.output[0]] {
            let (part, reached) = spec.of_rows(rows);
            let row = spec.input[1] * spec.input[2];
            let mut y = std::vec![0.0; part.output_len()];
            reference::forward(1, &part, &x[reached.start * row..reached.end * row], &w, &[], &mut y);
            parts.append(&mut y);
        }
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn many_channels_agree_with_the_reference(
        spec in specs([1usize..3, 1usize..70, 30usize..80]), each_filter in any::<[bool; 2]>(),
    ) {
        prop_assume!(spec.weights_len() < 20_000 && spec.output_len() < 3000);
        all_agree(1, &spec, each_filter);
    }
}

#[test]
fn constant_sizes_give_the_bits_of_sizes_known_at_run_time() {
    use crate::kernels::check::assert_same_for_constants;
    const LENET: Spec = Spec {
        input: [28, 28, 1],
        output: [28, 28, 6],
        window: [5, 5],
        stride: [1, 1],
        padding: [2; 4],
        dilation: [1, 1],
        groups: 1,
        epilogue: Epilogue { accumulate: false, activation: Some(Activation::Tanh) },
    };
    fn pixels(configuration: impl crate::configuration::Configuration<Spec>) -> Vec<f32> {
        let spec = configuration.sizes();
        let (x, w, b) =
            (elements(2 * spec.input_len(), 1), elements(spec.weights_len(), 2), elements(spec.output[2], 3));
        let mut y = elements(2 * spec.output_len(), 4);
        let mut memory = memory(super::conv_pixels_forward_scratch(spec));
        super::conv_pixels_forward(&Context::of(2), configuration, &x, &w, &[], &b, &mut y, &mut memory);
        y
    }
    assert_same_for_constants!(LENET, |sizes| pixels(sizes));
    // A row shorter than any vector, and one that fills a narrow vector; filters of one tile, of two tiles, and a single filter; strides
    // and dilated taps.
    assert_same_for_constants!(Spec { output: [24, 3, 1], input: [28, 7, 1], padding: [0; 4], ..LENET }, |sizes| {
        pixels(sizes)
    });
    assert_same_for_constants!(
        Spec { input: [9, 12, 3], output: [3, 8, 13], stride: [2, 1], padding: [0; 4], ..LENET },
        |sizes| pixels(sizes)
    );
    const SPREAD: Spec = Spec {
        input: [9, 40, 2],
        output: [5, 40, 9],
        window: [3, 3],
        dilation: [2, 2],
        padding: [0, 0, 2, 2],
        epilogue: Epilogue { accumulate: true, activation: Some(Activation::Relu) },
        ..LENET
    };
    assert_same_for_constants!(SPREAD, |sizes| pixels(sizes));

    fn registers(configuration: impl crate::configuration::Configuration<Spec>) -> Vec<f32> {
        let spec = configuration.sizes();
        let (x, w) = (elements(2 * spec.input_len(), 1), elements(spec.weights_len(), 2));
        let (scale, shift) = (elements(spec.output[2], 5), elements(spec.output[2], 3));
        let mut y = elements(2 * spec.output_len(), 4);
        super::conv_registers_forward(&Context::of(2), configuration, &x, &w, &scale, &shift, &mut y);
        y
    }
    // A tile of a whole row, and rows of several tiles, the last with fewer positions; filters that fill the vectors of one tile, of
    // several tiles, and the last vector partly; strides, dilated rows, and accumulation.
    const INNER: Spec = Spec { input: [14, 14, 6], output: [10, 10, 16], padding: [0; 4], ..LENET };
    assert_same_for_constants!(INNER, |sizes| registers(sizes));
    assert_same_for_constants!(Spec { input: [9, 27, 3], output: [5, 23, 2], ..INNER }, |sizes| registers(sizes));
    assert_same_for_constants!(
        Spec { input: [12, 19, 2], output: [4, 9, 83], window: [3, 3], stride: [3, 2], ..INNER },
        |sizes| registers(sizes)
    );
    assert_same_for_constants!(
        Spec { input: [9, 40, 2], output: [5, 38, 27], window: [3, 3], dilation: [2, 1], padding: [0; 4], ..SPREAD },
        |sizes| registers(sizes)
    );
    // Overlapping windows in tiles of several rows, the last with fewer rows.
    assert_same_for_constants!(
        Spec {
            input: [17, 15, 3],
            output: [7, 13, 13],
            window: [3, 3],
            stride: [2, 1],
            dilation: [2, 1],
            padding: [0; 4],
            ..SPREAD
        },
        |sizes| registers(sizes)
    );
    assert_same_for_constants!(Spec { input: [6, 16, 2], output: [6, 5, 11], window: [1, 12], ..INNER }, |sizes| {
        registers(sizes)
    });
}

/// Returns all results of a variant of a convolution of three images on `threads` threads.
fn on_threads(threads: usize, spec: &Spec, is_direct: bool) -> Vec<f32> {
    let fork = SerialFork(threads);
    let context = Context::on(3, &fork);
    // Sums of thirds are rounded, so that their order shows.
    let thirds =
        |count, seed| elements::<f32>(count, seed).into_iter().map(|element| element / 3.0).collect::<Vec<_>>();
    let (x, w, dy) = (thirds(3 * spec.input_len(), 1), thirds(spec.weights_len(), 2), thirds(3 * spec.output_len(), 3));
    let (mut y, mut dx) = (memory(dy.len()), elements(x.len(), 4));
    let (mut dw, mut db) = (std::vec![1.0; w.len()], std::vec![1.0; spec.output[2]]);
    let scratch = |len| memory::<f32>(threads * len);
    if is_direct {
        super::conv_direct_forward(&context, spec, &x, &w, &[], &[], &mut y);
        super::conv_direct_grad_input(&context, spec, &dy, &w, &[], &mut dx);
        let mut scratch = scratch(super::conv_direct_grad_weights_scratch(spec));
        super::conv_direct_grad_weights(&context, spec, &x, &dy, &mut dw, &mut db, &mut scratch);
    } else {
        let [mut forward, mut input, mut weights] = [
            super::conv_gemm_forward_scratch(spec),
            super::conv_gemm_grad_input_scratch(spec),
            super::conv_gemm_grad_weights_scratch(spec),
        ]
        .map(scratch);
        super::conv_gemm_forward(&context, spec, &x, &w, &[], &[], &[], &mut y, &mut forward);
        super::conv_gemm_grad_input(&context, spec, &dy, &w, &[], &mut dx, &mut input);
        super::conv_gemm_grad_weights(&context, spec, &x, &dy, &mut dw, &mut db, &mut weights);
    }
    [y, dx, dw, db].concat()
}

/// Parts of threads are images, rows of images and rows of weights: some begin and end within an image, and the last layer has fewer parts than
/// threads.
#[test]
fn a_batch_gets_the_same_bits_on_any_number_of_threads() {
    let series = Spec {
        input: [1025, 1, 33],
        output: [342, 1, 24],
        window: [3, 1],
        stride: [3, 1],
        padding: [0, 1, 0, 0],
        ..convolution(1, 1, 1, 33, 24)
    };
    let squares = [(14, 40, 48, 3, 1), (15, 90, 100, 1, 1), (20, 60, 64, 3, 2), (41, 40, 30, 1, 2), (70, 3, 33, 3, 1)]
        .map(|(size, channels, filters, window, stride)| convolution(size, window, stride, channels, filters));
    for (spec, is_direct) in squares.into_iter().chain([series]).flat_map(|spec| [(spec, true), (spec, false)]) {
        let one = on_threads(1, &spec, is_direct);
        for threads in [2, 3, 5] {
            assert!(on_threads(threads, &spec, is_direct) == one, "{spec:?}, {threads} threads");
        }
    }
}

/// Layers whose copies and packed filters do not fit at once.
#[test]
fn large_layers_agree_with_the_reference() {
    let epilogue = Epilogue { accumulate: true, activation: Some(Activation::Tanh) };
    for [size, channels, filters, window, stride] in
        [[40, 48, 3, 3, 1], [9, 500, 70, 3, 2], [5, 2000, 34, 3, 1], [14, 40, 66, 1, 1]]
    {
        let plain = convolution(size, window, stride, channels, filters);
        let spec = Spec { epilogue, ..plain };
        agrees::<f32>(2, &spec, [true, true], &gemm());
        forward_agrees::<f32>(2, &plain, [true, true], &gemm());
        forward_agrees::<f32>(2, &spec, [true, true], &packed());
        forward_agrees::<f32>(2, &plain, [false, true], &packed());
    }
}

/// The gradients are those of Σ dy·y: changing one element by ±h changes the sum by 2h times its gradient. The sum is linear in each
/// element, so that the difference is exact but for rounding.
#[test]
fn gradients_of_the_reference_are_finite_differences() {
    let spec = Spec {
        input: [5, 4, 4],
        output: [3, 3, 6],
        window: [3, 2],
        stride: [2, 1],
        padding: [1, 2, 1, 0],
        dilation: [1, 2],
        groups: 2,
        epilogue: Epilogue::NONE,
    };
    let batch = 2;
    let (x, w) = (elements::<f64>(batch * spec.input_len(), 1), elements::<f64>(spec.weights_len(), 2));
    let (b, dy) = (elements::<f64>(spec.output[2], 3), elements::<f64>(batch * spec.output_len(), 4));
    let loss = |x: &[f64], w: &[f64], b: &[f64]| {
        let mut y = std::vec![0.0; dy.len()];
        reference::forward(batch, &spec, x, w, b, &mut y);
        y.iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>()
    };
    let differences = |values: &[f64], loss: &dyn Fn(&[f64]) -> f64| -> Vec<f64> {
        (0..values.len())
            .map(|i| {
                let mut moved = values.to_vec();
                moved[i] += 0.5;
                let above = loss(&moved);
                moved[i] -= 1.0;
                above - loss(&moved)
            })
            .collect()
    };
    let (mut dx, mut dw, mut db) = (std::vec![0.0; x.len()], std::vec![0.0; w.len()], std::vec![0.0; b.len()]);
    reference::grad_input(batch, &spec, &dy, &w, &mut dx);
    reference::grad_weights(batch, &spec, &x, &dy, &mut dw, &mut db);
    same("dx", &dx, &differences(&x, &|x| loss(x, &w, &b)), 1000);
    same("dw", &dw, &differences(&w, &|w| loss(&x, w, &b)), 1000);
    same("db", &db, &differences(&b, &|b| loss(&x, &w, b)), 1000);
}

/// Images of several strips, strips of several images, strips that read only padding, and rows longer than a strip.
#[test]
fn gradients_of_weights_are_sums_of_all_strips() {
    let spec = |input, output, window, stride: usize, padding, groups| Spec {
        input,
        output,
        window,
        stride: [stride; 2],
        padding,
        dilation: [1; 2],
        groups,
        epilogue: Epilogue::NONE,
    };
    for (batch, spec) in [
        (2, spec([70, 80, 2], [70, 80, 4], [3, 3], 1, [1; 4], 1)),
        (5, spec([50, 60, 2], [50, 60, 2], [3, 1], 1, [1, 1, 0, 0], 1)),
        (1, spec([3, 200, 2], [203, 198, 2], [3, 3], 1, [101, 101, 0, 0], 1)),
        (1, spec([3, 5000, 1], [2, 4998, 2], [2, 3], 1, [0; 4], 1)),
        (2, spec([141, 140, 4], [70, 70, 4], [2, 2], 2, [0; 4], 2)),
        (3, spec([64, 65, 3], [64, 65, 2], [1, 1], 1, [0; 4], 1)),
    ] {
        if spec.groups == 1 {
            agrees::<f64>(batch, &spec, [false, true], &direct());
            agrees::<f64>(batch, &spec, [false, true], &gemm());
        }
        agrees::<f64>(batch, &spec, [false, true], &grouped());
    }
}
