//! Metrics. For classes: accuracy, top-k, confusion, precision, recall, F1, intersection over union, also for the pixels of a
//! segmentation. For values: squared and absolute error, R².

mod confusion;
mod regression;
mod table;

pub use confusion::ConfusionMatrix;
pub use regression::{mean_absolute_error, mean_squared_error, r_squared};
pub use table::ClassTable;

use super::target::{Target, predicted_class, rows};
use crate::error::Error;
use crate::scalar::Precision;
use crate::tensor::{Output, Sample};

fn same_count(answers: usize, targets: usize) -> Result<(), Error> {
    if answers == targets {
        Ok(())
    } else {
        Err(Error::Count { origin: "answers".to_owned(), inputs: answers, targets })
    }
}

/// Calls `each` with every label: the index of its sample, the label, and the elements of the answer at its position.
fn each_label<T: Precision, A: Sample<T>, Y: Target>(
    answers: &[A],
    labels: &[Y],
    mut each: impl FnMut(usize, usize, &[T]) -> Result<(), Error>,
) -> Result<(), Error> {
    same_count(answers.len(), labels.len())?;
    for (sample, (answer, target)) in answers.iter().zip(labels).enumerate() {
        let positions = outputs_of_a_label::<T, A, Y>(target).map(|outputs| A::LEN / outputs)?;
        for (position, row) in rows(answer.elements(), positions).enumerate() {
            let label = target.label_at(position).ok_or_else(no_labels)?;
            each(sample, label, row)?;
        }
    }
    Ok(())
}

fn no_labels() -> Error {
    Error::NoLabels { origin: "the metric".to_owned() }
}

/// Returns the number of elements of an answer per label of a target.
fn outputs_of_a_label<T: Precision, A: Sample<T>, Y: Target>(target: &Y) -> Result<usize, Error> {
    match target.positions() {
        0 => Err(no_labels()),
        positions if A::LEN >= positions && A::LEN.is_multiple_of(positions) => Ok(A::LEN / positions),
        found => {
            let what = "the labels of one target, among which the elements of an answer are divided";
            Err(Error::Length { what, expected: A::LEN, found })
        }
    }
}

/// Returns the share of answers that predict their label, from 0 to 1; 0 without answers. Where a target labels every pixel, each counts.
///
/// # Errors
/// [`Error::Count`] where the numbers of labels and answers differ, [`Error::NoLabels`] for targets that are not labels, [`Error::Length`]
/// where the elements of an answer cannot be divided evenly among the labels of pixels.
pub fn accuracy<T: Precision, A: Output<T>, Y: Target>(answers: &[A], labels: &[Y]) -> Result<f64, Error> {
    top_k(answers, labels, 1)
}

/// Returns the share of answers whose `k` largest elements include the label, from 0 to 1. Of equal elements the first counts as larger. An
/// answer that predicts no class ([`predicted_class`]) includes no label.
///
/// # Errors
/// As [`accuracy`]; [`Error::Setting`] for k = 0.
pub fn top_k<T: Precision, A: Output<T>, Y: Target>(answers: &[A], labels: &[Y], k: usize) -> Result<f64, Error> {
    crate::error::count_setting("k", k, k > 0, "at least 1")?;
    let (mut hits, mut all) = (0_u64, 0_u64);
    each_label(answers, labels, |_, label, answer| {
        let hit = match (predicted_class(answer), answer) {
            (None, _) => false,
            (Some(class), [_]) => class == label || (k > 1 && label < 2),
            _ => answer.get(label).is_some_and(|own| {
                let mut before = 0;
                for (class, other) in answer.iter().enumerate() {
                    before += usize::from(other > own || (other == own && class < label));
                }
                before < k
            }),
        };
        (hits, all) = (hits + u64::from(hit), all + 1);
        Ok(())
    })?;
    Ok(hits as f64 / all.max(1) as f64)
}

/// Returns the mean of [`ConfusionMatrix::iou`] over the classes, the intersection over union or Jaccard index: the usual metric of a
/// segmentation, as one number for a [`Trainer`](crate::train::Trainer). A [`ConfusionMatrix`] has the score of every class.
///
/// # Errors
/// As [`ConfusionMatrix::of`].
pub fn mean_iou<T: Precision, A: Output<T>, Y: Target>(answers: &[A], labels: &[Y]) -> Result<f64, Error> {
    Ok(ConfusionMatrix::of(answers, labels)?.mean_iou())
}

/// Returns the mean of [`ConfusionMatrix::dice`] over the classes, which equals F1.
///
/// # Errors
/// As [`ConfusionMatrix::of`].
pub fn mean_dice<T: Precision, A: Output<T>, Y: Target>(answers: &[A], labels: &[Y]) -> Result<f64, Error> {
    Ok(ConfusionMatrix::of(answers, labels)?.macro_f1())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_k_counts_labels_among_the_k_largest() {
        let answers = [[0.5_f32, 0.3, 0.2], [0.1, 0.2, 0.7], [0.4, 0.4, 0.2]];
        let labels = [1_usize, 2, 1];
        assert_eq!(accuracy(&answers, &labels).unwrap(), 1.0 / 3.0);
        assert_eq!(top_k(&answers, &labels, 2).unwrap(), 1.0);
        assert!(matches!(top_k(&answers, &labels, 0), Err(Error::Setting { .. })));
        assert!(matches!(accuracy(&answers, &labels[..2]), Err(Error::Count { .. })));
    }

    #[test]
    fn an_answer_that_is_not_finite_names_no_class_in_any_metric() {
        let wrong = |answers: &[[f32; 3]], labels: &[usize], right: f64, none: u64| {
            let matrix = ConfusionMatrix::of(answers, labels).unwrap();
            assert_eq!(accuracy(answers, labels).unwrap(), right, "{answers:?}");
            assert_eq!(matrix.accuracy(), right, "{answers:?}");
            assert!(top_k(answers, labels, 3).unwrap() <= 1.0 - none as f64 / answers.len() as f64);
            assert_eq!((matrix.none(), matrix.total()), (none, answers.len() as u64));
        };
        wrong(&[[f32::NAN; 3]; 4], &[0, 0, 1, 2], 0.0, 4);
        wrong(&[[f32::NAN, 0.9, 0.1], [0.9, f32::NAN, 0.1]], &[1, 0], 0.0, 2);
        wrong(&[[f32::INFINITY, 0.0, 0.0], [0.0, f32::NEG_INFINITY, 1.0], [0.0, 1.0, 0.0]], &[0, 2, 1], 1.0 / 3.0, 2);
        let single = [[f32::NAN], [f32::INFINITY], [0.7]];
        assert_eq!(accuracy(&single, &[false, true, true]).unwrap(), 1.0 / 3.0);
        assert_eq!(top_k(&single, &[false, true, true], 2).unwrap(), 1.0 / 3.0);
        assert_eq!(ConfusionMatrix::of(&single, &[false, true, true]).unwrap().none(), 2);
    }

    #[test]
    fn every_pixel_counts_whatever_its_label_is_written_as() {
        let answers = [[0.9_f32, 0.1, 0.2, 0.8, 0.6, 0.4], [0.3, 0.7, 0.7, 0.3, 0.4, 0.6]];
        let labels = [[0_u8, 1, 1], [1, 1, 1]];
        let matrix = ConfusionMatrix::of(&answers, &labels).unwrap();
        assert_eq!((matrix.classes(), matrix.count(1, 0), matrix.count(1, 1)), (2, 2, 3));
        assert_eq!(accuracy(&answers, &labels).unwrap(), 4.0 / 6.0);
        assert_eq!(mean_iou(&answers, &labels).unwrap(), (1.0 / 3.0 + 3.0 / 5.0) / 2.0);
        assert_eq!(mean_dice(&answers, &labels).unwrap(), (2.0 / 4.0 + 6.0 / 8.0) / 2.0);
        let wide = labels.map(|labels| labels.map(u16::from));
        assert_eq!(ConfusionMatrix::of(&answers, &wide).unwrap(), matrix);
        let bits = labels.map(|labels| labels.map(|label| label == 1));
        assert_eq!(ConfusionMatrix::of(&answers, &bits).unwrap(), matrix);
        let heap = labels.map(|labels| labels.to_vec());
        assert_eq!(ConfusionMatrix::of(&answers, &heap).unwrap(), matrix);
        let single = answers.map(|answer| [answer[1], answer[3], answer[5]]);
        assert_eq!(ConfusionMatrix::of(&single, &bits).unwrap(), matrix, "one output, two classes");
        let error = accuracy(&answers, &[vec![0_u8; 4], vec![0; 4]]).unwrap_err();
        assert!(matches!(error, Error::Length { expected: 6, found: 4, .. }), "{error}");
    }
}
