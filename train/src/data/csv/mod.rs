//! Tables in text files: a row for each sample, with fields separated by commas. Read a table, prepare its columns, and convert it to samples.
//!
//! ```
//! use netwright_train::data::{Dataset, csv};
//! use csv::{Column, Fill};
//!
//! let text = "rooms,age,district,price\n3,20,north,250\n4,,south,310\n2,35,south,180\n";
//! let table = csv::from_reader(text.as_bytes(), "the houses")?
//!     .fill("age", Fill::Median)?
//!     .one_hot("district")?;
//! assert_eq!(table.names().unwrap(), ["rooms", "age", "district=north", "district=south", "price"]);
//! let houses: Dataset<[f32; 4], [f32; 1]> = table.regression(["price"])?;
//! assert_eq!(houses.get(1), Some((&[4.0, 27.5, 0.0, 1.0], &[310.0])));
//!
//! let digits = csv::from_reader(&b"7,0,255,255,0\n1,0,255,0,255\n"[..], "digits")?;
//! let digits = digits.images([2, 2, 1], 255, Column::First, 10)?; // MNIST has its labels first
//! # Ok::<(), netwright_runtime::Error>(())
//! ```

mod columns;
mod reader;
mod samples;
mod table;
#[cfg(test)]
mod tests;

pub use columns::{Column, Fill};
pub use reader::Reader;
pub use table::{Cell, Table};

use std::io::Read;
use std::path::Path;

use crate::error::Error;

/// Reads a file, compressed by gzip or not, with the settings of [`Reader::new`].
///
/// # Errors
/// As [`Reader::read`].
pub fn read(path: impl AsRef<Path>) -> Result<Table, Error> {
    Reader::new().read(path)
}

/// Reads from any reader, such as the bytes of `include_bytes!`; `origin` is its name in errors.
///
/// # Errors
/// As [`Reader::read`].
pub fn from_reader(reader: impl Read + 'static, origin: &str) -> Result<Table, Error> {
    Reader::new().from_reader(reader, origin)
}
