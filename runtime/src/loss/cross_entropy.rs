//! Softmax and cross-entropy in one.

use super::{Dense, Loss, check_dense, check_mixed};
use crate::architecture::GradientSeed;
use crate::error::{Error, setting};
use crate::head::Softmax;
use crate::scalar::Scalar;
use crate::train::MixedLabel;

/// The cross-entropy of a softmax's answer, fused with the softmax: ℓ = −Σ yₖ ln aₖ with a = softmax(z), so that
/// ∂ℓ/∂z = a − y (slide 7), which is large where the answer is far off. Safe for logits of any size.
///
/// Targets are labels (`usize`), labels of every pixel (`[usize; P]`), or the share of each class (`[f32; K]`, which add up
/// to 1), or two labels mixed ([`MixedLabel`]). A label that is no class has probability 0 and an infinite loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    smoothing: f64,
}

/// [`CrossEntropy::new`] by the name of its type, as other losses are written: `.loss(CrossEntropy)`.
///
/// ```
/// use netwright_runtime::loss::CrossEntropy;
/// assert_eq!(CrossEntropy, CrossEntropy::new());
/// let smoothed: CrossEntropy = CrossEntropy.label_smoothing(0.1)?;
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
#[allow(non_upper_case_globals)]
pub const CrossEntropy: CrossEntropy = CrossEntropy::new();

impl CrossEntropy {
    /// Without label smoothing.
    pub const fn new() -> Self {
        Self { smoothing: 0.0 }
    }

    /// Takes `share` from the true class and spreads it over all K classes: y ← (1 − s) y + s / K (Szegedy et al., 2016).
    ///
    /// ```
    /// use netwright_runtime::loss::CrossEntropy;
    /// let loss = CrossEntropy::new().label_smoothing(0.1)?;
    /// # Ok::<(), netwright_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] unless the share is at least 0 and less than 1.
    pub fn label_smoothing(self, share: f64) -> Result<Self, Error> {
        let valid = (0.0..1.0).contains(&share);
        Ok(Self { smoothing: setting("label smoothing", share, valid, "at least 0 and less than 1")? })
    }

    /// The loss of one softmax, and `scale` times its gradient where there is room for one. `target` gives yₖ.
    fn row<T: Scalar>(&self, logits: &[T], target: impl Fn(usize) -> f64, scale: T, gradient: Option<&mut [T]>) -> f64 {
        let target = |class| (1.0 - self.smoothing) * target(class) + self.smoothing / logits.len() as f64;
        let largest = logits.iter().fold(f64::NEG_INFINITY, |largest, logit| {
            let logit = logit.to_f64();
            // A NaN must not be lost, as it would be in `f64::max`.
            if logit > largest || logit.is_nan() { logit } else { largest }
        });
        let sum: f64 = logits.iter().map(|logit| (logit.to_f64() - largest).exp()).sum();
        let log_sum = sum.ln();
        let mut loss = 0.0;
        for (class, logit) in logits.iter().enumerate() {
            let share = target(class);
            if share != 0.0 {
                loss -= share * (logit.to_f64() - largest - log_sum);
            }
        }
        if let Some(gradient) = gradient {
            for (class, (gradient, logit)) in gradient.iter_mut().zip(logits).enumerate() {
                let answer = (logit.to_f64() - largest).exp() / sum;
                *gradient = scale * T::from_f64(answer - target(class));
            }
        }
        loss
    }

    fn labels<'l, T: Scalar>(
        &self,
        values: &[T],
        labels: impl ExactSizeIterator<Item = &'l usize>,
        scale: T,
        gradient: Option<&mut [T]>,
    ) -> f64 {
        let classes = (values.len() / labels.len().max(1)).max(1);
        let mut gradient = gradient.map(|gradient| gradient.chunks_exact_mut(classes));
        let mut loss = 0.0;
        for (logits, &label) in values.chunks_exact(classes).zip(labels) {
            let gradient = gradient.as_mut().and_then(Iterator::next);
            loss += self.row(logits, |class| f64::from(u8::from(class == label)), scale, gradient);
            if label >= classes {
                loss = f64::INFINITY;
            }
        }
        loss
    }

    /// `targets` are those of all positions, one after the other.
    fn mixed<T: Scalar>(&self, values: &[T], targets: &[MixedLabel], scale: T, gradient: Option<&mut [T]>) -> f64 {
        let classes = (values.len() / targets.len().max(1)).max(1);
        let mut gradient = gradient.map(|gradient| gradient.chunks_exact_mut(classes));
        let mut loss = 0.0;
        for (logits, target) in values.chunks_exact(classes).zip(targets) {
            let gradient = gradient.as_mut().and_then(Iterator::next);
            loss += self.row(logits, |class| target.share_of(class), scale, gradient);
            if target.label.max(target.other) >= classes {
                loss = f64::INFINITY;
            }
        }
        loss
    }

    fn shares<T: Scalar, Y: Dense>(&self, values: &[T], targets: &[Y], scale: T, gradient: Option<&mut [T]>) -> f64 {
        let classes = Y::GROUP.max(1);
        let mut gradient = gradient.map(|gradient| gradient.chunks_exact_mut(classes));
        let mut rows = values.chunks_exact(classes);
        let mut loss = 0.0;
        for target in targets {
            for (row, logits) in rows.by_ref().take(target.len() / classes).enumerate() {
                let gradient = gradient.as_mut().and_then(Iterator::next);
                loss += self.row(logits, |class| target.at(row * classes + class), scale, gradient);
            }
        }
        loss
    }
}

impl Loss<Softmax, usize> for CrossEntropy {
    const SEED: GradientSeed = GradientSeed::Logits;

    fn evaluate<T: Scalar>(&self, values: &[T], targets: &[usize], scale: T, gradient: &mut [T]) -> f64 {
        self.labels(values, targets.iter(), scale, Some(gradient))
    }

    fn value<T: Scalar>(&self, values: &[T], targets: &[usize]) -> f64 {
        self.labels(values, targets.iter(), T::ONE, None)
    }

    fn check(&self, outputs: usize, targets: &[usize], origin: &str) -> Result<(), Error> {
        match targets.iter().position(|&label| label >= outputs) {
            None => Ok(()),
            Some(sample) => {
                Err(Error::Label { origin: origin.to_owned(), sample, label: targets[sample], classes: outputs })
            }
        }
    }
}

/// Two labels with their shares, as mixup makes them of labels.
impl Loss<Softmax, MixedLabel> for CrossEntropy {
    const SEED: GradientSeed = GradientSeed::Logits;

    fn evaluate<T: Scalar>(&self, values: &[T], targets: &[MixedLabel], scale: T, gradient: &mut [T]) -> f64 {
        self.mixed(values, targets, scale, Some(gradient))
    }

    fn value<T: Scalar>(&self, values: &[T], targets: &[MixedLabel]) -> f64 {
        self.mixed(values, targets, T::ONE, None)
    }

    fn check(&self, outputs: usize, targets: &[MixedLabel], origin: &str) -> Result<(), Error> {
        check_mixed(outputs, targets.iter().map(core::slice::from_ref), origin)
    }
}

/// A label for each of `P` positions, row by row, as for the pixels of a segmentation.
impl<const P: usize> Loss<Softmax, [usize; P]> for CrossEntropy {
    const SEED: GradientSeed = GradientSeed::Logits;

    fn evaluate<T: Scalar>(&self, values: &[T], targets: &[[usize; P]], scale: T, gradient: &mut [T]) -> f64 {
        self.labels(values, targets.as_flattened().iter(), scale, Some(gradient))
    }

    fn value<T: Scalar>(&self, values: &[T], targets: &[[usize; P]]) -> f64 {
        self.labels(values, targets.as_flattened().iter(), T::ONE, None)
    }

    fn check(&self, outputs: usize, targets: &[[usize; P]], origin: &str) -> Result<(), Error> {
        let classes = outputs.checked_div(P).unwrap_or(0);
        for (sample, target) in targets.iter().enumerate() {
            if let Some(&label) = target.iter().find(|&&label| label >= classes) {
                return Err(Error::Label { origin: origin.to_owned(), sample, label, classes });
            }
        }
        Ok(())
    }
}

/// Two labels with their shares for each of `P` positions.
impl<const P: usize> Loss<Softmax, [MixedLabel; P]> for CrossEntropy {
    const SEED: GradientSeed = GradientSeed::Logits;

    fn evaluate<T: Scalar>(&self, values: &[T], targets: &[[MixedLabel; P]], scale: T, gradient: &mut [T]) -> f64 {
        self.mixed(values, targets.as_flattened(), scale, Some(gradient))
    }

    fn value<T: Scalar>(&self, values: &[T], targets: &[[MixedLabel; P]]) -> f64 {
        self.mixed(values, targets.as_flattened(), T::ONE, None)
    }

    fn check(&self, outputs: usize, targets: &[[MixedLabel; P]], origin: &str) -> Result<(), Error> {
        let classes = outputs.checked_div(P).unwrap_or(0);
        check_mixed(classes, targets.iter().map(<[_; P]>::as_slice), origin)
    }
}

/// Refuses shares that do not add up to 1, as of several classes that are each a whole: the gradient a − y holds for those alone.
fn check_sums<Y: Dense>(targets: &[Y], origin: &str) -> Result<(), Error> {
    let group = Y::GROUP.max(1);
    for (sample, target) in targets.iter().enumerate() {
        for row in 0..target.len() / group {
            let found: f64 = (0..group).map(|class| target.at(row * group + class)).sum();
            if (found - 1.0).abs() > 1e-3 {
                let expected = "1, the sum of the shares of all classes";
                return Err(Error::Target { origin: origin.to_owned(), sample, expected, found });
            }
        }
    }
    Ok(())
}

macro_rules! shares {
    ($(#[$doc:meta])* [$($generic:tt)*] $target:ty) => {
        $(#[$doc])*
        impl<S: Scalar, $($generic)*> Loss<Softmax, $target> for CrossEntropy {
            const SEED: GradientSeed = GradientSeed::Logits;

            fn evaluate<T: Scalar>(&self, values: &[T], targets: &[$target], scale: T, gradient: &mut [T]) -> f64 {
                self.shares(values, targets, scale, Some(gradient))
            }

            fn value<T: Scalar>(&self, values: &[T], targets: &[$target]) -> f64 {
                self.shares(values, targets, T::ONE, None)
            }

            fn check(&self, outputs: usize, targets: &[$target], origin: &str) -> Result<(), Error> {
                check_dense(outputs, targets, origin, "a share between 0 and 1", |share| (0.0..=1.0).contains(&share))?;
                check_sums(targets, origin)
            }
        }
    };
}

shares!(
    /// The share of each class, as mixup makes them.
    [const K: usize] [S; K]
);
shares!(
    /// The share of each class at each position.
    [const H: usize, const W: usize, const C: usize] crate::tensor::Tensor<H, W, C, S>
);
