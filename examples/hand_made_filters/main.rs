//! Two hand-made filters, and the patches on which they fire (slides 22 to 25).
//!
//! The filter [-1 1; -1 1] with bias -1 and a rectifier computes max(0, -a + b - c + d - 1) on a patch [a b; c d]: positive only
//! for [0 1; 0 1], an edge from black (0) to white (1). The filter [-1 1; -1 -1] with bias 0 computes max(0, -a + b - c - d): positive
//! only for [0 1; 0 0], a black L.
//!
//! The example prints the outputs of a filter that slides over a small image with stride 1, with stride 2 and with zero padding. Then it prints
//! the response of the two filters to all 16 patches, of which each filter finds one, and the positions of an image where each filter fires.
//!
//! ```text
//! cargo run --release --example hand_made_filters
//! cargo run --release --example hand_made_filters --features plots -- --save filters.png
//! ```

mod filters;

use clap::Parser;
use netwright::see::{self, Picture, Sheet, Tones};

/// Applies two hand-made filters to patches and an image.
#[derive(Debug, Parser)]
struct Arguments {
    /// The file for the picture; its name ends in .png or .svg.
    #[cfg(feature = "plots")]
    #[arg(long)]
    save: Option<std::path::PathBuf>,
}

fn main() -> Result<(), netwright::Error> {
    #[cfg_attr(not(feature = "plots"), expect(unused_variables))]
    let arguments = Arguments::parse();

    let row = |picture: &Picture, y: usize| {
        let numbers = (0..4).map(|x| picture.get(y, x, 0).map_or("    ".to_owned(), |number| format!("{number:4}")));
        numbers.collect::<String>()
    };
    let image = Picture::from(&filters::small());
    let filter = Picture::new([2, 2, 1], &filters::SLIDING)?;
    let slid =
        [filters::slid::<filters::Slide>()?, filters::slid::<filters::Stride>()?, filters::slid::<filters::Padding>()?];
    println!("S(i, j) = Σₘ Σₙ I(i + m, j + n) K(m, n)");
    println!("I                   K                   S                   S, stride 2         S, padded");
    for y in 0..3 {
        let rows = [&image, &filter, &slid[0], &slid[1], &slid[2]].map(|picture| row(picture, y));
        println!("{}", rows.join("    ").trim_end());
    }
    println!();

    let network = filters::patch();
    println!("a b / c d    edge   L shape");
    let mut differences = 0;
    for patch in filters::patches() {
        let answer = network.predict(&patch);
        let found = [answer[[0, 0, 0]], answer[[0, 0, 1]]];
        let expected = [0, 1].map(|filter| filters::by_loops(&patch, filter, [0, 0]));
        differences += usize::from(found != expected);
        let [a, b, c, d] = [0, 1, 2, 3].map(|pixel| patch.as_slice()[pixel]);
        let fires = |value: f32| if value > 0.0 { format!("{value} fires") } else { format!("{value}") };
        println!("{a} {b} / {c} {d}    {:<8} {}", fires(found[0]), fires(found[1]));
    }

    let image = filters::shapes();
    let maps = see::activations(&filters::image(), &image, "conv1")?;
    for (filter, name) in ["edge", "L shape"].into_iter().enumerate() {
        let mut positions = Vec::new();
        for y in 0..7 {
            for x in 0..15 {
                let found = maps.get(y, x, filter).unwrap_or(f32::NAN);
                differences += usize::from(found != filters::by_loops(&image, filter, [y, x]));
                if found > 0.0 {
                    positions.push(format!("({y}, {x})"));
                }
            }
        }
        println!("\n{name} fires in the image at (row, column) {}", positions.join(" "));
    }
    println!("{differences} numbers differ from those of plain loops\n");

    let ink = Tones::Range(0.0, 1.0);
    let named = maps.split().into_iter().zip(["edges", "L shapes"]);
    let sheet = Sheet::new("").columns(3).tones(ink).add(Picture::from(&image), "image").extend(named);
    println!("{sheet}");
    #[cfg(feature = "plots")]
    if let Some(path) = &arguments.save {
        netwright::see::Drawing::save(&sheet, path)?;
    }
    Ok(())
}
