//! Targets of training, and the scores of answers.

use core::any::TypeId;

use super::augment::MixedLabel;
use super::label::{Label, Labels, each_label_map};
use crate::architecture::Architecture;
use crate::head::{Head, LogSoftmax, Sigmoid, Softmax};
use crate::memory::Stored;
use crate::once::Number;
use crate::scalar::Precision;
use crate::tensor::{Sample, Tensor};

/// How the answers of a network are interpreted, by its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One class: the index of the largest output (or, for a single output, 1 if it is above ½).
    OneClass,
    /// Yes or no for each output: above ½ or not.
    YesOrNo,
    /// Values, which are neither right nor wrong.
    Values,
}

impl Reading {
    /// Returns the interpretation for networks that end in `H`.
    pub fn of<H: Head>() -> Self {
        let head = TypeId::of::<H>();
        if head == TypeId::of::<Softmax>() || head == TypeId::of::<LogSoftmax>() {
            Self::OneClass
        } else if head == TypeId::of::<Sigmoid>() {
            Self::YesOrNo
        } else {
            Self::Values
        }
    }
}

/// Returns the class that an answer predicts: the index of its largest element, the first of equal ones; for a single element, 1 if it is
/// above ½, else 0. `None` where any of its elements is NaN or infinite: such an answer predicts no class, and is never right.
///
/// Every metric, vote, score and map uses this function.
///
/// ```
/// use netwright_train::train::predicted_class;
/// assert_eq!(predicted_class(&[0.1_f32, 0.7, 0.2]), Some(1));
/// assert_eq!(predicted_class(&[0.9_f32]), Some(1));
/// assert_eq!(predicted_class(&[0.1_f32, f32::NAN, 0.2]), None);
/// ```
pub fn predicted_class<T: Precision>(answer: &[T]) -> Option<usize> {
    let (first, rest) = answer.split_first()?;
    if !answer.iter().all(|number| number.is_finite()) {
        return None;
    }
    if rest.is_empty() {
        return Some(usize::from(first.to_f64() > 0.5));
    }
    let mut best = 0;
    for (index, &number) in answer.iter().enumerate() {
        if number > answer[best] {
            best = index;
        }
    }
    Some(best)
}

/// Returns the class that is predicted at each position of an answer with `classes` elements per position: the map of a segmentation, row by
/// row. See [`predicted_class`].
///
/// ```
/// use netwright_train::train::predicted_classes;
/// let two_pixels = [0.9_f32, 0.1, 0.3, 0.7];
/// assert!(predicted_classes(&two_pixels, 2).eq([Some(0), Some(1)]));
/// ```
pub fn predicted_classes<T: Precision>(answer: &[T], classes: usize) -> impl Iterator<Item = Option<usize>> {
    answer.chunks_exact(classes.max(1)).map(predicted_class)
}

/// Returns the number of classes that `outputs` elements distinguish: a single sigmoid distinguishes two.
pub const fn classes(outputs: usize) -> usize {
    if outputs == 1 { 2 } else { outputs }
}

/// A target of training: a label (`usize`, `bool`), values for all outputs (`f32`, `[f32; K]`, a `Tensor`), or a label for
/// each of many positions (`[u8; P]` or `Vec<u8>`, also of `u16`, `usize` and `bool`).
#[diagnostic::on_unimplemented(
    message = "a network cannot be trained towards `{Self}`",
    label = "these targets are of a type that no loss compares with",
    note = "targets are labels (`usize`, `bool`), or a number for each output: `f32` for a single one, `[f32; N]`, or a `Tensor`",
    note = "labels for each pixel are `[u8; P]` or `Vec<u8>`, as well of `u16`, `usize` and `bool`"
)]
pub trait Target: Stored + Send + Sync + 'static {
    /// Returns the number of labels, which metrics of classification count: one, or one for each position; 0 for other targets.
    fn positions(&self) -> usize {
        0
    }

    /// Returns the label at a position.
    fn label_at(&self, _position: usize) -> Option<usize> {
        None
    }

    /// Returns the label, if there is exactly one.
    fn label(&self) -> Option<usize> {
        if self.positions() == 1 { self.label_at(0) } else { None }
    }

    /// Returns the share of `answer` that is right: 0 or 1 for a label, a share of the positions or outputs if there are many;
    /// `None` where answers are neither right nor wrong, as in regression.
    fn score<T: Precision>(&self, answer: &[T], reading: Reading) -> Option<f64>;
}

fn share(right: usize, of: usize) -> f64 {
    right as f64 / of.max(1) as f64
}

/// Returns the elements of an answer for each of `positions` positions.
pub(crate) fn rows<T>(answer: &[T], positions: usize) -> core::slice::ChunksExact<'_, T> {
    answer.chunks_exact((answer.len() / positions.max(1)).max(1))
}

/// Returns the mean share of the predicted classes over all positions.
fn mean_share<L: Labels, T: Precision>(labels: &L, answer: &[T]) -> f64 {
    let labels = labels.each();
    let mut sum = 0.0;
    for (row, label) in rows(answer, labels.len()).zip(labels) {
        sum += predicted_class(row).map_or(0.0, |class| label.share(class));
    }
    sum / labels.len().max(1) as f64
}

macro_rules! labels {
    ([$($generic:tt)*] $target:ty) => {
        impl<$($generic)*> Target for $target {
            fn positions(&self) -> usize {
                self.each().len()
            }
            fn label_at(&self, position: usize) -> Option<usize> {
                self.each().get(position).map(|label| label.largest())
            }
            fn score<T: Precision>(&self, answer: &[T], _: Reading) -> Option<f64> {
                Some(mean_share(self, answer))
            }
        }
    };
}
labels!([] usize);
labels!([] bool);
each_label_map!(labels);

macro_rules! mixed {
    ($(#[$doc:meta])* [$($generic:tt)*] $target:ty) => {
        $(#[$doc])*
        impl<$($generic)*> Target for $target {
            fn score<T: Precision>(&self, answer: &[T], _: Reading) -> Option<f64> {
                Some(mean_share(self, answer))
            }
        }
    };
}
mixed!(
    /// The score is the share of the predicted class.
    [] MixedLabel
);
mixed!(
    /// The score is the mean share of the predicted classes over all positions.
    [const P: usize] [MixedLabel; P]
);
mixed!(
    /// The score is the mean share of the predicted classes over all positions.
    [] Vec<MixedLabel>
);

/// Returns the score of target values, in groups that each predict one class.
fn score_values<V: Precision, T: Precision>(wanted: &[V], answer: &[T], group: usize, reading: Reading) -> Option<f64> {
    let group = match reading {
        Reading::OneClass => group.max(1),
        Reading::YesOrNo => 1,
        Reading::Values => return None,
    };
    let rows = wanted.chunks_exact(group).zip(answer.chunks_exact(group));
    let right = rows.filter(|(wanted, answer)| {
        let named = predicted_class(answer);
        named.is_some() && named == predicted_class(wanted)
    });
    Some(share(right.count() * group, wanted.len()))
}

macro_rules! single {
    ($number:ty) => {
        impl Target for $number {
            fn score<T: Precision>(&self, answer: &[T], reading: Reading) -> Option<f64> {
                score_values(core::slice::from_ref(self), answer, 1, reading)
            }
        }
    };
}

single!(f32);
single!(f64);

impl<const K: usize, V: Number> Target for [V; K] {
    fn score<T: Precision>(&self, answer: &[T], reading: Reading) -> Option<f64> {
        score_values(self, answer, K, reading)
    }
}

impl<const H: usize, const W: usize, const C: usize, V: Number> Target for Tensor<H, W, C, V> {
    fn score<T: Precision>(&self, answer: &[T], reading: Reading) -> Option<f64> {
        score_values(self.as_slice(), answer, C, reading)
    }
}

/// Returns the sum of the scores of answers, in their order.
pub(crate) fn score<N: Architecture, Y: Target>(answers: &[N::Output], targets: &[Y]) -> Option<f64> {
    let reading = Reading::of::<N::Head>();
    let mut sum = 0.0;
    for (answer, target) in answers.iter().zip(targets) {
        sum += target.score(answer.elements(), reading)?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_output_names_two_classes_and_many_name_the_largest() {
        assert_eq!(predicted_class(&[0.4_f32]), Some(0));
        assert_eq!(predicted_class(&[0.6_f32]), Some(1));
        assert_eq!(predicted_class(&[0.1_f64, 0.7, 0.7]), Some(1), "the first of equals");
        assert_eq!(predicted_class::<f32>(&[]), None);
    }

    #[test]
    fn an_answer_that_is_not_finite_is_never_right() {
        for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for index in 0..4 {
                let mut answer = [0.1, 0.4, 0.3, 0.2];
                answer[index] = broken;
                assert_eq!(predicted_class(&answer), None, "{answer:?}");
                assert_eq!([0, 1, 2, 3].map(|label: usize| label.score(&answer, Reading::OneClass)), [Some(0.0); 4]);
                assert_eq!([0.0_f32, 1.0, 0.0, 0.0].score(&answer, Reading::OneClass), Some(0.0));
                assert_eq!([0.0_f32; 4].score(&answer, Reading::YesOrNo), Some(0.75));
                assert_eq!([1.0_f32; 4].score(&answer, Reading::YesOrNo), Some(0.0));
            }
            assert_eq!([false, true].map(|label| label.score(&[broken], Reading::YesOrNo)), [Some(0.0); 2]);
            assert_eq!([0_usize, 1].score(&[0.9_f32, 0.1, broken, 0.1], Reading::OneClass), Some(0.5));
            assert_eq!([broken, 1.0].score(&[broken, 1.0], Reading::OneClass), Some(0.0), "no number is wanted either");
        }
    }

    #[test]
    fn targets_with_many_parts_score_the_share_that_is_right() {
        assert_eq!([1.0_f32, 0.0].score(&[0.9_f32, 0.2], Reading::YesOrNo), Some(1.0));
        assert_eq!([1.0_f32, 0.0].score(&[0.9_f32, 0.7], Reading::YesOrNo), Some(0.5));
        assert_eq!([1.0_f32, 0.0].score(&[0.9_f32, 0.7], Reading::OneClass), Some(1.0));
        assert_eq!([1.0_f32, 0.0].score(&[0.9_f32, 0.7], Reading::Values), None);
        assert_eq!([1_usize, 0].score(&[0.2_f32, 0.8, 0.3, 0.7], Reading::OneClass), Some(0.5));
    }
}
