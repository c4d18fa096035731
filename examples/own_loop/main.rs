//! A hand-written training loop over the parts of the `Trainer`: `cargo run --release --example own_loop -- --folder RUN`. Prints how the loop
//! and the `Trainer` ended, whether both gave the same weights, and the test accuracy. With `--features ctrlc`, Ctrl-C ends the run after a
//! step; the same command resumes it.

use std::path::PathBuf;

use clap::Parser;
use netwright::train::{History, RunFolder, evaluate};

mod by_hand;
#[path = "../data/digits.rs"]
mod digits;
mod settings;

use settings::DigitNet;

#[derive(Parser)]
struct Arguments {
    /// The folder for the metrics and checkpoints of both runs.
    #[arg(long)]
    folder: PathBuf,
    /// The number of threads; the result does not depend on it.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

/// Describes the end of a run in one line.
fn described(history: &History) -> String {
    let best = history.best.map_or(String::new(), |best| format!(", best after step {}", best.step));
    format!("{} after {} epochs{best}", history.ending, history.epochs.len())
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    #[cfg(feature = "ctrlc")]
    let stop = netwright::train::ctrl_c()?;
    #[cfg(not(feature = "ctrlc"))]
    let stop = std::sync::Arc::default();

    let (train, test) = digits::digits::<8, 8>()?.split(0.2, 1)?;
    let (train, validation) = train.split(0.2, 2)?;
    let data = [&train, &validation];
    let (ours, theirs) = (arguments.folder.join("by_hand"), arguments.folder.join("by_trainer"));

    let mut network = DigitNet::init(1);
    let history = by_hand::train_by_hand(&mut network, data, arguments.threads, &RunFolder::new(ours)?, &stop)?;
    println!("by hand:    {}", described(&history));
    let mut other = DigitNet::init(1);
    let history = by_hand::train_by_trainer(&mut other, data, arguments.threads, &RunFolder::new(theirs)?, &stop)?;
    println!("by trainer: {}", described(&history));
    println!("the same weights: {}", network.parameters() == other.parameters());

    let right = evaluate(&network, &test, &settings::loss()?)?.accuracy().unwrap_or(f64::NAN);
    println!("{:.2} % of the {} test digits", 100.0 * right, test.len());
    Ok(())
}
