//! Methods against overfitting, compared on the same 200 digits (slides 13 to 19).
//!
//! A network with 26,000 parameters memorises 200 digits. The example prints a table of its accuracy on the other 1,597 digits, without any
//! method and with each of these: a penalty λ Σ|w| or λ/2 Σw² on the weights but not the biases, early stopping, augmentation, bagging, dropout,
//! weight sharing (a convolutional network), and three of them together. One half of the table is for the right labels, the other for a fifth
//! of the training labels drawn at random, so that there is something wrong to memorise.
//!
//! The gain over "nothing" is the mean over seeds ± the standard deviation. Each seed selects other digits, the same ones for every line. A gain
//! within a standard deviation of 0 is no effect. Early stopping holds out a fifth of the digits for validation, which costs more than it gains
//! where the labels are right. The strength of each method was chosen by hand on a few seeds: the table shows effects, not which method is best.
//!
//! Below the table are the losses of a run with wrong labels: the training loss falls to the end, and the validation loss rises again.
//!
//! The last lines show dropout as an average of networks (slide 18): the accuracy of a network with half of its units dropped, of the mean of
//! many such networks, and of the whole network. The lecture halves the weights of the whole network after training. Here the kept units are
//! doubled during training (inverted dropout), which is equivalent and leaves the weights as they are.
//!
//! ```text
//! cargo run --release --example overfitting
//! cargo run --release --example overfitting -- --seeds 20 --digits 100
//! ```

mod averaging;
#[path = "../data/digits.rs"]
mod digits;
mod methods;

use clap::Parser;
use methods::{Accuracy, Budget, Plain, ROWS};

/// Compares methods against overfitting.
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of training digits.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(20..=1000))]
    digits: u64,
    /// The number of repetitions, each with other digits and other initial weights.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..))]
    seeds: u64,
    /// The number of epochs.
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// The number of networks of a bagged ensemble.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    members: u64,
    /// The share of the training labels that are drawn at random in the second half of the table.
    #[arg(long, default_value_t = 0.2)]
    wrong: f64,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    let digits = digits::digits()?;
    let budget = Budget { epochs: arguments.epochs, members: arguments.members as usize };
    let count = arguments.digits as usize;
    let wrong = arguments.wrong.clamp(0.0, 1.0);
    let mut tables = [Vec::new(), Vec::new()];
    let mut averaging = Vec::new();
    for seed in 0..arguments.seeds {
        for (table, wrong) in tables.iter_mut().zip([0.0, wrong]) {
            let (train, test) = methods::few(&digits, count, wrong, seed)?;
            table.push(methods::all(&train, &test, budget, seed)?);
        }
        let (train, test) = methods::few(&digits, count, 0.0, seed)?;
        averaging.push(averaging::compare(&train, &test, budget, seed, 50)?);
    }

    println!(
        "{count} training digits, {} others; {} seeds, {} epochs",
        digits.len() - count,
        arguments.seeds,
        budget.epochs
    );
    println!(
        "64 x 128 + 128 x 128 + 128 x 10 = {} weights and {} biases",
        methods::WEIGHTS,
        Plain::PARAMETERS - methods::WEIGHTS
    );
    println!("accuracy in percent, mean ± standard deviation over seeds; the gain is that over `nothing`\n");
    println!("{:<47}{:<38}{:.0} % of labels at random", "", "right labels", 100.0 * wrong);
    let head = format!("{:>5}   {:^10}   {:>12}", "train", "test", "gain");
    println!("{:<26} slide  parameters   {head}     {head}", "");
    for (row, (name, slide, parameters)) in ROWS.into_iter().enumerate() {
        let cells = tables.each_ref().map(|seeds| cells(seeds, row));
        println!("{name:<26} {slide:>5}  {parameters:>10}   {}     {}", cells[0], cells[1].trim_end());
    }

    let (train, _) = methods::few(&digits, count, wrong, 0)?;
    let course = methods::course(&train, budget, 0)?;
    println!(
        "\nearly stopping, {:.0} % of labels at random: after epoch {}, back to {}",
        100.0 * wrong,
        course.last,
        course.best
    );
    if let Some(losses) = course.whole.learning_curves().charts().first() {
        println!("{losses}");
    }

    println!("dropout as an average of networks, right labels");
    let mean = |number: fn(&averaging::Averaging) -> f64| {
        let (mean, spread) = mean_and_spread(&averaging.iter().map(number).collect::<Vec<_>>());
        format!("{mean:5.1} ± {spread:.1}")
    };
    println!("one network with half of its units left out    {}", mean(|found| found.thinned));
    println!("the mean of 50 such networks                   {}", mean(|found| found.mean_of_thinned));
    println!("the whole network, in one pass                 {}", mean(|found| found.whole));
    Ok(())
}

/// Formats the means of one row over all seeds.
fn cells(seeds: &[Vec<Accuracy>], row: usize) -> String {
    let of = |number: fn(&[Accuracy], usize) -> f64| {
        mean_and_spread(&seeds.iter().map(|rows| number(rows, row)).collect::<Vec<_>>())
    };
    let (train, _) = of(|rows, row| rows[row].train);
    let (test, spread) = of(|rows, row| rows[row].test);
    let (gain, deviation) = of(|rows, row| rows[row].test - rows[0].test);
    let gain = if row == 0 { String::new() } else { format!("{gain:+5.1} ± {deviation:.1}") };
    format!("{train:5.1}   {test:4.1} ± {spread:3.1}   {gain:>12}")
}

/// Returns the mean and the sample standard deviation in percent.
fn mean_and_spread(shares: &[f64]) -> (f64, f64) {
    let count = shares.len() as f64;
    let mean = shares.iter().sum::<f64>() / count;
    let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (100.0 * mean, 100.0 * variance.sqrt())
}
