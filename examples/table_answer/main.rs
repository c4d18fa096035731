//! Another program than the one that trained: it loads the model that the example `table` saved, and answers for one house.
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

/// What the price of a house would be.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the model is.
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
    // A missing age is the mean of those that the network was trained on.
    let age = Fill::Constant(model.inputs.mean()[2]);
    for house in prepared(table, age)?.inputs()? {
        println!("{:.0} thousand", model.price(house)?);
    }
    Ok(())
}
