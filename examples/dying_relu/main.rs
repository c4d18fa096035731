//! Dead rectifier units, and activations that revive them (slides 10 and 11).
//!
//! The rectifier max(0, z) is flat below 0: a unit that is off for every image has no gradient, and stays off. A large negative bias or
//! a learning rate that is too high makes it die. The leaky ReLU has a small slope below 0; the parametric ReLU trains this slope:
//! f(z) = a·z for z < 0.
//!
//! A unit that is off for some digits only is not dead. This sparsity is wanted: in a healthy network a third to a half of the units are
//! silent for a digit, different ones for different digits.
//!
//! The example prints, for each activation and learning rate, the share of units that are off for every digit before and after training, the
//! share that is silent for one digit, and the test accuracy. The gradient of a unit that is off is the slope times that of a unit that is on:
//! with 0.001, the slide's example, the unit recovers a thousand times slower, and this run is too short for it (`--epochs 1000` is long
//! enough). The parametric rectifier starts with the same slope and recovers because its slope is trained.
//!
//! ```text
//! cargo run --release --example dying_relu
//! ```

#[path = "../data/digits.rs"]
mod digits;
mod units;

use clap::Parser;
use units::Outcome;

/// Counts dead units before and after training.
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of epochs.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
}

fn main() -> Result<(), netwright::Error> {
    let Arguments { epochs } = Arguments::parse();
    let (train, test) = digits::digits()?.split(0.2, 1)?;
    println!("off: the share of hidden units that are not above 0 for any training digit");
    println!("silent: the share that is not above 0 for one digit, the mean of all digits, after training");

    println!("\nbiases start at -3               off before   off after    silent   test accuracy");
    show("ReLU", units::outcome::<units::Relu>(&train, &test, 0.05, epochs)?);
    show("leaky ReLU, slope 0.001", units::outcome::<units::Leaky>(&train, &test, 0.05, epochs)?);
    show("leaky ReLU, slope 0.1", units::outcome::<units::Leakier>(&train, &test, 0.05, epochs)?);
    show("parametric ReLU, from 0.001", units::outcome::<units::Parametric>(&train, &test, 0.05, epochs)?);

    println!("\nReLU, biases start at 0          off before   off after    silent   test accuracy");
    for rate in [0.01, 0.05, 0.2, 0.5] {
        let name = format!("learning rate {rate}");
        show(&name, units::outcome::<units::Healthy>(&train, &test, rate, epochs)?);
    }
    Ok(())
}

fn show(name: &str, Outcome { off: [before, after], silent, accuracy }: Outcome) {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let [before, after, silent, accuracy] = [before, after, silent, accuracy].map(percent);
    println!("{name:<30} {before:>12}   {after:>9}   {silent:>7}   {accuracy:>13}");
}
