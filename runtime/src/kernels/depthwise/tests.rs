use proptest::prelude::*;

use crate::kernels::conv::tests::{Variant, agrees, specs};
use crate::kernels::elementary::Elementary;

const fn depthwise<T: Elementary>() -> Variant<T> {
    Variant {
        forward: super::depthwise_forward,
        grad_input: super::depthwise_grad_input,
        grad_weights: super::depthwise_grad_weights,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_vectors_agree_with_the_reference(
        spec in specs((1usize..80).prop_map(|channels| [channels, 1, 1])), batch in 1usize..3, each_filter in any::<[bool; 2]>(),
    ) {
        agrees::<f32>(batch, &spec, each_filter, &depthwise());
        agrees::<f64>(batch, &spec, each_filter, &depthwise());
    }

    #[test]
    fn several_filters_a_channel_agree_with_the_reference(
        spec in specs((1usize..9, 2usize..4).prop_map(|(channels, filters)| [channels, 1, filters])), each_filter in any::<[bool; 2]>(),
    ) {
        agrees::<f32>(2, &spec, each_filter, &depthwise());
        agrees::<f64>(2, &spec, each_filter, &depthwise());
    }
}
