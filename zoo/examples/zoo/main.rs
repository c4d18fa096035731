//! Prints the lecture's table of networks, from constants of the types; or, with a network's name, the time of each layer for one image and the most
//! probable classes.
//!
//! ```text
//! cargo run --release -p netwright-zoo --features all --example zoo
//! cargo run --release -p netwright-zoo --features all --example zoo -- resnet50
//! cargo run --release -p netwright-zoo --features all,images --example zoo -- vgg16 --image cat.jpg --weights vgg16.safetensors
//! ```

mod run;
mod table;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use netwright_zoo as zoo;

/// A table of the classic networks; or, with the name of one, the time that each of its layers takes for one image.
#[derive(Debug, Parser)]
struct Arguments {
    /// The network that predicts an image; without it, the table of all is printed.
    network: Option<Name>,
    /// A PNG or JPEG file, resized for the network (feature `images`); without it, a synthetic image.
    #[arg(long, requires = "network")]
    image: Option<PathBuf>,
    /// Weights that `save` wrote; without them, random ones.
    #[arg(long, requires = "network")]
    weights: Option<PathBuf>,
    /// The number of predictions; the shortest time of each layer is shown.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,
    /// The number of slowest layers that are shown.
    #[arg(long, default_value_t = 20)]
    slowest: usize,
}

macro_rules! networks {
    ($($variant:ident $name:literal $lecture:expr;)*) => {
        /// The networks by the names of their features.
        #[derive(Clone, Copy, Debug, ValueEnum)]
        enum Name {
            $(
                #[value(name = $name)]
                $variant
            ),*
        }

        fn rows() -> Vec<table::Row> {
            vec![$(table::Row::of::<zoo::$variant>($lecture)),*]
        }

        fn run(network: Name, arguments: &Arguments) -> Result<(), run::Error> {
            match network {
                $(Name::$variant => run::run::<zoo::$variant>(arguments)),*
            }
        }
    };
}

// The depth is the one that the lecture gives.
networks! {
    ToyConvnet "toy" None;
    LeNet5 "lenet5" None;
    LeNet5Of1998 "lenet5-1998" None;
    AlexNet "alexnet" None;
    Vgg16 "vgg16" Some(23);
    InceptionV3 "inception-v3" Some(159);
    ResNet50 "resnet50" None;
    Xception "xception" Some(126);
    InceptionResNetV2 "inception-resnet-v2" Some(572);
    ResNeXt50 "resnext50" None;
}

fn main() {
    let arguments = Arguments::parse();
    let done = match arguments.network {
        Some(network) => run(network, &arguments),
        None => {
            print!("{}", table::of(&rows()));
            Ok(())
        }
    };
    if let Err(error) = done {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}
