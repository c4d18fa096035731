//! How a kernel ends: what it does to the numbers it has computed before they leave the first cache.
//!
//! A layer that is followed by a frozen batch normalisation, a sum and an activation computes all of it at once:
//! `y = f(scale · z + shift + y)`, with a scale and a shift for each channel.

use super::activation::{self, Activation};
use super::elementary::Elementary;
use crate::gemm::{Epilogue, Onto};
use crate::scalar::Scalar;

pub use netwright_abi::Epilogue as Ending;

/// What a kernel makes of its ending.
pub(crate) trait End: Sized {
    /// What the sums are added to.
    fn onto(self) -> Onto;
    /// What can be done while elements are in registers; what is left does [`End::finish`].
    fn epilogue<'a, T: Scalar>(self, scale: &'a [T], shift: &'a [T]) -> Epilogue<'a, T>;
    /// Whether [`End::finish`] has anything to do.
    fn is_unfinished(&self) -> bool;
    /// Ends what went through [`End::epilogue`]: best while it is still in the first cache.
    fn finish<T: Elementary>(self, values: &mut [T]);
}

impl End for Ending {
    fn onto(self) -> Onto {
        if self.accumulate { Onto::Itself } else { Onto::Zero }
    }

    fn epilogue<'a, T: Scalar>(self, scale: &'a [T], shift: &'a [T]) -> Epilogue<'a, T> {
        Epilogue { scale, shift, floor: floor(self.activation) }
    }

    fn is_unfinished(&self) -> bool {
        is_unfinished(self.activation)
    }

    fn finish<T: Elementary>(self, values: &mut [T]) {
        finish(self.activation, values);
    }
}

/// `f(scale · z + shift)` in the place of z, for rows of channels; an empty scale is 1, an empty shift 0.
pub(crate) fn end_in_place<T: Elementary>(
    activation: Option<Activation>,
    scale: &[T],
    shift: &[T],
    channels: usize,
    values: &mut [T],
) {
    for pixel in values.chunks_exact_mut(channels) {
        pixel.iter_mut().zip(scale).for_each(|(value, &scale)| *value *= scale);
        pixel.iter_mut().zip(shift).for_each(|(value, &shift)| *value += shift);
    }
    if let Some(activation) = activation {
        activation::forward(activation, values);
    }
}

/// The least that an activation lets through, where that is all it does.
#[inline(always)]
pub(crate) fn floor<T: Scalar>(activation: Option<Activation>) -> T {
    if activation == Some(Activation::Relu) { T::ZERO } else { T::from_f64(f64::NEG_INFINITY) }
}

pub(crate) fn is_unfinished(activation: Option<Activation>) -> bool {
    !matches!(activation, None | Some(Activation::Relu))
}

/// Applies an activation of which the floor alone has been applied.
pub(crate) fn finish<T: Elementary>(activation: Option<Activation>, values: &mut [T]) {
    if let Some(activation) = activation.filter(|_| is_unfinished(activation)) {
        activation::forward(activation, values);
    }
}

/// The specification: `y = f(scale · z + shift + y)` for rows of channels; an empty scale is 1, an empty shift 0.
#[cfg(test)]
pub(crate) fn reference<T: Elementary>(
    ending: Ending,
    z: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    channels: usize,
) {
    for (place, (y, &z)) in y.iter_mut().zip(z).enumerate() {
        let channel = |numbers: &[T], default: T| numbers.get(place % channels).copied().unwrap_or(default);
        let before = if ending.accumulate { *y } else { T::ZERO };
        *y = channel(scale, T::ONE) * z + channel(shift, T::ZERO) + before;
        if let Some(activation) = ending.activation {
            *y = activation::reference::value(activation, *y);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Endings of all kinds.
    pub(crate) fn endings() -> impl Strategy<Value = Ending> {
        let activations = std::vec![
            None,
            Some(Activation::Relu),
            Some(Activation::LeakyRelu(0.25)),
            Some(Activation::Tanh),
            Some(Activation::HardSigmoid(0.2)),
            Some(Activation::Relu6),
        ];
        (any::<bool>(), prop::sample::select(activations))
            .prop_map(|(accumulate, activation)| Ending { accumulate, activation })
    }

    #[test]
    fn a_rectifier_is_a_floor_and_lets_nan_through() {
        let nan = f32::NAN;
        assert_eq!(floor::<f32>(Some(Activation::Relu)), 0.0);
        assert_eq!(floor::<f32>(Some(Activation::Tanh)), f32::NEG_INFINITY);
        let epilogue = Ending { activation: Some(Activation::Relu), ..Ending::NONE }.epilogue::<f32>(&[], &[]);
        let mut c = [0.0; 3];
        let a = [-2.0, 3.0, nan];
        let (a, b) = (crate::gemm::Matrix::rows(&a, 3, 1), crate::gemm::Matrix::rows(&[1.0], 1, 1));
        crate::gemm::gemm(a, b, Onto::Zero, epilogue, &mut c, 1, &mut [0.0; 1]);
        assert!(c[0] == 0.0 && c[1] == 3.0 && c[2].is_nan(), "{c:?}");
    }
}
