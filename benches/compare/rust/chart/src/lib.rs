//! Charts of measurements, as SVG.

mod bars;
mod curves;

pub use bars::{Bar, Group, bars};
pub use curves::{Curve, Panel, panels};
use plotters::style::RGBColor;

/// Colours that people tell apart who see few of them (Okabe and Ito).
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
    RGBColor(120, 120, 120),
    RGBColor(180, 170, 40),
];

/// The colour of the place of something in a list.
fn colour(place: usize) -> RGBColor {
    COLOURS[place % COLOURS.len()]
}
