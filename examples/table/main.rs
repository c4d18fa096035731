//! Trains a network on a CSV table of house prices, with named columns, categories and missing values; prints R² and the mean absolute error on
//! test houses; and saves the model for the example `table_answer`.
//!
//! ```text
//! cargo run --release --example table -- --folder target/houses
//! cargo run --release --example table_answer -- --folder target/houses --house 82,3,,lake,1.5
//! ```

mod houses;

use std::path::PathBuf;

use clap::Parser;
use houses::{Model, Price, prepared};
use netwright::data::Normalization;
use netwright::data::csv::{self, Fill};
use netwright::prelude::*;
use netwright::schedule::Cosine;
use netwright::train::metrics::{mean_absolute_error, r_squared};

/// Trains on the prices of houses.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder for the model.
    #[arg(long, default_value = "houses")]
    folder: PathBuf,
    /// The number of epochs.
    #[arg(long, default_value_t = 200)]
    epochs: u64,
    /// The seed of all random numbers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    let table = csv::from_reader(&include_bytes!("houses.csv")[..], "the houses")?;
    let houses: Dataset<[f32; 8], [f32; 1]> = prepared(table, Fill::Mean)?.regression(["price"])?;
    let (mut train, test) = houses.split(0.2, arguments.seed)?;
    println!("{} houses to train on, {} to test with", train.len(), test.len());

    // Fitted on the training set only.
    let inputs = Normalization::fit(train.inputs(), 8)?;
    let prices = Normalization::fit(train.targets(), 1)?;
    inputs.apply(train.inputs_mut())?;
    prices.apply(train.targets_mut())?;

    let mut network = Price::init(arguments.seed);
    let history = Trainer::new()
        .epochs(arguments.epochs)?
        .batch(32)?
        .seed(arguments.seed)
        .loss(SquaredError)
        .optimizer(Adam::new(5e-3)?)
        .schedule(Cosine)
        .fit(&mut network, &train, None)?;
    println!("mean squared error of normalised prices: {:.4}", history.last().map_or(f64::NAN, |last| last.loss));

    let model = Model { network, inputs, prices };
    let answers = test.inputs().iter().map(|&house| model.price(house).map(|price| [price]));
    let answers = answers.collect::<Result<Vec<_>, _>>()?;
    println!("test R²:                    {:.3}", r_squared(&answers, test.targets())?);
    println!("test mean absolute error:   {:.1} thousand", mean_absolute_error(&answers, test.targets())?);

    RunFolder::new(&arguments.folder)?;
    model.save(&arguments.folder)?;
    println!("the model is in {}", arguments.folder.display());
    Ok(())
}
