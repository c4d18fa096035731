//! Charts of measurements, as SVG.

mod bars;
mod curves;

pub use bars::{Bar, Group, bars};
pub use curves::{Curve, Panel, panels};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use speak::Failure;

/// Colours that people with colour blindness can distinguish (Okabe and Ito).
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

/// Returns the colour of a series by its index.
fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

/// Draws a title, and below it the colour and name of each series.
fn legend<'n>(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    names: impl Iterator<Item = &'n str>,
) -> Result<(), Failure> {
    let text = |size: i32| ("sans-serif", size).into_text_style(area).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw_text(title, &text(15), (16, 18))?;
    let mut x = 16;
    for (index, name) in names.enumerate() {
        area.draw(&Rectangle::new([(x, 38), (x + 12, 50)], colour(index).filled()))?;
        area.draw_text(name, &text(12), (x + 17, 44))?;
        x += 34 + 7 * name.chars().count() as i32;
    }
    Ok(())
}
