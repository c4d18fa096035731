//! MNIST: trains a network of fewer than 100,000 parameters with augmentation (slide 15), alone or as a bagged ensemble (slide 17); or
//! attacks LeNet-5 by the fast gradient sign method (slide 16) before and after adversarial training. Prints test accuracies and times.
//!
//! ```text
//! cargo run --release --example mnist -- --data DIR                 the single network
//! cargo run --release --example mnist -- --data DIR --members 3     an ensemble
//! cargo run --release --example mnist -- --data DIR --adversarial   LeNet-5 under attack
//! ```
//!
//! DIR has the four IDX files, compressed by gzip or not. Without `--data`, everything runs on the embedded digits, as a trial. The recipe was
//! fixed before the test images were used; they are evaluated once, after training.

mod adversarial;
#[path = "../data/digits.rs"]
mod digits;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use netwright::data;
use netwright::prelude::*;
use netwright::schedule::OneCycle;
use netwright::train::augment::Augmentation;
use netwright::train::{Bagging, evaluate};

netwright::network! {
    block layer(filters) { conv 3x3x(filters) same nobias bn relu }

    /// Six small convolutions, the last two without padding.
    pub SmallNet(28x28x1) {
        layer(16);  layer(16);  maxpool 2;
        layer(32);  layer(32);  maxpool 2;
        conv 3x3x64 nobias bn relu;
        conv 3x3x64 nobias bn relu;
        dropout 0.3;
        softmax 10
    }
}

const _: () = assert!(SmallNet::PARAMETERS + SmallNet::STATISTICS < 100_000);

type Digits = Dataset<Tensor<28, 28, 1>>;

/// Trains a small network on MNIST.
#[derive(Debug, Parser)]
struct Arguments {
    /// A folder with the four IDX files of MNIST.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The number of epochs.
    #[arg(long, default_value_t = 20)]
    epochs: u64,
    /// The seed of all random numbers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of threads.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
    /// The number of networks of an ensemble, each trained on a bootstrap sample.
    #[arg(long, default_value_t = 1)]
    members: usize,
    /// Attack LeNet-5 before and after adversarial training.
    #[arg(long)]
    adversarial: bool,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    let (train, test) = match &arguments.data {
        Some(folder) => {
            let (train, test) = data::mnist(folder)?;
            (train.dataset()?, test.dataset()?)
        }
        None => digits::digits()?.split(0.2, arguments.seed)?,
    };
    println!("{} images to train on, {} to test with", train.len(), test.len());
    if arguments.adversarial {
        return adversarial::run(&train, &test, arguments.epochs, arguments.threads);
    }
    println!("{} parameters, {} statistics", SmallNet::PARAMETERS, SmallNet::STATISTICS);
    let start = Instant::now();
    let loss = CrossEntropy::new();
    if arguments.members > 1 {
        let bagging = Bagging::new(arguments.members)?.seed(arguments.seed).threads(arguments.threads)?;
        let ensemble = bagging.fit(&train, |member, network: &mut SmallNet, sample| {
            let seed = arguments.seed + member as u64;
            recipe(arguments.epochs)?.seed(seed).threads(1)?.progress(false).fit(network, sample, None).map(drop)
        })?;
        println!("trained in {:.0} s", start.elapsed().as_secs_f64());
        println!("{}", ensemble.accuracy(&test)?);
        return Ok(());
    }
    let mut network = SmallNet::init(arguments.seed);
    let is_shown = std::io::stderr().is_terminal();
    recipe(arguments.epochs)?
        .seed(arguments.seed)
        .threads(arguments.threads)?
        .stop_on_ctrl_c()?
        .on_epoch(|epoch| {
            if !is_shown {
                println!("{epoch}");
            }
        })
        .fit(&mut network, &train, None)?;
    println!("trained in {:.0} s", start.elapsed().as_secs_f64());
    let accuracy = evaluate(&network, &test, &loss)?.accuracy().unwrap_or(0.0);
    println!("test accuracy: {:.2} %", 100.0 * accuracy);
    Ok(())
}

/// Returns a trainer with AdamW, a one-cycle schedule, and small random shifts, rotations and scalings.
fn recipe<'a>(epochs: u64) -> Result<Trainer<'a, SmallNet, usize, CrossEntropy, AdamW>, netwright::Error> {
    Ok(Trainer::new()
        .epochs(epochs)?
        .batch(128)?
        .loss(CrossEntropy::new().label_smoothing(0.05)?)
        .optimizer(AdamW::new(4e-3)?.weight_decay(0.02)?)
        .schedule(OneCycle::new())
        .augment(Augmentation::new().shift(2.0)?.rotate(12.0)?.scale(0.12)?))
}
