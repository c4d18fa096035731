//! Trains the toy convolutional network of the spreadsheet by Jeremy Howard (slide 28), and shows the output of each layer for a 7.
//!
//! The sheets of the spreadsheet, from left to right: the image, two 3x3 filters, two 3x3 filters, max pooling of each 2x2, dense weights, dense
//! activations z, and softmax e^z / Σ e^z.
//!
//! The example prints the accuracy, the trained filters, their feature maps of the 7, and the activations before and after softmax. With
//! `--seed 6` a filter of conv2 is dead (slide 10): its feature map is 0 everywhere.
//!
//! ```text
//! cargo run --release --example toy_convnet
//! cargo run --release --example toy_convnet --features plots -- --digit 3 --save toy.png
//! ```

#[path = "../data/digits.rs"]
mod digits;
mod toy;

use clap::Parser;
use netwright::see::{Sheet, filters};

/// Trains the toy convnet and shows its layers.
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of epochs.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// The seed of the weights and of the order of the images.
    #[arg(long, default_value_t = 13)]
    seed: u64,
    /// The digit whose feature maps are shown.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(..10))]
    digit: u8,
    /// The file for the picture of the layers; its name ends in .png or .svg.
    #[cfg(feature = "plots")]
    #[arg(long)]
    save: Option<std::path::PathBuf>,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    let (train, test) = digits::digits()?.split(0.2, 1)?;
    println!("{} parameters, {} digits to train on", toy::ToyConvnet::PARAMETERS, train.len());
    let before = toy::accuracy(&toy::ToyConvnet::init(arguments.seed), &test)?;
    let (network, history) = toy::train(arguments.seed, &train, &test, arguments.epochs)?;
    println!(
        "test accuracy before training {:.1} %, after {:.1} %\n",
        100.0 * before,
        100.0 * toy::accuracy(&network, &test)?
    );
    println!("{}", history.learning_curves());
    for layer in ["conv1", "conv2"] {
        println!("{layer}: {} of 2 filters are dead", toy::dead_filters(&network, layer, &test)?);
    }

    println!("the filters of conv1");
    let kernels = filters(&network, "conv1")?;
    for row in 0..3 {
        let rows = kernels.iter().map(|filter| {
            let weights = (0..3).map(|column| filter.get(row, column, 0).unwrap_or(f32::NAN));
            weights.map(|weight| format!("{weight:6.2}")).collect::<Vec<_>>().join(" ")
        });
        println!("{}", rows.collect::<Vec<_>>().join("      "));
    }

    let wanted = usize::from(arguments.digit);
    let Some((image, _)) = test.iter().find(|(_, label)| **label == wanted) else { return Ok(()) };
    let mut sheet = Sheet::new("").columns(7);
    println!();
    for (layer, maps) in toy::maps(&network, image)? {
        println!("{}", Sheet::new(layer).extend(maps.iter().map(|map| (map.clone(), ""))));
        let several = maps.len() > 1;
        let caption = |filter| if several { format!("{layer}: {filter}") } else { layer.to_owned() };
        sheet = sheet.extend(maps.into_iter().enumerate().map(|(filter, map)| (map, caption(filter))));
    }
    let [activations, shares] = toy::answer(&network, image)?;
    let row =
        |name: &str, cells: [String; 10]| println!("{name:<17} {}", cells.map(|cell| format!("{cell:>6}")).join(" "));
    row("digit", std::array::from_fn(|digit| digit.to_string()));
    row("dense activation", activations.map(|z| format!("{z:.2}")));
    row("softmax (%)", shares.map(|share| format!("{:.1}", 100.0 * share)));
    #[cfg(feature = "plots")]
    if let Some(path) = &arguments.save {
        netwright::see::Drawing::save(&sheet, path)?;
    }
    #[cfg(not(feature = "plots"))]
    drop(sheet);
    Ok(())
}
