//! The parser of tables.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use csv_core::ReadFieldResult;

use super::super::file::Source;
use super::table::{Table, Value};
use crate::error::{Error, SettingValue, counted};

/// The largest number of bytes that are read.
const LIMIT: u64 = 1 << 32;

/// The texts that stand for a missing value, besides an empty field.
const MISSING: [&str; 7] = ["NA", "N/A", "NaN", "nan", "null", "NULL", "?"];

/// The settings for reading a table. Fields are separated by commas and may be quoted; empty lines are ignored.
///
/// ```
/// use netwright_train::data::csv::Reader;
/// let table = Reader::new().delimiter(b';')?.header(true).from_reader(&b"1;2\n3;4\n"[..], "the table")?;
/// assert_eq!((table.len(), table.names().unwrap()), (1, ["1", "2"].map(String::from).as_slice()));
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    delimiter: Option<u8>,
    header: Option<bool>,
    missing: Vec<String>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Creates a reader with the defaults: fields are separated by commas, and the first row is a header if it looks like one:
    ///
    /// - none of its fields is a number, or
    /// - one of its fields is not a number although all others in the column are, or
    /// - all its fields are quoted, and no field of the next row is, or
    /// - it numbers its columns: 0, 1, 2, and so on, for at least five columns.
    ///
    /// Missing values are empty fields, and `NA`, `N/A`, `NaN`, `nan`, `null`, `NULL` and `?`.
    pub fn new() -> Self {
        Self { delimiter: None, header: None, missing: MISSING.map(String::from).to_vec() }
    }

    /// Sets the separator of fields: `b';'`, `b'\t'`.
    ///
    /// # Errors
    /// [`Error::Setting`] for a quote, a line break, or a byte that is not ASCII.
    pub fn delimiter(mut self, delimiter: u8) -> Result<Self, Error> {
        let valid = delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\n' | b'\r');
        let expected = "an ASCII character other than a quote and the end of a line";
        if !valid {
            return Err(Error::Setting { setting: "delimiter", expected, found: SettingValue::Byte(delimiter) });
        }
        self.delimiter = Some(delimiter);
        Ok(self)
    }

    /// Sets whether the first row is a header, whatever it looks like.
    pub fn header(mut self, header: bool) -> Self {
        self.header = Some(header);
        self
    }

    /// Sets the texts that stand for a missing value, besides an empty field.
    pub fn missing<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.missing = words.into_iter().map(Into::into).collect();
        self
    }

    /// Reads a file, compressed by gzip or not.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Line`] for a line with more or fewer columns than the first, [`Error::Format`] for a file that is not text,
    /// [`Error::Oversized`] beyond 4 GiB, [`Error::Empty`] without rows.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table, Error> {
        self.table(Source::open(path.as_ref())?)
    }

    /// Reads from any reader, such as the bytes of `include_bytes!`; `origin` is its name in errors.
    ///
    /// # Errors
    /// As [`Reader::read`].
    #[allow(clippy::wrong_self_convention)] // It is what readers are called elsewhere in this module.
    pub fn from_reader(&self, reader: impl Read + 'static, origin: &str) -> Result<Table, Error> {
        self.table(Source::from_reader(Box::new(reader), origin)?)
    }

    fn table(&self, mut source: Source) -> Result<Table, Error> {
        let bytes = source.bytes(LIMIT + 1)?;
        let origin = source.origin;
        if bytes.len() as u64 > LIMIT {
            return Err(Error::Oversized { origin, promised: bytes.len() as u64, limit: LIMIT });
        }
        let text = String::from_utf8(bytes).map_err(|error| Error::Format {
            origin: origin.clone(),
            expected: "text".to_owned(),
            found: format!("bytes that are not UTF-8, from byte {} on", error.utf8_error().valid_up_to()),
        })?;
        // Spreadsheets write a byte order mark at the beginning.
        let mut records = Records::new(text.trim_start_matches('\u{feff}'), self.delimiter.unwrap_or(b','), &origin);
        let mut first = Vec::new();
        let Some(line) = records.next(&mut first)? else { return Err(Error::Empty { origin }) };
        let all_quoted = records.all_quoted();
        let header = self.header.unwrap_or_else(|| numberless(&first) || counts(&first));
        let mut filler = Filler::new(self, Table::new(&origin, first.len()));
        if !header {
            filler.push(&first, line)?;
        }
        let (mut row, mut bare) = (Vec::new(), None);
        while let Some(line) = records.next(&mut row)? {
            bare.get_or_insert(records.bare());
            filler.push(&row, line)?;
        }
        let mut table = filler.table;
        if header {
            table.name(first);
        } else if self.header.is_none() && ((all_quoted && bare == Some(true)) || table.begins_with_words()) {
            table.drop_first_row();
            table.name(first);
        }
        if table.is_empty() { Err(Error::Empty { origin }) } else { Ok(table) }
    }
}

/// A table under construction.
struct Filler<'r> {
    reader: &'r Reader,
    table: Table,
    /// The texts so far, so that each category is stored once.
    words: HashSet<Arc<str>>,
    /// Whether a text that stands for a missing value may be a number.
    missing_numbers: bool,
}

impl<'r> Filler<'r> {
    fn new(reader: &'r Reader, table: Table) -> Self {
        let missing_numbers = reader.missing.iter().any(|word| number(word).is_some());
        Self { reader, table, words: HashSet::new(), missing_numbers }
    }

    fn is_missing(&self, field: &str) -> bool {
        field.is_empty() || self.reader.missing.iter().any(|word| word == field)
    }

    fn push(&mut self, row: &[String], line: usize) -> Result<(), Error> {
        let problem = |problem| Err(Error::Line { origin: self.table.origin().to_owned(), line, problem });
        if let ([only], None) = (row, self.reader.delimiter)
            && let Some(found) = [(';', "semicolons"), ('\t', "tabs")].iter().find(|(mark, _)| only.contains(*mark))
        {
            return problem(format!("fields are apart by {}, where commas are needed", found.1));
        }
        if row.len() != self.table.columns() {
            let columns = counted(row.len(), "column");
            return problem(format!("{columns}, where the first row has {}", self.table.columns()));
        }
        for (column, field) in row.iter().enumerate() {
            let value = match number(field) {
                Some(number) if !self.missing_numbers || !self.is_missing(field) => Value::Number(number),
                _ if self.is_missing(field) => Value::Missing,
                _ => {
                    let word = self.words.get(field.as_str()).cloned().unwrap_or_else(|| Arc::from(field.as_str()));
                    self.words.insert(Arc::clone(&word));
                    Value::Text(word)
                }
            };
            self.table.push(column, value);
        }
        self.table.end_row(line);
        Ok(())
    }
}

/// Parses a field, which may be quoted.
fn number(field: &str) -> Option<f64> {
    let field = field.trim();
    let quoted = field.strip_prefix('"').and_then(|field| field.strip_suffix('"'));
    quoted.unwrap_or(field).trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// Returns whether no field of a row is a number, even if it is split at semicolons and tabs.
fn numberless(row: &[String]) -> bool {
    row.iter().flat_map(|field| field.split([';', '\t'])).all(|part| number(part).is_none())
}

/// Returns whether a row numbers its columns from 0.
fn counts(row: &[String]) -> bool {
    row.len() >= 5 && row.iter().enumerate().all(|(index, field)| field.trim() == index.to_string())
}

/// The records of a text.
struct Records<'t> {
    text: &'t [u8],
    /// The offset of the next record, and its line, from 1.
    at: usize,
    line: usize,
    core: csv_core::Reader,
    delimiter: u8,
    /// Whether each field of the last record was quoted.
    quoted: Vec<bool>,
    buffer: Vec<u8>,
    origin: &'t str,
}

impl<'t> Records<'t> {
    fn new(text: &'t str, delimiter: u8, origin: &'t str) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let (text, buffer) = (text.as_bytes(), vec![0; 256]);
        Self { text, at: 0, line: 1, core, delimiter, quoted: Vec::new(), buffer, origin }
    }

    /// Returns whether all fields of the last record were quoted.
    fn all_quoted(&self) -> bool {
        self.quoted.iter().all(|&quoted| quoted)
    }

    /// Returns whether no field of the last record was quoted.
    fn bare(&self) -> bool {
        !self.quoted.iter().any(|&quoted| quoted)
    }

    /// Skips lines that are empty or consist of spaces.
    fn skip_empty_lines(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let spaces =
                rest.iter().take_while(|&&byte| matches!(byte, b' ' | b'\r') && byte != self.delimiter).count();
            match rest.get(spaces) {
                Some(b'\n') => (self.at, self.line) = (self.at + spaces + 1, self.line + 1),
                None => return self.at = self.text.len(),
                Some(_) => return,
            }
        }
    }

    /// Reads the fields of the next record to `row`, and returns the line where it begins; `None` at the end.
    fn next(&mut self, row: &mut Vec<String>) -> Result<Option<usize>, Error> {
        self.skip_empty_lines();
        row.clear();
        self.quoted.clear();
        let (start, line) = (self.at, self.line);
        while let Some(last) = self.field(row) {
            if last {
                self.line += newlines(&self.text[start..self.at]);
                self.check(start, line)?;
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// Reads one field; returns whether it is the last of its record.
    fn field(&mut self, row: &mut Vec<String>) -> Option<bool> {
        let start = self.at;
        let mut length = 0;
        loop {
            let (result, read, written) = self.core.read_field(&self.text[self.at..], &mut self.buffer[length..]);
            (self.at, length) = (self.at + read, length + written);
            match result {
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull => self.buffer.resize(2 * self.buffer.len(), 0),
                ReadFieldResult::End => return None,
                ReadFieldResult::Field { record_end } => {
                    row.push(String::from_utf8_lossy(&self.buffer[..length]).trim().to_owned());
                    self.quoted.push(self.text[start..self.at].trim_ascii_start().starts_with(b"\""));
                    return Some(record_end);
                }
            }
        }
    }

    /// Refuses an unclosed quote, which extends to the end of the text.
    fn check(&self, start: usize, line: usize) -> Result<(), Error> {
        let record = self.text[start..self.at].trim_ascii_end();
        let open = record.iter().filter(|&&byte| byte == b'"').count() % 2 == 1;
        if open && self.at == self.text.len() && record.contains(&b'\n') {
            let problem = "a quote is opened here and never closed".to_owned();
            return Err(Error::Line { origin: self.origin.to_owned(), line, problem });
        }
        Ok(())
    }
}

fn newlines(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'\n').count()
}
