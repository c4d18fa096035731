//! How weights start, and what it does to the layers behind (slide 12).
//!
//! With D weights from N(0, 1/D) and inputs of variance 1, Σ w a has the variance 1: the spread of the outputs stays the same from
//! layer to layer. Smaller weights let it die out, larger ones drive tanh into saturation and let a rectifier explode. A rectifier
//! lets through half of what comes, so that it needs N(0, 2/D) (He et al., 2015).
//!
//! Look at the spread along the layers, and at what each network learns. How many outputs of a rectifier are flat does not depend on the
//! size of the weights: all of them times two is each output times two. The table of biases is the slide's small positive bias
//! before a rectifier: it wakes units of the first layer, but not of a layer behind nine others, where all digits look much alike. The last
//! one is its random bias for sigmoid units: where all weights start alike, it alone makes units differ, and without it they remain
//! copies of one.
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

/// Starts deep networks in different ways.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often the training set is gone through.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// What the weights are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the charts go: a name that ends in .png or .svg.
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

/// One kind of network, started in each way.
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
        chart = chart.curve(start, layers.iter().zip(1..).map(|(layer, place)| (f64::from(place), layer.spread)));
    }
    println!("\n{chart}");
    Ok(chart)
}
