//! Trains LeNet-5 on handwritten digits and visualises what it has learnt: learning curves, filters, feature maps, projections, occlusion
//! maps, saliency maps, ideal digits and adversarial ones, as pictures in a folder and partly as text in the terminal (slides 26 and 27).
//!
//! In the picture `projections`, the left half has what excites a feature map, projected back to the image by a deconvnet; the right half has
//! that part of the image. Each filter of the second convolution responds to a pattern of its own.
//!
//! ```text
//! cargo run --release --example see --features plots
//! cargo run --release --example see --features plots -- --folder pictures --kind svg --epochs 20
//! ```

#[path = "../data/digits.rs"]
mod digits;
mod pictures;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use netwright::prelude::*;
use netwright::schedule::Cosine;
use netwright::see::ConfusionChart;
use netwright::train::statistics::StatisticsRecorder;
use netwright::train::{RunFolder, predict_all};

netwright::network! {
    /// LeNet-5 (LeCun et al., 1998) with rectifiers, which a deconvnet needs.
    pub LeNet5(28x28x1) {
        conv 5x5x6 same relu;  maxpool 2;
        conv 5x5x16 relu;      maxpool 2;
        dense 120 relu;        dense 84 relu;
        softmax 10
    }
}

/// Handwritten digits.
pub(crate) type Digits = Dataset<Tensor<28, 28, 1>>;

/// Trains LeNet-5 on handwritten digits and draws what it has learnt.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder for the pictures.
    #[arg(long, default_value = "seen")]
    folder: PathBuf,
    /// The file format of the pictures.
    #[arg(long, value_enum, default_value_t = Kind::Png)]
    kind: Kind,
    /// The number of epochs.
    #[arg(long, default_value_t = 10)]
    epochs: u64,
    /// The seed of the weights, the order of the images and the choice of the test digits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Png,
    Svg,
}

fn main() -> Result<(), netwright::Error> {
    let arguments = Arguments::parse();
    let (train, test) = digits::digits()?.split(0.2, arguments.seed)?;
    let folder = RunFolder::new(&arguments.folder)?;
    let (images, labels) = test.subset(&(0..64).collect::<Vec<_>>())?.into_parts();
    let mut recorder = StatisticsRecorder::new(images, labels, CrossEntropy::new())?.folder(&folder);

    let mut network = LeNet5::init(arguments.seed);
    recorder.record(0, &network)?;
    let history = Trainer::new()
        .epochs(arguments.epochs)?
        .batch(32)?
        .seed(arguments.seed)
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(0.02)?.momentum(0.9)?.l2(2e-3)?)
        .schedule(Cosine::new())
        .callback(&mut recorder)
        .callback(folder.clone())
        .fit(&mut network, &train, Some(&test))?;

    println!("{}", history.learning_curves());
    println!("{}", recorder.history());
    let confusion = ConfusionMatrix::of(&predict_all(&network, &test), test.targets())?;
    println!("{confusion}");
    let kind = match arguments.kind {
        Kind::Png => "png",
        Kind::Svg => "svg",
    };
    let file = |name: &str| folder.file(&format!("{name}.{kind}"));
    history.learning_curves().save(file("curves"))?;
    recorder.history().figure().save(file("statistics"))?;
    ConfusionChart::new("LeNet-5 on digits it has not seen", confusion).save(file("confusion"))?;
    let ideal = pictures::ideal_digits(&network, arguments.seed)?;
    println!("{ideal}");
    ideal.save(file("ideal"))?;
    pictures::filters(&network)?.save(file("filters"))?;
    pictures::feature_maps(&network, &test)?.save(file("maps"))?;
    pictures::projections(&network, &train)?.save(file("projections"))?;
    pictures::occlusion(&network, &test)?.save(file("occlusion"))?;
    pictures::saliency(&network, &test)?.save(file("saliency"))?;
    pictures::adversarial(&network, &test)?.save(file("adversarial"))?;
    println!("the pictures are in {}", arguments.folder.display());
    Ok(())
}
