//! Seeing what a network has learnt: filters, feature maps, curves (slides 23 to 28).
//!
//! | part | what it shows |
//! |---|---|
//! | [`filters`] | the kernels of a convolution as small pictures |
//! | [`History::learning_curves`](crate::train::History::learning_curves) | loss and accuracy over epochs (slide 14) |
//! | [`Picture`], [`Sheet`], [`Tones`] | numbers as pictures, side by side, in grey or colour |
//! | [`Chart`], [`Figure`], [`sparkline`] | curves |
//!
//! All of it displays as text in a terminal. With the feature `plots`, whatever is a `Drawing` is saved as a PNG or SVG file:
//!
//! ```
//! # #[cfg(feature = "plots")]
//! # fn run(history: &netwright_runtime::train::History) -> Result<(), netwright_runtime::Error> {
//! use netwright_runtime::see::Drawing;
//! history.learning_curves().save("curves.svg")?;
//! # Ok(())
//! # }
//! ```

mod chart;
mod curves;
mod filters;
mod picture;
#[cfg(feature = "plots")]
mod plot;
mod sheet;
mod sparkline;
mod tones;

pub use chart::{Chart, Curve, Figure};
pub use filters::filters;
pub use picture::Picture;
#[cfg(feature = "plots")]
pub use plot::{ConfusionChart, Drawing};
pub use sheet::{Sheet, Tile};
pub use sparkline::sparkline;
pub use tones::Tones;

use crate::error::Error;
use crate::network::Network;

/// The place of a layer in the table of layers; `wanted` says what `fits` looks for.
fn find_layer<N: Network>(name: &str, wanted: &'static str, fits: impl Fn(usize) -> bool) -> Result<usize, Error> {
    let found = N::LAYERS.iter().position(|layer| layer.name == name).filter(|index| fits(*index));
    found.ok_or_else(|| {
        let fitting = N::LAYERS.iter().enumerate().filter(|(index, _)| fits(*index));
        let known = fitting.map(|(_, layer)| layer.name).collect::<Vec<_>>().join(", ");
        Error::NoSuchLayer { layer: name.to_owned(), wanted, known }
    })
}
