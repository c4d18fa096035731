//! The scores of each class as a table.

use core::fmt;

use super::confusion::{ConfusionMatrix, percent};
use crate::error::Error;

/// A row of scores for each class of a [`ConfusionMatrix`], in percent: the number of its samples or pixels, precision, recall, Dice (which
/// equals F1) and intersection over union. A dot replaces a score that would divide by 0. Created by [`ConfusionMatrix::table`].
///
/// ```
/// use netwright_train::train::ConfusionMatrix;
/// let mut matrix = ConfusionMatrix::new(2);
/// for (actual, predicted) in [(0, 0), (0, 1), (1, 1), (1, 1)] {
///     matrix.add(actual, predicted)?;
/// }
/// println!("{}", matrix.table().names(["sky", "sea"])?);
/// # assert_eq!(matrix.table().names(["sky", "sea"])?.to_string(), "\
/// # class     of it  precision   recall  F1 (Dice)      IoU
/// # sky           2      100.0     50.0       66.7     50.0
/// # sea           2       66.7    100.0       80.0     66.7
/// # mean                                      73.3     58.3
/// # ");
/// # Ok::<(), netwright_runtime::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClassTable<'m> {
    matrix: &'m ConfusionMatrix,
    names: Vec<String>,
}

impl<'m> ClassTable<'m> {
    /// Creates a table whose classes are named by their indices.
    pub(super) fn new(matrix: &'m ConfusionMatrix) -> Self {
        Self { matrix, names: (0..matrix.classes()).map(|class| class.to_string()).collect() }
    }

    /// Sets the names of the classes, from class 0.
    ///
    /// # Errors
    /// [`Error::Length`] where the numbers of names and classes differ.
    pub fn names<C: Into<String>>(mut self, names: impl IntoIterator<Item = C>) -> Result<Self, Error> {
        self.names = names.into_iter().map(Into::into).collect();
        let (expected, found) = (self.matrix.classes(), self.names.len());
        if expected == found { Ok(self) } else { Err(Error::Length { what: "the names of classes", expected, found }) }
    }
}

/// Prints the table; its last rows are the means over the classes that occur and, if there are any, the number of answers that predict no class.
impl fmt::Display for ClassTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matrix = self.matrix;
        let name = self.names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
        let count = matrix.total().to_string().len().max(8);
        let heads = ["precision", "recall", "F1 (Dice)", "IoU"];
        write!(f, "{:<name$}  {:>count$}", "class", "of it")?;
        for head in heads {
            write!(f, "  {head:>width$}", width = head.len().max(7))?;
        }
        writeln!(f)?;
        let row = |f: &mut fmt::Formatter<'_>, scores: [String; 4]| {
            for (head, score) in heads.iter().zip(scores) {
                write!(f, "  {score:>width$}", width = head.len().max(7))?;
            }
            writeln!(f)
        };
        for (class, label) in self.names.iter().enumerate() {
            let (actual, predicted) = (matrix.actual(class), matrix.predicted(class));
            write!(f, "{label:<name$}  {actual:>count$}")?;
            let either = actual + predicted;
            let scores = [
                percent(matrix.precision(class), predicted),
                percent(matrix.recall(class), actual),
                percent(matrix.dice(class), either),
                percent(matrix.iou(class), either),
            ];
            row(f, scores)?;
        }
        write!(f, "{:<name$}  {:>count$}", "mean", "")?;
        let mean = |score| percent(score, matrix.total());
        row(f, [String::new(), String::new(), mean(matrix.macro_f1()), mean(matrix.mean_iou())])?;
        match matrix.none() {
            0 => Ok(()),
            none => writeln!(f, "{none} of {} answers name no class: they are NaN or infinite", matrix.total()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_a_row_for_each_class_and_says_what_is_none() {
        let mut matrix = ConfusionMatrix::new(3);
        for (actual, predicted) in [(0, Some(0)), (0, Some(1)), (1, Some(1)), (1, None)] {
            matrix.add(actual, predicted).unwrap();
        }
        let table = matrix.table().to_string();
        let row = |line: usize| table.lines().nth(line).unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(row(1), ["0", "2", "100.0", "50.0", "66.7", "50.0"], "{table}");
        assert_eq!(row(3), ["2", "0", "·", "·", "·", "·"], "{table}");
        assert_eq!(row(4), ["mean", "58.3", "41.7"], "{table}");
        assert!(table.ends_with("1 of 4 answers name no class: they are NaN or infinite\n"), "{table}");
        assert!(matrix.table().names(["a", "b"]).is_err());
    }
}
