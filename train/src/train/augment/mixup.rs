//! Mixup: blends of two samples and their targets.

use crate::error::{Error, setting};
use crate::memory::{Stored, zeros};
use crate::once::Number;
use crate::random::Random;
use crate::scalar::Precision;
use crate::tensor::{Element, Tensor};
use crate::train::label::Label;
use crate::train::target::Target;

/// Types that can be blended: `f32`, `[f32; K]`, or a `Tensor`.
pub trait Mix {
    /// Computes share · self + (1 − share) · other in place.
    fn mix(&mut self, other: &Self, share: f64);
}

/// A target that can be blended with another: values give values, labels a distribution over both.
pub trait MixTarget: Target {
    /// The type of a blended target.
    type Mixed: Target;

    /// Returns this target alone, as a blended target.
    fn unmixed(&self) -> Self::Mixed;

    /// Appends this target alone to `targets`. Targets of many positions are written in place, since they may be larger than the stack.
    fn push_unmixed(&self, targets: &mut Vec<Self::Mixed>) {
        targets.push(self.unmixed());
    }

    /// Writes share · self + (1 − share) · other to `mixed`.
    fn mixed(&self, other: &Self, share: f64, mixed: &mut Self::Mixed);
}

/// A distribution over classes, or over the two classes of a single output: `share` for `label` and the rest for `other`, which may be
/// the same class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MixedLabel {
    /// The label of the sample.
    pub label: usize,
    /// The label of its partner.
    pub other: usize,
    /// The share of `label`, from 0 to 1.
    pub share: f64,
}

impl Element for MixedLabel {}

impl MixedLabel {
    /// Returns the share of a class.
    pub fn share_of(&self, class: usize) -> f64 {
        let of = |label: usize, share: f64| if class == label { share } else { 0.0 };
        of(self.label, self.share) + of(self.other, 1.0 - self.share)
    }
}

fn mix_labels<L: Label>(label: &L, other: &L, share: f64) -> MixedLabel {
    MixedLabel { label: label.largest(), other: other.largest(), share }
}

macro_rules! mix_label {
    ($label:ty) => {
        impl MixTarget for $label {
            type Mixed = MixedLabel;

            fn unmixed(&self) -> MixedLabel {
                mix_labels(self, self, 1.0)
            }

            fn mixed(&self, other: &Self, share: f64, mixed: &mut MixedLabel) {
                *mixed = mix_labels(self, other, share);
            }
        }
    };
}
mix_label!(usize);
mix_label!(bool);

macro_rules! mix_label_maps {
    ($($label:ty),*) => { $(
        impl<const P: usize> MixTarget for [$label; P] {
            type Mixed = [MixedLabel; P];

            fn unmixed(&self) -> Self::Mixed {
                core::array::from_fn(|position| mix_labels(&self[position], &self[position], 1.0))
            }

            fn push_unmixed(&self, targets: &mut Vec<Self::Mixed>) {
                targets.append(&mut zeros(1));
                if let Some(mixed) = targets.last_mut() {
                    self.mixed(self, 1.0, mixed);
                }
            }

            fn mixed(&self, other: &Self, share: f64, mixed: &mut Self::Mixed) {
                for ((mixed, label), other) in mixed.iter_mut().zip(self).zip(other) {
                    *mixed = mix_labels(label, other, share);
                }
            }
        }

        impl MixTarget for Vec<$label> {
            type Mixed = Vec<MixedLabel>;

            fn unmixed(&self) -> Self::Mixed {
                self.iter().map(|label| mix_labels(label, label, 1.0)).collect()
            }

            fn mixed(&self, other: &Self, share: f64, mixed: &mut Self::Mixed) {
                mixed.clear();
                mixed.extend(self.iter().zip(other).map(|(label, other)| mix_labels(label, other, share)));
            }
        }
    )* };
}
mix_label_maps!(usize, u16, u8, bool);

macro_rules! mix_numbers {
    ([$($generic:tt)*] $target:ty) => {
        impl<$($generic)*> MixTarget for $target {
            type Mixed = Self;

            fn unmixed(&self) -> Self {
                self.clone()
            }

            fn push_unmixed(&self, targets: &mut Vec<Self>) {
                self.append_to(targets);
            }

            fn mixed(&self, other: &Self, share: f64, mixed: &mut Self) {
                self.assign_to(mixed);
                mixed.mix(other, share);
            }
        }
    };
}

mix_numbers!([] f32);
mix_numbers!([] f64);
mix_numbers!([T: Number, const K: usize] [T; K]);
mix_numbers!([T: Number, const H: usize, const W: usize, const C: usize] Tensor<H, W, C, T>);

/// Computes share · a + (1 − share) · b. Equal elements stay exactly the same, without rounding.
fn blend<T: Precision>(elements: &mut [T], other: &[T], share: f64) {
    let (share, rest) = (T::from_f64(share), T::from_f64(1.0 - share));
    elements.iter_mut().zip(other).for_each(|(a, b)| *a = if *a == *b { *a } else { share * *a + rest * *b });
}

impl<T: Number> Mix for T {
    fn mix(&mut self, other: &Self, share: f64) {
        blend(core::slice::from_mut(self), core::slice::from_ref(other), share);
    }
}

impl<T: Number, const K: usize> Mix for [T; K] {
    fn mix(&mut self, other: &Self, share: f64) {
        blend(self, other, share);
    }
}

impl<T: Number, const H: usize, const W: usize, const C: usize> Mix for Tensor<H, W, C, T> {
    fn mix(&mut self, other: &Self, share: f64) {
        blend(self.as_mut_slice(), other.as_slice(), share);
    }
}

/// Blends every sample and its target with another one of the set, or of the batch of a stream: λ a + (1 − λ) b with λ from Beta(α, α)
/// (Zhang et al., 2018). For [`Trainer::mixup`](crate::train::Trainer::mixup) and [`Preparation::mixup`](crate::train::Preparation::mixup).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixup {
    alpha: f64,
}

impl Mixup {
    /// Creates a mixup with α: 0.1 to 0.4 blends a little, 1 makes all shares equally likely.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is greater than 0.
    pub fn new(alpha: f64) -> Result<Self, Error> {
        Ok(Self { alpha: setting("alpha", alpha, alpha > 0.0, "more than 0")? })
    }

    /// Draws λ from Beta(α, α), by two draws from a Gamma distribution.
    pub(crate) fn share(&self, random: &mut Random) -> f64 {
        let (a, b) = (gamma(self.alpha, random), gamma(self.alpha, random));
        if a + b > 0.0 { a / (a + b) } else { 0.5 }
    }
}

/// Draws from Gamma(shape, 1) (Marsaglia and Tsang, 2000).
fn gamma(shape: f64, random: &mut Random) -> f64 {
    if shape < 1.0 {
        let boost = libm::pow(random.uniform(), 1.0 / shape);
        return gamma(shape + 1.0, random) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = random.normal();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && libm::log(random.uniform()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_mean_and_variance_of_their_beta_distribution() {
        for alpha in [0.2, 1.0, 3.0] {
            let (mixup, mut random) = (Mixup::new(alpha).unwrap(), Random::new(7));
            let shares: Vec<f64> = (0..20_000).map(|_| mixup.share(&mut random)).collect();
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            let variance = shares.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / shares.len() as f64;
            assert!((mean - 0.5).abs() < 0.01, "{alpha}: {mean}");
            assert!((variance - 0.25 / (2.0 * alpha + 1.0)).abs() < 0.01, "{alpha}: {variance}");
        }
        assert!(Mixup::new(0.0).is_err());
    }

    #[test]
    fn two_samples_of_the_same_elements_mix_to_them() {
        for share in (0..=100).map(|percent| f64::from(percent) / 100.0) {
            let (mut single, mut double) = ([1.0_f32, 0.1], [1.0_f64, 0.1]);
            single.mix(&[1.0, 0.1], share);
            double.mix(&[1.0, 0.1], share);
            assert_eq!((single, double), ([1.0, 0.1], [1.0, 0.1]));
        }
    }
}
