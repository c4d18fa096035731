//! Softmax and cross-entropy, fused.

use super::{Dense, Loss, Reduction, check_dense, check_labels};
use crate::Shape;
use crate::architecture::GradientSeed;
use crate::error::{Error, setting};
use crate::head::{LogSoftmax, Softmax};
use crate::once::Number;
use crate::scalar::Precision;
use crate::train::MixedLabel;
use crate::train::label::{Label, Labels, each_label_map};

/// The cross-entropy of a softmax's output, fused with the softmax: ℓ = −Σ yₖ ln aₖ with a = softmax(z), so that
/// ∂ℓ/∂z = a − y (slide 7), which is large where the answer is far off. Stable for logits of any size.
///
/// After `logsoftmax`, whose outputs are ln aₖ, it is the negative log-likelihood (PyTorch's `NLLLoss`), with the same values.
///
/// For a network with an output for each pixel, the loss of an image is the mean over its pixels, or their sum: see [`Reduction`].
///
/// Targets are labels (`usize`), a label for each pixel (`[u8; P]` or `Vec<u8>`, also of `u16`, `usize` and `bool`, row by row), or the
/// share of each class (`[f32; K]`, with the sum 1; a `Tensor` for each pixel), or two blended labels ([`MixedLabel`]). A label that is not
/// a class has probability 0 and an infinite loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias = "NLLLoss")]
pub struct CrossEntropy {
    smoothing: f64,
    reduction: Reduction,
}

/// A constant with the name of its type, equal to [`CrossEntropy::new`]: `.loss(CrossEntropy)`.
///
/// ```
/// use netwright_train::loss::CrossEntropy;
/// assert_eq!(CrossEntropy, CrossEntropy::new());
/// let smoothed: CrossEntropy = CrossEntropy.label_smoothing(0.1)?;
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
#[allow(non_upper_case_globals)]
pub const CrossEntropy: CrossEntropy = CrossEntropy::new();

impl CrossEntropy {
    /// Creates the loss without label smoothing, averaged over the pixels of an image.
    pub const fn new() -> Self {
        Self { smoothing: 0.0, reduction: Reduction::Mean }
    }

    /// Sets how the losses of an image's pixels are reduced.
    ///
    /// ```
    /// use netwright_train::loss::{CrossEntropy, Reduction};
    /// let loss = CrossEntropy.reduction(Reduction::Sum);
    /// ```
    pub const fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// Moves `share` of the target from the true class to all K classes evenly: y ← (1 − s) y + s / K (Szegedy et al., 2016).
    ///
    /// ```
    /// use netwright_train::loss::CrossEntropy;
    /// let loss = CrossEntropy::new().label_smoothing(0.1)?;
    /// # Ok::<(), netwright_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] unless the share is at least 0 and less than 1.
    pub fn label_smoothing(self, share: f64) -> Result<Self, Error> {
        let valid = (0.0..1.0).contains(&share);
        Ok(Self { smoothing: setting("label smoothing", share, valid, "at least 0 and less than 1")?, ..self })
    }

    /// Returns the loss of one softmax, and writes its gradient times a scale, if asked for. `target` returns yₖ.
    fn row<T: Precision>(&self, logits: &[T], target: impl Fn(usize) -> f64, gradient: Option<(&mut [T], T)>) -> f64 {
        let target = |class| (1.0 - self.smoothing) * target(class) + self.smoothing / logits.len() as f64;
        let mut largest = f64::NEG_INFINITY;
        for logit in logits {
            let logit = logit.to_f64();
            // `f64::max` would drop a NaN.
            if logit > largest || logit.is_nan() {
                largest = logit;
            }
        }
        let mut sum = 0.0;
        for logit in logits {
            sum += libm::exp(logit.to_f64() - largest);
        }
        let log_sum = libm::log(sum);
        let mut loss = 0.0;
        for (class, logit) in logits.iter().enumerate() {
            let share = target(class);
            if share != 0.0 {
                loss -= share * (logit.to_f64() - largest - log_sum);
            }
        }
        if let Some((gradient, scale)) = gradient {
            for (class, (gradient, logit)) in gradient.iter_mut().zip(logits).enumerate() {
                let answer = libm::exp(logit.to_f64() - largest) / sum;
                *gradient = scale * T::from_f64(answer - target(class));
            }
        }
        loss
    }

    /// Returns the summed loss of all images. A target has `positions`, each with a `share` for every class.
    fn sum<T: Precision, Y>(
        &self,
        values: &[T],
        targets: &[Y],
        mut gradient: Option<(&mut [T], T)>,
        positions: impl Fn(&Y) -> usize,
        share: impl Fn(&Y, usize, usize) -> f64,
    ) -> f64 {
        let outputs = (values.len() / targets.len().max(1)).max(1);
        let mut loss = 0.0;
        for (image, (values, target)) in values.chunks_exact(outputs).zip(targets).enumerate() {
            let positions = positions(target).max(1);
            let classes = (outputs / positions).max(1);
            let part = self.reduction.share(positions);
            let mut slopes = gradient.as_mut().map(|(gradient, scale)| {
                (gradient[image * outputs..][..outputs].chunks_exact_mut(classes), *scale * T::from_f64(part))
            });
            let mut sum = 0.0;
            for (position, logits) in values.chunks_exact(classes).enumerate().take(positions) {
                let slopes = slopes.as_mut().and_then(|(rows, scale)| Some((rows.next()?, *scale)));
                sum += self.row(logits, |class| share(target, position, class), slopes);
            }
            loss += part * sum;
        }
        loss
    }

    fn labels<T: Precision, Y: Labels>(&self, values: &[T], targets: &[Y], gradient: Option<(&mut [T], T)>) -> f64 {
        let share = |target: &Y, position: usize, class| target.each()[position].share(class);
        let loss = self.sum(values, targets, gradient, |target| target.each().len(), share);
        let outputs = values.len() / targets.len().max(1);
        let no_class = |target: &Y| {
            let classes = outputs / target.each().len().max(1);
            target.each().iter().any(|label| label.largest() >= classes)
        };
        if targets.iter().any(no_class) { f64::INFINITY } else { loss }
    }

    fn shares<T: Precision, Y: Dense>(&self, values: &[T], targets: &[Y], gradient: Option<(&mut [T], T)>) -> f64 {
        let share = |target: &Y, position, class| target.at(position * Y::GROUP + class);
        self.sum(values, targets, gradient, |target| target.len() / Y::GROUP.max(1), share)
    }
}

macro_rules! cross_entropy {
    ($($row:tt)*) => {
        fused_with_head!(CrossEntropy, Softmax, $($row)*);
        fused_with_head!(CrossEntropy, LogSoftmax, $($row)*);
    };
}

cross_entropy!(labels, check_classes, [] usize);
cross_entropy!(
    /// Two labels with their shares, as mixup blends labels.
    labels, check_classes, [] MixedLabel
);
cross_entropy!(
    /// Two labels with their shares for each of `P` positions.
    labels, check_classes, [const P: usize] [MixedLabel; P]
);
cross_entropy!(
    /// Two labels with their shares for each position.
    labels, check_classes, [] Vec<MixedLabel>
);
cross_entropy!(
    /// The share of each class, as mixup blends them.
    shares, check_shares, [S: Number, const K: usize] [S; K]
);
cross_entropy!(
    /// The share of each class at each position.
    shares, check_shares, [S: Number, const H: usize, const W: usize, const C: usize] crate::tensor::Tensor<H, W, C, S>
);

macro_rules! label_map {
    ([$($generic:tt)*] $target:ty) => {
        cross_entropy!(
            /// A label for each position, row by row, as for the pixels of a segmentation.
            labels, check_classes, [$($generic)*] $target
        );
    };
}
each_label_map!(label_map);

fn check_classes<Y: Labels>(outputs: Shape, targets: &[Y], origin: &str) -> Result<(), Error> {
    check_labels(outputs.positions(), outputs.channels(), targets, origin)
}

fn check_shares<Y: Dense>(outputs: Shape, targets: &[Y], origin: &str) -> Result<(), Error> {
    check_dense(outputs, targets, origin, "a share between 0 and 1", |share| (0.0..=1.0).contains(&share))?;
    if Y::GROUP != outputs.channels() {
        let what = "the classes of a target, which has shares of all of them for each pixel (a `Tensor`)";
        return Err(Error::Length { what, expected: outputs.channels(), found: Y::GROUP });
    }
    check_sums(targets, origin)
}

/// Refuses shares whose sum is not 1, such as several classes of share 1: the gradient a − y assumes that sum.
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
