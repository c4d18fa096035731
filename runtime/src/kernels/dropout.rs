//! Dropout (slide 18), inverted: what is kept is divided by 1 − rate while training, and nothing is scaled when predicting.

use super::dispatch::vectorised;
use crate::architecture::Pass;
use crate::random;
use crate::scalar::Scalar;

/// The share that is dropped, and the size of the value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// The probability of a number to be dropped, from 0 (keeps all) to 1 (drops all).
    pub rate: f64,
    /// Numbers an image.
    pub len: usize,
    /// The number of the layer in its network, so that two layers draw apart.
    pub layer: u64,
}

/// Drops numbers, and divides the others by 1 − rate, in place. Its gradient is the same function of dy.
///
/// Which are dropped follows from the seed, the step, the layer, the image's place in its whole batch and the number's place
/// in the image: not from how the batch is cut, nor from the kind of number or the processor.
pub fn dropout_apply<T: Scalar>(batch: usize, spec: &Spec, pass: &Pass, values: &mut [T]) {
    assert_eq!(values.len(), batch * spec.len, "dropout: the values");
    if spec.rate.is_nan() || spec.rate <= 0.0 || spec.len == 0 {
        return;
    }
    if spec.rate >= 1.0 {
        values.fill(T::ZERO);
        return;
    }
    // Below 2³² however near the rate is to 1, because the cast saturates.
    let threshold = (spec.rate * 4_294_967_296.0) as u32;
    let factor = T::from_f64(1.0 / (1.0 - spec.rate));
    for (image, values) in values.chunks_exact_mut(spec.len).enumerate() {
        let key = random::key(pass.seed, pass.step, spec.layer, (pass.first_image + image) as u64);
        apply(key, threshold, factor, values);
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
