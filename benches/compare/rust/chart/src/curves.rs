//! Panels of curves with logarithmic axes.

use std::path::Path;

use plotters::prelude::*;
use speak::Failure;

use crate::{colour, legend};

/// A curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

/// A panel: curves with a common x axis.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The name of the x axis: the size that grows.
    pub title: String,
    /// The curves: the costs.
    pub curves: Vec<Curve>,
}

const COLUMNS: usize = 2;

/// Height of the title and the legend, in pixels.
const TOP: u32 = 56;

/// Draws panels of curves, each with its own scales. Curves with the same index in their panels share a name, in a legend above all panels.
pub fn panels(file: &Path, title: &str, panels: &[Panel]) -> Result<(), Failure> {
    let rows = panels.len().div_ceil(COLUMNS);
    let area = SVGBackend::new(file, (1000, TOP + 300 * rows as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let (top, area) = area.split_vertically(TOP);
    let names = panels.first().map_or(&[][..], |panel| &panel.curves).iter().map(|curve| curve.name.as_str());
    legend(&top, title, names)?;
    for (panel, area) in panels.iter().zip(area.split_evenly((rows, COLUMNS))) {
        let points = || panel.curves.iter().flat_map(|curve| &curve.points);
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)))
        };
        let (left, right) = range(&mut points().map(|point| point.0));
        let (low, high) = range(&mut points().map(|point| point.1));
        let mut chart = ChartBuilder::on(&area)
            .caption(&panel.title, ("sans-serif", 13))
            .margin(8)
            .x_label_area_size(24)
            .y_label_area_size(48)
            .build_cartesian_2d((left..right * 1.05).log_scale(), (low * 0.8..high * 1.25).log_scale())?;
        chart.configure_mesh().light_line_style(BLACK.mix(0.05)).draw()?;
        for (index, curve) in panel.curves.iter().enumerate() {
            let colour = colour(index);
            let line = LineSeries::new(curve.points.iter().copied(), colour.stroke_width(2)).point_size(3);
            chart.draw_series(line)?;
        }
    }
    area.present()?;
    Ok(())
}
