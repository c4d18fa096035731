//! Loads the digits in this folder for the examples.

use netwright::data::csv::{self, Column};
use netwright::prelude::*;

/// Returns the UCI digits: 8x8 pixels from 0 to 1, resized to `H` x `W`.
pub(crate) fn digits<const H: usize, const W: usize>() -> Result<Dataset<Tensor<H, W, 1>>, netwright::Error> {
    const DIGITS: &[u8] = include_bytes!("digits.csv.gz");
    csv::from_reader(DIGITS, "the embedded digits")?.images([8, 8, 1], 16, Column::Last, 10)?.resized_dataset()
}
