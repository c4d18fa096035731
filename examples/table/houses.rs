//! The network and the preparation of the table, shared by the program that trains and the one that predicts.

use std::path::{Path, PathBuf};

use netwright::Error;
use netwright::data::Normalization;
use netwright::data::csv::{Fill, Table};
use netwright::prelude::*;

netwright::network! {
    /// Predicts a price from area, rooms, age, four districts and distance, all of them normalised.
    pub Price(8) { dense 32 tanh; dense 32 tanh; dense 1 }
}

/// The districts in the order of their columns.
pub(crate) const DISTRICTS: [&str; 4] = ["lake", "north", "south", "station"];

/// Fills missing ages, and replaces the district by one column for each (one-hot).
pub(crate) fn prepared(table: Table, age: Fill) -> Result<Table, Error> {
    table.fill("age", age)?.one_hot_of("district", &DISTRICTS)
}

/// A network with the normalisations of its inputs and outputs.
pub(crate) struct Model {
    pub(crate) network: Price,
    pub(crate) inputs: Normalization,
    pub(crate) prices: Normalization,
}

/// Returns the file of each part.
fn files(folder: &Path) -> [PathBuf; 3] {
    ["price.safetensors", "inputs.csv", "prices.csv"].map(|name| folder.join(name))
}

impl Model {
    #[allow(dead_code)] // The program that predicts does not save.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), Error> {
        let [network, inputs, prices] = files(folder);
        self.network.save(network)?;
        self.inputs.save(inputs)?;
        self.prices.save(prices)
    }

    #[allow(dead_code)] // The program that trains does not load.
    pub(crate) fn load(folder: &Path) -> Result<Self, Error> {
        let [network, inputs, prices] = files(folder);
        Ok(Self {
            network: Price::from_file(network)?,
            inputs: Normalization::load(inputs)?,
            prices: Normalization::load(prices)?,
        })
    }

    /// Predicts the price of a house.
    pub(crate) fn price(&self, mut house: [f32; 8]) -> Result<f32, Error> {
        self.inputs.apply_one(&mut house)?;
        let mut price = self.network.predict(&house);
        self.prices.inverse_one(&mut price)?;
        Ok(price[0])
    }
}
