//! Saturation: a NOT gate that is wrong and hardly learns (slides 6 and 7).
//!
//! With the squared loss, ∂ℓ/∂z = 2(a − y)σ'(z). At x = −1, w = 5, b = 0 the unit is in the flat part of its sigmoid: σ'(z) ≈ 0, so
//! the gradient is nearly 0 too, although the loss is almost as large as it can be. With the cross-entropy, ∂ℓ/∂z = a − y: a large error
//! has a large gradient.
//!
//! The example prints both slopes at the start, the losses and gradients of gradient descent, the number of steps that each loss takes, and charts
//! of ∂ℓ/∂z and of the descents: the curve of the squared loss is flat where the unit is saturated.
//!
//! ```text
//! cargo run --release --example saturation
//! cargo run --release --example saturation --features plots -- --save saturation.svg
//! ```

mod gate;

use clap::Parser;
use netwright::prelude::*;
use netwright::see::{Chart, Figure};

/// Trains a saturated NOT gate with two losses.
#[derive(Debug, Parser)]
struct Arguments {
    /// The learning rate.
    #[arg(long, default_value_t = 0.5, allow_negative_numbers = true)]
    rate: f64,
    /// The number of steps of gradient descent.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// The file for the charts; its name ends in .png or .svg.
    #[cfg(feature = "plots")]
    #[arg(long)]
    save: Option<std::path::PathBuf>,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();

    let answer = gate::gate(5.0, 0.0).predict(&[-1.0])[0];
    println!(
        "x = -1, w = 5, b = 0: z = -5, a = σ(z) = {answer:.4}, where y = 1 is right; σ'(z) = {:.4}\n",
        answer * (1.0 - answer)
    );
    let (squared, flat) = gate::slope(&mut gate::gate(5.0, 0.0), &SquaredError)?;
    let (entropy, steep) = gate::slope(&mut gate::gate(5.0, 0.0), &BinaryCrossEntropy)?;
    println!("loss           ℓ(a, y)    ∂ℓ/∂z");
    println!("squared        {squared:7.4}  {flat:7.4}  = 2(a - y)σ'(z)");
    println!("cross-entropy  {entropy:7.4}  {steep:7.4}  = a - y\n");

    let squared = gate::descend(SquaredError, arguments.rate, arguments.steps)?;
    let entropy = gate::descend(BinaryCrossEntropy, arguments.rate, arguments.steps)?;
    println!("gradient descent on both rows of the truth table, rate {}", arguments.rate);
    println!("         squared            cross-entropy");
    println!("step     loss    ∂ℓ/∂w      loss    ∂ℓ/∂w");
    for step in [0, 1, 2, 5, 10, 20, 50, 100, 200, 300, 400] {
        if let (Some(a), Some(b)) = (squared.get(step), entropy.get(step)) {
            println!(
                "{step:>4}  {:7.4}  {:7.4}   {:7.4}  {:7.4}",
                a.loss, a.slope_of_weight, b.loss, b.slope_of_weight
            );
        }
    }
    for (name, course) in [("squared", &squared), ("cross-entropy", &entropy)] {
        match gate::learnt_after(course) {
            Some(steps) => println!("{name}: both answers are right after {steps} steps"),
            None => println!("{name}: not yet right after {} steps", arguments.steps),
        }
    }

    let losses = |course: &[gate::Step]| course.iter().map(|step| step.loss).collect::<Vec<_>>();
    let descents = Chart::new("gradient descent from w = 5")
        .axes("step", "loss")
        .values("squared", losses(&squared))
        .values("cross-entropy", losses(&entropy));
    let curves = Figure::new(2, [slopes()?, descents]);
    println!("\n{curves}");
    #[cfg(feature = "plots")]
    if let Some(path) = &arguments.save {
        netwright::see::Drawing::save(&curves, path)?;
    }
    Ok(())
}

/// Returns a chart of ∂ℓ/∂z over z, for x = −1 and y = 1.
fn slopes() -> Result<Chart, netwright::Error> {
    let (mut squared, mut entropy) = (Vec::new(), Vec::new());
    for tenth in -80..=80 {
        let z = f64::from(tenth) / 10.0;
        let mut gate = gate::gate(-z, 0.0);
        squared.push((z, gate::slope(&mut gate, &SquaredError)?.1));
        entropy.push((z, gate::slope(&mut gate, &BinaryCrossEntropy)?.1));
    }
    Ok(Chart::new("∂ℓ/∂z for y = 1, z from -8 to 8")
        .axes("z", "∂ℓ/∂z")
        .curve("squared", squared)
        .curve("cross-entropy", entropy))
}
