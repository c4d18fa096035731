//! Charts of measurements, as SVG.

mod bars;
mod curves;

pub use bars::{Bar, Group, bars};
pub use curves::{Curve, Panel, panels};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use speak::Failure;

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

/// Writes a title, and beneath it the name of each place in a list behind its colour.
fn legend<'n>(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    names: impl Iterator<Item = &'n str>,
) -> Result<(), Failure> {
    let text = |size: i32| ("sans-serif", size).into_text_style(area).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw_text(title, &text(15), (16, 18))?;
    let mut x = 16;
    for (place, name) in names.enumerate() {
        area.draw(&Rectangle::new([(x, 38), (x + 12, 50)], colour(place).filled()))?;
        area.draw_text(name, &text(12), (x + 17, 44))?;
        x += 34 + 7 * name.chars().count() as i32;
    }
    Ok(())
}
