//! Vanishing gradients in a deep network of sigmoid units, and the same network with rectifiers (slides 8 and 9).
//!
//! In a chain of single units, ∂ℓ/∂z² = (a⁴ − y) w⁴ σ'(z³) w³ σ'(z²): each layer multiplies by a weight and by
//! σ'(z) = σ(z)(1 − σ(z)), which lies in [0, 1/4]. With many layers the product is nearly 0, and the first layers do not learn. A
//! rectifier has the derivative 1 wherever it is on.
//!
//! The example prints the gradients of the chain, the norms of the gradients of both networks layer by layer, and the test accuracies. Compare the
//! gradient of the first layer with that of the last.
//!
//! ```text
//! cargo run --release --example vanishing_gradients
//! cargo run --release --example vanishing_gradients --features plots -- --save gradients.svg
//! ```

mod chain;
mod deep;
#[path = "../data/digits.rs"]
mod digits;

use clap::Parser;
use netwright::see::Chart;

/// Compares the gradients of deep networks, layer by layer.
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of epochs.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// The seed of the weights.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The file for the chart; its name ends in .png or .svg.
    #[cfg(feature = "plots")]
    #[arg(long)]
    save: Option<std::path::PathBuf>,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    println!("a chain of single units, ∂ℓ/∂z   by the slide's product   by the library");
    for ((by_hand, found), layer) in chain::slopes(arguments.seed, 1.0, 0.0)?.into_iter().zip(2..) {
        println!("layer {layer}                          {by_hand:22.12}   {found:14.12}");
    }

    let (train, test) = digits::digits()?.split(0.2, arguments.seed)?;
    let some = train.subset(&(0..64).collect::<Vec<_>>())?;
    let (mut sigmoid, mut relu) = (deep::DeepSigmoid::init(arguments.seed), deep::DeepRelu::init(arguments.seed));
    let (vanishing, steady) = (deep::gradient_norms(&sigmoid, &some)?, deep::gradient_norms(&relu, &some)?);
    let derivatives = deep::derivatives(&sigmoid, &some)?;
    println!(
        "\nbefore training   sigmoid: |∂ℓ/∂w|   mean σ'(z)   largest σ'(z)   product from the end   ReLU: |∂ℓ/∂w|"
    );
    let products = (0..deep::DEPTH).map(|layer| derivatives[layer..].iter().map(|[mean, _]| mean).product::<f64>());
    for (layer, product) in products.enumerate() {
        let [mean, largest] = derivatives[layer];
        let (a, b) = (vanishing[layer], steady[layer]);
        println!(
            "hidden layer {:>2}   {a:17.2e}   {mean:10.4}   {largest:13.4}   {product:20.2e}   {b:14.2e}",
            layer + 1
        );
    }
    let last = deep::DEPTH - 1;
    println!("last / first      {:17.1e}   {:>67.1e}", vanishing[last] / vanishing[0], steady[last] / steady[0]);

    let chart = Chart::new("|∂ℓ/∂w| from the first hidden layer to the last")
        .axes("hidden layer", "length of the gradient")
        .logarithmic()
        .curve("sigmoid", (1..).map(f64::from).zip(vanishing))
        .curve("ReLU", (1..).map(f64::from).zip(steady));
    println!("\n{chart}");
    let (sigmoid, relu) = (
        deep::accuracy(&mut sigmoid, &train, &test, arguments.epochs)?,
        deep::accuracy(&mut relu, &train, &test, arguments.epochs)?,
    );
    println!("test accuracy after {} epochs", arguments.epochs);
    println!("sigmoid {:5.1} %\nReLU    {:5.1} %", 100.0 * sigmoid, 100.0 * relu);
    #[cfg(feature = "plots")]
    if let Some(path) = &arguments.save {
        netwright::see::Drawing::save(&chart, path)?;
    }
    Ok(())
}
