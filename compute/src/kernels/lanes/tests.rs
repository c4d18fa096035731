use std::vec::Vec;

use netwright_abi::Epilogue;
use netwright_abi::spec::{pool, relayout};
use proptest::prelude::*;

use super::LANES;
use crate::context::{Context, tests::SerialFork};
use crate::epilogue::tests::epilogues;
use crate::kernels::conv::tests::{Variant, agrees, elements, specs};
use crate::kernels::elementary::Elementary;
use crate::kernels::relayout::{into_lanes, out_of_lanes};
use crate::kernels::{Kernels, conv, dense};
use crate::scalar::Scalar;
use crate::simd::Isa;
use crate::simd::tests::only;

const NAN: f64 = f64::NAN;

/// Converts images to blocks in the lanes. The padding of the last block is NaN, which must affect no image.
fn blocks<T: Scalar>(batch: usize, len: usize, x: &[T]) -> Vec<T> {
    let count = batch.div_ceil(LANES);
    let mut y = std::vec![T::from_f64(NAN); count * LANES * len];
    into_lanes(&Context::of(count), &relayout::Spec { len }, x, &mut y);
    for (index, element) in y.iter_mut().enumerate() {
        let image = index / (len * LANES) * LANES + index % LANES;
        if image >= batch {
            assert!(*element == T::ZERO, "the last block is filled up with zeros");
            *element = T::from_f64(NAN);
        }
    }
    y
}

/// Returns the images of blocks, without the padding of the last.
fn images<T: Scalar>(batch: usize, len: usize, x: &[T]) -> Vec<T> {
    let mut y = std::vec![T::from_f64(NAN); x.len()];
    out_of_lanes(&Context::of(batch.div_ceil(LANES)), &relayout::Spec { len }, x, &mut y);
    y.truncate(batch * len);
    y
}

/// Runs a kernel on images in the lanes; `y` is the previous contents of the output.
fn in_lanes<T: Scalar>(
    batch: usize,
    [input, output]: [usize; 2],
    x: &[T],
    y: &[T],
    kernel: impl Fn(&Context<'_>, &[T], &mut [T]),
) -> Vec<T> {
    let mut blocks_out = blocks(batch, output, y);
    kernel(&Context::of(batch.div_ceil(LANES)), &blocks(batch, input, x), &mut blocks_out);
    images(batch, output, &blocks_out)
}

#[track_caller]
fn same<T: Scalar>(isa: Isa, got: &[T], right: &[T], terms: usize) {
    assert_eq!(got.len(), right.len());
    let tolerance = if T::NAME == "F32" { 2e-6 } else { 1e-14 } * (terms + 4) as f64;
    for (index, (got, right)) in got.iter().zip(right).enumerate() {
        let error = (got.to_f64() - right.to_f64()).abs();
        assert!(error <= tolerance, "{isa:?} at {index}: {got} for {right}");
    }
}

/// Runs a check on every instruction set for these elements.
fn everywhere<T: Scalar>(check: impl Fn(Isa)) {
    let (all, _) = Isa::all();
    for &isa in if T::NAME == "F32" { &all[..] } else { &all[..1] } {
        only(isa, || check(isa));
    }
}

fn each<T: Scalar>(given: bool, count: usize, seed: usize) -> Vec<T> {
    elements(if given { count } else { 0 }, seed)
}

fn convolution_agrees<T: Kernels + Elementary>(batch: usize, spec: &conv::Spec, [scaled, shifted]: [bool; 2]) {
    let (x, w) = (elements::<T>(batch * spec.input_len(), 1), elements::<T>(spec.weights_len(), 2));
    let (scale, shift) = (each::<T>(scaled, spec.output[2], 7), each::<T>(shifted, spec.output[2], 4));
    let before = elements::<T>(batch * spec.output_len(), 8);
    let (mut z, mut right) = (before.clone(), before.clone());
    conv::reference::forward(batch, spec, &x, &w, &[], &mut z);
    crate::epilogue::reference(spec.epilogue, &z, &scale, &shift, &mut right, spec.output[2]);
    let terms = 2 * spec.window[0] * spec.window[1] * spec.input[2];
    everywhere::<T>(|isa| {
        let y = in_lanes(batch, [spec.input_len(), spec.output_len()], &x, &before, |context, x, y| {
            T::conv_lanes_forward(context, spec, x, &w, &scale, &shift, y);
        });
        same(isa, &y, &right, terms);
        if cfg!(not(feature = "matrixmultiply")) {
            let (mut right, mut memory) = (before.clone(), std::vec![T::ZERO; conv::conv_gemm_forward_scratch(spec)]);
            let context = Context::of(batch);
            T::conv_gemm_forward(&context, spec, &x, &w, &[], &scale, &shift, &mut right, &mut memory);
            assert!(y == right, "{isa:?}: not the bits of a product of matrices, {spec:?}");
        }
    });
}

fn dense_agrees<T: Kernels + Elementary>(batch: usize, spec: &dense::Spec, [scaled, shifted]: [bool; 2]) {
    let dense::Spec { inputs, outputs, epilogue } = *spec;
    let (x, w) = (elements::<T>(batch * inputs, 1), elements::<T>(inputs * outputs, 2));
    let (scale, shift) = (each::<T>(scaled, outputs, 7), each::<T>(shifted, outputs, 4));
    let before = elements::<T>(batch * outputs, 8);
    let (mut z, mut right) = (before.clone(), before.clone());
    dense::reference::forward(batch, spec, &x, &w, &[], &mut z);
    crate::epilogue::reference(epilogue, &z, &scale, &shift, &mut right, outputs);
    everywhere::<T>(|isa| {
        let y = in_lanes(batch, [inputs, outputs], &x, &before, |context, x, y| {
            T::dense_lanes_forward(context, spec, x, &w, &scale, &shift, y);
        });
        same(isa, &y, &right, 2 * inputs);
        if cfg!(not(feature = "matrixmultiply")) && batch > 1 {
            let (mut right, mut memory) = (before.clone(), std::vec![T::ZERO; dense::dense_forward_scratch(spec)]);
            T::dense_forward(&Context::of(batch), spec, &x, &w, &[], &scale, &shift, &mut right, &mut memory);
            assert!(y == right, "{isa:?}: not the bits of a product of matrices, {spec:?}");
        }
    });
}

/// Returns scratch memory of NaN, exactly as long as required.
fn memory<T: Scalar>(len: usize) -> Vec<T> {
    std::vec![T::from_f64(NAN); len]
}

/// The kernels that compute in blocks of images, on `THREADS` threads.
fn by_blocks<T: Elementary, const THREADS: usize>() -> Variant<T> {
    fn on<R>(threads: usize, batch: usize, run: impl FnOnce(&Context<'_>) -> R) -> R {
        run(&Context::on(batch, &SerialFork(threads)))
    }
    Variant {
        forward: |batch, spec, x, w, scale, shift, y| {
            let mut memory = memory(THREADS * conv::conv_blocks_forward_scratch(spec));
            on(THREADS, batch, |context| {
                conv::conv_blocks_forward(context, spec, x, w, &[], scale, shift, y, &mut memory);
            });
        },
        grad_input: |batch, spec, dy, w, dx| {
            let mut memory = memory(THREADS * conv::conv_blocks_grad_input_scratch(spec));
            on(THREADS, batch, |context| {
                conv::conv_blocks_grad_input(context, spec, dy, w, &[], dx, &mut memory);
            });
        },
        grad_weights: |batch, spec, x, dy, dw, db| {
            let mut memory = memory(THREADS * conv::conv_blocks_grad_weights_scratch(spec));
            on(THREADS, batch, |context| conv::conv_blocks_grad_weights(context, spec, x, dy, dw, db, &mut memory));
        },
    }
}

/// Convolutions of one group that can be computed in blocks.
fn specs_in_blocks(filters: core::ops::Range<usize>) -> impl Strategy<Value = conv::Spec> {
    specs((Just(1usize), 1usize..6, filters).prop_map(<[usize; 3]>::from)).prop_filter_map("windows of taps", |spec| {
        let reach = [0, 1].map(|axis| (spec.window[axis] - 1) * spec.dilation[axis]);
        let [top, bottom, left, right] = spec.padding;
        let padding = [top.min(reach[0]), bottom.min(reach[0]), left.min(reach[1]), right.min(reach[1])];
        let sides = [0, 1].map(|axis| {
            (spec.input[axis] + padding[2 * axis] + padding[2 * axis + 1]).checked_sub(reach[axis]).filter(|&n| n > 0)
        });
        let output = [sides[0]?, sides[1]?, spec.output[2]];
        Some(conv::Spec { stride: [1, 1], padding, output, ..spec }).filter(conv::Spec::in_blocks)
    })
}

fn batches() -> impl Strategy<Value = usize> {
    prop::sample::select(std::vec![1, 2, 15, 16, 17, 33, 64])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_become_images_again(batch in batches(), len in 1usize..40) {
        let x = elements::<f32>(batch * len, 1);
        everywhere::<f32>(|_| assert_eq!(images(batch, len, &blocks(batch, len, &x)), x));
        let x = elements::<f64>(batch * len, 1);
        everywhere::<f64>(|_| assert_eq!(images(batch, len, &blocks(batch, len, &x)), x));
    }

    #[test]
    fn convolutions_agree_with_the_reference_and_have_the_bits_of_a_product(
        batch in batches(),
        spec in specs((Just(1usize), 1usize..6, 1usize..20).prop_map(|(groups, channels, filters)| [groups, channels, filters])),
        each_filter in any::<[bool; 2]>(),
    ) {
        convolution_agrees::<f32>(batch, &spec, each_filter);
        convolution_agrees::<f64>(batch.min(17), &spec, each_filter);
    }

    #[test]
    fn convolutions_by_blocks_agree_with_the_reference(
        batch in batches(), spec in specs_in_blocks(1..20), each_filter in any::<[bool; 2]>(),
    ) {
        agrees::<f32>(batch, &spec, each_filter, &by_blocks::<f32, 1>());
        agrees::<f64>(batch.min(17), &spec, each_filter, &by_blocks::<f64, 3>());
    }

    #[test]
    fn dense_layers_agree_with_the_reference_and_have_the_bits_of_a_product(
        batch in batches(),
        inputs in prop_oneof![1usize..40, 250usize..270, 500usize..530],
        outputs in 1usize..30,
        epilogue in epilogues(),
        each_output in any::<[bool; 2]>(),
    ) {
        let spec = dense::Spec { inputs, outputs, epilogue };
        dense_agrees::<f32>(batch, &spec, each_output);
        dense_agrees::<f64>(batch.min(17), &spec, each_output);
    }
}

#[test]
fn sums_of_several_partial_sums_have_the_bits_of_a_product() {
    let epilogue = Epilogue::NONE;
    let spec = conv::Spec {
        input: [7, 6, 13],
        output: [7, 6, 9],
        window: [5, 5],
        stride: [1, 1],
        padding: [2, 2, 2, 2],
        dilation: [1, 1],
        groups: 1,
        epilogue,
    };
    convolution_agrees::<f32>(17, &spec, [true, true]);
    let dilated = conv::Spec { window: [3, 3], dilation: [2, 2], input: [7, 6, 40], ..spec };
    convolution_agrees::<f32>(16, &dilated, [false, true]);
}

/// The first convolution of LeNet-5. Its second has enough work for many threads.
const LENET: conv::Spec = conv::Spec {
    input: [28, 28, 1],
    output: [28, 28, 6],
    window: [5, 5],
    stride: [1, 1],
    padding: [2; 4],
    dilation: [1, 1],
    groups: 1,
    epilogue: Epilogue::NONE,
};

#[test]
fn any_number_of_threads_gives_the_bits_of_one() {
    let second = conv::Spec { input: [14, 14, 6], output: [10, 10, 16], padding: [0; 4], ..LENET };
    for (batch, spec) in [(64, LENET), (64, second), (39, second), (50, second)] {
        let (x, w) = (elements::<f32>(batch * spec.input_len(), 1), elements::<f32>(spec.weights_len(), 2));
        let dy = elements::<f32>(batch * spec.output_len(), 3);
        let run = |Variant { forward, grad_input, grad_weights }: Variant<f32>| {
            let (mut y, mut dx, mut dw, mut db) = (dy.clone(), x.clone(), w.clone(), std::vec![0.0; spec.output[2]]);
            forward(batch, &spec, &x, &w, &[], &[], &mut y);
            grad_input(batch, &spec, &dy, &w, &mut dx);
            grad_weights(batch, &spec, &x, &dy, &mut dw, &mut db);
            [y, dx, dw, db]
        };
        let one = run(by_blocks::<f32, 1>());
        for more in [by_blocks::<f32, 2>(), by_blocks::<f32, 3>(), by_blocks::<f32, 7>()] {
            assert!(one == run(more), "{batch} images of {spec:?}");
        }
    }
}

#[test]
fn images_that_alias_in_a_cache_become_blocks_and_images_again() {
    for (batch, len) in [(16, 512), (16, 1024), (31, 2048), (16, 513), (48, 256)] {
        let x = elements::<f32>(batch * len, 1);
        everywhere::<f32>(|_| assert_eq!(images(batch, len, &blocks(batch, len, &x)), x));
        let x = elements::<f64>(batch * len, 1);
        everywhere::<f64>(|_| assert_eq!(images(batch, len, &blocks(batch, len, &x)), x));
    }
}

#[test]
fn many_channels_and_long_rows_agree_by_blocks() {
    let long = conv::Spec { input: [2, 300, 35], output: [2, 300, 9], window: [1, 3], padding: [0, 0, 1, 1], ..LENET };
    agrees::<f32>(17, &long, [true, true], &by_blocks::<f32, 2>());
    let wide = conv::Spec { input: [6, 7, 40], output: [6, 7, 70], window: [3, 3], padding: [1; 4], ..LENET };
    agrees::<f32>(24, &wide, [false, true], &by_blocks::<f32, 2>());
}

#[test]
#[should_panic(expected = "a convolution that can be computed in blocks")]
fn strides_above_1_are_refused() {
    let spec = conv::Spec { output: [14, 14, 6], stride: [2, 2], ..LENET };
    conv::conv_blocks_grad_input_scratch(&spec);
}

#[test]
fn kernels_that_treat_channels_alike_compute_a_block_as_an_image_of_more_channels() {
    let spec = pool::Spec {
        input: [5, 6, 3],
        output: [3, 3, 3],
        window: [2, 3],
        stride: [2, 2],
        padding: [1, 0, 0, 1],
        epilogue: Epilogue::NONE,
    };
    let wide = pool::Spec { input: [5, 6, 3 * LANES], output: [3, 3, 3 * LANES], ..spec };
    for batch in [1, 16, 17] {
        let (x, before) = (elements::<f32>(batch * spec.input_len(), 1), elements::<f32>(batch * spec.output_len(), 2));
        let lens = [spec.input_len(), spec.output_len()];
        let mut right = before.clone();
        f32::avgpool_forward(&Context::of(batch), &spec, &x, &[], &[], &mut right);
        let average =
            in_lanes(batch, lens, &x, &before, |context, x, y| f32::avgpool_forward(context, &wide, x, &[], &[], y));
        assert_eq!(average, right);
        f32::maxpool_forward(&Context::of(batch), &spec, &x, &[], &[], &mut right);
        let largest =
            in_lanes(batch, lens, &x, &before, |context, x, y| f32::maxpool_forward(context, &wide, x, &[], &[], y));
        assert_eq!(largest, right);
    }
}

#[test]
#[should_panic(expected = "into_lanes: the images")]
fn half_an_image_is_refused() {
    into_lanes(&Context::of(1), &relayout::Spec { len: 4 }, &[0.0_f32; 6], &mut [0.0; 64]);
}

#[test]
#[should_panic(expected = "length of the output")]
fn a_wrong_length_is_refused() {
    let spec = dense::Spec { inputs: 1, outputs: 1, epilogue: Epilogue::NONE };
    f32::dense_lanes_forward(&Context::of(1), &spec, &[0.0; 16], &[0.0], &[], &[], &mut [0.0; 15]);
}
