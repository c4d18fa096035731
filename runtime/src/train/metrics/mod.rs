//! What answers are worth: accuracy, top-k, confusion, precision, recall, F1, mean squared error.

mod confusion;

pub use confusion::ConfusionMatrix;

use super::target::{Target, named_class};
use crate::error::Error;
use crate::loss::Dense;
use crate::scalar::Scalar;
use crate::tensor::Output;

fn same_count(answers: usize, targets: usize) -> Result<(), Error> {
    if answers == targets {
        Ok(())
    } else {
        Err(Error::Count { origin: "answers".to_owned(), inputs: answers, targets })
    }
}

fn label<Y: Target>(target: &Y) -> Result<usize, Error> {
    target.label().ok_or_else(|| Error::NoLabels { origin: "the metric".to_owned() })
}

/// The share of answers that name their label, from 0 to 1; 0 for none.
///
/// # Errors
/// [`Error::Count`] where there are not as many labels as answers, [`Error::NoLabels`] for targets that are none.
pub fn accuracy<T: Scalar, A: Output<T>, Y: Target>(answers: &[A], labels: &[Y]) -> Result<f64, Error> {
    top_k(answers, labels, 1)
}

/// The share of answers whose `k` largest numbers include the label, from 0 to 1. Of equal numbers the first counts as larger.
///
/// # Errors
/// As [`accuracy`]; [`Error::Setting`] for k = 0.
pub fn top_k<T: Scalar, A: Output<T>, Y: Target>(answers: &[A], labels: &[Y], k: usize) -> Result<f64, Error> {
    crate::error::setting("k", k as f64, k > 0, "at least 1")?;
    same_count(answers.len(), labels.len())?;
    let mut hits = 0;
    for (answer, target) in answers.iter().zip(labels) {
        let label = label(target)?;
        let answer = answer.numbers();
        let hit = match answer {
            [_] => named_class(answer) == Some(label) || k > 1,
            _ => answer.get(label).is_some_and(|own| {
                let before = answer.iter().enumerate().filter(|(i, a)| **a > *own || (**a == *own && *i < label));
                own.is_finite() && before.count() < k
            }),
        };
        hits += usize::from(hit);
    }
    Ok(hits as f64 / answers.len().max(1) as f64)
}

/// The mean of (a − y)² over all outputs of all answers.
///
/// # Errors
/// [`Error::Count`] where there are not as many targets as answers, [`Error::Length`] where one has another length.
pub fn mean_squared_error<T: Scalar, A: Output<T>, Y: Dense>(answers: &[A], targets: &[Y]) -> Result<f64, Error> {
    same_count(answers.len(), targets.len())?;
    let mut sum = 0.0;
    for (answer, target) in answers.iter().zip(targets) {
        if target.len() != A::LEN {
            return Err(Error::Length { what: "one target", expected: A::LEN, found: target.len() });
        }
        let errors = answer.numbers().iter().enumerate().map(|(index, a)| a.to_f64() - target.at(index));
        sum += errors.map(|error| error * error).sum::<f64>();
    }
    Ok(sum / (answers.len() * A::LEN).max(1) as f64)
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
    fn mean_squared_error_is_over_all_elements() {
        let error = mean_squared_error(&[[1.0_f32, 2.0], [0.0, 0.0]], &[[1.0_f32, 0.0], [0.0, 2.0]]).unwrap();
        assert_eq!(error, 2.0);
    }
}
