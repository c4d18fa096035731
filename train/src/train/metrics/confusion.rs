//! Confusion matrices: which classes are predicted for which.

use core::fmt;

use super::table::ClassTable;
use super::{each_label, outputs_of_a_label, same_count};
use crate::error::Error;
use crate::scalar::Precision;
use crate::tensor::Output;
use crate::train::target::{Target, classes, predicted_class};

/// The number of samples for each pair of a true class (row) and a predicted class (column). Answers that predict no class, being NaN or
/// infinite, are counted separately, and count as wrong. `{}` prints a table; [`ConfusionMatrix::table`] has a row of scores for each class.
///
/// ```
/// use netwright_train::train::metrics::ConfusionMatrix;
/// let mut matrix = ConfusionMatrix::new(2);
/// for (actual, predicted) in [(0, 0), (0, 1), (1, 1), (1, 1)] {
///     matrix.add(actual, predicted)?;
/// }
/// assert_eq!(matrix.accuracy(), 0.75);
/// assert_eq!(matrix.recall(0), 0.5);
/// assert_eq!(matrix.precision(0), 1.0);
/// # Ok::<(), netwright_runtime::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: Vec<u64>,
    /// The number of answers that predict no class, for each true class.
    none: Vec<u64>,
    classes: usize,
}

impl ConfusionMatrix {
    /// Creates an empty matrix.
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![0; classes * classes], none: vec![0; classes], classes }
    }

    /// Counts answers and their labels; a single output makes two classes. Where a target labels every pixel, each pixel is counted.
    ///
    /// ```
    /// use netwright_train::train::ConfusionMatrix;
    /// // Two pixels of two classes each.
    /// let answers = [[0.9_f32, 0.1, 0.2, 0.8], [0.4, 0.6, 0.3, 0.7]];
    /// let matrix = ConfusionMatrix::of(&answers, &[[0_u8, 1], [0, 1]])?;
    /// assert_eq!(matrix.iou(1), 2.0 / 3.0);
    /// # Ok::<(), netwright_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Count`] where the numbers of labels and answers differ, [`Error::Label`] for a label outside the classes,
    /// [`Error::NoLabels`] for targets that are not labels, [`Error::Length`] where the elements of an answer cannot be divided evenly among
    /// the labels of pixels.
    pub fn of<T: Precision, A: Output<T>, Y: Target>(answers: &[A], labels: &[Y]) -> Result<Self, Error> {
        same_count(answers.len(), labels.len())?;
        let outputs = labels.first().map_or(Ok(A::LEN), outputs_of_a_label::<T, A, Y>)?;
        let mut matrix = Self::new(classes(outputs));
        each_label(answers, labels, |sample, label, row| matrix.add_sample(sample, label, predicted_class(row)))?;
        Ok(matrix)
    }

    /// Counts one answer: the class it predicts, or `None` for an answer that predicts none, as [`predicted_class`] returns it.
    ///
    /// # Errors
    /// [`Error::Label`] for a class outside the matrix.
    pub fn add(&mut self, actual: usize, predicted: impl Into<Option<usize>>) -> Result<(), Error> {
        self.add_sample(self.total() as usize, actual, predicted.into())
    }

    /// Adds the counts of another matrix with as many classes.
    ///
    /// # Errors
    /// [`Error::Length`] where it has another number of classes.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.classes != other.classes {
            let (expected, found) = (self.classes, other.classes);
            return Err(Error::Length { what: "the classes of a confusion matrix", expected, found });
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
        self.none.iter_mut().zip(&other.none).for_each(|(sum, count)| *sum += count);
        Ok(())
    }

    fn add_sample(&mut self, sample: usize, actual: usize, predicted: Option<usize>) -> Result<(), Error> {
        let classes = self.classes;
        if let Some(label) = [Some(actual), predicted].into_iter().flatten().find(|&label| label >= classes) {
            return Err(Error::Label { origin: "the confusion matrix".to_owned(), sample, label, classes });
        }
        match predicted {
            Some(predicted) => self.counts[actual * classes + predicted] += 1,
            None => self.none[actual] += 1,
        }
        Ok(())
    }

    /// Returns the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Returns how often `predicted` was predicted for samples of `actual`; 0 outside the classes.
    pub fn count(&self, actual: usize, predicted: usize) -> u64 {
        if actual < self.classes && predicted < self.classes {
            self.counts[actual * self.classes + predicted]
        } else {
            0
        }
    }

    /// Returns the number of all answers, including those that predict no class.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.none()
    }

    /// Returns the number of answers that predict no class, being NaN or infinite.
    pub fn none(&self) -> u64 {
        self.none.iter().sum()
    }

    /// Returns the number of answers for samples of class `actual` that predict no class; 0 outside the classes.
    pub fn none_of(&self, actual: usize) -> u64 {
        self.none.get(actual).copied().unwrap_or(0)
    }

    /// Returns the share of correct answers; 0 without answers.
    pub fn accuracy(&self) -> f64 {
        ratio((0..self.classes).map(|class| self.count(class, class)).sum(), self.total())
    }

    /// Returns the precision: the share of correct answers among those that predict `class`; 0 without such answers.
    pub fn precision(&self, class: usize) -> f64 {
        ratio(self.count(class, class), self.predicted(class))
    }

    /// Returns the recall: the share of the samples of `class` that were predicted correctly; 0 without such samples.
    pub fn recall(&self, class: usize) -> f64 {
        ratio(self.count(class, class), self.actual(class))
    }

    /// Returns the harmonic mean of precision and recall, 2PR/(P + R); 0 where both are 0.
    pub fn f1(&self, class: usize) -> f64 {
        ratio(2 * self.count(class, class), self.actual(class) + self.predicted(class))
    }

    /// Returns Dice's coefficient 2|A ∩ B| / (|A| + |B|) of the pixels of `class` and those predicted as `class`; it equals
    /// [`ConfusionMatrix::f1`].
    pub fn dice(&self, class: usize) -> f64 {
        self.f1(class)
    }

    /// Returns the intersection over union |A ∩ B| / |A ∪ B| (the Jaccard index) of the pixels of `class` and those predicted as `class`; 0
    /// where there are neither.
    pub fn iou(&self, class: usize) -> f64 {
        let both = self.count(class, class);
        ratio(both, self.actual(class) + self.predicted(class) - both)
    }

    /// Returns the mean of [`ConfusionMatrix::f1`] over the classes that occur, as true or as predicted ones; 0 without any. A class that does
    /// not occur has no score, and so does not count.
    pub fn macro_f1(&self) -> f64 {
        self.mean(Self::f1)
    }

    /// Returns the mean of [`ConfusionMatrix::iou`] over the classes that occur, as true or as predicted ones; 0 without any.
    pub fn mean_iou(&self) -> f64 {
        self.mean(Self::iou)
    }

    /// Returns a table of scores with a row for each class, to print.
    pub fn table(&self) -> ClassTable<'_> {
        ClassTable::new(self)
    }

    fn mean(&self, score: impl Fn(&Self, usize) -> f64) -> f64 {
        let occurs = |class: &usize| self.actual(*class) + self.predicted(*class) > 0;
        let scores: Vec<f64> = (0..self.classes).filter(occurs).map(|class| score(self, class)).collect();
        scores.iter().sum::<f64>() / scores.len().max(1) as f64
    }

    /// Returns the number of samples, or pixels, of a class.
    pub fn actual(&self, class: usize) -> u64 {
        (0..self.classes).map(|predicted| self.count(class, predicted)).sum::<u64>() + self.none_of(class)
    }

    /// Returns the number of answers that predict a class.
    pub fn predicted(&self, class: usize) -> u64 {
        (0..self.classes).map(|actual| self.count(actual, class)).sum()
    }
}

/// Formats a share in percent; a dot where the whole is 0.
pub(super) fn percent(share: f64, whole: u64) -> String {
    if whole == 0 { "·".to_owned() } else { format!("{:.1}", 100.0 * share) }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Prints a table: a row for each true class, with its recall; the last row has the precision of each predicted class. Counts of 0 are
/// printed as a dot, as are the recall of a class without samples and the precision of a class without predictions. Answers that predict no
/// class have a column of their own, if there are any.
impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = (self.none() > 0).then_some("none");
        let widest = self.counts.iter().chain(&self.none).copied().chain([self.classes as u64]).max().unwrap_or(0);
        let width = widest.to_string().len().max(5) + 1;
        write!(f, "{:>9}", "")?;
        for class in 0..self.classes {
            write!(f, "{class:>width$}")?;
        }
        if let Some(none) = none {
            write!(f, "{none:>width$}")?;
        }
        writeln!(f, "   recall")?;
        for actual in 0..self.classes {
            write!(f, "{actual:>9}")?;
            let counts = (0..self.classes).map(|predicted| self.count(actual, predicted));
            for count in counts.chain(none.map(|_| self.none_of(actual))) {
                match count {
                    0 => write!(f, "{:>width$}", "·")?,
                    count => write!(f, "{count:>width$}")?,
                }
            }
            writeln!(f, "  {:>5} %", percent(self.recall(actual), self.actual(actual)))?;
        }
        write!(f, "precision")?;
        for class in 0..self.classes {
            write!(f, "{:>width$}", percent(self.precision(class), self.predicted(class)))?;
        }
        if none.is_some() {
            write!(f, "{:>width$}", "·")?;
        }
        writeln!(f, "  {:>5} % of {}", percent(self.accuracy(), self.total()), self.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(3);
        for (actual, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1), (2, 1), (2, 2)] {
            matrix.add(actual, predicted).unwrap();
        }
        matrix
    }

    #[test]
    fn precision_recall_and_f1_follow_their_definitions() {
        let matrix = matrix();
        assert_eq!(matrix.accuracy(), 4.0 / 6.0);
        assert_eq!(matrix.precision(1), 1.0 / 3.0);
        assert_eq!(matrix.recall(1), 1.0);
        assert!((matrix.f1(1) - 0.5).abs() < 1e-12);
        assert!((matrix.macro_f1() - (0.8 + 0.5 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
    }

    #[test]
    fn it_displays_as_a_table_with_a_row_for_each_class() {
        let table = matrix().to_string();
        assert_eq!(table.lines().count(), 5, "{table}");
        let columns: Vec<_> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(columns, ["0", "2", "1", "·", "66.7", "%"]);
    }

    #[test]
    fn a_class_that_does_not_occur_has_no_numbers_and_does_not_count() {
        let mut matrix = ConfusionMatrix::new(4);
        for (actual, predicted) in [(0, 0), (0, 0), (1, 0), (3, 3)] {
            matrix.add(actual, predicted).unwrap();
        }
        assert_eq!(
            [2, 9].map(|class| [matrix.precision(class), matrix.recall(class), matrix.f1(class)]),
            [[0.0; 3]; 2]
        );
        assert_eq!((matrix.f1(0), matrix.f1(1), matrix.f1(3)), (0.8, 0.0, 1.0));
        assert!((matrix.macro_f1() - 1.8 / 3.0).abs() < 1e-12, "class 1 was missed, class 2 was not there");
        assert_eq!(ConfusionMatrix::new(3).macro_f1(), 0.0);
        let table = matrix.to_string();
        let row = |line: usize| table.lines().nth(line).unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(row(2), ["1", "1", "·", "·", "·", "0.0", "%"], "all of them missed");
        assert_eq!(row(3), ["2", "·", "·", "·", "·", "·", "%"], "none to miss");
        assert_eq!(row(5)[..5], ["precision", "66.7", "·", "·", "100.0"]);
        let widths: Vec<usize> = table.lines().take(5).map(|line| line.chars().count()).collect();
        assert!(widths[1..].iter().all(|&width| width == widths[1]), "{table}");
    }

    #[test]
    fn answers_that_name_no_class_are_counted_beside_the_classes_and_are_wrong() {
        let mut matrix = ConfusionMatrix::new(2);
        for (actual, predicted) in [(0, Some(0)), (0, None), (1, Some(0)), (1, Some(1))] {
            matrix.add(actual, predicted).unwrap();
        }
        assert_eq!((matrix.none(), matrix.none_of(0), matrix.none_of(1), matrix.none_of(2)), (1, 1, 0, 0));
        assert_eq!((matrix.total(), matrix.accuracy(), matrix.recall(0), matrix.precision(0)), (4, 0.5, 0.5, 0.5));
        assert_eq!((matrix.iou(0), matrix.dice(0)), (1.0 / 3.0, 0.5));
        let table = matrix.to_string();
        let row = |line: usize| table.lines().nth(line).unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(row(0), ["0", "1", "none", "recall"]);
        assert_eq!(row(1), ["0", "1", "·", "1", "50.0", "%"]);
        let widths: Vec<usize> = table.lines().skip(1).take(3).map(|line| line.chars().count()).collect();
        assert!(widths[1] == widths[0] && widths[2] > widths[0], "{table}");
        let mut twice = matrix.clone();
        twice.merge(&matrix).unwrap();
        assert_eq!((twice.total(), twice.none(), twice.accuracy()), (8, 2, 0.5));
        assert!(twice.merge(&ConfusionMatrix::new(3)).is_err());
    }

    #[test]
    fn scores_of_a_segmentation_follow_their_definitions() {
        let matrix = matrix();
        assert_eq!([0, 1, 2].map(|class| matrix.iou(class)), [2.0 / 3.0, 1.0 / 3.0, 0.5]);
        assert_eq!(matrix.mean_iou(), (2.0 / 3.0 + 1.0 / 3.0 + 0.5) / 3.0);
        assert_eq!(matrix.dice(0), 0.8);
        assert_eq!(ConfusionMatrix::new(3).mean_iou(), 0.0);
    }

    #[test]
    fn a_class_outside_the_matrix_is_an_error() {
        assert!(matches!(matrix().add(0, 3), Err(Error::Label { label: 3, classes: 3, .. })));
        assert_eq!(matrix().count(3, 0), 0);
        assert_eq!(matrix().recall(7), 0.0);
    }
}
