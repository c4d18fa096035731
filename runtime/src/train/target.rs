//! What a network is trained towards, and when an answer hits it.

use core::any::TypeId;

use crate::error::Error;
use crate::head::{Head, Sigmoid, Softmax};
use crate::scalar::Scalar;

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

/// The classes that `outputs` numbers tell apart: a single sigmoid tells two.
pub(crate) const fn classes(outputs: usize) -> usize {
    if outputs == 1 { 2 } else { outputs }
}

/// What a network is trained towards: a label (`usize`, `bool`), or wanted answers (`[f32; K]`).
pub trait Target: Clone + Send + Sync + 'static {
    /// The label, where this is one: what metrics of classification count.
    fn label(&self) -> Option<usize> {
        None
    }

    /// Whether `answer` is right; `None` where there is no right or wrong, as in regression.
    fn hit<T: Scalar>(&self, answer: &[T], reading: Reading) -> Option<bool>;

    /// Whether it fits a network of `outputs` outputs; `sample` is its place in the data.
    ///
    /// # Errors
    /// [`Error::Label`] for a label outside the classes, [`Error::TargetLength`] for another number of values.
    fn check(&self, sample: usize, outputs: usize) -> Result<(), Error>;
}

impl Target for usize {
    fn label(&self) -> Option<usize> {
        Some(*self)
    }
    fn hit<T: Scalar>(&self, answer: &[T], _: Reading) -> Option<bool> {
        Some(predicted_class(answer) == *self)
    }
    fn check(&self, sample: usize, outputs: usize) -> Result<(), Error> {
        let classes = classes(outputs);
        if *self < classes { Ok(()) } else { Err(Error::Label { sample, label: *self, classes }) }
    }
}

impl Target for bool {
    fn label(&self) -> Option<usize> {
        Some(usize::from(*self))
    }
    fn hit<T: Scalar>(&self, answer: &[T], _: Reading) -> Option<bool> {
        Some(predicted_class(answer) == usize::from(*self))
    }
    fn check(&self, sample: usize, outputs: usize) -> Result<(), Error> {
        usize::from(*self).check(sample, outputs)
    }
}

impl<const K: usize, V: Scalar> Target for [V; K] {
    fn hit<T: Scalar>(&self, answer: &[T], reading: Reading) -> Option<bool> {
        match reading {
            Reading::OneClass => Some(predicted_class(answer) == predicted_class(self)),
            Reading::YesOrNo => {
                Some(self.iter().zip(answer).all(|(wanted, a)| (wanted.to_f64() > 0.5) == (a.to_f64() > 0.5)))
            }
            Reading::Values => None,
        }
    }
    fn check(&self, sample: usize, outputs: usize) -> Result<(), Error> {
        if K == outputs { Ok(()) } else { Err(Error::TargetLength { sample, found: K, expected: outputs }) }
    }
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
    fn sigmoid_answers_hit_only_where_every_output_is_on_the_right_side() {
        assert_eq!([1.0_f32, 0.0].hit(&[0.9_f32, 0.2], Reading::YesOrNo), Some(true));
        assert_eq!([1.0_f32, 0.0].hit(&[0.9_f32, 0.7], Reading::YesOrNo), Some(false));
        assert_eq!([1.0_f32, 0.0].hit(&[0.9_f32, 0.7], Reading::Values), None);
    }
}
