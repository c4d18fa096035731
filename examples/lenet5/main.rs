//! Trains LeNet-5 to classify handwritten digits: the embedded ones, or MNIST with `--data DIR`. Prints the table of layers, the progress, a
//! confusion matrix, some digits with their predictions and the test accuracy, and saves the weights.
//!
//! ```text
//! cargo run --release --example lenet5
//! cargo run --release --example lenet5 -- --data mnist --epochs 10
//! ```

#[path = "../data/digits.rs"]
mod digits;
mod show;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use netwright::data;
use netwright::prelude::*;
use netwright::schedule::Cosine;
use netwright::train::{augment::Augmentation, evaluate, predict_all};

netwright::network! {
    /// LeNet-5 (LeCun et al., 1998), as the lecture shows it (slide 32).
    pub LeNet5(28x28x1) {
        conv 5x5x6 same tanh;  avgpool 2;
        conv 5x5x16 tanh;      avgpool 2;
        dense 120 tanh;        dense 84 tanh;
        softmax 10
    }
}

const _: () = assert!(LeNet5::PARAMETERS == 61_706);

/// Trains LeNet-5 on handwritten digits and shows what it has learnt.
#[derive(Debug, Parser)]
struct Arguments {
    /// A folder with the four IDX files of MNIST or Fashion-MNIST, compressed by gzip or not; without it, the embedded digits.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The number of epochs.
    #[arg(long)]
    epochs: Option<u64>,
    /// The batch size.
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// The seed of the weights, the order of the images and the choice of the test digits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of threads; the result does not depend on it.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
    /// The file for the trained weights.
    #[arg(long, default_value = "lenet5.safetensors")]
    save: PathBuf,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    netwright::train::check_writable(&arguments.save)?;
    let (train, test, epochs) = match &arguments.data {
        Some(folder) => {
            let (train, test) = data::mnist(folder)?;
            (train.dataset()?, test.dataset()?, arguments.epochs.unwrap_or(10))
        }
        None => {
            let (train, test) = digits::digits()?.split(0.2, arguments.seed)?;
            (train, test, arguments.epochs.unwrap_or(40))
        }
    };
    println!("{}\n", LeNet5::summary().for_terminal());
    println!("{} images to train on, {} to test with", train.len(), test.len());

    let mut network = LeNet5::init(arguments.seed);
    let is_shown = std::io::stderr().is_terminal();
    let start = Instant::now();
    Trainer::new()
        .epochs(epochs)?
        .batch(arguments.batch)?
        .seed(arguments.seed)
        .threads(arguments.threads)?
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(0.05)?.momentum(0.9)?.l2(1e-4)?)
        .schedule(Cosine::new())
        .augment(Augmentation::new().shift(2.0)?.rotate(10.0)?)
        .on_epoch(|epoch| {
            if !is_shown {
                println!("{epoch}");
            }
        })
        .fit(&mut network, &train, Some(&test))?;
    println!("trained in {:.1} s\n", start.elapsed().as_secs_f64());

    let answers = predict_all(&network, &test);
    println!("{}", ConfusionMatrix::of(&answers, test.targets())?);
    println!("{}", show::digits(&test, &answers, 6));
    network.save(&arguments.save)?;
    println!("the weights are in {}", arguments.save.display());
    let accuracy = evaluate(&network, &test, &CrossEntropy::new())?.accuracy().unwrap_or(0.0);
    println!("test accuracy: {:.2} %", 100.0 * accuracy);
    Ok(())
}
