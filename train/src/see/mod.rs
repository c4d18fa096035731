//! Visualisation of what a network has learnt, and how.
//!
//! | part | what it shows |
//! |---|---|
//! | [`filters`] | the filters of a convolution as small pictures (slides 23 to 25) |
//! | [`activations`] | the output of a layer for an image: its feature maps |
//! | [`projection`] | the parts of an image that excited a feature: deconvnet, guided back-propagation, saliency (slide 27) |
//! | [`strongest`], [`feature_sheet`] | the images that excite a feature most, with their projections (slide 27) |
//! | [`Occlusion`] | the parts of an image that an answer depends on, by hiding them |
//! | [`Maximisation`] | the image that excites a feature most |
//! | [`History::learning_curves`](crate::train::History::learning_curves) | loss and accuracy over epochs (slide 14) |
//! | [`StatisticsHistory::figure`](crate::train::statistics::StatisticsHistory::figure) | saturation, dead units and gradients of each layer over epochs (slides 6 to 11) |
//! | [`Picture`], [`Sheet`], [`Tones`] | elements as pictures, side by side, in grey or colour |
//! | [`Chart`], [`Figure`], [`sparkline`] | curves |
//!
//! All of these print as text in a terminal. With the feature `plots`, every `Drawing` can be saved as a PNG or SVG file:
//!
//! ```
//! # #[cfg(feature = "plots")]
//! # fn run(history: &netwright_train::train::History) -> Result<(), netwright_runtime::Error> {
//! use netwright_train::see::Drawing;
//! history.learning_curves().save("curves.svg")?;
//! # Ok(())
//! # }
//! ```

mod activations;
mod chart;
mod curves;
mod feature;
mod filters;
mod maximisation;
mod occlusion;
mod picture;
#[cfg(feature = "plots")]
mod plot;
mod probe;
mod projection;
mod sheet;
mod sparkline;
mod strongest;
mod tones;

pub use activations::activations;
pub use chart::{Chart, Curve, Figure};
pub use feature::Feature;
pub use filters::filters;
pub use maximisation::{Maximisation, Maximised};
pub use occlusion::{Occlusion, OcclusionMap};
pub use picture::Picture;
#[cfg(feature = "plots")]
pub use plot::{ConfusionChart, Drawing};
pub use projection::{Projection, Projector, projection};
pub use sheet::{Sheet, Tile};
pub use sparkline::sparkline;
pub use strongest::{Strongest, feature_sheet, strongest};
pub use tones::Tones;

use crate::error::Error;
use crate::network::Network;

/// Returns the index of a layer in the table of layers; `wanted` describes the layers for which `fits` returns `true`.
fn find_layer<N: Network>(name: &str, wanted: &'static str, fits: impl Fn(usize) -> bool) -> Result<usize, Error> {
    let found = N::LAYERS.iter().position(|layer| layer.name == name).filter(|index| fits(*index));
    found.ok_or_else(|| {
        let fitting = N::LAYERS.iter().enumerate().filter(|(index, _)| fits(*index));
        let known = fitting.map(|(_, layer)| layer.name).collect::<Vec<_>>().join(", ");
        Error::NoSuchLayer { layer: name.to_owned(), wanted, known }
    })
}
