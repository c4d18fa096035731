//! A class for every pixel: a small U-Net (Ronneberger et al., 2015) tells discs, squares and triangles apart in made pictures.
//!
//! Look at the table: intersection over union of each class, on pictures that the network has not seen. Then at the pictures: what it saw,
//! what it should have said, and what it says. The corners of shapes that are half hidden are the hardest.
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

    /// Down twice and up again; on the way up, what was seen on the way down tells where it was.
    pub UNet(32x32x1) {
        2 * layer(8); tap fine; maxpool 2;
        2 * layer(16); tap middle; maxpool 2;
        2 * layer(32);
        deconv 2x2x16 stride 2; concat middle; layer(16);
        deconv 2x2x8 stride 2; concat fine; layer(8);
        conv 1x1x4; softmax
    }
}

/// Trains a U-Net on made shapes.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often the training set is gone through.
    #[arg(long, default_value_t = 30)]
    epochs: u64,
    /// Pictures of a batch.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// The learning rate.
    #[arg(long, default_value_t = 5e-3)]
    rate: f64,
    /// What everything is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the pictures go, with the feature `plots`; otherwise they are shown in the terminal.
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

/// What the network saw, what it should have said, and what it says.
fn pictures(network: &UNet, test: &Shapes, count: usize) -> Result<Sheet, netwright::Error> {
    let classes = |labels: &[f32]| Picture::new([SIDE, SIDE, 1], labels);
    let mut sheet = Sheet::new("").columns(3);
    for (picture, labels) in test.iter().take(count) {
        let said = network.predict(picture);
        // A pixel without a class would be none of the four tones.
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
