use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::context::{Context, tests::SerialFork};
use crate::epilogue::tests::epilogues;
use crate::kernels::check::shapes;
use crate::kernels::conv::tests::{Variant, agrees, elements, forward_agrees, specs};
use crate::kernels::elementary::Elementary;
use netwright_abi::Epilogue;

fn memory<T: Elementary>(len: usize) -> Vec<T> {
    std::vec![T::from_f64(f64::NAN); len]
}

const fn grouped<T: Elementary>() -> Variant<T> {
    Variant {
        forward: |batch, spec, x, w, scale, shift, y| {
            let scratch = &mut memory(conv_grouped_forward_scratch(spec));
            conv_grouped_forward(&Context::of(batch), spec, x, w, &[], scale, shift, y, scratch);
        },
        grad_input: |batch, spec, dy, w, dx| {
            conv_grouped_grad_input(
                &Context::of(batch),
                spec,
                dy,
                w,
                &[],
                dx,
                &mut memory(conv_grouped_grad_input_scratch(spec)),
            );
        },
        grad_weights: |batch, spec, x, dy, dw, db| {
            let scratch = &mut memory(conv_grouped_grad_weights_scratch(spec));
            conv_grouped_grad_weights(&Context::of(batch), spec, x, dy, dw, db, scratch);
        },
    }
}

/// Layers for [`super::lines`]: several groups in a line, or several lines in a group.
fn in_lines() -> impl Strategy<Value = Spec> {
    let groups = prop_oneof![
        (1usize..4).prop_map(|lines| [4 * lines, 4, 4]),
        (1usize..4).prop_map(|lines| [2 * lines, 8, 8]),
        (1usize..4, 1usize..20, 1usize..3).prop_map(|(groups, channels, lines)| [groups, channels, 16 * lines]),
    ];
    let down = (1usize..7, 1usize..5, 1usize..4, 1usize..4, [0usize..3, 0usize..3]);
    let across = (Spec::POSITIONS_IN_LINES..20, 1usize..3, [0usize..3, 0usize..3]);
    (groups, down, across, epilogues()).prop_filter_map("there are rows", |(groups, down, across, epilogue)| {
        let (rows, taps, step, dilation, [top, bottom]) = down;
        let (columns, stride, [left, right]) = across;
        let height =
            ((rows - 1) * step + (taps - 1) * dilation + 1).checked_sub(top + bottom).filter(|&rows| rows > 0)?;
        let [groups, channels, filters] = groups;
        Some(Spec {
            input: [height, (columns - 1) * stride + 3 - left - right, groups * channels],
            output: [rows, columns, groups * filters],
            window: [taps, 3],
            stride: [step, stride],
            padding: [top, bottom, left, right],
            dilation: [dilation, 1],
            groups,
            epilogue,
        })
    })
}

/// Computes some images on `threads` threads, with filters packed in advance.
fn on(threads: usize, batch: usize, spec: &Spec) -> Vec<f32> {
    let (w, mut packed) = (elements(spec.weights_len(), 2), memory(spec.grouped_len(false)));
    conv_grouped_pack(&Context::of(1), spec, &w, &mut packed);
    let (fork, mut y) = (SerialFork(threads), elements(batch * spec.output_len(), 4));
    let (x, mut scratch) =
        (elements(batch * spec.input_len(), 1), memory(threads * conv_grouped_forward_scratch(spec)));
    conv_grouped_forward(&Context::on(batch, &fork), spec, &x, &w, &packed, &[], &[], &mut y, &mut scratch);
    y
}

/// Rows are computed in pairs from the first row of each thread's part.
#[test]
fn groups_in_lines_have_the_same_bits_on_any_number_of_threads() {
    for (groups, channels, stride) in [(8, 4, 1), (6, 8, 2), (3, 32, 1)] {
        let size = [29, 31, groups * channels];
        let spec = Spec {
            input: size,
            output: [29usize.div_ceil(stride), 31usize.div_ceil(stride), size[2]],
            window: [3; 2],
            stride: [stride; 2],
            padding: [1; 4],
            dilation: [1; 2],
            groups,
            epilogue: Epilogue { accumulate: true, activation: None },
        };
        assert!(spec.groups_in_lines());
        let alone = on(1, 2, &spec);
        assert!([2, 3, 7].into_iter().all(|threads| on(threads, 2, &spec) == alone));
    }
}

proptest! {
    #![proptest_config(shapes(200))]

    #[test]
    fn groups_in_lines_agree_with_the_reference(
        spec in in_lines(), batch in 1usize..3, each_filter in any::<[bool; 2]>(),
    ) {
        prop_assert!(spec.groups_in_lines());
        forward_agrees::<f32>(batch, &spec, each_filter, &grouped());
        forward_agrees::<f64>(batch, &spec, each_filter, &grouped());
    }

    #[test]
    fn groups_that_do_not_fill_vectors_agree_with_the_reference(
        spec in specs([1usize..20, 1usize..10, 1usize..10]), batch in 1usize..4, each_filter in any::<[bool; 2]>(),
    ) {
        agrees::<f32>(batch, &spec, each_filter, &grouped());
        agrees::<f64>(batch, &spec, each_filter, &grouped());
    }

    #[test]
    fn groups_that_fill_vectors_agree_with_the_reference(
        spec in specs((1usize..4, 1usize..3, 1usize..3).prop_map(|(blocks, a, b)| [8 * blocks, 4 * a, 4 * b])),
        batch in 1usize..4, each_filter in any::<[bool; 2]>(),
    ) {
        agrees::<f32>(batch, &spec, each_filter, &grouped());
        agrees::<f64>(batch, &spec, each_filter, &grouped());
    }

    #[test]
    fn groups_whose_channels_fill_vectors_agree_with_the_reference(
        spec in specs((1usize..10, 1usize..5, 1usize..5, any::<[bool; 2]>()).prop_map(|(groups, a, b, [few, more])| {
            [groups, if few { 3 * a } else { 16 * a }, 16 * b + if more { 3 } else { 0 }]
        })),
        batch in 1usize..3, each_filter in any::<[bool; 2]>(),
    ) {
        prop_assume!(spec.weights_len() * spec.output[0] * spec.output[1] < 100_000);
        agrees::<f32>(batch, &spec, each_filter, &grouped());
        agrees::<f64>(batch, &spec, each_filter, &grouped());
    }
}

/// Layers whose transposed images do not fit into scratch memory at once, in some pass, and layers of which several images fit.
#[test]
fn large_layers_agree_with_the_reference() {
    let spec = |size: usize, groups: usize, [inner, outer]: [usize; 2], stride: usize| Spec {
        input: [size, size, groups * inner],
        output: [size.div_ceil(stride), size.div_ceil(stride), groups * outer],
        window: [3; 2],
        stride: [stride; 2],
        padding: [1; 4],
        dilation: [1; 2],
        groups,
        epilogue: Epilogue::NONE,
    };
    for (batch, spec) in [
        (1, spec(56, 8, [4, 4], 1)),
        (1, spec(60, 5, [16, 2], 2)),
        (1, spec(40, 3, [4, 16], 1)),
        (1, spec(9, 8, [300, 4], 2)),
        (1, spec(9, 8, [4, 300], 1)),
        (19, spec(4, 8, [3, 5], 1)),
        (3, spec(7, 9, [8, 8], 1)),
        (1, spec(40, 6, [32, 16], 2)),
        (1, spec(20, 5, [17, 48], 1)),
        (3, spec(7, 5, [32, 32], 1)),
    ] {
        agrees::<f32>(batch, &spec, [true; 2], &grouped());
    }
}
