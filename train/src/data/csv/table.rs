//! Tables with columns of numbers and texts.

use std::sync::Arc;

use super::columns::Column;
use crate::error::Error;
use crate::suggest::choices;

/// A table: at least one row; all rows have the same number of fields, which are numbers, texts, or missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    origin: String,
    names: Option<Vec<String>>,
    columns: Vec<Values>,
    /// The line of each row in the file, from 1.
    lines: Vec<usize>,
}

/// A field of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'t> {
    /// A finite number.
    Number(f64),
    /// Any other text.
    Text(&'t str),
    /// An empty field, or a text that stands for a missing value.
    Missing,
}

/// A field, owned.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Text(Arc<str>),
    Missing,
}

/// One column. Most columns are numbers alone, possibly many millions of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    /// The numbers; NaN for a field that is not a number.
    numbers: Vec<f64>,
    /// The fields that are not numbers, each with its row, in order; `None` is a missing value.
    others: Vec<(usize, Option<Arc<str>>)>,
}

/// Compares columns; the NaNs of fields that are not numbers are equal.
impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
        self.numbers.len() == other.numbers.len()
            && self.numbers.iter().zip(&other.numbers).all(same)
            && self.others == other.others
    }
}

impl Values {
    pub(super) fn push(&mut self, value: Value) {
        let row = self.numbers.len();
        match value {
            Value::Number(number) => return self.numbers.push(number),
            Value::Text(word) => self.others.push((row, Some(word))),
            Value::Missing => self.others.push((row, None)),
        }
        self.numbers.push(f64::NAN);
    }

    /// Returns a field; `row` is less than the number of rows.
    pub(super) fn cell(&self, row: usize) -> Cell<'_> {
        let number = self.numbers[row];
        if !number.is_nan() {
            return Cell::Number(number);
        }
        let other = self.others.binary_search_by_key(&row, |&(row, _)| row);
        other.ok().and_then(|index| self.others[index].1.as_deref()).map_or(Cell::Missing, Cell::Text)
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        (0..self.numbers.len()).map(|row| self.cell(row))
    }

    /// Returns the numbers of the column.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> {
        self.numbers.iter().copied().filter(|number| !number.is_nan())
    }

    /// Returns whether the first field is a text and all others are numbers or missing.
    fn begins_with_a_word(&self) -> bool {
        let mut others = self.others.iter();
        let first = matches!(others.next(), Some((0, Some(_))));
        first && others.all(|(_, other)| other.is_none()) && self.numbers().next().is_some()
    }

    fn drop_first(&mut self) {
        self.numbers.drain(..1);
        self.others.retain(|&(row, _)| row > 0);
        self.others.iter_mut().for_each(|(row, _)| *row -= 1);
    }
}

impl Table {
    pub(super) fn new(origin: &str, columns: usize) -> Self {
        let columns = vec![Values::default(); columns];
        Self { origin: origin.to_owned(), names: None, columns, lines: Vec::new() }
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn push(&mut self, column: usize, value: Value) {
        self.columns[column].push(value);
    }

    pub(super) fn end_row(&mut self, line: usize) {
        self.lines.push(line);
    }

    pub(super) fn name(&mut self, names: Vec<String>) {
        self.names = Some(names);
    }

    pub(super) fn begins_with_words(&self) -> bool {
        self.columns.iter().any(Values::begins_with_a_word)
    }

    pub(super) fn drop_first_row(&mut self) {
        self.lines.drain(..1);
        self.columns.iter_mut().for_each(Values::drop_first);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns the number of rows.
    #[allow(clippy::len_without_is_empty)] // It never is.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns the number of columns.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Returns the names of the columns, if there is a header.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// Returns a field; `None` for a row out of range.
    ///
    /// # Errors
    /// As [`Table::select`], for an unknown column.
    pub fn cell(&self, row: usize, column: impl Into<Column>) -> Result<Option<Cell<'_>>, Error> {
        let column = self.column_index(&column.into())?;
        Ok((row < self.len()).then(|| self.columns[column].cell(row)))
    }

    /// Returns the line of each row in the file, from 1.
    pub(super) fn lines(&self) -> &[usize] {
        &self.lines
    }

    pub(super) fn values(&self, column: usize) -> &Values {
        &self.columns[column]
    }

    /// Returns the index of a column, from 0.
    pub(super) fn column_index(&self, column: &Column) -> Result<usize, Error> {
        match column {
            Column::First => Ok(0),
            Column::Last => Ok(self.columns.len() - 1),
            &Column::At(index) if index < self.columns.len() => Ok(index),
            &Column::At(found) => {
                Err(Error::Outside { what: "column", of: self.origin.clone(), found, count: self.columns.len() })
            }
            Column::Named(name) => {
                let names = self.names.as_deref().unwrap_or_default();
                let indices: Vec<usize> = (0..names.len()).filter(|&index| names[index] == *name).collect();
                match indices[..] {
                    [index] => Ok(index),
                    [] if names.is_empty() => Err(self.no_column(name, "no header".to_owned())),
                    [] => Err(self.no_column(name, choices(name, &names.join(", ")))),
                    _ => Err(Error::SeveralColumns { origin: self.origin.clone(), name: name.clone(), indices }),
                }
            }
        }
    }

    /// Returns the indices of a list of columns, from 0, and refuses a column that is listed twice.
    pub(super) fn column_indices<C: Into<Column>>(
        &self,
        columns: impl IntoIterator<Item = C>,
    ) -> Result<Vec<usize>, Error> {
        let mut listed = vec![false; self.columns.len()];
        let mut indices = Vec::new();
        for column in columns {
            let index = self.column_index(&column.into())?;
            if core::mem::replace(&mut listed[index], true) {
                let (origin, name) = (self.origin.clone(), self.column_name(index));
                return Err(Error::RepeatedColumn { origin, column: index + 1, name });
            }
            indices.push(index);
        }
        Ok(indices)
    }

    fn column_name(&self, column: usize) -> Option<String> {
        self.names.as_ref().and_then(|names| names.get(column).cloned())
    }

    fn no_column(&self, name: &str, known: String) -> Error {
        Error::NoColumn { origin: self.origin.clone(), name: name.to_owned(), known }
    }

    /// Returns an error about a field.
    pub(super) fn problem(&self, row: usize, column: usize, problem: String) -> Error {
        let name = self.column_name(column);
        Error::Cell { origin: self.origin.clone(), line: self.lines[row], column: column + 1, name, problem }
    }

    /// Returns the number in a field, or an error.
    pub(super) fn number(&self, row: usize, column: usize) -> Result<f64, Error> {
        match self.columns[column].cell(row) {
            Cell::Number(number) => Ok(number),
            Cell::Missing => Err(self.problem(row, column, "a value is missing; `Table::fill` fills it".to_owned())),
            Cell::Text(text) => {
                let text: String = text.chars().take(30).collect();
                Err(self.problem(row, column, format!("`{text}` is no finite number")))
            }
        }
    }

    /// Replaces the columns; each has its name.
    pub(super) fn with_columns(self, columns: Vec<(Option<String>, Values)>) -> Self {
        let (names, columns): (Option<Vec<String>>, Vec<Values>) = {
            let (names, columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
            (names.into_iter().collect(), columns)
        };
        Self { names, columns, ..self }
    }

    /// Takes the columns with their names out of the table, to change them and pass them to [`Table::with_columns`].
    pub(super) fn take_columns(&mut self) -> Vec<(Option<String>, Values)> {
        let columns = core::mem::take(&mut self.columns);
        let names = self.names.take();
        let names = names.map_or_else(|| vec![None; columns.len()], |names| names.into_iter().map(Some).collect());
        names.into_iter().zip(columns).collect()
    }
}
