//! A one-dimensional convolutional network: it classifies noisy waves of any pitch, phase and loudness as sine, triangle, square or saw.
//!
//! The input is a series, `128x1`: 128 points in time with one channel. Windows have one size, `conv 7x8`: seven points, eight
//! filters. In memory a series is an image of width 1, `Tensor<128, 1, 1>`.
//!
//! The example prints the shapes of the layers, the learning curves, the test accuracy, and the predictions for four waves.
//!
//! ```text
//! cargo run --release --example waves
//! ```

use clap::Parser;
use netwright::prelude::*;
use netwright::random::Random;

netwright::network! {
    /// A classifier of four kinds of waves.
    Ear(128x1) {
        2 * { conv 7x8 same nobias bn relu; maxpool 2 };
        conv 5x16 same nobias bn relu; maxpool 2;
        dwconv 3 same; conv 1x16 relu;
        globalavgpool;
        softmax 4
    }
}

const KINDS: [&str; 4] = ["sine", "triangle", "square", "saw"];

/// Trains a network to classify waves.
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of epochs.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// The seed of the waves, the weights and the order of the samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    let waves = waves(4000, arguments.seed)?;
    let (train, test) = waves.split(0.25, arguments.seed)?;
    for layer in Ear::LAYERS {
        println!("{:16} {:32} {} -> {}", layer.name, layer.text, layer.input, layer.output);
    }
    let mut network = Ear::init(arguments.seed);
    let history = Trainer::new()
        .epochs(arguments.epochs)?
        .batch(32)?
        .loss(CrossEntropy)
        .optimizer(Adam::new(0.01)?)
        .fit(&mut network, &train, Some(&test))?;
    println!("\n{}", history.learning_curves());
    let answers = predict_all(&network, &test);
    let heard = evaluate(&network, &test, &CrossEntropy)?.accuracy().unwrap_or(f64::NAN);
    println!("of {} waves that it has not heard, {:.1} % are told right", test.len(), 100.0 * heard);
    for (answer, kind) in answers.iter().zip(test.targets()).take(4) {
        let shares: Vec<String> = KINDS.iter().zip(answer).map(|(kind, share)| format!("{kind} {share:.2}")).collect();
        println!("a {}: {}", KINDS[*kind], shares.join(", "));
    }
    Ok(())
}

/// Creates `count` waves of all kinds, with random pitch, phase, loudness and noise.
fn waves(count: usize, seed: u64) -> Result<Dataset<Tensor<128, 1, 1>>, netwright::Error> {
    let mut random = Random::new(seed);
    Dataset::from_fn(count, |sample, wave: &mut Tensor<128, 1, 1>, kind: &mut usize| {
        *kind = sample % KINDS.len();
        let (turns, start) = (2.0 + 6.0 * random.uniform(), random.uniform());
        let loudness = 0.5 + random.uniform();
        for (time, point) in wave.as_mut_slice().iter_mut().enumerate() {
            let phase = (start + turns * time as f64 / 128.0).fract();
            let pure = match *kind {
                0 => (core::f64::consts::TAU * phase).sin(),
                1 => 1.0 - 4.0 * (phase - 0.5).abs(),
                2 => (phase - 0.5).signum(),
                _ => 2.0 * phase - 1.0,
            };
            *point = (loudness * pure + 0.2 * random.normal()) as f32;
        }
    })
}
