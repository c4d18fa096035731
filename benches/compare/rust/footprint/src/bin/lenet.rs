//! A minimal program that predicts: LeNet-5, with weights from a file.

use netwright::{Error, Tensor};
use netwright_zoo::LeNet5;

fn main() -> Result<(), Error> {
    let network = LeNet5::from_file(std::env::args().nth(1).unwrap_or_default())?;
    let image = Tensor::from_fn(|row, column, _| if (row + column) % 5 == 0 { 0.5 } else { -0.5 });
    println!("{:?}", network.predict(&image));
    Ok(())
}
