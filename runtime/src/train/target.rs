//! What a network is trained towards, and when an answer hits it.

use core::any::TypeId;

use crate::architecture::Architecture;
use crate::head::{Head, Sigmoid, Softmax};
use crate::scalar::Scalar;
use crate::tensor::{Sample, Tensor};

/// How the answers of a network are to be read, by its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One class: the output with the largest answer (or, with a single output, 1 where it is above ½).
    OneClass,
    /// Yes or no for each output: above ½ or not.
    YesOrNo,
    /// Values; nothing is right or wrong.
    Values,
}

impl Reading {
    /// The reading of networks that end in `H`.
    pub fn of<H: Head>() -> Self {
        let head = TypeId::of::<H>();
        if head == TypeId::of::<Softmax>() {
            Self::OneClass
        } else if head == TypeId::of::<Sigmoid>() {
            Self::YesOrNo
        } else {
            Self::Values
        }
    }
}

/// The class that an answer names: the place of its largest number, the first of equals; with a single number, 1 where it is
/// above ½, else 0.
pub fn predicted_class<T: Scalar>(answer: &[T]) -> usize {
    if let [single] = answer {
        return usize::from(single.to_f64() > 0.5);
    }
    let mut best = 0;
    for (place, value) in answer.iter().enumerate() {
        if *value > answer[best] {
            best = place;
        }
    }
    best
}

/// The class that an answer names, unless it is no number: then it is right about nothing.
pub(crate) fn named_class<T: Scalar>(answer: &[T]) -> Option<usize> {
    let class = predicted_class(answer);
    let number = answer.get(class).or(answer.first())?;
    (!number.to_f64().is_nan()).then_some(class)
}

/// The classes that `outputs` numbers tell apart: a single sigmoid tells two.
pub const fn classes(outputs: usize) -> usize {
    if outputs == 1 { 2 } else { outputs }
}

/// What a network is trained towards: a label (`usize`, `bool`), wanted answers (`f32`, `[f32; K]`, a `Tensor`), or a label for
/// each of many positions (`[usize; P]`).
#[diagnostic::on_unimplemented(
    message = "a network cannot be trained towards `{Self}`",
    label = "these targets are of a type that no loss compares with",
    note = "targets are labels (`usize`, `bool`), or a number for each output: `f32` for a single one, `[f32; N]`, or a `Tensor`"
)]
pub trait Target: Clone + Send + Sync + 'static {
    /// The label, where this is a single one: what metrics of classification count.
    fn label(&self) -> Option<usize> {
        None
    }

    /// The share of `answer` that is right: 0 or 1 for a label, a share of the positions or outputs where there are many;
    /// `None` where there is no right or wrong, as in regression.
    fn score<T: Scalar>(&self, answer: &[T], reading: Reading) -> Option<f64>;
}

fn share(right: usize, of: usize) -> f64 {
    right as f64 / of.max(1) as f64
}

impl Target for usize {
    fn label(&self) -> Option<usize> {
        Some(*self)
    }
    fn score<T: Scalar>(&self, answer: &[T], _: Reading) -> Option<f64> {
        Some(share(usize::from(named_class(answer) == Some(*self)), 1))
    }
}

impl Target for bool {
    fn label(&self) -> Option<usize> {
        Some(usize::from(*self))
    }
    fn score<T: Scalar>(&self, answer: &[T], reading: Reading) -> Option<f64> {
        usize::from(*self).score(answer, reading)
    }
}

/// The mean score of the labels of many positions, each with its row of the answer.
pub(crate) fn mean_score<Y: Target, T: Scalar>(labels: &[Y], answer: &[T]) -> Option<f64> {
    let positions = labels.len().max(1);
    let rows = answer.chunks_exact((answer.len() / positions).max(1));
    let scores: Option<f64> = rows.zip(labels).map(|(row, label)| label.score(row, Reading::OneClass)).sum();
    Some(scores? / positions as f64)
}

impl<const P: usize> Target for [usize; P] {
    fn score<T: Scalar>(&self, answer: &[T], _: Reading) -> Option<f64> {
        mean_score(self, answer)
    }
}

/// The score of wanted answers, in groups that each name one class.
fn score_values<V: Scalar, T: Scalar>(wanted: &[V], answer: &[T], group: usize, reading: Reading) -> Option<f64> {
    match reading {
        Reading::OneClass => {
            let rows = wanted.chunks_exact(group.max(1)).zip(answer.chunks_exact(group.max(1)));
            let right = rows.filter(|(wanted, answer)| Some(predicted_class(wanted)) == named_class(answer)).count();
            Some(share(right * group, wanted.len()))
        }
        Reading::YesOrNo => {
            let right = wanted
                .iter()
                .zip(answer)
                .filter(|(y, a)| !a.to_f64().is_nan() && (y.to_f64() > 0.5) == (a.to_f64() > 0.5))
                .count();
            Some(share(right, wanted.len()))
        }
        Reading::Values => None,
    }
}

macro_rules! single {
    ($number:ty) => {
        impl Target for $number {
            fn score<T: Scalar>(&self, answer: &[T], reading: Reading) -> Option<f64> {
                score_values(core::slice::from_ref(self), answer, 1, reading)
            }
        }
    };
}

single!(f32);
single!(f64);

impl<const K: usize, V: Scalar> Target for [V; K] {
    fn score<T: Scalar>(&self, answer: &[T], reading: Reading) -> Option<f64> {
        score_values(self, answer, K, reading)
    }
}

impl<const H: usize, const W: usize, const C: usize, V: Scalar> Target for Tensor<H, W, C, V> {
    fn score<T: Scalar>(&self, answer: &[T], reading: Reading) -> Option<f64> {
        score_values(self.as_slice(), answer, C, reading)
    }
}

/// The summed score of answers, in their order.
pub(crate) fn score<N: Architecture, Y: Target>(answers: &[N::Output], targets: &[Y]) -> Option<f64> {
    let reading = Reading::of::<N::Head>();
    answers.iter().zip(targets).map(|(answer, target)| target.score(answer.numbers(), reading)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_output_names_two_classes_and_many_name_the_largest() {
        assert_eq!(predicted_class(&[0.4_f32]), 0);
        assert_eq!(predicted_class(&[0.6_f32]), 1);
        assert_eq!(predicted_class(&[0.1_f64, 0.7, 0.7]), 1, "the first of equals");
    }

    #[test]
    fn an_answer_that_is_no_number_is_right_about_nothing() {
        let nothing = [f32::NAN; 4];
        assert_eq!([0, 1].map(|label: usize| label.score(&nothing, Reading::OneClass)), [Some(0.0); 2]);
        assert_eq!([false, true].map(|label| label.score(&nothing[..1], Reading::YesOrNo)), [Some(0.0); 2]);
        assert_eq!([0_usize, 0].score(&nothing, Reading::OneClass), Some(0.0));
        assert_eq!([1.0_f32, 0.0, 0.0, 0.0].score(&nothing, Reading::OneClass), Some(0.0));
        assert_eq!([1.0_f32, 0.0, 0.0, 0.0].score(&nothing, Reading::YesOrNo), Some(0.0));
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
