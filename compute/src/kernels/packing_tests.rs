//! Weights packed in advance, by any number of threads, give the same bits as weights that a kernel packs itself.

use std::vec::Vec;

use proptest::prelude::*;

use super::check::shapes;
use super::conv::tests::{elements, specs};
use super::{Kernels, conv, deconv, dense};
use crate::context::{Context, tests::SerialFork};
use netwright_abi::Epilogue;

/// NaN elements: a kernel that reads a packed element that was never written shows it in the result.
fn unwritten<T: Kernels>(len: usize) -> Vec<T> {
    std::vec![T::from_f64(f64::NAN); len]
}

/// Runs a kernel on unpacked weights, and on weights packed by one, two and five threads.
#[track_caller]
fn same_bits<T: Kernels>(
    what: &str,
    before: &[T],
    [weights, scratch]: [usize; 2],
    pack: impl Fn(&Context<'_>, &mut [T]),
    run: impl Fn(&[T], &mut [T], &mut [T]),
) {
    let result = |packed: &[T]| {
        let mut result = before.to_vec();
        run(packed, &mut result, &mut unwritten(scratch));
        result.iter().map(|element| element.to_f64().to_bits()).collect::<Vec<_>>()
    };
    let unpacked = result(&[]);
    for threads in [1, 2, 5] {
        let mut packed = unwritten(weights);
        pack(&Context::on(0, &SerialFork(threads)), &mut packed);
        assert!(result(&packed) == unpacked, "{what} of weights packed by {threads} threads");
    }
}

fn convolutions<T: Kernels>(batch: usize, spec: &conv::Spec) {
    let (x, w) = (elements::<T>(batch * spec.input_len(), 1), elements::<T>(spec.weights_len(), 2));
    let (y, bias) = (elements::<T>(batch * spec.output_len(), 3), elements::<T>(spec.output[2], 4));
    let context = Context::of(batch);
    let pack = |context: &Context<'_>, packed: &mut [T]| T::conv_gemm_pack(context, spec, &w, packed);
    let pack_rotated = |context: &Context<'_>, packed: &mut [T]| T::conv_gemm_pack_rotated(context, spec, &w, packed);
    let sizes = [w.len(), conv::conv_gemm_forward_scratch(spec)];
    same_bits("y", &y, sizes, pack, |packed, y, scratch| {
        T::conv_gemm_forward(&context, spec, &x, &w, packed, &[], &bias, y, scratch);
    });
    let sizes = [w.len(), conv::conv_gemm_grad_input_scratch(spec)];
    same_bits("dx", &x, sizes, pack_rotated, |packed, dx, scratch| {
        T::conv_gemm_grad_input(&context, spec, &y, &w, packed, dx, scratch);
    });
    let pack = |context: &Context<'_>, packed: &mut [T]| T::conv_direct_pack_rotated(context, spec, &w, packed);
    same_bits("direct dx", &x, [w.len(), 0], pack, |packed, dx, _| {
        T::conv_direct_grad_input(&context, spec, &y, &w, packed, dx);
    });
    let pack = |context: &Context<'_>, packed: &mut [T]| T::conv_grouped_pack(context, spec, &w, packed);
    let sizes = [spec.grouped_len(false), conv::conv_grouped_forward_scratch(spec)];
    same_bits("grouped y", &y, sizes, pack, |packed, y, scratch| {
        T::conv_grouped_forward(&context, spec, &x, &w, packed, &[], &bias, y, scratch);
    });
    let pack = |context: &Context<'_>, packed: &mut [T]| T::conv_grouped_pack_rotated(context, spec, &w, packed);
    let sizes = [spec.grouped_len(true), conv::conv_grouped_grad_input_scratch(spec)];
    same_bits("grouped dx", &x, sizes, pack, |packed, dx, scratch| {
        T::conv_grouped_grad_input(&context, spec, &y, &w, packed, dx, scratch);
    });
    let pack = |context: &Context<'_>, packed: &mut [T]| T::conv_gemm_pack(context, spec, &w, packed);
    if spec.groups == 1 {
        let sizes = [w.len(), deconv::deconv_forward_scratch(spec)];
        same_bits("transposed y", &x, sizes, pack_rotated, |packed, x, scratch| {
            T::deconv_forward(&context, spec, &y, &w, packed, &[], &[], x, scratch);
        });
        let sizes = [w.len(), deconv::deconv_grad_input_scratch(spec)];
        same_bits("transposed dx", &y, sizes, pack, |packed, y, scratch| {
            T::deconv_grad_input(&context, spec, &x, &w, packed, y, scratch);
        });
    }
}

fn dense_layers<T: Kernels>(batch: usize, spec: &dense::Spec) {
    let dense::Spec { inputs, outputs, .. } = *spec;
    // The same layer with weights stored as `[outputs, inputs]`, which are packed with the sizes of the stored matrix.
    let stored = dense::Spec { inputs: outputs, outputs: inputs, epilogue: Epilogue::NONE };
    let (x, w) = (elements::<T>(batch * inputs, 1), elements::<T>(inputs * outputs, 2));
    let (y, bias) = (elements::<T>(batch * outputs, 3), elements::<T>(outputs, 4));
    let context = Context::of(batch);
    let sizes = [w.len(), dense::dense_forward_scratch(spec)];
    let pack = |context: &Context<'_>, packed: &mut [T]| T::dense_pack(context, spec, &w, packed);
    same_bits("y", &y, sizes, pack, |packed, y, scratch| {
        T::dense_forward(&context, spec, &x, &w, packed, &[], &bias, y, scratch);
    });
    let sizes = [w.len(), dense::dense_transposed_forward_scratch(spec)];
    let pack = |context: &Context<'_>, packed: &mut [T]| T::dense_pack_transposed(context, &stored, &w, packed);
    same_bits("y, transposed", &y, sizes, pack, |packed, y, scratch| {
        T::dense_transposed_forward(&context, spec, &x, &w, packed, &[], &bias, y, scratch);
    });
    let sizes = [w.len(), dense::dense_grad_input_scratch(spec)];
    let pack = |context: &Context<'_>, packed: &mut [T]| T::dense_pack_transposed(context, spec, &w, packed);
    same_bits("dx", &x, sizes, pack, |packed, dx, scratch| {
        T::dense_grad_input(&context, spec, &y, &w, packed, dx, scratch);
    });
    let sizes = [w.len(), dense::dense_transposed_grad_input_scratch(spec)];
    let pack = |context: &Context<'_>, packed: &mut [T]| T::dense_pack(context, &stored, &w, packed);
    same_bits("dx, transposed", &x, sizes, pack, |packed, dx, scratch| {
        T::dense_transposed_grad_input(&context, spec, &y, &w, packed, dx, scratch);
    });
}

proptest! {
    #![proptest_config(shapes(100))]

    #[test]
    fn convolutions_of_packed_filters_have_the_same_bits(
        spec in specs([1usize..4, 1usize..40, 1usize..90]), batch in 1usize..4,
    ) {
        prop_assume!(spec.weights_len() < 100_000);
        convolutions::<f32>(batch, &spec);
        convolutions::<f64>(batch, &spec);
    }

    #[test]
    fn many_groups_of_packed_filters_have_the_same_bits(
        spec in specs([2usize..40, 1usize..10, 1usize..10]), batch in 1usize..3,
    ) {
        prop_assume!(spec.weights_len() < 20_000);
        convolutions::<f32>(batch, &spec);
        convolutions::<f64>(batch, &spec);
    }

    #[test]
    fn products_of_packed_weights_have_the_same_bits(batch in 1usize..40, inputs in 1usize..200, outputs in 1usize..200) {
        let spec = dense::Spec { inputs, outputs, epilogue: Epilogue::NONE };
        dense_layers::<f32>(batch, &spec);
        dense_layers::<f64>(batch, &spec);
    }
}

/// Sums of several partial sums, more columns than one block of packing, and enough elements for several threads.
#[test]
fn large_layers_of_packed_weights_have_the_same_bits() {
    let epilogue = Epilogue { accumulate: true, activation: Some(netwright_abi::Activation::Tanh) };
    dense_layers::<f32>(20, &dense::Spec { inputs: 600, outputs: 700, epilogue });
    for [size, channels, filters, window, stride] in [[5, 300, 130, 3, 2], [7, 130, 300, 3, 1], [6, 520, 410, 1, 1]] {
        let spec = netwright_measure::convolution(size, window, stride, channels, filters);
        convolutions::<f32>(2, &conv::Spec { epilogue, ..spec });
    }
}
