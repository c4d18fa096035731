//! Loads the model that the example `table` saved, and prints the predicted price of one house.
//!
//! ```text
//! cargo run --release --example table_answer -- --folder target/houses --house 82,3,,lake,1.5
//! ```

#[path = "../table/houses.rs"]
mod houses;

use std::io::Cursor;
use std::path::PathBuf;

use clap::Parser;
use houses::{Model, prepared};
use netwright::data::csv::{self, Fill};

/// Predicts the price of a house.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder of the model.
    #[arg(long, default_value = "houses")]
    folder: PathBuf,
    /// Area, rooms, age, district and distance; the age may be missing.
    #[arg(long, default_value = "82,3,,lake,1.5")]
    house: String,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    let model = Model::load(&arguments.folder)?;
    let text = format!("area,rooms,age,district,distance\n{}\n", arguments.house);
    let table = csv::Reader::new().header(true).from_reader(Cursor::new(text.into_bytes()), "--house")?;
    // A missing age is replaced by the mean age of the training set.
    let age = Fill::Constant(model.inputs.mean()[2]);
    for house in prepared(table, age)?.inputs()? {
        println!("{:.0} thousand", model.price(house)?);
    }
    Ok(())
}
