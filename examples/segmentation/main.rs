//! Semantic segmentation: a small U-Net (Ronneberger et al., 2015) labels each pixel of synthetic pictures as disc, square, triangle or nothing.
//!
//! The example prints a table with the intersection over union of each class on test pictures, and then pictures: the input, the true classes and
//! the predicted ones. The corners of half-hidden shapes are the hardest.
//!
//! ```text
//! cargo run --release --example segmentation
//! cargo run --release --example segmentation --features plots -- --folder seen      the pictures as PNG
//! ```

mod shapes;

use std::path::PathBuf;

use clap::Parser;
use netwright::prelude::*;
use netwright::schedule::Cosine;
use netwright::see::{Picture, Sheet, Tones};
use netwright::train::metrics::mean_iou;
use netwright::train::predicted_classes;
use shapes::{CLASSES, SIDE, Shapes, shapes};

netwright::network! {
    block layer(filters) { conv 3x3x(filters) same relu init he }

    /// Two poolings and two upsamplings; the skip connections give the upsampled maps the exact positions.
    pub UNet(32x32x1) {
        2 * layer(8); tap fine; maxpool 2;
        2 * layer(16); tap middle; maxpool 2;
        2 * layer(32);
        deconv 2x2x16 stride 2; concat middle; layer(16);
        deconv 2x2x8 stride 2; concat fine; layer(8);
        conv 1x1x4; softmax
    }
}

/// Trains a U-Net on synthetic shapes.
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of epochs.
    #[arg(long, default_value_t = 30)]
    epochs: u64,
    /// The batch size.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// The learning rate.
    #[arg(long, default_value_t = 5e-3)]
    rate: f64,
    /// The seed of all random numbers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder for the pictures (feature `plots`); without it, they are shown in the terminal.
    #[arg(long)]
    folder: Option<PathBuf>,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    let (train, test) = (shapes(500, arguments.seed)?, shapes(100, arguments.seed + 1)?);
    println!("{} pictures to train on, {} to test with, {} parameters", train.len(), test.len(), UNet::PARAMETERS);
    let mut network = UNet::init(arguments.seed);
    let history = Trainer::new()
        .epochs(arguments.epochs)?
        .batch(arguments.batch)?
        .seed(arguments.seed)
        .loss(CrossEntropy) // the mean over all pixels
        .optimizer(Adam::new(arguments.rate)?)
        .schedule(Cosine)
        .metric("mean IoU", mean_iou)?
        .fit(&mut network, &train, Some(&test))?;
    println!("{}", history.learning_curves());

    let answers = predict_all(&network, &test);
    let matrix = ConfusionMatrix::of(&answers, test.targets())?;
    println!("{}", matrix.table().names(CLASSES)?);
    println!("{:.1} % of the pixels are right", 100.0 * matrix.accuracy());

    let sheet = pictures(&network, &test, 4)?;
    match arguments.folder {
        None => println!("{sheet}"),
        Some(folder) => save(&sheet, folder)?,
    }
    Ok(())
}

/// Draws `count` inputs, each with its true and its predicted classes.
fn pictures(network: &UNet, test: &Shapes, count: usize) -> Result<Sheet, netwright::Error> {
    let classes = |labels: &[f32]| Picture::new([SIDE, SIDE, 1], labels);
    let mut sheet = Sheet::new("").columns(3);
    for (picture, labels) in test.iter().take(count) {
        let said = network.predict(picture);
        // A pixel without a class is NaN, which is none of the four tones.
        let said =
            predicted_classes(said.as_slice(), CLASSES.len()).map(|class| class.map_or(f32::NAN, |class| class as f32));
        let (said, labels) =
            (said.collect::<Vec<f32>>(), labels.iter().map(|&label| f32::from(label)).collect::<Vec<f32>>());
        sheet = sheet.tones(Tones::Range(0.0, 1.0)).add(Picture::from(picture), "seen");
        sheet = sheet.tones(Tones::Heat(0.0, 3.0)).add(classes(&labels)?, "true").add(classes(&said)?, "said");
    }
    Ok(sheet)
}

#[cfg(feature = "plots")]
fn save(sheet: &Sheet, folder: PathBuf) -> Result<(), netwright::Error> {
    let file = RunFolder::new(&folder)?.file("shapes.png");
    sheet.save(&file)?;
    println!("the pictures are in {}", file.display());
    Ok(())
}

#[cfg(not(feature = "plots"))]
fn save(sheet: &Sheet, _: PathBuf) -> Result<(), netwright::Error> {
    println!("{sheet}\nfiles need the feature `plots`");
    Ok(())
}
