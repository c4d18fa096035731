//! A training loop of one's own, out of the parts that the `Trainer` is made of: `cargo run --release --example own_loop -- --folder RUN`.
//! With `--features ctrlc`, Ctrl-C ends it after a step; the same command then goes on.

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
    /// Where the numbers of the run and its checkpoint are kept.
    #[arg(long)]
    folder: PathBuf,
    /// Threads; the result does not depend on them.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

/// How a run went, in a line.
fn told(history: &History) -> String {
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
    println!("by hand:    {}", told(&history));
    let mut other = DigitNet::init(1);
    let history = by_hand::train_by_trainer(&mut other, data, arguments.threads, &RunFolder::new(theirs)?, &stop)?;
    println!("by trainer: {}", told(&history));
    println!("the same weights: {}", network.parameters() == other.parameters());

    let right = evaluate(&network, &test, &settings::loss()?)?.accuracy().unwrap_or(f64::NAN);
    println!("{:.2} % of the {} test digits", 100.0 * right, test.len());
    Ok(())
}
