//! Tables of numbers in text: a row for each sample, numbers apart by commas, the label or the targets last.

use std::io::Read;
use std::path::Path;

use super::file::Source;
use super::{Dataset, Images, LabelledImages};
use crate::error::{Error, counted};
use crate::memory::zeros;
use crate::scalar::Scalar;

/// The bytes of text that are read.
const LIMIT: u64 = 1 << 32;

/// A table: rows of equally many finite numbers, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    origin: String,
    columns: usize,
    numbers: Vec<f64>,
    /// The line of each row, from 1.
    lines: Vec<usize>,
}

/// Reads a file, gzip or not. A first line without any number is a header and left out, as are empty lines. Numbers may stand in quotes.
///
/// # Errors
/// [`Error::Io`]; [`Error::Line`] for a line with a word that is no number or with more or fewer columns than the first,
/// [`Error::Format`] for a file that is no text, [`Error::Oversized`] beyond 4 GiB, [`Error::Empty`].
pub fn read(path: impl AsRef<Path>) -> Result<Table, Error> {
    table(Source::open(path.as_ref())?)
}

/// [`read`] from any source of bytes, as of `include_bytes!`; `origin` names it in errors.
///
/// # Errors
/// As [`read`].
pub fn from_reader(reader: impl Read + 'static, origin: &str) -> Result<Table, Error> {
    table(Source::from_reader(reader, origin)?)
}

fn table(mut source: Source) -> Result<Table, Error> {
    let bytes = source.bytes(LIMIT + 1)?;
    let origin = source.origin;
    if bytes.len() as u64 > LIMIT {
        return Err(Error::Oversized { origin, promised: bytes.len() as u64, limit: LIMIT });
    }
    let text = String::from_utf8(bytes).map_err(|error| Error::Format {
        origin: origin.clone(),
        expected: "text".to_owned(),
        found: format!("no UTF-8 at byte {}", error.utf8_error().valid_up_to()),
    })?;
    let mut table = Table { origin, columns: 0, numbers: Vec::new(), lines: Vec::new() };
    // Spreadsheets put a mark of the byte order in front.
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        let header = index == 0 && line.split([',', ';', '\t']).all(|field| number(field).is_none());
        if !line.is_empty() && !header {
            table.push(line, index + 1)?;
        }
    }
    if table.lines.is_empty() { Err(Error::Empty { origin: table.origin }) } else { Ok(table) }
}

/// What a field says, which may stand in quotes.
fn number(field: &str) -> Option<f64> {
    let field = field.trim();
    let quoted = field.strip_prefix('"').and_then(|field| field.strip_suffix('"'));
    quoted.unwrap_or(field).trim().parse().ok()
}

impl Table {
    fn push(&mut self, text: &str, line: usize) -> Result<(), Error> {
        let before = self.numbers.len();
        for (column, field) in text.split(',').enumerate() {
            match number(field) {
                Some(number) if number.is_finite() => self.numbers.push(number),
                _ if !text.contains(',') && text.contains([';', '\t']) => {
                    let found = if text.contains(';') { "semicolons" } else { "tabs" };
                    return Err(self.problem(line, format!("fields are apart by {found}, where commas are needed")));
                }
                _ => {
                    let field: String = field.trim().chars().take(30).collect();
                    return Err(self.problem(line, format!("column {}: `{field}` is no finite number", column + 1)));
                }
            }
        }
        let columns = self.numbers.len() - before;
        if self.lines.is_empty() {
            self.columns = columns;
        } else if columns != self.columns {
            return Err(
                self.problem(line, format!("{}, where the first row has {}", counted(columns, "column"), self.columns))
            );
        }
        self.lines.push(line);
        Ok(())
    }

    fn problem(&self, line: usize, problem: String) -> Error {
        Error::Line { origin: self.origin.clone(), line, problem }
    }

    /// How many rows.
    #[allow(clippy::len_without_is_empty)] // It never is.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// How many columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One row.
    pub fn row(&self, row: usize) -> Option<&[f64]> {
        self.numbers.chunks_exact(self.columns).nth(row)
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &[f64])> {
        self.lines.iter().copied().zip(self.numbers.chunks_exact(self.columns))
    }

    fn check_columns(&self, expected: usize) -> Result<(), Error> {
        if self.columns == expected {
            return Ok(());
        }
        let problem = format!("{}, where {expected} were expected", counted(self.columns, "column"));
        Err(self.problem(self.lines[0], problem))
    }

    /// `N` features and a label below `classes` in each row.
    ///
    /// # Errors
    /// [`Error::Line`] where there are other columns, or a label is no whole number; [`Error::Label`] where it is no class.
    pub fn labelled<const N: usize, T: Scalar>(&self, classes: usize) -> Result<Dataset<[T; N]>, Error> {
        self.check_columns(N + 1)?;
        let labels = self.labels(classes)?;
        Dataset::named(self.columns_from(0), labels, &self.origin)
    }

    /// `N` features and `K` targets in each row.
    ///
    /// # Errors
    /// [`Error::Line`] where there are other columns.
    pub fn regression<const N: usize, const K: usize, T: Scalar>(&self) -> Result<Dataset<[T; N], [T; K]>, Error> {
        self.check_columns(N + K)?;
        Dataset::named(self.columns_from(0), self.columns_from(N), &self.origin)
    }

    /// The columns of each row from `first` on. A row may be larger than a stack.
    fn columns_from<const N: usize, T: Scalar>(&self, first: usize) -> Vec<[T; N]> {
        let mut rows = zeros::<[T; N]>(self.len());
        for (numbers, (_, row)) in rows.iter_mut().zip(self.rows()) {
            numbers.iter_mut().zip(&row[first..]).for_each(|(number, &value)| *number = T::from_f64(value));
        }
        rows
    }

    /// The pixels of an image of `[height, width, channels]` and a label below `classes` in each row. Pixels are whole numbers
    /// from 0 to `white`: 16 for the UCI digits, 255 for most.
    ///
    /// # Errors
    /// [`Error::Line`] where there are other columns, or a pixel or a label is none; [`Error::Label`] where a label is no
    /// class.
    pub fn images(&self, shape: [usize; 3], white: u8, classes: usize) -> Result<LabelledImages, Error> {
        let pixels = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size)).unwrap_or(usize::MAX);
        self.check_columns(pixels.saturating_add(1))?;
        let labels = self.labels(classes)?;
        let mut bytes = Vec::with_capacity(self.len() * pixels);
        for (line, row) in self.rows() {
            for (column, &pixel) in row[..pixels].iter().enumerate() {
                if pixel.fract() != 0.0 || !(0.0..=f64::from(white)).contains(&pixel) {
                    let problem =
                        format!("column {}: the pixel {pixel} is no whole number from 0 to {white}", column + 1);
                    return Err(self.problem(line, problem));
                }
                bytes.push(pixel as u8);
            }
        }
        LabelledImages::new(Images::new(&self.origin, shape, white, bytes)?, labels, classes)
    }

    /// The last column.
    fn labels(&self, classes: usize) -> Result<Vec<usize>, Error> {
        let mut labels = Vec::with_capacity(self.len());
        for (sample, (line, row)) in self.rows().enumerate() {
            let label = row[self.columns - 1];
            if label.fract() != 0.0 || label < 0.0 {
                return Err(self.problem(line, format!("the label {label} is no whole number from 0")));
            }
            let label = label as usize;
            if label >= classes {
                return Err(Error::Label { origin: self.origin.clone(), sample, label, classes });
            }
            labels.push(label);
        }
        Ok(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Result<Table, Error> {
        from_reader(text.as_bytes(), "the table")
    }

    #[test]
    fn rows_become_samples() {
        let table = read("a,b,label\n0.5, 1,0\n\n-2,1e-3,2\n").unwrap();
        let set = table.labelled::<2, f64>(3).unwrap();
        assert_eq!(set.inputs(), [[0.5, 1.0], [-2.0, 1e-3]]);
        assert_eq!(set.targets(), [0, 2]);
        let set = table.regression::<1, 2, f32>().unwrap();
        assert_eq!(set.get(1), Some((&[-2.0], &[1e-3, 2.0])));
    }

    #[test]
    fn what_spreadsheets_write_around_numbers_is_left_out() {
        let table = read("\u{feff}\"1\",2.5,\" 0 \"\r\n3,4,1\r\n").unwrap();
        assert_eq!(table.labelled::<2, f32>(2).unwrap().inputs(), [[1.0, 2.5], [3.0, 4.0]]);
        let table = read("\u{feff}a,b\n1,0\n").unwrap();
        assert_eq!((table.len(), table.columns()), (1, 2));
    }

    #[test]
    fn images_keep_their_range() {
        let images = read("0,16,8,4,7\n16,16,16,16,9\n").unwrap().images([2, 2, 1], 16, 10).unwrap();
        assert_eq!(images.labels(), [7, 9]);
        assert_eq!(images.images().tensors::<2, 2, 1, f32>().unwrap()[0].as_slice(), [0.0, 1.0, 0.5, 0.25]);
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_line() {
        let problem = |text| read(text).unwrap_err().to_string();
        assert_eq!(problem("1,2\n3\n"), "the table, line 2: 1 column, where the first row has 2");
        assert_eq!(problem("1,2\n3,x\n"), "the table, line 2: column 2: `x` is no finite number");
        assert_eq!(problem("1,NaN\n"), "the table, line 1: column 2: `NaN` is no finite number");
        assert_eq!(problem("1;2;0\n"), "the table, line 1: fields are apart by semicolons, where commas are needed");
        assert_eq!(problem("a\tb\n1\t2\n"), "the table, line 2: fields are apart by tabs, where commas are needed");
        assert!(matches!(read("a,b\n"), Err(Error::Empty { .. })));
        assert!(matches!(from_reader(&b"\xff\xff"[..], "binary"), Err(Error::Format { .. })));
        let table = read("1,2\n3,4\n").unwrap();
        assert!(matches!(table.labelled::<1, f32>(4), Err(Error::Label { sample: 1, label: 4, .. })));
        assert!(matches!(table.labelled::<2, f32>(9), Err(Error::Line { line: 1, .. })));
        assert!(matches!(read("1,0.5\n").unwrap().labelled::<1, f32>(9), Err(Error::Line { line: 1, .. })));
        assert!(matches!(read("17,0\n").unwrap().images([1, 1, 1], 16, 1), Err(Error::Line { line: 1, .. })));
    }
}
