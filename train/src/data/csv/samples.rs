//! Conversion of rows to samples.

use super::columns::Column;
use super::table::Table;
use crate::data::{Dataset, Images, LabelledImages};
use crate::error::{Error, counted};
use crate::memory::zeros;
use crate::scalar::Precision;

/// The largest f64 up to which all whole numbers are exact.
const LARGEST_EXACT: f64 = (1_u64 << 53) as f64;

/// The number of rows from which on constant labels are suspicious.
const MANY_ROWS: usize = 32;

/// Formats a number as files write it: with an exponent if it is large.
fn shown(number: f64) -> String {
    if number.abs() < LARGEST_EXACT { number.to_string() } else { format!("{number:e}") }
}

impl Table {
    fn check_columns(&self, expected: usize) -> Result<(), Error> {
        if self.columns() == expected {
            return Ok(());
        }
        let problem = format!("{}, where {expected} were expected", counted(self.columns(), "column"));
        Err(Error::Line { origin: self.origin().to_owned(), line: self.lines()[0], problem })
    }

    /// Returns the columns that are not among `targets`, and checks that there are `count` of them.
    fn features(&self, targets: &[usize], count: usize) -> Result<Vec<usize>, Error> {
        self.check_columns(count.saturating_add(targets.len()))?;
        Ok((0..self.columns()).filter(|column| !targets.contains(column)).collect())
    }

    /// Returns the numbers of some columns of each row. All are finite in `T`.
    fn numbers<const N: usize, T: Precision>(&self, columns: &[usize]) -> Result<Vec<[T; N]>, Error> {
        // The rows are on the heap from the start, since a row may be larger than the stack.
        let mut rows = zeros::<[T; N]>(self.len());
        for (row, numbers) in rows.iter_mut().enumerate() {
            for (number, &column) in numbers.iter_mut().zip(columns) {
                let found = self.number(row, column)?;
                *number = T::from_f64(found);
                if !number.to_f64().is_finite() {
                    let (found, scalar) = (shown(found), core::any::type_name::<T>());
                    return Err(self.problem(row, column, format!("`{found}` is no finite number in {scalar}")));
                }
            }
        }
        Ok(rows)
    }

    /// Converts all columns to features: rows to predict.
    ///
    /// # Errors
    /// [`Error::Line`] where there are not `N` columns, [`Error::Cell`] for a field that is no finite number in `T`.
    pub fn inputs<const N: usize, T: Precision>(&self) -> Result<Vec<[T; N]>, Error> {
        self.numbers(&self.features(&[], N)?)
    }

    /// Converts each row to `N` features and a label less than `classes`. The column of the label must be given: `Column::First`,
    /// `Column::Last`, or a name of the header.
    ///
    /// # Errors
    /// Those of [`Table::select`]; [`Error::Line`] where there are not N + 1 columns; [`Error::Cell`] for a field that is no finite number in `T`,
    /// for a label that is not an integer or exceeds 2^53, and for labels that are constant over many rows while the column at the other end
    /// would be valid labels; [`Error::Label`] for a label that is not a class.
    pub fn labelled<const N: usize, T: Precision>(
        &self,
        label: impl Into<Column>,
        classes: usize,
    ) -> Result<Dataset<[T; N]>, Error> {
        let label = self.column_index(&label.into())?;
        let features = self.features(&[label], N)?;
        let labels = self.labels(label, classes)?;
        Dataset::named(self.numbers(&features)?, labels, self.origin())
    }

    /// Converts each row to `N` features and the values of the columns `targets`.
    ///
    /// # Errors
    /// Those of [`Table::select`]; [`Error::Line`] where there are not N + K columns, [`Error::Cell`] for a field that is no finite number in `T`.
    pub fn regression<const N: usize, const K: usize, T: Precision, C: Into<Column>>(
        &self,
        targets: [C; K],
    ) -> Result<Dataset<[T; N], [T; K]>, Error> {
        let targets = self.column_indices(targets)?;
        let features = self.features(&targets, N)?;
        Dataset::named(self.numbers(&features)?, self.numbers(&targets)?, self.origin())
    }

    /// Converts each row to the pixels of an image of `[height, width, channels]` and a label less than `classes`. Pixels are integers
    /// from 0 to `white`: 16 for the UCI digits, usually 255. MNIST has its label in `Column::First`, the UCI digits in `Column::Last`.
    ///
    /// # Errors
    /// As [`Table::labelled`]; [`Error::Cell`] for an invalid pixel.
    pub fn images(
        &self,
        shape: [usize; 3],
        white: u8,
        label: impl Into<Column>,
        classes: usize,
    ) -> Result<LabelledImages, Error> {
        let pixels = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size)).unwrap_or(usize::MAX);
        let label = self.column_index(&label.into())?;
        let columns = self.features(&[label], pixels)?;
        let labels = self.labels(label, classes)?;
        let mut bytes = Vec::with_capacity(self.len() * pixels);
        for row in 0..self.len() {
            for &column in &columns {
                let pixel = self.number(row, column)?;
                if pixel.fract() != 0.0 || !(0.0..=f64::from(white)).contains(&pixel) {
                    let problem = format!("the pixel {} is no whole number from 0 to {white}", shown(pixel));
                    return Err(self.problem(row, column, problem));
                }
                bytes.push(pixel as u8);
            }
        }
        LabelledImages::new(Images::new(self.origin(), shape, white, bytes)?, labels, classes)
    }

    fn labels(&self, column: usize, classes: usize) -> Result<Vec<usize>, Error> {
        let mut labels = Vec::with_capacity(self.len());
        for sample in 0..self.len() {
            let label = self.number(sample, column)?;
            if label.fract() != 0.0 || label < 0.0 {
                let problem = format!("the label {} is no whole number from 0", shown(label));
                return Err(self.problem(sample, column, problem));
            }
            // A larger label would be rounded or saturate as a `usize`, and the error would state another number than the file.
            if label > LARGEST_EXACT.min(usize::MAX as f64) {
                let problem = format!("the label {} is no whole number below {classes}", shown(label));
                return Err(self.problem(sample, column, problem));
            }
            let label = label as usize;
            if label >= classes {
                return Err(Error::Label { origin: self.origin().to_owned(), sample, label, classes });
            }
            labels.push(label);
        }
        self.check_label_column(column, &labels, classes)?;
        Ok(labels)
    }

    /// Refuses constant labels if the column at the other end of the rows is valid as labels: the pixels in the corners
    /// of MNIST are always 0.
    fn check_label_column(&self, column: usize, labels: &[usize], classes: usize) -> Result<(), Error> {
        let last = self.columns() - 1;
        if labels.len() < MANY_ROWS || labels.iter().any(|&label| label != labels[0]) || (column != 0 && column != last)
        {
            return Ok(());
        }
        let other = last - column;
        let fits = |number: f64| number.fract() == 0.0 && (0.0..classes as f64).contains(&number);
        let mut numbers = (0..self.len()).map(|row| self.number(row, other));
        let first = self.number(0, other);
        let changes = (0..self.len()).any(|row| self.number(row, other).ok() != first.as_ref().ok().copied());
        if changes && numbers.all(|number| number.is_ok_and(fits)) {
            let problem = format!(
                "all labels are {}, while column {} has whole numbers below {classes}: the labels are there, it seems",
                labels[0],
                other + 1
            );
            return Err(self.problem(0, column, problem));
        }
        Ok(())
    }
}
