//! Max pooling against average pooling (slides 30 and 32).
//!
//! Max pooling takes the maximum of each window, s = max a; average pooling takes the mean. The outputs of both depend less on the exact
//! position of a feature, and both save parameters. Where a feature covers several windows, the average is large in the middle and smaller at
//! the edges, so it encodes where the edges are; the maximum does not. A feature that covers little of its window keeps its strength under max
//! pooling, and becomes weak under average pooling.
//!
//! The example prints how many positions of a strip each pooling distinguishes, and how the accuracy falls when digits are shifted: least with max
//! pooling. The outputs of 4x4 average pooling change even less, but they are so blurred that the accuracy is lower without a shift too.
//!
//! ```text
//! cargo run --release --example pooling
//! ```

#[path = "../data/digits.rs"]
mod digits;
mod networks;
mod signal;

use clap::Parser;
use networks::{AveragePooled, AveragePooled4, MaxPooled, MaxPooled4, Unpooled};
use netwright::head::Softmax;
use netwright::prelude::*;

/// Compares max pooling, average pooling and no pooling.
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of epochs.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// The number of networks of each kind.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    println!("ones in a row of zeros, pooled by windows of four");
    println!("ones at      by max                 by average");
    for (first, width) in [(4, 4), (5, 4), (6, 4), (7, 4), (8, 4), (3, 6), (5, 1), (6, 1)] {
        let [largest, mean] = signal::pooled(first, width);
        let row = |numbers: [f32; 4]| numbers.map(|x| format!("{x:4.2}")).join(" ");
        println!("{first:>2} to {:>2}     {}    {}", first + width - 1, row(largest), row(mean));
    }
    for width in [1, 4] {
        let [places, largest, mean] = signal::told_apart(width);
        println!("of the {places} places of {width} in a row, max tells {largest} apart, average {mean}");
    }

    let (train, test) = digits::digits()?.split(0.2, 1)?;
    println!("\ntrained on digits in the middle, tested on digits moved; mean of {} networks", arguments.seeds);
    println!(
        "               parameters   accuracy when moved by 0, 1, 2, 3 pixels      change of the outputs when moved by 1"
    );
    run::<Unpooled>("no pool", "features", &train, &test, &arguments)?;
    run::<MaxPooled>("max pool 2", "pool", &train, &test, &arguments)?;
    run::<AveragePooled>("average pool 2", "pool", &train, &test, &arguments)?;
    run::<MaxPooled4>("max pool 4", "pool", &train, &test, &arguments)?;
    run::<AveragePooled4>("average pool 4", "pool", &train, &test, &arguments)
}

fn run<N>(
    name: &str,
    layer: &str,
    train: &Dataset<Tensor<8, 8, 1>>,
    test: &Dataset<Tensor<8, 8, 1>>,
    arguments: &Arguments,
) -> Result<(), netwright::Error>
where
    N: Network<Scalar = f32, Head = Softmax, Input = Tensor<12, 12, 1>>,
{
    let some = test.subset(&(0..50).collect::<Vec<_>>())?;
    let (mut accuracies, mut change) = ([0.0; 4], 0.0);
    for seed in 0..arguments.seeds {
        let network: N = networks::trained(train, seed, arguments.epochs)?;
        for (accuracy, distance) in accuracies.iter_mut().zip(0..) {
            *accuracy += networks::accuracy(&network, test, distance)?;
        }
        change += networks::change(&network, layer, &some, 1)?;
    }
    let mean = |sum: f64| 100.0 * sum / arguments.seeds as f64;
    let shown = accuracies.map(|sum| format!("{:5.1} %", mean(sum))).join("   ");
    println!("{name:<15}{:>10}   {shown}   {:20.1} %", N::PARAMETERS, mean(change));
    Ok(())
}
