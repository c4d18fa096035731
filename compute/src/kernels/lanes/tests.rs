use std::vec::Vec;

use netwright_abi::Epilogue;
use netwright_abi::spec::{pool, relayout};
use proptest::prelude::*;

use super::LANES;
use crate::context::Context;
use crate::epilogue::tests::epilogues;
use crate::kernels::conv::tests::{numbers, specs};
use crate::kernels::elementary::Elementary;
use crate::kernels::relayout::{into_lanes, out_of_lanes};
use crate::kernels::{Kernels, conv, dense};
use crate::scalar::Scalar;
use crate::simd::Isa;
use crate::simd::tests::only;

const NAN: f64 = f64::NAN;

/// Images as blocks in the lanes. What fills up the last block is NaN, which must reach no image.
fn blocks<T: Scalar>(batch: usize, len: usize, x: &[T]) -> Vec<T> {
    let count = batch.div_ceil(LANES);
    let mut y = std::vec![T::from_f64(NAN); count * LANES * len];
    into_lanes(&Context::of(count), &relayout::Spec { len }, x, &mut y);
    for (place, element) in y.iter_mut().enumerate() {
        let image = place / (len * LANES) * LANES + place % LANES;
        if image >= batch {
            assert!(*element == T::ZERO, "the last block is filled up with zeros");
            *element = T::from_f64(NAN);
        }
    }
    y
}

/// The images of blocks, without those that fill up the last.
fn images<T: Scalar>(batch: usize, len: usize, x: &[T]) -> Vec<T> {
    let mut y = std::vec![T::from_f64(NAN); x.len()];
    out_of_lanes(&Context::of(batch.div_ceil(LANES)), &relayout::Spec { len }, x, &mut y);
    y.truncate(batch * len);
    y
}

/// What a kernel makes of images, computed in the lanes; `y` is what stands in the place of the output.
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
    for (place, (got, right)) in got.iter().zip(right).enumerate() {
        let error = (got.to_f64() - right.to_f64()).abs();
        assert!(error <= tolerance, "{isa:?} at {place}: {got} for {right}");
    }
}

/// Runs a check on every instruction set that computes with these elements.
fn everywhere<T: Scalar>(check: impl Fn(Isa)) {
    let (all, _) = Isa::all();
    for &isa in if T::NAME == "F32" { &all[..] } else { &all[..1] } {
        only(isa, || check(isa));
    }
}

fn each<T: Scalar>(given: bool, count: usize, seed: usize) -> Vec<T> {
    numbers(if given { count } else { 0 }, seed)
}

fn convolution_agrees<T: Kernels + Elementary>(batch: usize, spec: &conv::Spec, [scaled, shifted]: [bool; 2]) {
    let (x, w) = (numbers::<T>(batch * spec.input_len(), 1), numbers::<T>(spec.weights_len(), 2));
    let (scale, shift) = (each::<T>(scaled, spec.output[2], 7), each::<T>(shifted, spec.output[2], 4));
    let before = numbers::<T>(batch * spec.output_len(), 8);
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
    let (x, w) = (numbers::<T>(batch * inputs, 1), numbers::<T>(inputs * outputs, 2));
    let (scale, shift) = (each::<T>(scaled, outputs, 7), each::<T>(shifted, outputs, 4));
    let before = numbers::<T>(batch * outputs, 8);
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

fn batches() -> impl Strategy<Value = usize> {
    prop::sample::select(std::vec![1, 2, 15, 16, 17, 33, 64])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_become_images_again(batch in batches(), len in 1usize..40) {
        let x = numbers::<f32>(batch * len, 1);
        everywhere::<f32>(|_| assert_eq!(images(batch, len, &blocks(batch, len, &x)), x));
        let x = numbers::<f64>(batch * len, 1);
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
fn sums_of_more_than_a_part_have_the_bits_of_a_product() {
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

#[test]
fn what_treats_channels_alike_takes_a_block_for_an_image_of_more_channels() {
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
        let (x, before) = (numbers::<f32>(batch * spec.input_len(), 1), numbers::<f32>(batch * spec.output_len(), 2));
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
