//! Tests of Winograd's algorithm: the bound of its error, and the same bits for any number of threads.

use std::vec::Vec;

use netwright_abi::Epilogue;
use netwright_abi::spec::conv::Winograd;
use netwright_measure::convolution;
use proptest::prelude::*;

use super::super::{self as conv, Spec, reference};
use super::{elements, memory};
use crate::context::{Context, tests::SerialFork};
use crate::epilogue;
use crate::epilogue::tests::epilogues;
use crate::kernels::activation::Activation;
use crate::kernels::check::shapes;
use crate::kernels::elementary::Elementary;
use crate::simd::Isa;
use crate::simd::tests::only;

/// Computes a convolution as predictions do, on `threads` threads.
fn predicted<T: Elementary>(threads: usize, spec: &Spec, [x, w, scale, shift]: [&[T]; 4], y: &mut [T]) {
    let fork = SerialFork(threads);
    let (mut filters, mut memory) =
        (memory(spec.winograd_len()), memory(threads * conv::conv_winograd_forward_scratch(spec)));
    conv::conv_winograd_pack(&Context::on(1, &fork), spec, w, &mut filters);
    let context = Context::on(y.len() / spec.output_len(), &fork);
    conv::conv_winograd_forward(&context, spec, x, &filters, scale, shift, y, &mut memory);
}

/// Computes the same as training does, with filters that are transformed in advance, or by the kernel.
fn trained<T: Elementary>(
    threads: usize,
    is_prepared: bool,
    spec: &Spec,
    [x, w, scale, shift]: [&[T]; 4],
    y: &mut [T],
) {
    let fork = SerialFork(threads);
    let context = Context::on(y.len() / spec.output_len(), &fork);
    let mut filters = memory(if is_prepared { spec.fine_winograd_len() } else { 0 });
    if is_prepared {
        conv::conv_winograd_pack_fine(&context, spec, w, &mut filters);
    }
    let mut memory = memory(threads * conv::conv_winograd_train_forward_scratch(spec));
    conv::conv_winograd_train_forward(&context, spec, x, w, &filters, scale, shift, y, &mut memory);
}

/// The gradient of the input.
fn grad_input<T: Elementary>(threads: usize, is_prepared: bool, spec: &Spec, [dy, w]: [&[T]; 2]) -> Vec<T> {
    let fork = SerialFork(threads);
    let context = Context::on(dy.len() / spec.output_len(), &fork);
    let mut filters = memory(if is_prepared { spec.winograd_of_inputs_len() } else { 0 });
    if is_prepared {
        conv::conv_winograd_pack_rotated(&context, spec, w, &mut filters);
    }
    let mut scratch = memory(threads * conv::conv_winograd_grad_input_scratch(spec));
    let spec = &Spec { epilogue: Epilogue { activation: None, ..spec.epilogue }, ..*spec };
    // The previous contents, for specs that accumulate.
    let mut dx = std::vec![T::ONE; dy.len() / spec.output_len() * spec.input_len()];
    conv::conv_winograd_grad_input(&context, spec, dy, w, &filters, &mut dx, &mut scratch);
    dx
}

/// Computes the gradient of the weights, followed by that of the bias, added to ones.
fn grad_weights<T: Elementary>(threads: usize, spec: &Spec, [x, dy]: [&[T]; 2]) -> Vec<T> {
    let fork = SerialFork(threads);
    let context = Context::on(dy.len() / spec.output_len(), &fork);
    let mut scratch = memory(threads * conv::conv_winograd_grad_weights_scratch(spec));
    let mut both = std::vec![T::ONE; spec.weights_len() + spec.output[2]];
    let (dw, db) = both.split_at_mut(spec.weights_len());
    conv::conv_winograd_grad_weights(&context, spec, x, dy, dw, db, &mut scratch);
    both
}

proptest! {
    #![proptest_config(shapes(32))]

    #[test]
    fn winograd_agrees_with_the_reference(
        output in [1usize..15, 1usize..15], padding in [0usize..5, 0usize..3, 0usize..4, 0usize..3],
        window in prop::sample::select(&[3usize, 5][..]), groups in 1usize..4,
        channels in 1usize..4, filters in 1usize..6, epilogue in epilogues(), each_filter in any::<[bool; 2]>(),
    ) {
        let size = |axis: usize| (output[axis] + window - 1).saturating_sub(padding[2 * axis] + padding[2 * axis + 1]);
        let input = [size(0), size(1)];
        prop_assume!(input[0] > 0 && input[1] > 0);
        let spec = Spec {
            input: [input[0], input[1], groups * 16 * channels],
            output: [output[0], output[1], groups * 16 * filters],
            window: [window; 2],
            stride: [1, 1],
            padding,
            dilation: [1, 1],
            groups,
            epilogue,
        };
        winograd_agrees(&spec, each_filter)?;
        if spec.winograd_of_weights().is_some() {
            grad_weights_agrees(&spec)?;
        }
    }
}

proptest! {
    #![proptest_config(shapes(2))]

    #[test]
    fn winograd_of_large_images_agrees_with_the_reference(
        output in prop::sample::select(&[[23usize, 24], [24, 35], [36, 22], [29, 30], [34, 24]][..]),
        padding in [0usize..3, 0usize..3, 0usize..3, 0usize..3], groups in 1usize..3,
        channels in 1usize..3, filters in 1usize..3, epilogue in epilogues(), each_filter in any::<[bool; 2]>(),
    ) {
        let size = |axis: usize| output[axis] + 2 - padding[2 * axis] - padding[2 * axis + 1];
        let spec = Spec {
            input: [size(0), size(1), groups * 16 * channels],
            output: [output[0], output[1], groups * 16 * filters],
            padding,
            groups,
            epilogue,
            ..convolution(24, 3, 1, 16, 16)
        };
        prop_assert_eq!(spec.winograd().map(|form| form.tile), Some(6));
        winograd_agrees(&spec, each_filter)?;
    }
}

/// As many channels as select tiles of 6x6 outputs.
#[test]
fn winograd_of_long_sums_agrees_with_the_reference() {
    let spec = convolution(24, 3, 1, 256, 16);
    assert_eq!(spec.winograd().map(|form| form.tile), Some(6));
    winograd_agrees(&spec, [false; 2]).expect("the bound");
}

/// Asserts the bound for the forward pass and the gradient of the input.
fn winograd_agrees(spec: &Spec, each_filter: [bool; 2]) -> Result<(), TestCaseError> {
    let batch = 2;
    let (x, w) = (elements::<f32>(batch * spec.input_len(), 1), elements::<f32>(spec.weights_len(), 2));
    let channel = |wanted: bool, seed| if wanted { elements::<f32>(spec.output[2], seed) } else { Vec::new() };
    let (scale, shift) = (channel(each_filter[0], 3), channel(each_filter[1], 4));
    let before = elements::<f32>(batch * spec.output_len(), 5);

    let mut z = std::vec![0.0; before.len()];
    reference::forward(batch, spec, &wide(&x), &wide(&w), &[], &mut z);
    let mut right = wide(&before);
    epilogue::reference(spec.epilogue, &z, &wide(&scale), &wide(&shift), &mut right, spec.output[2]);
    let operands = [&x[..], &w, &scale, &shift];
    let wide_operands = operands.map(wide);
    let from = |predicted: &dyn Fn(&mut [f32])| {
        let mut y = before.clone();
        predicted(&mut y);
        y
    };
    let wide_operands = wide_operands.each_ref().map(|operand| &operand[..]);
    let size = rms(&z).max(1e-3);
    let mut double = wide(&before);
    predicted(1, spec, wide_operands, &mut double);
    within_bound(&right, size, BOUND, &double, &[(5, true)], &|threads, _| {
        from(&|y| predicted(threads, spec, operands, y))
    })?;
    let mut double = wide(&before);
    trained(1, true, spec, wide_operands, &mut double);
    let bound = if spec.fine_winograd().is_some_and(Winograd::is_fine) { FINE } else { BOUND };
    within_bound(&right, size, bound, &double, &WAYS[..3], &|threads, is_prepared| {
        from(&|y| trained(threads, is_prepared, spec, operands, y))
    })?;

    let mut right = std::vec![0.0; x.len()];
    reference::grad_input(batch, spec, &wide(&before), &wide(&w), &mut right);
    if spec.epilogue.accumulate {
        right.iter_mut().for_each(|right| *right += 1.0);
    }
    let double = grad_input(1, true, spec, [&wide(&before), &wide(&w)]);
    within_bound(&right, rms(&right).max(1e-3), BOUND, &double, &WAYS, &|threads, is_prepared| {
        grad_input(threads, is_prepared, spec, [&before, &w])
    })
}

/// Asserts the bound for the gradient of the weights, of two images.
fn grad_weights_agrees(spec: &Spec) -> Result<(), TestCaseError> {
    let (x, dy) = (&elements(2 * spec.input_len(), 1), &elements(2 * spec.output_len(), 2));
    let mut right = std::vec![1.0; spec.weights_len() + spec.output[2]];
    let (dw, db) = right.split_at_mut(spec.weights_len());
    reference::grad_weights(2, spec, &wide(x), &wide(dy), dw, db);
    let double = grad_weights(1, spec, [&wide(x), &wide(dy)]);
    within_bound(&right, rms(&right).max(1e-3), BOUND, &double, &[(2, true), (5, true)], &|threads, _| {
        grad_weights(threads, spec, [x, dy])
    })
}

#[test]
fn winograd_of_large_windows_agrees_with_the_reference() {
    let spec = Spec {
        input: [12, 12, 96],
        output: [10, 8, 240],
        window: [5, 5],
        stride: [1, 1],
        padding: [2, 0, 0, 0],
        dilation: [1, 1],
        groups: 3,
        epilogue: Epilogue::NONE,
    };
    winograd_agrees(&spec, [false; 2]).expect("the bound");
}

/// The number of threads, and whether filters are transformed in advance.
const WAYS: [(usize, bool); 4] = [(1, false), (2, true), (2, false), (5, true)];

/// The largest error of a result, relative to the root mean square of the results.
const BOUND: f64 = 1e-5;
/// The same for the forward pass of training: the error of plain sums.
const FINE: f64 = 1e-6;

/// Checks that the error against double precision is below the bound on every instruction set, and that any number of threads gives the
/// same bits, with filters that are transformed in advance or by the kernel.
fn within_bound(
    right: &[f64],
    size: f64,
    bound: f64,
    double: &[f64],
    ways: &[(usize, bool)],
    single: &dyn Fn(usize, bool) -> Vec<f32>,
) -> Result<(), TestCaseError> {
    let error = |got: &[f64]| rms(&got.iter().zip(right).map(|(got, right)| got - right).collect::<Vec<_>>());
    prop_assert!(error(double) < 1e-13 * size, "double precision: {} of {}", error(double), size);
    for isa in Isa::all().0 {
        only(isa, || -> Result<(), TestCaseError> {
            let alone = single(1, true);
            prop_assert!(error(&wide(&alone)) < bound * size, "{:?}: {} of {}", isa, error(&wide(&alone)), size);
            for &(threads, is_prepared) in ways {
                prop_assert!(single(threads, is_prepared) == alone, "{} threads, prepared: {}", threads, is_prepared);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// So few tiles that predictions select F(2x2, 3x3) instead of F(4x4, 3x3), and with still fewer the gradient of the input does.
#[test]
fn winograd_of_few_tiles_agrees_with_the_reference() {
    for (output, padding, tile_of_gradient) in [([7, 7], [1; 4], 2), ([13, 5], [0, 2, 1, 1], 4)] {
        let spec = Spec {
            input: [output[0] + 2 - padding[0] - padding[1], output[1] + 2 - padding[2] - padding[3], 192],
            output: [output[0], output[1], 160],
            padding,
            epilogue: Epilogue { accumulate: true, activation: Some(Activation::Tanh) },
            ..convolution(8, 3, 1, 192, 160)
        };
        let tiles = [spec.winograd(), spec.winograd_of_inputs()].map(|form| form.map(|form| form.tile));
        assert_eq!(tiles, [Some(2), Some(tile_of_gradient)]);
        winograd_agrees(&spec, [true, true]).expect("the bound");
    }
}

/// Transformed filters that fit into no cache, so that threads share one pass over them; and images of more tiles than a block has.
#[test]
fn a_large_winograd_agrees_with_the_reference() {
    let relu = Epilogue { accumulate: false, activation: Some(Activation::Relu) };
    let large = Spec { input: [9, 5, 256], output: [9, 5, 256], ..convolution(9, 3, 1, 256, 256) };
    for spec in [large, convolution(33, 3, 1, 16, 48)] {
        winograd_agrees(&Spec { epilogue: relu, ..spec }, [false, true]).expect("the bound");
    }
}

/// Images of several chunks of tiles, whose sums are compensated where images are large; and more filters than a block has.
#[test]
fn gradients_of_weights_by_winograd_are_sums_of_all_chunks() {
    let large =
        Spec { input: [31, 33, 16], output: [33, 32, 16], padding: [2, 2, 1, 0], ..convolution(33, 3, 1, 16, 16) };
    let many = Spec { input: [6, 5, 48], output: [6, 5, 272], ..convolution(6, 3, 1, 48, 272) };
    for spec in [large, many] {
        grad_weights_agrees(&spec).expect("the bound");
    }
}

/// The pooled output has the bits of a max pool of the output, on every instruction set and any number of threads, with rows or columns
/// left over, and with NaN and infinities.
#[test]
fn a_pooled_winograd_has_the_bits_of_a_max_pool_after_it() {
    let relu6 = Epilogue { accumulate: false, activation: Some(Activation::Relu6) };
    let few_tiles = Spec { input: [7, 7, 192], output: [7, 7, 160], ..convolution(7, 3, 1, 192, 160) };
    let long = Spec { input: [24, 29, 16], output: [24, 29, 48], epilogue: relu6, ..convolution(24, 3, 1, 16, 48) };
    let tiles = [few_tiles, convolution(10, 3, 1, 16, 32), long];
    assert_eq!(tiles.map(|spec| spec.winograd().map(|form| form.tile)), [Some(2), Some(4), Some(6)]);
    for spec in tiles {
        let batch = 2;
        let (mut x, w) = (elements::<f32>(batch * spec.input_len(), 1), elements::<f32>(spec.weights_len(), 2));
        let shift = elements::<f32>(spec.output[2], 3);
        let middle = spec.input_len() / 2;
        (x[0], x[middle], x[2 * middle - 1]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
        let [height, width, filters] = spec.output;
        let pool = crate::kernels::pool::Spec {
            input: spec.output,
            output: [height / 2, width / 2, filters],
            window: [2; 2],
            stride: [2; 2],
            padding: [0; 4],
            epilogue: Epilogue::NONE,
        };
        for isa in Isa::all().0 {
            only(isa, || {
                let mut z = memory(batch * spec.output_len());
                predicted(1, &spec, [&x, &w, &[], &shift], &mut z);
                let mut right: Vec<f32> = memory(batch * pool.output_len());
                crate::kernels::pool::maxpool_forward(&Context::of(batch), &pool, &z, &[], &[], &mut right);
                assert!(right.iter().any(|element| element.is_nan()) && right.iter().any(|element| *element > 0.0));
                let bits = |values: &[f32]| -> Vec<u32> {
                    values.iter().map(|value| if value.is_nan() { f32::NAN } else { *value }.to_bits()).collect()
                };
                for threads in [1, 2, 5] {
                    let fork = SerialFork(threads);
                    let mut filters = memory(spec.winograd_len());
                    let mut scratch = memory(threads * conv::conv_winograd_pooled_forward_scratch(&spec));
                    conv::conv_winograd_pack(&Context::of(1), &spec, &w, &mut filters);
                    let mut y = memory(batch * spec.pooled_len());
                    let context = Context::on(batch, &fork);
                    conv::conv_winograd_pooled_forward(
                        &context,
                        &spec,
                        &x,
                        &filters,
                        &[],
                        &shift,
                        &mut y,
                        &mut scratch,
                    );
                    assert!(bits(&y) == bits(&right), "{isa:?}, {threads} threads, {spec:?}");
                }
            });
        }
    }
}

fn wide(elements: &[f32]) -> Vec<f64> {
    elements.iter().map(|&element| f64::from(element)).collect()
}

/// Returns the root mean square.
fn rms(elements: &[f64]) -> f64 {
    (elements.iter().map(|element| element * element).sum::<f64>() / elements.len() as f64).sqrt()
}
