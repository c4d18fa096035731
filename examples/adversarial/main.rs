//! Adversarial examples, and training against them (slide 16).
//!
//! x + ε · sign(∇ₓJ(θ, x, y)): every pixel moves by ε in the direction in which the loss J grows (the fast gradient sign method,
//! FGSM). The iterated form, projected gradient descent (PGD), makes ten smaller steps and stays within ε.
//!
//! The example prints a table of test accuracies for several ε, under noise of size ε with random signs, under FGSM and under PGD: for a
//! network trained on clean digits, and for one trained adversarially with ε = 0.1. Compare each attack with the noise of the same size. The
//! pictures below the table are attacked digits; a person still recognises them.
//!
//! ```text
//! cargo run --release --example adversarial
//! cargo run --release --example adversarial --features plots -- --save adversarial.png
//! ```

mod attacks;
#[path = "../data/digits.rs"]
mod digits;

use clap::Parser;

/// Attacks a network before and after adversarial training.
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of epochs.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// The seed of all random numbers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The ε of the pictures.
    #[arg(long, default_value_t = 0.1, allow_negative_numbers = true)]
    epsilon: f64,
    /// The file for the pictures; its name ends in .png or .svg.
    #[cfg(feature = "plots")]
    #[arg(long)]
    save: Option<std::path::PathBuf>,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    let (train, test) = digits::digits()?.split(0.2, 1)?;
    let plain = attacks::trained(&train, arguments.epochs, arguments.seed, None)?;
    let hardened = attacks::trained(&train, arguments.epochs, arguments.seed, Some(0.1))?;

    println!("accuracy in percent on {} digits not seen; pixels lie between 0 and 1\n", test.len());
    println!("             trained on digits as they are        half of each batch attacked, ε = 0.1");
    println!("    ε        signs at random    FGSM    PGD       signs at random    FGSM    PGD");
    for epsilon in [0.0, 0.007, 0.02, 0.05, 0.1, 0.2] {
        let mut cells = Vec::new();
        for network in [&plain, &hardened] {
            let noisy = attacks::under_noise(network, &test, epsilon, arguments.seed)?;
            let fgsm = attacks::under(network, &test, &attacks::fgsm(epsilon.into())?)?;
            let pgd = attacks::under(network, &test, &attacks::pgd(epsilon.into())?)?;
            cells.push(format!("{:15.1}   {:5.1}  {:5.1}", 100.0 * noisy, 100.0 * fgsm, 100.0 * pgd));
        }
        println!("{epsilon:5}        {}       {}", cells[0], cells[1]);
    }

    let fgsm = attacks::largest_change(&plain, &test, &attacks::fgsm(0.1)?)?;
    let pgd = attacks::largest_change(&plain, &test, &attacks::pgd(0.1)?)?;
    println!("\nno pixel moves further than ε: with ε = 0.1, by at most {fgsm:.4} (FGSM) and {pgd:.4} (PGD)");

    let sheet = attacks::pictures(&plain, &test, arguments.epsilon, 3)?;
    println!("\n{sheet}");
    #[cfg(feature = "plots")]
    if let Some(path) = &arguments.save {
        netwright::see::Drawing::save(&sheet, path)?;
    }
    Ok(())
}
