use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::context::Context;
use crate::epilogue::tests::epilogues;
use crate::kernels::check::shapes;
use crate::kernels::conv::tests::{Variant, agrees, specs};
use crate::kernels::elementary::Elementary;

/// Returns scratch memory of NaN, exactly as long as required.
fn memory<T: Elementary>(len: usize) -> Vec<T> {
    std::vec![T::from_f64(f64::NAN); len]
}

const fn depthwise<T: Elementary>() -> Variant<T> {
    Variant {
        forward: |batch, spec, x, w, scale, shift, y| {
            depthwise_forward(
                &Context::of(batch),
                spec,
                x,
                w,
                scale,
                shift,
                y,
                &mut memory(depthwise_forward_scratch(spec)),
            );
        },
        grad_input: |batch, spec, dy, w, dx| {
            depthwise_grad_input(&Context::of(batch), spec, dy, w, dx, &mut memory(depthwise_grad_input_scratch(spec)));
        },
        grad_weights: |batch, spec, x, dy, dw, db| {
            depthwise_grad_weights(
                &Context::of(batch),
                spec,
                x,
                dy,
                dw,
                db,
                &mut memory(depthwise_grad_weights_scratch(spec)),
            );
        },
    }
}

proptest! {
    #![proptest_config(shapes(250))]

    #[test]
    fn one_filter_per_channel_agrees_with_the_reference(
        spec in specs((1usize..80).prop_map(|channels| [channels, 1, 1])), batch in 1usize..3, each_filter in any::<[bool; 2]>(),
    ) {
        agrees::<f32>(batch, &spec, each_filter, &depthwise());
        agrees::<f64>(batch, &spec, each_filter, &depthwise());
    }

    #[test]
    fn several_filters_per_channel_agree_with_the_reference(
        spec in specs((1usize..20, 2usize..7).prop_map(|(channels, filters)| [channels, 1, filters])),
        batch in 1usize..3, each_filter in any::<[bool; 2]>(),
    ) {
        agrees::<f32>(batch, &spec, each_filter, &depthwise());
        agrees::<f64>(batch, &spec, each_filter, &depthwise());
    }
}

proptest! {
    #![proptest_config(shapes(60))]

    #[test]
    fn wide_rows_of_three_taps_agree_with_the_reference(
        [height, width, channels] in [1usize..5, 9usize..34, 1usize..40], stride in 1usize..4, padding in [0usize..2, 0usize..3],
        epilogue in epilogues(),
    ) {
        let spec = Spec {
            input: [height, width, channels],
            output: [height, (width + padding[0] + padding[1] - 3) / stride + 1, channels],
            window: [3; 2],
            stride: [1, stride],
            padding: [1, 1, padding[0], padding[1]],
            dilation: [1; 2],
            groups: channels,
            epilogue,
        };
        agrees::<f32>(1, &spec, [true; 2], &depthwise());
    }
}

/// Layers that are computed in several steps: rows whose epilogue is applied together, bands of repeated channels, and partial sums of
/// positions.
#[test]
fn large_layers_agree_with_the_reference() {
    use crate::kernels::activation::Activation;

    let spec = |[height, width]: [usize; 2], channels: usize, multiplier: usize, stride: usize| Spec {
        input: [height, width, channels],
        output: [height.div_ceil(stride), width.div_ceil(stride), channels * multiplier],
        window: [3; 2],
        stride: [stride; 2],
        padding: [1; 4],
        dilation: [1; 2],
        groups: channels,
        epilogue: netwright_abi::Epilogue { accumulate: true, activation: Some(Activation::Tanh) },
    };
    for spec in [
        spec([60, 61], 40, 1, 1),
        spec([61, 110], 33, 1, 2),
        spec([40, 41], 18, 2, 1),
        spec([41, 60], 9, 5, 2),
        spec([3, 300], 60, 3, 1),
    ] {
        agrees::<f32>(1, &spec, [true; 2], &depthwise());
    }
}
