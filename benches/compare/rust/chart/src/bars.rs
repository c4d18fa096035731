//! A chart of groups of horizontal bars.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use speak::Failure;

use crate::{colour, legend};

/// A bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// The index of its series in the legend.
    pub series: usize,
    /// Its value.
    pub value: f64,
    /// The text on its right.
    pub text: String,
}

/// A group of bars.
#[derive(Clone, Debug)]
pub struct Group {
    /// The text on the left of the group.
    pub title: String,
    /// The bars, from top to bottom.
    pub bars: Vec<Bar>,
}

const LEFT: i32 = 330;
const WIDTH: i32 = 1000;
const BAR: i32 = 11;
const GAP: i32 = 12;
const TOP: i32 = 76;

/// Draws groups of bars, with a line at 1.
pub fn bars(file: &Path, title: &str, series: &[String], groups: &[Group]) -> Result<(), Failure> {
    let bars: usize = groups.iter().map(|group| group.bars.len()).sum();
    let height = TOP + BAR * bars as i32 + GAP * groups.len() as i32 + 16;
    let area = SVGBackend::new(file, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let text = |size: i32| ("sans-serif", size).into_text_style(&area);
    let right = |size: i32| text(size).pos(Pos::new(HPos::Right, VPos::Center));
    let before = |size: i32| text(size).pos(Pos::new(HPos::Left, VPos::Center));
    legend(&area, title, series.iter().map(String::as_str))?;
    // A bar that exceeds the limit ends at the edge; its text states the value.
    let most = groups.iter().flat_map(|group| &group.bars).map(|bar| bar.value).fold(1.0, f64::max).min(6.0);
    let scale = f64::from(WIDTH - LEFT - 90) / most;
    let x_of = |value: f64| LEFT + (value.min(most) * scale) as i32;
    let mut y = TOP;
    for group in groups {
        let middle = y + BAR * group.bars.len() as i32 / 2;
        area.draw_text(&group.title, &right(12), (LEFT - 8, middle))?;
        for bar in &group.bars {
            let end = x_of(bar.value);
            area.draw(&Rectangle::new([(LEFT, y), (end, y + BAR - 1)], colour(bar.series).filled()))?;
            area.draw_text(&bar.text, &before(10), (end + 4, y + BAR / 2))?;
            y += BAR;
        }
        y += GAP;
    }
    area.draw(&PathElement::new([(x_of(1.0), TOP - 6), (x_of(1.0), y)], BLACK.mix(0.5)))?;
    area.present()?;
    Ok(())
}
