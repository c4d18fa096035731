//! Initial weights, and their effect on the outputs of deep layers (slide 12).
//!
//! With D weights from N(0, 1/D) and inputs of variance 1, Σ w a has variance 1: the spread (standard deviation) of the outputs stays the same
//! from layer to layer. Smaller weights make it vanish; larger ones saturate tanh and make the outputs of rectifiers explode. A rectifier
//! passes half of its inputs, so it needs N(0, 2/D) (He et al., 2015).
//!
//! The first tables have the spread of the outputs along the layers and the test accuracy after training, for each initialisation. The share of
//! rectifier outputs that are 0 does not depend on the size of the weights: doubling all weights of a layer doubles its outputs. The next table
//! is the slide's small positive bias before a rectifier: it activates units of the first layer, but not of the tenth, where all digits look
//! much alike. The last table is its random bias for sigmoid units: where all weights start equal, only random biases make units differ, and
//! without them all units stay identical.
//!
//! ```text
//! cargo run --release --example initialisation
//! cargo run --release --example initialisation --features plots -- --save spread.svg
//! ```

#[path = "../data/digits.rs"]
mod digits;
mod starts;

use clap::Parser;
use netwright::head::Softmax;
use netwright::prelude::*;
use netwright::see::{Chart, Figure};
use starts::{Alike, Apart, DEPTH, DeepRelu, DeepTanh, Digits, STARTS};

/// Initialises deep networks in different ways.
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of epochs.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// The seed of the weights.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The file for the charts; its name ends in .png or .svg.
    #[cfg(feature = "plots")]
    #[arg(long)]
    save: Option<std::path::PathBuf>,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    let (train, test) = digits::digits()?.split(0.2, 1)?;
    let charts = Figure::new(
        2,
        [
            compare::<DeepTanh>("tanh", &arguments, &train, &test)?,
            compare::<DeepRelu>("ReLU", &arguments, &train, &test)?,
        ],
    );

    let some = train.subset(&(0..128).collect::<Vec<_>>())?;
    println!("ReLU from N(0, 2/D): units that are off for every digit at the start, mean of 20 seeds");
    println!("                layer 1   layer 10");
    for bias in [-0.1, 0.0, 0.1] {
        let [first, last] = starts::dead_at_start(bias, &some, 20)?.map(|share| 100.0 * share);
        println!("biases at {bias:>4}   {first:4.1} %   {last:6.1} %");
    }

    println!("\n32 sigmoid units, all weights start at 0   different units   test accuracy");
    let rows = [
        ("biases at 0", starts::different_units::<Alike>(arguments.seed, &train, &test, arguments.epochs)?),
        ("biases from N(0, 0.1²)", starts::different_units::<Apart>(arguments.seed, &train, &test, arguments.epochs)?),
    ];
    for (biases, (units, accuracy)) in rows {
        println!("{biases:<42} {units:>15} {:>13.1} %", 100.0 * accuracy);
    }
    #[cfg(feature = "plots")]
    if let Some(path) = &arguments.save {
        netwright::see::Drawing::save(&charts, path)?;
    }
    #[cfg(not(feature = "plots"))]
    drop(charts);
    Ok(())
}

/// Prints a table of all initialisations of one kind of network, and returns its chart.
fn compare<N>(name: &str, arguments: &Arguments, train: &Digits, test: &Digits) -> Result<Chart, netwright::Error>
where
    N: Network<Scalar = f32, Head = Softmax, Input = Tensor<8, 8, 1>>,
{
    let some = train.subset(&(0..128).collect::<Vec<_>>())?;
    let mut chart =
        Chart::new(format!("{name}: spread of the outputs")).axes("layer", "standard deviation").logarithmic();
    println!("{name:<26} spread of the outputs of layer       flat in     test accuracy");
    println!("{:<26}       1        4        7       10   layer 10   after {} epochs", "", arguments.epochs);
    for (start, init) in STARTS {
        let network: N = starts::started(arguments.seed, init, 0.0)?;
        let layers = starts::activations(&network, &some)?;
        let spread = |layer: usize| layers[layer - 1].spread;
        let flat = layers[DEPTH - 1].saturated.unwrap_or(f64::NAN);
        let accuracy = starts::accuracy(network, train, test, arguments.epochs)?;
        println!(
            "{start:<26} {:7.1e}  {:7.1e}  {:7.1e}  {:7.1e}   {:6.1} %   {:>14}",
            spread(1),
            spread(4),
            spread(7),
            spread(10),
            100.0 * flat,
            accuracy.map_or("the loss is NaN".to_owned(), |accuracy| format!("{:.1} %", 100.0 * accuracy))
        );
        chart = chart.curve(start, layers.iter().zip(1..).map(|(layer, number)| (f64::from(number), layer.spread)));
    }
    println!("\n{chart}");
    Ok(chart)
}
