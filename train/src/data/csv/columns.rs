//! Columns by name, and the operations on them that make them numeric.

use std::sync::Arc;

use super::table::{Cell, Table, Value, Values};
use crate::error::{Error, setting};

/// A column of a [`Table`]: `Column::First`, `Column::Last`, its index from 0, or its name in the header.
///
/// ```
/// use netwright_train::data::csv::Column;
/// assert_eq!(Column::from("age"), Column::Named("age".to_owned()));
/// assert_eq!(Column::from(2), Column::At(2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The first column.
    First,
    /// The last column.
    Last,
    /// The column with an index, from 0.
    At(usize),
    /// The column with a name in the header.
    Named(String),
}

impl From<usize> for Column {
    fn from(index: usize) -> Self {
        Self::At(index)
    }
}

impl From<&str> for Column {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

impl From<String> for Column {
    fn from(name: String) -> Self {
        Self::Named(name)
    }
}

/// The replacement for missing values.
#[derive(Clone, Debug, PartialEq)]
pub enum Fill {
    /// The mean of the column's numbers.
    Mean,
    /// The median of the column's numbers.
    Median,
    /// A number.
    Constant(f64),
    /// A text, such as a category of its own.
    Word(String),
}

/// Returns a category as text: numbers as they are printed.
fn word(cell: Cell<'_>) -> Option<String> {
    match cell {
        Cell::Number(number) => Some(number.to_string()),
        Cell::Text(text) => Some(text.to_owned()),
        Cell::Missing => None,
    }
}

impl Table {
    /// Keeps these columns alone, in this order.
    ///
    /// # Errors
    /// [`Error::NoColumn`] or [`Error::Outside`] for an unknown column, [`Error::SeveralColumns`] for a name of several columns,
    /// [`Error::RepeatedColumn`] for a column that is listed twice.
    pub fn select<C: Into<Column>>(mut self, columns: impl IntoIterator<Item = C>) -> Result<Self, Error> {
        let indices = self.column_indices(columns)?;
        if indices.is_empty() {
            return Err(Error::Empty { origin: format!("the columns chosen of {}", self.origin()) });
        }
        let all = self.take_columns();
        let chosen = indices.into_iter().map(|index| all[index].clone()).collect();
        Ok(self.with_columns(chosen))
    }

    /// Removes these columns, such as a row number.
    ///
    /// # Errors
    /// As [`Table::select`].
    pub fn without<C: Into<Column>>(self, columns: impl IntoIterator<Item = C>) -> Result<Self, Error> {
        let indices = self.column_indices(columns)?;
        let kept: Vec<usize> = (0..self.columns()).filter(|index| !indices.contains(index)).collect();
        self.select(kept)
    }

    /// Returns the number with which [`Table::fill`] would replace missing values, to fill other tables with it: a test set, or a single row.
    ///
    /// # Errors
    /// As [`Table::fill`]; [`Error::Setting`] for a text.
    pub fn fill_value(&self, column: impl Into<Column>, by: &Fill) -> Result<f64, Error> {
        let column = self.column_index(&column.into())?;
        let mut numbers: Vec<f64> = self.values(column).numbers().collect();
        if let Fill::Constant(number) = by {
            return setting("fill", *number, true, "a finite number");
        }
        if numbers.is_empty() {
            return Err(self.problem(0, column, "there is no number in the column to fill it by".to_owned()));
        }
        match by {
            Fill::Mean => Ok(numbers.iter().sum::<f64>() / numbers.len() as f64),
            Fill::Median => {
                numbers.sort_by(f64::total_cmp);
                let middle = numbers.len() / 2;
                let lower = if numbers.len().is_multiple_of(2) { numbers[middle - 1] } else { numbers[middle] };
                Ok(lower + (numbers[middle] - lower) / 2.0)
            }
            Fill::Constant(_) | Fill::Word(_) => setting("fill", f64::NAN, false, "a number, not a word"),
        }
    }

    /// Replaces the missing values of a column.
    ///
    /// # Errors
    /// Those of [`Table::select`]; [`Error::Cell`] for a mean or median of a column without numbers, or with texts among them;
    /// [`Error::Setting`] for a constant that is not finite.
    pub fn fill(mut self, column: impl Into<Column>, by: Fill) -> Result<Self, Error> {
        let column = self.column_index(&column.into())?;
        let filled = match &by {
            Fill::Word(word) => Value::Text(Arc::from(word.as_str())),
            by => {
                for row in 0..self.len() {
                    if matches!(self.values(column).cell(row), Cell::Text(_)) {
                        self.number(row, column)?;
                    }
                }
                Value::Number(self.fill_value(column, by)?)
            }
        };
        let mut columns = self.take_columns();
        let mut values = Values::default();
        for cell in columns[column].1.cells() {
            values.push(match cell {
                Cell::Number(number) => Value::Number(number),
                Cell::Text(text) => Value::Text(Arc::from(text)),
                Cell::Missing => filled.clone(),
            });
        }
        columns[column].1 = values;
        Ok(self.with_columns(columns))
    }

    /// Returns the distinct values of a column, sorted: numerically if all are numbers, else as texts.
    ///
    /// # Errors
    /// As [`Table::select`].
    pub fn categories(&self, column: impl Into<Column>) -> Result<Vec<String>, Error> {
        let values = self.values(self.column_index(&column.into())?);
        if values.cells().all(|cell| !matches!(cell, Cell::Text(_))) {
            let mut numbers: Vec<f64> = values.numbers().collect();
            numbers.sort_by(f64::total_cmp);
            numbers.dedup();
            return Ok(numbers.into_iter().map(|number| number.to_string()).collect());
        }
        let mut words: Vec<String> = values.cells().filter_map(word).collect();
        words.sort_unstable();
        words.dedup();
        Ok(words)
    }

    /// Returns for each row the index of its value in `categories`.
    fn coded<W: AsRef<str>>(&self, column: usize, categories: &[W]) -> Result<Vec<usize>, Error> {
        let code = |row: usize| {
            let missing = || self.problem(row, column, "a value is missing; `Table::fill` fills it".to_owned());
            let word = word(self.values(column).cell(row)).ok_or_else(missing)?;
            let known = || categories.iter().take(12).map(|known| known.as_ref()).collect::<Vec<_>>().join(", ");
            let found = categories.iter().position(|known| known.as_ref() == word);
            found.ok_or_else(|| self.problem(row, column, format!("`{word}` is none of the categories: {}", known())))
        };
        (0..self.len()).map(code).collect()
    }

    /// Replaces a column by one for each of its [`Table::categories`], which is 1 in the rows of that category and else 0. The column
    /// `district` becomes `district=north` and so on.
    ///
    /// # Errors
    /// Those of [`Table::select`]; [`Error::Cell`] for a missing value.
    pub fn one_hot(self, column: impl Into<Column>) -> Result<Self, Error> {
        let column = self.column_index(&column.into())?;
        let categories = self.categories(column)?;
        self.one_hot_of(column, &categories)
    }

    /// Runs [`Table::one_hot`] with given categories in a given order: those of the training set, whatever values occur in this table.
    ///
    /// # Errors
    /// As [`Table::one_hot`], and [`Error::Cell`] for a value that is not one of them.
    pub fn one_hot_of<W: AsRef<str>>(mut self, column: impl Into<Column>, categories: &[W]) -> Result<Self, Error> {
        let column = self.column_index(&column.into())?;
        let codes = self.coded(column, categories)?;
        let mut columns = self.take_columns();
        let name = columns[column].0.take();
        let hot = categories.iter().enumerate().map(|(index, category)| {
            let mut values = Values::default();
            codes.iter().for_each(|&code| values.push(Value::Number(f64::from(u8::from(code == index)))));
            (name.as_ref().map(|name| format!("{name}={}", category.as_ref())), values)
        });
        let hot: Vec<_> = hot.collect();
        columns.splice(column..=column, hot);
        Ok(self.with_columns(columns))
    }

    /// Replaces the texts of a column by their indices in `categories`: labels of classes.
    ///
    /// ```
    /// use netwright_train::data::{Dataset, csv};
    /// let table = csv::from_reader(&b"5.1,setosa\n6.3,virginica\n"[..], "the irises")?;
    /// let irises: Dataset<[f32; 1]> = table.encode(1, &["setosa", "virginica"])?.labelled(1, 2)?;
    /// assert_eq!(irises.targets(), [0, 1]);
    /// # Ok::<(), netwright_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Table::select`]; [`Error::Cell`] for a value that is missing or not one of them.
    pub fn encode<W: AsRef<str>>(mut self, column: impl Into<Column>, categories: &[W]) -> Result<Self, Error> {
        let column = self.column_index(&column.into())?;
        let codes = self.coded(column, categories)?;
        let mut columns = self.take_columns();
        let mut values = Values::default();
        codes.into_iter().for_each(|code| values.push(Value::Number(code as f64)));
        columns[column].1 = values;
        Ok(self.with_columns(columns))
    }
}
