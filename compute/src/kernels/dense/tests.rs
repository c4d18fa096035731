use std::vec::Vec;

use proptest::prelude::*;

use super::{Spec, reference};
use crate::configuration::Configuration;
use crate::context::{Context, tests::SerialFork};
use crate::epilogue;
use crate::epilogue::tests::epilogues;
use crate::kernels::Kernels;
use crate::kernels::check::{assert_same_for_constants, shapes};
use crate::kernels::conv::tests::elements;
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use netwright_abi::{Activation, Epilogue};

#[track_caller]
fn same<T: Scalar>(what: &str, got: &[T], right: &[T]) {
    let tolerance = if T::NAME == "F32" { 1e-4 } else { 1e-12 };
    for (index, (got, right)) in got.iter().zip(right).enumerate() {
        assert!((got.to_f64() - right.to_f64()).abs() <= tolerance, "{what} at {index}: {got} for {right}");
    }
}

/// Returns the transposed weights.
fn transposed<T: Copy>(w: &[T], rows: usize, columns: usize) -> Vec<T> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| w[row * columns + column])).collect()
}

fn agrees<T: Kernels>(batch: usize, spec: Spec, [scaled, bias]: [bool; 2]) {
    let Spec { inputs, outputs, epilogue } = spec;
    let scale = elements::<T>(if scaled { outputs } else { 0 }, 7);
    let (x, w) = (elements::<T>(batch * inputs, 1), elements::<T>(inputs * outputs, 2));
    let (dy, b) = (elements::<T>(batch * outputs, 3), elements::<T>(if bias { outputs } else { 0 }, 4));
    let flipped = transposed(&w, inputs, outputs);
    let nan = T::from_f64(f64::NAN);
    let memory = |len: usize| std::vec![nan; len];

    let before = if epilogue.accumulate { elements::<T>(dy.len(), 8) } else { memory(dy.len()) };
    let (mut y, mut z, mut right) = (before.clone(), memory(dy.len()), before.clone());
    reference::forward(batch, &spec, &x, &w, &[], &mut z);
    epilogue::reference(epilogue, &z, &scale, &b, &mut right, outputs);
    super::dense_forward(
        &Context::of(batch),
        &spec,
        &x,
        &w,
        &[],
        &scale,
        &b,
        &mut y,
        &mut memory(super::dense_forward_scratch(&spec)),
    );
    same("y", &y, &right);
    let mut direct = before.clone();
    super::dense_direct_forward(&Context::of(batch), &spec, &x, &w, &scale, &b, &mut direct);
    same("y, without scratch memory", &direct, &y);
    let mut y = before.clone();
    let mut scratch = memory(super::dense_transposed_forward_scratch(&spec));
    super::dense_transposed_forward(&Context::of(batch), &spec, &x, &flipped, &[], &scale, &b, &mut y, &mut scratch);
    let mut direct = before.clone();
    super::dense_direct_transposed_forward(&Context::of(batch), &spec, &x, &flipped, &scale, &b, &mut direct);
    same("y, transposed, without scratch memory", &direct, &y);
    same("y, transposed", &y, &right);

    let (mut dx, mut right) = (memory(x.len()), memory(x.len()));
    reference::grad_input(batch, &spec, &dy, &w, &mut right);
    super::dense_grad_input(
        &Context::of(batch),
        &spec,
        &dy,
        &w,
        &[],
        &mut dx,
        &mut memory(super::dense_grad_input_scratch(&spec)),
    );
    same("dx", &dx, &right);
    let mut scratch = memory(super::dense_transposed_grad_input_scratch(&spec));
    super::dense_transposed_grad_input(&Context::of(batch), &spec, &dy, &flipped, &[], &mut dx, &mut scratch);
    same("dx, transposed", &dx, &right);

    let before = elements::<T>(w.len(), 5);
    let (mut right, mut right_bias) = (before.clone(), elements::<T>(b.len(), 6));
    reference::grad_weights(batch, &spec, &x, &dy, &mut right, &mut right_bias);
    let (mut dw, mut db) = (before.clone(), elements::<T>(b.len(), 6));
    let mut scratch = memory(super::dense_grad_weights_scratch(&spec));
    super::dense_grad_weights(&Context::of(batch), &spec, &x, &dy, &mut dw, &mut db, &mut scratch);
    same("dw", &dw, &right);
    same("db", &db, &right_bias);
    let (mut dw, mut db) = (transposed(&before, inputs, outputs), elements::<T>(b.len(), 6));
    let mut scratch = memory(super::dense_transposed_grad_weights_scratch(&spec));
    super::dense_transposed_grad_weights(&Context::of(batch), &spec, &x, &dy, &mut dw, &mut db, &mut scratch);
    same("dw, transposed", &transposed(&dw, outputs, inputs), &right);
    same("db, transposed", &db, &right_bias);
}

proptest! {
    #![proptest_config(shapes(100))]

    #[test]
    fn products_agree_with_the_reference(
        batch in 1usize..20, inputs in 1usize..150, outputs in 1usize..80, each_output in any::<[bool; 2]>(),
        epilogue in epilogues(),
    ) {
        agrees::<f32>(batch, Spec { inputs, outputs, epilogue }, each_output);
        agrees::<f64>(batch, Spec { inputs, outputs, epilogue }, each_output);
    }
}

/// Large weights, small and large batches: y, dx and dw for both layouts of the weights.
#[test]
fn layers_have_the_same_bits_on_any_number_of_threads() {
    const TANH: Epilogue = Epilogue { accumulate: true, activation: Some(Activation::Tanh) };
    let spec = Spec { inputs: 300, outputs: 800, epilogue: TANH };
    for batch in [1, 9, 17] {
        let (x, w) = (elements::<f32>(batch * spec.inputs, 1), elements(spec.inputs * spec.outputs, 2));
        let (dy, flipped) = (elements(batch * spec.outputs, 3), transposed(&w, spec.inputs, spec.outputs));
        let (scale, shift) = (elements(spec.outputs, 4), elements(spec.outputs, 5));
        let on = |threads: usize| {
            let fork = SerialFork(threads);
            let context = &Context::on(batch, &fork);
            let (mut y, mut dx, mut dw) = (elements(dy.len(), 6), std::vec![f32::NAN; x.len()], elements(w.len(), 7));
            let mut memory = std::vec![f32::NAN; threads * 200_000];
            let mut found = Vec::new();
            super::dense_forward(context, &spec, &x, &w, &[], &scale, &shift, &mut y, &mut memory);
            super::dense_grad_input(context, &spec, &dy, &w, &[], &mut dx, &mut memory);
            super::dense_grad_weights(context, &spec, &x, &dy, &mut dw, &mut [], &mut memory);
            for value in [&y, &dx, &dw] {
                found.extend(value.iter().map(|element| element.to_bits()));
            }
            super::dense_transposed_forward(context, &spec, &x, &flipped, &[], &scale, &shift, &mut y, &mut memory);
            super::dense_transposed_grad_input(context, &spec, &dy, &flipped, &[], &mut dx, &mut memory);
            super::dense_transposed_grad_weights(context, &spec, &x, &dy, &mut dw, &mut [], &mut memory);
            for value in [&y, &dx, &dw] {
                found.extend(value.iter().map(|element| element.to_bits()));
            }
            found
        };
        let alone = on(1);
        assert!([2, 3].into_iter().all(|threads| on(threads) == alone), "{batch} images");
    }
    let fork = SerialFork(2);
    let context = Context::on(9, &fork);
    for sizes in [[spec.inputs, spec.outputs], [spec.outputs, spec.inputs]] {
        let is_ours = crate::gemm::library::<f32>() == netwright_abi::Library::Netwright;
        assert_eq!(super::by_columns::fits::<f32>(&context, sizes, 400_000), is_ours, "nine images are few");
    }
}

/// Returns the sum of the gradients of micro-batches as one matrix.
fn stored<T: Elementary>(spec: &Spec, micro_batches: &[[Vec<T>; 2]]) -> Vec<T> {
    let mut sum = std::vec![T::ZERO; spec.inputs * spec.outputs];
    for [x, dy] in micro_batches {
        let mut dw = std::vec![T::ZERO; sum.len()];
        let mut scratch = std::vec![T::ZERO; super::dense_grad_weights_scratch(spec)];
        let context = Context::of(x.len() / spec.inputs);
        super::dense_grad_weights(&context, spec, x, dy, &mut dw, &mut [], &mut scratch);
        sum.iter_mut().zip(dw).for_each(|(sum, dw)| *sum += dw);
    }
    sum
}

proptest! {
    #![proptest_config(shapes(60))]

    #[test]
    fn blocks_of_a_gradient_have_the_bits_of_the_whole(
        images in prop::collection::vec(prop_oneof![1usize..40, 250usize..270], 1..4), inputs in 1usize..120, outputs in 1usize..150,
        cut in 0.0f64..1.0,
    ) {
        let spec = Spec { inputs, outputs, epilogue: Epilogue::NONE };
        let all: usize = images.iter().sum();
        let mut seed = 0;
        let micro_batches: Vec<[Vec<f32>; 2]> = images.iter().map(|images| [inputs, outputs].map(|len| {
            seed += 1;
            elements(images * len, seed)
        })).collect();
        let whole = stored(&spec, &micro_batches);
        let nan = f32::NAN;
        let mut found = std::vec![nan; whole.len()];
        let middle = (cut * inputs as f64) as usize;
        for rows in [0..middle, middle..inputs] {
            let found = &mut found[rows.start * outputs..rows.end * outputs];
            let mut scratch = std::vec![nan; super::gradient_blocks_scratch(all, outputs)];
            let factors = |index: usize| micro_batches[index].each_ref().map(|factor| &factor[..]);
            let mut take = |range: core::ops::Range<usize>, block: &[f32]| {
                assert!(found[range.clone()].iter().all(|element| element.is_nan()), "an element twice");
                found[range].copy_from_slice(block);
            };
            let isa = Context::of(1).isa();
            super::gradient_blocks(isa, [inputs, outputs], rows, images.len(), &factors, &mut scratch, &mut take);
            prop_assert!(super::is_surely_finite(isa, images.len(), &factors));
        }
        prop_assert!(found.iter().zip(&whole).all(|(found, whole)| found.to_bits() == whole.to_bits()));
    }
}

/// More columns than are packed at once, and more rows than a block has.
#[test]
fn wide_gradients_in_blocks_have_the_same_bits() {
    let spec = Spec { inputs: 61, outputs: 1500, epilogue: Epilogue::NONE };
    let micro_batches =
        [[elements::<f32>(40 * 61, 1), elements(40 * 1500, 2)], [elements(9 * 61, 3), elements(9 * 1500, 4)]];
    let mut found = std::vec![f32::NAN; 61 * 1500];
    let factors = |index: usize| micro_batches[index].each_ref().map(|factor| &factor[..]);
    let mut scratch = std::vec![f32::NAN; super::gradient_blocks_scratch(49, 1500)];
    let mut take = |range: core::ops::Range<usize>, block: &[f32]| found[range].copy_from_slice(block);
    super::gradient_blocks(Context::of(1).isa(), [61, 1500], 0..61, 2, &factors, &mut scratch, &mut take);
    assert!(found.iter().zip(stored(&spec, &micro_batches)).all(|(found, whole)| found.to_bits() == whole.to_bits()));
}

#[test]
fn a_gradient_that_may_overflow_is_not_surely_finite() {
    let isa = Context::of(1).isa();
    for (x, finite) in [(1e18_f32, true), (1e19, false), (f32::INFINITY, false), (f32::NAN, false)] {
        let factors = [[0.5, -x, 0.25], [1e19, 1.0, 0.0]];
        let factors = |_: usize| factors.each_ref().map(|factor| &factor[..]);
        assert_eq!(super::is_surely_finite(isa, 1, &factors), finite, "{x}");
    }
}

#[test]
fn large_batches_agree_with_the_reference() {
    agrees::<f64>(70, Spec { inputs: 130, outputs: 90, epilogue: Epilogue::NONE }, [true, true]);
}

/// The gradients are those of Σ dy·y, which is linear in each element: a difference is exact but for rounding.
#[test]
fn gradients_of_the_reference_are_finite_differences() {
    let (batch, spec) = (3, Spec { inputs: 5, outputs: 4, epilogue: Epilogue::NONE });
    let (x, w) = (elements::<f64>(15, 1), elements::<f64>(20, 2));
    let (b, dy) = (elements::<f64>(4, 3), elements::<f64>(12, 4));
    let loss = |x: &[f64], w: &[f64], b: &[f64]| {
        let mut y = std::vec![0.0; dy.len()];
        reference::forward(batch, &spec, x, w, b, &mut y);
        y.iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>()
    };
    let differences = |values: &[f64], loss: &dyn Fn(&[f64]) -> f64| -> Vec<f64> {
        let moved = |i: usize, by: f64| {
            let mut moved = values.to_vec();
            moved[i] += by;
            loss(&moved)
        };
        (0..values.len()).map(|i| moved(i, 0.5) - moved(i, -0.5)).collect()
    };
    let (mut dx, mut dw, mut db) = ([0.0; 15], [0.0; 20], [0.0; 4]);
    reference::grad_input(batch, &spec, &dy, &w, &mut dx);
    reference::grad_weights(batch, &spec, &x, &dy, &mut dw, &mut db);
    same("dx", &dx, &differences(&x, &|x| loss(x, &w, &b)));
    same("dw", &dw, &differences(&w, &|w| loss(&x, w, &b)));
    same("db", &db, &differences(&b, &|b| loss(&x, &w, b)));
}

#[test]
fn constant_sizes_give_the_bits_of_sizes_known_at_run_time() {
    const TANH: Epilogue = Epilogue { accumulate: false, activation: Some(Activation::Tanh) };
    const ADDED: Epilogue = Epilogue { accumulate: true, activation: Some(Activation::Relu) };
    fn of(batch: usize, configuration: impl Configuration<Spec>) -> Vec<f32> {
        let spec = configuration.sizes();
        let (x, w) = (elements(batch * spec.inputs, 1), elements(spec.inputs * spec.outputs, 2));
        let (scale, shift) = (elements(spec.outputs, 3), elements(spec.outputs, 4));
        let mut y = elements(batch * spec.outputs, 5);
        let mut scratch = std::vec![f32::NAN; super::dense_forward_scratch(spec)];
        super::dense_forward(&Context::of(batch), configuration, &x, &w, &[], &scale, &shift, &mut y, &mut scratch);
        y
    }
    // Several partial sums; full and partial vectors, no full vector, several groups of vectors; a batch.
    assert_same_for_constants!(Spec { inputs: 400, outputs: 120, epilogue: TANH }, |sizes| of(1, sizes));
    assert_same_for_constants!(Spec { inputs: 600, outputs: 333, epilogue: ADDED }, |sizes| of(1, sizes));
    assert_same_for_constants!(Spec { inputs: 84, outputs: 10, epilogue: Epilogue::NONE }, |sizes| of(1, sizes));
    assert_same_for_constants!(Spec { inputs: 5, outputs: 3, epilogue: TANH }, |sizes| of(1, sizes));
    assert_same_for_constants!(Spec { inputs: 40, outputs: 12, epilogue: TANH }, |sizes| of(5, sizes));
}
