//! Curves over the same axis, in panels beside each other, on logarithmic scales.

use std::path::Path;

use plotters::prelude::*;
use speak::Failure;

use crate::colour;

/// A curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What the legend calls it.
    pub name: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

/// Curves over one axis.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What grows.
    pub title: String,
    /// What it costs.
    pub curves: Vec<Curve>,
}

const COLUMNS: usize = 2;

/// Draws panels of curves, each on scales of its own.
pub fn panels(file: &Path, title: &str, panels: &[Panel]) -> Result<(), Failure> {
    let rows = panels.len().div_ceil(COLUMNS);
    let area = SVGBackend::new(file, (1000, 40 + 300 * rows as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let area = area.titled(title, ("sans-serif", 16))?;
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
        for (place, curve) in panel.curves.iter().enumerate() {
            let colour = colour(place);
            let line = LineSeries::new(curve.points.iter().copied(), colour.stroke_width(2)).point_size(3);
            let drawn = chart.draw_series(line)?.label(&curve.name);
            drawn.legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 10, y + 4)], colour.filled()));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.7))
            .draw()?;
    }
    area.present()?;
    Ok(())
}
