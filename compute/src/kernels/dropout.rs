//! Inverted dropout (slide 18): kept elements are divided by 1 − rate in training, and a prediction scales nothing.

use super::in_place::Source;
use crate::context::Context;
use crate::pass::Pass;
use crate::random;
use crate::scalar::Scalar;
use crate::simd::vectorised;
pub use netwright_abi::spec::dropout::Spec;

/// y = x / (1 − rate), or 0 where the element is dropped; in place, or from `source` where it is not empty. The gradient is the same
/// function of dy.
///
/// The dropped elements depend on the seed, the step, the layer, the index of the image in its whole batch and the index of the element in
/// the image, but not on how the batch is split, nor on the element type or the processor. A frozen pass drops none.
pub fn dropout_apply<T: Scalar>(context: &Context<'_>, spec: &Spec, pass: &Pass, source: &[T], values: &mut [T]) {
    assert_eq!(values.len(), context.batch * spec.len, "dropout: the values");
    let source = Source::new(source, values, "dropout");
    if pass.frozen || spec.rate.is_nan() || spec.rate <= 0.0 || spec.len == 0 {
        return source.copy_to(values);
    }
    if spec.rate >= 1.0 {
        values.fill(T::ZERO);
        return;
    }
    // It is below 2³² for any rate below 1, because the cast saturates.
    let threshold = (spec.rate * 4_294_967_296.0) as u32;
    let factor = T::from_f64(1.0 / (1.0 - spec.rate));
    for (image, values) in values.chunks_exact_mut(spec.len).enumerate() {
        let key = random::key(pass.seed, pass.step, spec.layer, (pass.first_image + image) as u64);
        source.part(image * spec.len..(image + 1) * spec.len).copy_to(values);
        apply(context.isa(), key, threshold, factor, values);
    }
}

vectorised! {
    fn apply<T: Scalar>(key: u64, threshold: u32, factor: T, values: &mut [T]) {
        for (index, value) in values.iter_mut().enumerate() {
            let kept = random::bits(key, index as u32) >= threshold;
            *value = if kept { *value * factor } else { T::ZERO };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;
    use crate::pass::BackwardRule;

    const PASS: Pass = Pass {
        batch: 4,
        seed: 1,
        step: 2,
        first_image: 0,
        frozen: false,
        frozen_statistics: false,
        frozen_layers: &[],
        fuses_update: false,
        rule: BackwardRule::Gradient,
        threads: crate::context::PassThreads::CALLER,
        isa: None,
    };

    fn mask(spec: &Spec, pass: &Pass) -> Vec<f32> {
        let mut values = vec![1.0; pass.batch * spec.len];
        f32::dropout_apply(&Context::of(pass.batch), spec, pass, &[], &mut values);
        values
    }

    #[test]
    fn it_drops_its_rate_and_keeps_the_expectation() {
        for rate in [0.1, 0.5, 0.8] {
            let mask = mask(&Spec { rate, len: 50_000, layer: 3 }, &PASS);
            let dropped = mask.iter().filter(|&&x| x == 0.0).count() as f64 / mask.len() as f64;
            // Five standard deviations of 200 000 draws.
            assert!((dropped - rate).abs() < 5.0 * (rate * (1.0 - rate) / 200_000.0).sqrt(), "{dropped} of {rate}");
            assert!(mask.iter().all(|&x| x == 0.0 || x == (1.0 / (1.0 - rate)) as f32));
        }
    }

    #[test]
    fn the_mask_does_not_depend_on_how_the_batch_is_split() {
        let spec = Spec { rate: 0.5, len: 37, layer: 0 };
        let whole = mask(&spec, &PASS);
        for image in 0..4 {
            let one = mask(&spec, &Pass { batch: 1, first_image: image, ..PASS });
            assert_eq!(one, whole[image * 37..(image + 1) * 37]);
        }
    }

    #[test]
    fn seed_step_layer_and_image_each_change_the_mask() {
        let spec = Spec { rate: 0.5, len: 64, layer: 0 };
        let one = Pass { batch: 1, ..PASS };
        let mut masks = vec![mask(&spec, &one), mask(&Spec { layer: 1, ..spec }, &one)];
        masks.push(mask(&spec, &Pass { seed: 2, ..one }));
        masks.push(mask(&spec, &Pass { step: 3, ..one }));
        masks.push(mask(&spec, &Pass { first_image: 1, ..one }));
        for (i, mask) in masks.iter().enumerate() {
            assert!(!masks[..i].contains(mask), "mask {i}");
        }
    }

    #[test]
    fn neighbouring_draws_are_independent() {
        let mask = mask(&Spec { rate: 0.5, len: 50_000, layer: 3 }, &PASS);
        for distance in [1, 2, 16, 64, 1024, 50_000] {
            let pairs = mask.len() - distance;
            let equal = (0..pairs).filter(|&i| (mask[i] == 0.0) == (mask[i + distance] == 0.0)).count() as f64;
            assert!((equal / pairs as f64 - 0.5).abs() < 2.5 / (pairs as f64).sqrt(), "distance {distance}: {equal}");
        }
    }

    #[test]
    fn the_mask_stays_the_same_from_version_to_version() {
        let mask = mask(&Spec { rate: 0.5, len: 24, layer: 5 }, &Pass { batch: 1, ..PASS });
        let dropped: String = mask.iter().map(|&x| if x == 0.0 { '0' } else { '1' }).collect();
        assert_eq!(dropped, "110011110100101011001010");
    }

    #[test]
    fn rates_0_and_1_keep_all_and_none() {
        assert_eq!(mask(&Spec { rate: 0.0, len: 9, layer: 0 }, &PASS), [1.0; 36]);
        assert_eq!(mask(&Spec { rate: 1.0, len: 9, layer: 0 }, &PASS), [0.0; 36]);
    }

    #[test]
    fn a_frozen_pass_drops_none() {
        let frozen = Pass { frozen: true, ..PASS };
        assert_eq!(mask(&Spec { rate: 0.5, len: 9, layer: 0 }, &frozen), [1.0; 36]);
    }
}
